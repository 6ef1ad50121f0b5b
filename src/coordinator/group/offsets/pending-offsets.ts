// Offsets that transactions have written and not yet decided, by producer.
// Promises that a transaction's offsets are found by producer, and whether there are any by group. Leaves what becomes of
// them when the transaction ends to offset-store.ts.
import type { CommittedOffset } from './offset-columns.ts'

/** Topic to partition to offset. */
type GroupOffsets = Map<string, Map<number, CommittedOffset>>

export interface PendingOffset {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly offset: CommittedOffset
}

export class PendingOffsets {
  private readonly byProducer = new Map<number, Map<string, GroupOffsets>>()
  private readonly producersByGroup = new Map<string, Set<number>>()

  put(producerId: number, groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
    const groups = getOrAdd(this.byProducer, producerId, () => new Map<string, GroupOffsets>())
    const topics = getOrAdd(groups, groupId, (): GroupOffsets => new Map())
    getOrAdd(topics, topic, () => new Map<number, CommittedOffset>()).set(partition, offset)
    getOrAdd(this.producersByGroup, groupId, () => new Set<number>()).add(producerId)
  }

  has(groupId: string, topic: string, partition: number): boolean {
    for (const producerId of this.producersByGroup.get(groupId) ?? []) {
      if (this.offsetsOf(producerId, groupId)?.get(topic)?.has(partition)) return true
    }
    return false
  }

  hasGroup(groupId: string): boolean {
    return this.producersByGroup.has(groupId)
  }

  groupIds(): Iterable<string> {
    return this.producersByGroup.keys()
  }

  /** What the transactions have written for a group; a partition may come more than once. */
  *ofGroup(groupId: string): Generator<PendingOffset> {
    for (const producerId of this.producersByGroup.get(groupId) ?? []) {
      yield* flatten(groupId, this.offsetsOf(producerId, groupId))
    }
  }

  /** Takes out what all transactions have written for a partition. */
  remove(groupId: string, topic: string, partition: number): void {
    for (const producerId of this.producersByGroup.get(groupId) ?? []) {
      const topics = this.offsetsOf(producerId, groupId)
      const partitions = topics?.get(topic)
      if (topics === undefined || partitions?.delete(partition) !== true) continue
      if (partitions.size === 0) topics.delete(topic)
      if (topics.size === 0) this.removeGroup(producerId, groupId)
    }
  }

  /** Takes out all that a producer's transaction has written. */
  take(producerId: number): readonly PendingOffset[] {
    const groups = this.byProducer.get(producerId)
    if (groups === undefined) return []
    const taken: PendingOffset[] = []
    for (const [groupId, topics] of groups) {
      for (const offset of flatten(groupId, topics)) taken.push(offset)
    }
    for (const groupId of [...groups.keys()]) this.removeGroup(producerId, groupId)
    return taken
  }

  private offsetsOf(producerId: number, groupId: string): GroupOffsets | undefined {
    return this.byProducer.get(producerId)?.get(groupId)
  }

  private removeGroup(producerId: number, groupId: string): void {
    const groups = this.byProducer.get(producerId)
    groups?.delete(groupId)
    if (groups?.size === 0) this.byProducer.delete(producerId)
    const producers = this.producersByGroup.get(groupId)
    producers?.delete(producerId)
    if (producers?.size === 0) this.producersByGroup.delete(groupId)
  }
}

function* flatten(groupId: string, topics: GroupOffsets | undefined): Generator<PendingOffset> {
  for (const [topic, partitions] of topics ?? []) {
    for (const [partition, offset] of partitions) yield { groupId, topic, partition, offset }
  }
}

function getOrAdd<Key, Item>(map: Map<Key, Item>, key: Key, make: () => Item): Item {
  let item = map.get(key)
  if (item === undefined) {
    item = make()
    map.set(key, item)
  }
  return item
}
