// Sets of partitions of a consumer group: those a member holds, each with the epoch at which the member got it, and the
// plain ones of requests and targets. Promises immutable values and answers to comparisons. Leaves who may hold what to
// reconcile.ts.
import type { Assignment } from '../assignors/assignor.ts'

/** Topic id, partition, and the member epoch at which the member was given it. No topic is without partitions. */
export type HeldPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

export const NO_PARTITIONS: HeldPartitions = new Map()

/** Partitions by topic id, as requests and records list them. */
export type PartitionList = readonly { readonly topicId: string; readonly partitions: readonly number[] }[]

interface RecordedPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
  readonly assignmentEpochs: readonly number[] | null
}

/**
 * The partitions of a ConsumerGroupCurrentMemberAssignment record. Records of brokers before Kafka 4.3 have no epochs:
 * their partitions count as given at `defaultEpoch`, or at 0 where that is the epoch of a member on leave.
 */
export function heldPartitions(listed: readonly RecordedPartitions[], defaultEpoch: number): HeldPartitions {
  if (listed.length === 0) return NO_PARTITIONS
  const fallback = Math.max(defaultEpoch, 0)
  const held = new Map<string, Map<number, number>>()
  for (const { topicId, partitions, assignmentEpochs } of listed) {
    const epochs = held.get(topicId) ?? new Map<number, number>()
    for (const [position, partition] of partitions.entries()) {
      epochs.set(partition, assignmentEpochs?.[position] ?? fallback)
    }
    if (epochs.size > 0) held.set(topicId, epochs)
  }
  return held
}

/** The same as the record has it: ascending, with epochs. */
export function recordedPartitions(held: HeldPartitions) {
  return Array.from(held, ([topicId, epochs]) => {
    const partitions = [...epochs.keys()].sort((left, right) => left - right)
    return {
      topicId,
      partitions,
      assignmentEpochs: partitions.map((partition) => epochs.get(partition)!),
    }
  })
}

/** Without epochs, ascending: what a member is told. */
export function listPartitions(held: HeldPartitions): { topicId: string; partitions: number[] }[] {
  return Array.from(held, ([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()].sort((left, right) => left - right),
  }))
}

/** All partitions of `assignment` as held since `epoch`. */
export function heldSince(assignment: Assignment, epoch: number): HeldPartitions {
  return new Map(
    Array.from(assignment, ([topicId, partitions]) => [
      topicId,
      new Map(partitions.map((partition) => [partition, epoch])),
    ]),
  )
}

/** Partitions by topic id, in ascending order, without topics that have none. */
export function assignmentOf(listed: PartitionList): Assignment {
  return new Map(
    listed
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ topicId, partitions }) => [topicId, [...partitions].sort((left, right) => left - right)]),
  )
}

export function listAssignment(assignment: Assignment): { topicId: string; partitions: number[] }[] {
  return Array.from(assignment, ([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
}

export function sameAssignment(left: Assignment, right: Assignment): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [topicId, partitions] of left) {
    const others = right.get(topicId)
    if (others === undefined || others.length !== partitions.length) return false
    if (partitions.some((partition, position) => partition !== others[position])) return false
  }
  return true
}

/** Whether both hold the same partitions since the same epochs. */
export function sameHeld(left: HeldPartitions, right: HeldPartitions): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [topicId, epochs] of left) {
    const others = right.get(topicId)
    if (others === undefined || others.size !== epochs.size) return false
    for (const [partition, epoch] of epochs) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Whether `held` has every listed partition. */
export function includesAll(held: HeldPartitions, listed: PartitionList): boolean {
  return listed.every(({ topicId, partitions }) => {
    const epochs = held.get(topicId)
    return epochs !== undefined && partitions.every((partition) => epochs.has(partition))
  })
}

/** Whether `held` has any of the listed partitions. */
export function includesAny(held: HeldPartitions, listed: PartitionList): boolean {
  return listed.some(({ topicId, partitions }) => {
    const epochs = held.get(topicId)
    return epochs?.size !== undefined && partitions.some((partition) => epochs.has(partition))
  })
}

/** Every topic and partition of both. */
export function union(left: HeldPartitions, right: HeldPartitions): HeldPartitions {
  if (right.size === 0) return left
  const both = new Map(left)
  for (const [topicId, epochs] of right) both.set(topicId, new Map([...(both.get(topicId) ?? []), ...epochs]))
  return both
}
