// OffsetDelete and DeleteGroups, and what becomes of the offsets of a deleted topic.
// Promises tombstones only for what is there, be it committed or held by an open transaction. Leaves existence of topics to
// the handler, and a group's own records to the group.
import type { OffsetDeleteRequest, offsetDelete } from '../../../wire/apis/offset-delete.ts'
import { type ErrorCode, errors, KafkaError } from '../../../wire/errors.ts'
import { type Input, ZERO_UUID } from '../../../wire/schema.ts'
import type { Waiter } from '../../step.ts'
import type { GroupStep, GroupSurroundings } from '../group.ts'
import type { OffsetsState } from './state.ts'
import { Tombstones } from './tombstones.ts'

export type OffsetDeleteAnswer = Input<typeof offsetDelete.response>

/** One group of a DeleteGroups. */
export interface GroupDeletion {
  readonly groupId: string
  readonly errorCode: number
}

export interface DeletedTopic {
  readonly name: string
  readonly id: string
}

/** Until tombstones that could not be written are tried again. */
const RETRY_MS = 5000

/**
 * Deletes offsets of topics that nobody in the group reads (KIP-496); GROUP_SUBSCRIBED_TO_TOPIC for the others.
 * @throws KafkaError GROUP_ID_NOT_FOUND, and what `Group.checkOffsetDelete` says
 */
export function deleteOffsets(
  { groups, offsets }: OffsetsState,
  { groupId, topics }: OffsetDeleteRequest,
  step: GroupStep,
): OffsetDeleteAnswer {
  const group = groups.get(groupId)
  if (group === undefined) throw new KafkaError(errors.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  group.checkOffsetDelete()
  return {
    topics: topics.map(({ name, partitions }) => {
      const isInUse = group.isSubscribedTo(name)
      const error = isInUse ? errors.GROUP_SUBSCRIBED_TO_TOPIC : errors.NONE
      return {
        name,
        partitions: partitions.map(({ partitionIndex: partition }) => {
          if (
            !isInUse &&
            (offsets.has(groupId, name, partition) || offsets.hasPending(groupId, name, partition))
          ) {
            step.append({
              type: 'OffsetCommit',
              key: { group: groupId, topic: name, partition },
              value: null,
            })
          }
          return { partitionIndex: partition, errorCode: error.code }
        }),
      }
    }),
  }
}

/**
 * Deletes a group that has no members, with its offsets: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. More offsets than one batch
 * takes are deleted in several steps, the group with the last of them.
 */
export function deleteGroup(
  state: OffsetsState,
  groupId: string,
  step: GroupStep,
  surroundings: GroupSurroundings,
): GroupDeletion | Waiter<GroupDeletion> {
  const progress = deleteSome(state, groupId, step, surroundings)
  if (progress !== 'unfinished') return { groupId, errorCode: progress.code }
  const waiter = step.wait<GroupDeletion>()
  goOnDeleting(state, groupId, step, surroundings, waiter)
  return waiter
}

/** Tells apart the timers of those who delete the same group at the same time. */
let deletions = 0

function goOnDeleting(
  state: OffsetsState,
  groupId: string,
  step: GroupStep,
  surroundings: GroupSurroundings,
  waiter: Waiter<GroupDeletion>,
): void {
  const answer = (step: GroupStep, error: ErrorCode) => step.reply(waiter, { groupId, errorCode: error.code })
  step.onAppendFailed(answer)
  step.schedule(`delete-group/${++deletions}/${groupId}`, 0, (next) => {
    next.onAppendFailed(answer)
    // A consumer may have come between: then the group stays, without the offsets that are gone already.
    const progress = deleteSome(state, groupId, next, surroundings)
    if (progress === 'unfinished') goOnDeleting(state, groupId, next, surroundings, waiter)
    // Another client deleted what was left of it.
    else answer(next, progress === errors.GROUP_ID_NOT_FOUND ? errors.NONE : progress)
  })
}

function deleteSome(
  state: OffsetsState,
  groupId: string,
  step: GroupStep,
  surroundings: GroupSurroundings,
): ErrorCode | 'unfinished' {
  const group = state.groups.get(groupId)
  if (group === undefined) return errors.GROUP_ID_NOT_FOUND
  try {
    group.checkDelete()
  } catch (error) {
    if (error instanceof KafkaError) return error.error
    throw error
  }
  const tombstones = new Tombstones(step, surroundings.config())
  if (!deleteGroupOffsets(state, groupId, tombstones)) return 'unfinished'
  group.appendTombstones(step)
  surroundings.note(groupId, { kind: 'deleted', reason: 'a client deleted the group and its offsets' })
  return errors.NONE
}

/** Deletes all offsets of a group; false when there was not room for all of them. */
export function deleteGroupOffsets(
  { offsets }: OffsetsState,
  groupId: string,
  tombstones: Tombstones,
): boolean {
  for (const topic of offsets.topicsOf(groupId)) {
    for (const [partition] of offsets.offsetsOf(groupId, topic)) {
      if (!tombstones.add(groupId, topic, partition)) return false
    }
  }
  for (const { topic, partition } of offsets.pendingOf(groupId)) {
    if (offsets.has(groupId, topic, partition)) continue
    if (!tombstones.add(groupId, topic, partition)) return false
  }
  return true
}

/**
 * Deletes the offsets of topics that are gone, of all groups. Offsets that are known to be of another topic of the same name
 * stay. What one batch does not take follows in later steps.
 */
export function topicsDeleted(
  state: OffsetsState,
  deleted: readonly DeletedTopic[],
  step: GroupStep,
  surroundings: GroupSurroundings,
): void {
  const key = `topics-deleted/${deleted.map(({ id }) => id).join()}`
  const again = (next: GroupStep) => topicsDeleted(state, deleted, next, surroundings)
  step.onAppendFailed((repair) => repair.schedule(key, RETRY_MS, again))
  if (!deleteTopicOffsets(state, deleted, new Tombstones(step, surroundings.config()))) {
    step.schedule(key, 0, again)
  }
}

function deleteTopicOffsets(
  { offsets }: OffsetsState,
  deleted: readonly DeletedTopic[],
  tombstones: Tombstones,
): boolean {
  for (const groupId of offsets.groupIds()) {
    for (const { name, id } of deleted) {
      const isOfTopic = ({ topicId }: { topicId: string }) => topicId === ZERO_UUID || topicId === id
      const partitions = new Set<number>()
      for (const [partition, offset] of offsets.offsetsOf(groupId, name)) {
        if (isOfTopic(offset)) partitions.add(partition)
      }
      for (const { topic, partition, offset } of offsets.pendingOf(groupId)) {
        if (topic === name && isOfTopic(offset)) partitions.add(partition)
      }
      for (const partition of partitions) {
        if (!tombstones.add(groupId, name, partition)) return false
      }
    }
  }
  return true
}
