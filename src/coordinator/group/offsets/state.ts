// What the commands about offsets work on, and how a record of an offset is taken up.
// Promises that whoever has offsets is a group. Leaves the groups to classic/ and consumer/.
import type { ReplayOrigin } from '../../step.ts'
import type { Group, Groups } from '../group.ts'
import type { OffsetCommitRecord } from '../records.ts'
import type { OffsetStore } from './offset-store.ts'

/** The groups of one shard and their offsets. */
export interface OffsetsState {
  readonly groups: Groups
  readonly offsets: OffsetStore
}

/**
 * Takes up the record of an offset. A group that is not there yet is made by `emptyGroup`: consumers that choose their
 * partitions themselves commit without ever joining.
 */
export function replayOffsetCommit(
  { groups, offsets }: OffsetsState,
  record: OffsetCommitRecord,
  origin: ReplayOrigin,
  emptyGroup: (groupId: string, createdMs: number) => Group,
): void {
  const { group } = record.key
  if (record.value !== null && groups.get(group) === undefined) {
    groups.set(emptyGroup(group, origin.timestampMs))
  }
  offsets.replay(record, origin)
}
