// The offsets that the groups of one shard have committed, and those that open transactions hold back.
// Promises that replaying the same records gives the same offsets, whatever was compacted away between them; and that of two
// commits the one later in the log counts, even if it is the other that its transaction brings to light last. Leaves who may
// commit to commit.ts, and which groups there are to the machine.
import type { ReplayOrigin } from '../../step.ts'
import type { OffsetCommitRecord } from '../records.ts'
import { type CommittedOffset, OffsetColumns } from './offset-columns.ts'
import { NO_ROW, PartitionRows } from './partition-rows.ts'
import { PendingOffsets } from './pending-offsets.ts'

export class OffsetStore {
  private readonly columns = new OffsetColumns()
  private readonly groups = new Map<string, Map<string, PartitionRows>>()
  private readonly pending = new PendingOffsets()

  /** How many offsets are committed, of all groups. */
  get size(): number {
    return this.columns.count
  }

  /** Takes up a commit, of a transaction or not, or a tombstone. */
  replay({ key, value }: OffsetCommitRecord, { offset: recordOffset, transaction }: ReplayOrigin): void {
    const { group, topic, partition } = key
    if (value === null) {
      // Nobody deletes in a transaction.
      this.remove(group, topic, partition)
      this.pending.remove(group, topic, partition)
      return
    }
    const committed: CommittedOffset = {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: value.topicId,
      recordOffset,
    }
    if (transaction === undefined) this.put(group, topic, partition, committed)
    else this.pending.put(transaction.producerId, group, topic, partition, committed)
  }

  /** The offsets of a producer's transaction count from now on, or are gone. */
  endTransaction(producerId: number, isCommit: boolean): void {
    for (const { groupId, topic, partition, offset } of this.pending.take(producerId)) {
      if (!isCommit) continue
      const row = this.row(groupId, topic, partition)
      // A commit outside of the transaction may have come after it; compaction keeps the later record of the two.
      const isLater = row === NO_ROW || offset.recordOffset > this.columns.recordOffset(row)
      if (isLater) this.put(groupId, topic, partition, offset)
    }
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    const row = this.row(groupId, topic, partition)
    return row === NO_ROW ? undefined : this.columns.read(row)
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.row(groupId, topic, partition) !== NO_ROW
  }

  /** Whether the group has committed offsets; those of open transactions do not count. */
  hasGroup(groupId: string): boolean {
    return this.groups.has(groupId)
  }

  /** Groups with offsets, or with transactions that hold some. */
  groupIds(): Set<string> {
    return new Set([...this.groups.keys(), ...this.pending.groupIds()])
  }

  /** Names of the topics that a group has offsets of. */
  topicsOf(groupId: string): Iterable<string> {
    return this.groups.get(groupId)?.keys() ?? []
  }

  /** Offsets of a group in a topic, by partition. */
  *offsetsOf(groupId: string, topic: string): Generator<readonly [partition: number, CommittedOffset]> {
    for (const [partition, row] of this.groups.get(groupId)?.get(topic)?.entries() ?? []) {
      yield [partition, this.columns.read(row)]
    }
  }

  /** Whether an open transaction holds an offset for the partition (KIP-447). */
  hasPending(groupId: string, topic: string, partition: number): boolean {
    return this.pending.has(groupId, topic, partition)
  }

  /** Whether open transactions hold offsets of the group. */
  hasOpenTransactions(groupId: string): boolean {
    return this.pending.hasGroup(groupId)
  }

  /** What open transactions hold for a group; a partition may come more than once. */
  pendingOf(groupId: string): Iterable<{ topic: string; partition: number; offset: CommittedOffset }> {
    return this.pending.ofGroup(groupId)
  }

  private row(groupId: string, topic: string, partition: number): number {
    return this.groups.get(groupId)?.get(topic)?.get(partition) ?? NO_ROW
  }

  private put(groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
    let topics = this.groups.get(groupId)
    if (topics === undefined) this.groups.set(groupId, (topics = new Map()))
    let rows = topics.get(topic)
    if (rows === undefined) topics.set(topic, (rows = new PartitionRows()))
    const row = rows.get(partition)
    if (row === NO_ROW) rows.add(partition, this.columns.add(this.sharing(offset, rows)))
    else this.columns.write(row, offset)
  }

  /** Partitions of a topic have one id: one text serves them all. */
  private sharing(offset: CommittedOffset, rows: PartitionRows): CommittedOffset {
    for (const [, row] of rows.entries()) {
      const topicId = this.columns.topicId(row)
      return topicId === offset.topicId ? { ...offset, topicId } : offset
    }
    return offset
  }

  private remove(groupId: string, topic: string, partition: number): void {
    const topics = this.groups.get(groupId)
    const rows = topics?.get(topic)
    if (topics === undefined || rows === undefined) return
    const row = rows.remove(partition)
    if (row !== NO_ROW) this.columns.remove(row)
    if (rows.count === 0) topics.delete(topic)
    if (topics.size === 0) this.groups.delete(groupId)
  }
}
