// Consumer groups out of logs that are not as tidy as one's own: compacted, of other brokers, damaged.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { advance, type BrokerRegistration, emptyImage } from '../../../src/cluster/image.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import { topicsHash } from '../../../src/coordinator/group/consumer/topic-hash.ts'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import { topicImage } from '../../partition/stage.ts'
import { ConsumerScript, GROUP } from './script.ts'

const t = 'tttttttttttttttttttttA'

const assignment = (
  memberId: string,
  memberEpoch: number,
  partitions: number[],
  epochs: number[] | null = null,
): GroupRecord => ({
  type: 'ConsumerGroupCurrentMemberAssignment',
  key: { groupId: GROUP, memberId },
  value: {
    memberEpoch,
    previousMemberEpoch: memberEpoch - 1,
    state: 0,
    assignedPartitions: partitions.length === 0 ? [] : [{ topicId: t, partitions, assignmentEpochs: epochs }],
    partitionsPendingRevocation: [],
  },
})

const replayed = (...records: GroupRecord[]): ConsumerGroup => {
  const { machine } = new ConsumerScript().shard
  for (const record of records) machine.replay(record)
  const group = machine.groups.get(GROUP)
  assert(group instanceof ConsumerGroup)
  return group
}

describe('a partition has one holder', () => {
  test('also when compaction has put the record of the next one before that of the one who gave it up', () => {
    const group = replayed(assignment('a', 1, [0, 1]), assignment('b', 2, [1]), assignment('a', 2, [0]))
    assert.deepEqual([group.holderOf(t, 0), group.holderOf(t, 1)], ['a', 'b'])
  })

  test('also when the one who gave it up is gone after the next one had it', () => {
    const group = replayed(assignment('a', 1, [0]), assignment('b', 2, [0]), {
      type: 'ConsumerGroupCurrentMemberAssignment',
      key: { groupId: GROUP, memberId: 'a' },
      value: null,
    })
    assert.equal(group.holderOf(t, 0), 'b')
  })
})

test('partitions of brokers before Kafka 4.3 count as held since the epoch of their record', () => {
  const group = replayed(assignment('a', 5, [0, 1]), assignment('b', 6, [2], [3]), assignment('s', -2, [3]))
  const since = (memberId: string, partition: number) =>
    group.member(memberId)!.assigned.get(t)!.get(partition)
  assert.deepEqual([since('a', 0), since('a', 1), since('b', 2), since('s', 3)], [5, 5, 3, 0])
})

test('tombstones of what is not there change nothing, and make no group', () => {
  const script = new ConsumerScript()
  const key = { groupId: GROUP, memberId: 'm' }
  const tombstones: GroupRecord[] = [
    { type: 'ConsumerGroupCurrentMemberAssignment', key, value: null },
    { type: 'ConsumerGroupTargetAssignmentMember', key, value: null },
    { type: 'ConsumerGroupMemberMetadata', key, value: null },
    { type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId: GROUP }, value: null },
    { type: 'ConsumerGroupPartitionMetadata', key: { groupId: GROUP }, value: null },
    { type: 'ConsumerGroupRegularExpression', key: { groupId: GROUP, regularExpression: 'x' }, value: null },
    { type: 'ConsumerGroupMetadata', key: { groupId: GROUP }, value: null },
  ]
  for (const record of tombstones) script.shard.machine.replay(record)
  assert.equal(script.shard.machine.groups.size, 0)
  script.createTopic('t', 1)
  script.join('a', 't')
  for (const record of tombstones.slice(0, 3)) script.shard.machine.replay(record)
  assert.equal(script.beat('a'), 'epoch 2')
})

test('the topics that Kafka up to 4.0 wrote down are deleted with the next epoch', () => {
  const script = new ConsumerScript({ topics: { t: 1 } })
  script.join('a', 't')
  script.shard.machine.replay({
    type: 'ConsumerGroupPartitionMetadata',
    key: { groupId: GROUP },
    value: { topics: [] },
  })
  const records = script.shard.records.length
  script.addPartitions('t', 2)
  script.beat('a')
  script.addPartitions('t', 3)
  script.beat('a')
  const deleted = script.recordTypes(records).filter((type) => type === 'PartitionMetadata null')
  assert.equal(deleted.length, 1)
})

describe('the hash of topics', () => {
  const broker = (id: number, rack: string | null): BrokerRegistration => ({
    id,
    epoch: 1,
    rack,
    endpoints: [],
  })
  const image = advance(emptyImage('c'), {
    topics: [
      topicImage('t', { id: t, partitions: 2 }),
      topicImage('u', { id: 'uuuuuuuuuuuuuuuuuuuuuA', partitions: 1 }),
    ],
    brokers: [broker(1, 'r1')],
  })

  test('is the same in any order, another one for other topics, and 0 for none', () => {
    assert.equal(topicsHash(['t', 'u'], image), topicsHash(['u', 't', 'missing'], image))
    assert.notEqual(topicsHash(['t'], image), topicsHash(['t', 'u'], image))
    assert.equal(topicsHash([], image), 0)
    assert.equal(topicsHash(['missing'], image), 0)
    assert.ok(Number.isSafeInteger(topicsHash(['t'], image)))
  })

  test('changes with partitions, ids and racks, and with nothing else', () => {
    const before = topicsHash(['t'], image)
    const led = topicImage('t', { id: t, partitions: 2 })
    const others = led.partitions.map((partition) => ({ ...partition, leader: 2, leaderEpoch: 7, isr: [2] }))
    assert.equal(topicsHash(['t'], advance(image, { topics: [{ ...led, partitions: others }] })), before)
    assert.notEqual(
      topicsHash(['t'], advance(image, { topics: [topicImage('t', { id: t, partitions: 3 })] })),
      before,
    )
    assert.notEqual(topicsHash(['t'], advance(image, { brokers: [broker(1, 'r2')] })), before)
    const again = advance(image, {
      deletedTopicIds: [t],
      topics: [topicImage('t', { id: 'vvvvvvvvvvvvvvvvvvvvvA', partitions: 2 })],
    })
    assert.notEqual(topicsHash(['t'], again), before)
  })
})
