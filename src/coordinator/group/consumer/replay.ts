// Records of consumer groups become state. Promises never to throw, whatever order compaction has left, and that replaying
// the log of a group gives the group that wrote it. Leaves groups of the classic protocol to classic/.
import type { GroupSurroundings, Groups } from '../group.ts'
import type { GroupRecord, GroupRecordOf } from '../records.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { emptyMember, withAssignment, withMetadata, withoutAssignment } from './member.ts'
import { assignmentOf } from './partitions.ts'

/** The records that replayConsumerGroup takes. */
export type ConsumerGroupRecord = Exclude<GroupRecord, { type: 'OffsetCommit' | 'GroupMetadata' }>

/** Takes up one record. A tombstone of what is not there changes nothing. */
export function replayConsumerGroup(
  groups: Groups,
  record: ConsumerGroupRecord,
  surroundings: GroupSurroundings,
): void {
  const group = groupOf(groups, record, surroundings)
  if (group === undefined) return
  switch (record.type) {
    case 'ConsumerGroupMetadata':
      replayGroup(groups, group, record)
      return
    case 'ConsumerGroupPartitionMetadata':
      group.hasPartitionMetadata = record.value !== null
      return
    case 'ConsumerGroupMemberMetadata':
      replayMember(group, record)
      return
    case 'ConsumerGroupTargetAssignmentMetadata':
      replayTarget(group, record)
      return
    case 'ConsumerGroupTargetAssignmentMember':
      if (record.value === null) group.deleteTarget(record.key.memberId)
      else group.setTarget(record.key.memberId, assignmentOf(record.value.topicPartitions))
      return
    case 'ConsumerGroupCurrentMemberAssignment':
      replayAssignment(group, record)
      return
    case 'ConsumerGroupRegularExpression':
      replayPattern(group, record)
      return
  }
}

/** The group the record is about: made if need be, also in place of one that only held offsets or has been converted. */
function groupOf(
  groups: Groups,
  { key: { groupId }, value }: ConsumerGroupRecord,
  surroundings: GroupSurroundings,
): ConsumerGroup | undefined {
  const known = groups.get(groupId)
  if (known instanceof ConsumerGroup) return known
  if (value === null) return undefined
  const group = new ConsumerGroup(groupId, surroundings)
  groups.set(group)
  return group
}

function replayGroup(
  groups: Groups,
  group: ConsumerGroup,
  { value }: GroupRecordOf<'ConsumerGroupMetadata'>,
): void {
  if (value === null) {
    groups.delete(group.groupId)
    return
  }
  group.groupEpoch = value.epoch
  group.metadataHash = value.metadataHash
}

function replayMember(
  group: ConsumerGroup,
  { key: { memberId }, value }: GroupRecordOf<'ConsumerGroupMemberMetadata'>,
): void {
  if (value === null) group.deleteMember(memberId)
  else group.putMember(withMetadata(group.member(memberId) ?? emptyMember(memberId), value))
}

function replayTarget(
  group: ConsumerGroup,
  { value }: GroupRecordOf<'ConsumerGroupTargetAssignmentMetadata'>,
): void {
  if (value === null) {
    group.deleteTargetMetadata()
    return
  }
  group.completeTargets(value.assignmentEpoch, value.assignmentTimestamp)
}

function replayAssignment(
  group: ConsumerGroup,
  { key: { memberId }, value }: GroupRecordOf<'ConsumerGroupCurrentMemberAssignment'>,
): void {
  const member = group.member(memberId)
  if (value !== null) group.putMember(withAssignment(member ?? emptyMember(memberId), value))
  else if (member !== undefined) group.putMember(withoutAssignment(member))
}

function replayPattern(
  group: ConsumerGroup,
  { key: { regularExpression }, value }: GroupRecordOf<'ConsumerGroupRegularExpression'>,
): void {
  if (value === null) group.deleteResolved(regularExpression)
  else {
    group.setResolved(regularExpression, {
      topics: new Set(value.topics),
      version: value.version,
      timestampMs: value.timestamp,
    })
  }
}
