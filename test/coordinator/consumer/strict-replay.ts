// What Apache Kafka 4.3 demands of a log of groups while it loads it: it gives up on the whole partition of the log when a
// record breaks one of these rules, so that a directory could not go back to it.
// Promises an AssertionError that names the record. Leaves what the records mean to replay.ts.
import assert from 'node:assert/strict'
import type { GroupRecord, GroupRecordOf } from '../../../src/coordinator/group/records.ts'

type Held = NonNullable<GroupRecordOf<'ConsumerGroupCurrentMemberAssignment'>['value']>
type Listed = Held['assignedPartitions']

interface StrictMember {
  epoch: number
  held: Listed
}

interface StrictGroup {
  readonly members: Map<string, StrictMember>
  readonly targets: Set<string>
  targetEpoch: number
  /** The epoch of whoever holds a partition. */
  readonly epochs: Map<string, number>
}

/** Takes up the records of one group in their order. */
export class StrictReplay {
  private consumer: StrictGroup | undefined
  private isClassic = false

  replay(record: GroupRecord): void {
    if (record.type === 'OffsetCommit') return
    if (record.type === 'GroupMetadata') {
      this.consumer = undefined
      this.isClassic = record.value !== null
      return
    }
    assert(!this.isClassic, `${record.type} of a classic group`)
    if (this.consumer === undefined && record.value === null) return
    this.consumer ??= { members: new Map(), targets: new Set(), targetEpoch: 1, epochs: new Map() }
    this.replayConsumer(this.consumer, record)
  }

  private replayConsumer(
    group: StrictGroup,
    record: Exclude<GroupRecord, { type: 'OffsetCommit' | 'GroupMetadata' }>,
  ): void {
    switch (record.type) {
      case 'ConsumerGroupMetadata':
        if (record.value !== null) return
        assert.equal(group.members.size, 0, 'the group goes and has members')
        assert.equal(group.targets.size, 0, 'the group goes and has targets')
        assert.equal(group.targetEpoch, -1, 'the group goes and has the epoch of its targets')
        this.consumer = undefined
        return
      case 'ConsumerGroupTargetAssignmentMetadata':
        if (record.value === null)
          assert.equal(group.targets.size, 0, 'the epoch of targets goes before them')
        else assert(record.value.assignmentEpoch >= 0 && record.value.assignmentTimestamp >= 0)
        group.targetEpoch = record.value?.assignmentEpoch ?? -1
        return
      case 'ConsumerGroupTargetAssignmentMember':
        if (record.value === null) group.targets.delete(record.key.memberId)
        else group.targets.add(record.key.memberId)
        return
      case 'ConsumerGroupMemberMetadata': {
        const { memberId } = record.key
        const member = group.members.get(memberId)
        if (record.value !== null) group.members.set(memberId, member ?? { epoch: 0, held: [] })
        else if (member !== undefined) {
          assert.equal(member.epoch, -1, 'the member goes before what it holds')
          assert(!group.targets.has(memberId), 'the member goes before its target')
          group.members.delete(memberId)
        }
        return
      }
      case 'ConsumerGroupCurrentMemberAssignment':
        this.replayAssignment(group, record)
        return
    }
  }

  private replayAssignment(
    group: StrictGroup,
    { key: { memberId }, value }: GroupRecordOf<'ConsumerGroupCurrentMemberAssignment'>,
  ): void {
    const before = group.members.get(memberId)
    if (before === undefined && value === null) return
    for (const partition of names(before?.held ?? [])) {
      if (group.epochs.get(partition) === before!.epoch) group.epochs.delete(partition)
    }
    const epoch = value?.memberEpoch ?? -1
    const held = value === null ? [] : [...value.assignedPartitions, ...value.partitionsPendingRevocation]
    for (const partition of names(held)) {
      const other = group.epochs.get(partition)
      assert(other === undefined || other < epoch, `${partition} is held at ${other} already, not ${epoch}`)
      group.epochs.set(partition, epoch)
    }
    group.members.set(memberId, { epoch, held })
  }
}

function names(listed: Listed): string[] {
  return listed.flatMap(({ topicId, partitions }) => partitions.map((partition) => `${topicId}-${partition}`))
}

/** The log as it is, and as compaction of its first half leaves it. */
export function assertKafkaCouldLoad(log: readonly { readonly record: GroupRecord; readonly key: string }[]) {
  const whole = new StrictReplay()
  for (const { record } of log) whole.replay(record)
  const end = log.length >> 1
  const last = new Map(log.slice(0, end).map(({ key }, position) => [key, position]))
  const compacted = new StrictReplay()
  for (const [position, { key, record }] of log.entries()) {
    if (position >= end || last.get(key) === position) compacted.replay(record)
  }
}
