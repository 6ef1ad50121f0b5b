// Whom a consumer group refuses: requests that contradict themselves, epochs and instance ids that are not theirs.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HeartbeatRequest } from '../../../src/coordinator/group/consumer/request.ts'
import { ConsumerScript } from './script.ts'

describe('a request is refused as INVALID_REQUEST', () => {
  const invalid: readonly [string, Partial<HeartbeatRequest>, RegExp][] = [
    ['no member id in version 1', { memberId: '' }, /: MemberId can't be empty/],
    [
      'no member id with an epoch in version 0',
      { memberId: ' ', memberEpoch: 1, apiVersion: 0 },
      /: MemberId/,
    ],
    ['no member id on leaving in version 0', { memberId: '', memberEpoch: -1, apiVersion: 0 }, /: MemberId/],
    ['no group id', { groupId: '' }, /: GroupId can't be empty/],
    ['an empty instance id', { instanceId: '' }, /: InstanceId can't be empty/],
    ['an empty rack', { rackId: '  ' }, /: RackId can't be empty/],
    [
      'joining without a rebalance timeout',
      { rebalanceTimeoutMs: -1 },
      /: RebalanceTimeoutMs must be provided/,
    ],
    [
      'joining with partitions',
      { topicPartitions: [{ topicId: 'A'.repeat(22), partitions: [0] }] },
      /: TopicPartitions must be empty/,
    ],
    ['joining without a word about partitions', { topicPartitions: null }, /: TopicPartitions must be empty/],
    ['joining without a subscription', { subscribedTopicNames: null }, /: Either SubscribedTopicNames or/],
    [
      'more names than any record has room for',
      { subscribedTopicNames: Array.from({ length: 100_001 }, (_, i) => `t${i}`) },
      /: The subscription has more than 100000 names/,
    ],
    ['going on leave without an instance id', { memberEpoch: -2 }, /: InstanceId can't be null/],
    ['an epoch below -2', { memberEpoch: -3 }, /: MemberEpoch is invalid/],
  ]
  for (const [what, changes, message] of invalid) {
    test(what, () => {
      const script = new ConsumerScript({ topics: { t: 1 } })
      script.join('a', 't')
      const a = script.consumer('a')
      script.abandon(a)
      const call = script.send(a, { ...script.fullRequest(a), ...changes })
      assert.equal(call.error.name, 'INVALID_REQUEST')
      assert.throws(() => call.answer, message)
    })
  }
})

test('an assignor that the broker does not offer is UNSUPPORTED_ASSIGNOR, and the others are named', () => {
  const script = new ConsumerScript({ topics: { t: 1 } })
  script.join('a', 't')
  const call = script.send(script.consumer('a'), { serverAssignor: 'mine' })
  assert.equal(call.error.name, 'UNSUPPORTED_ASSIGNOR')
  assert.throws(() => call.answer, /Supported assignors: uniform, range/)
})

describe('a member epoch', () => {
  const started = () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', 't')
    script.join('b', 't')
    return script
  }

  test('above what the coordinator knows is fenced', () => {
    const script = started()
    assert.equal(script.send(script.consumer('a'), { memberEpoch: 3 }).error.name, 'FENCED_MEMBER_EPOCH')
  })

  test('below the one before is fenced', () => {
    const script = started()
    assert.equal(script.send(script.consumer('a'), { memberEpoch: 1 }).error.name, 'FENCED_MEMBER_EPOCH')
  })

  test('before the present one is taken from a member that missed the answer, if it has nothing beyond', () => {
    const script = started()
    const a = script.consumer('a')
    script.beat('a')
    script.comply(a)
    const owned = script.listed(a.owned)
    // The answer that says epoch 3 is lost.
    assert.equal(script.send(a, { topicPartitions: owned }).answer.memberEpoch, 3)
    const again = { ...script.fullRequest(a), memberEpoch: 2 }
    for (const topicPartitions of [null, script.listed(['t-0', 't-1'])]) {
      assert.equal(script.send(a, { ...again, topicPartitions }).error.name, 'FENCED_MEMBER_EPOCH')
    }
    assert.equal(script.hear(a, script.send(a, again)), 'epoch 3: t-0')
  })

  test('before the present one is fenced once the present one has been used: it was held up on the way', () => {
    const script = started()
    const a = script.consumer('a')
    script.beat('a')
    script.beat('a')
    script.beat('a')
    assert.equal(a.epoch, 3)
    const late = { memberEpoch: 2, topicPartitions: [] }
    assert.equal(script.send(a, late).error.name, 'FENCED_MEMBER_EPOCH')
  })

  test('is unknown after the member was put out', () => {
    const script = started()
    const b = script.consumer('b')
    script.leave('b')
    assert.equal(script.send(b, { memberEpoch: 3 }).error.name, 'UNKNOWN_MEMBER_ID')
  })

  test('of a group that is not there, or is a classic one, is GROUP_ID_NOT_FOUND', () => {
    const script = new ConsumerScript()
    script.join('a', 't')
    const a = script.consumer('a')
    assert.equal(script.send(a, { groupId: 'other' }).error.name, 'GROUP_ID_NOT_FOUND')
  })
})

describe('a state of a later version', () => {
  test('has its member give up everything and start over', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    const state = 7
    const record = script.shard.records.find(({ type }) => type === 'ConsumerGroupCurrentMemberAssignment')!
    assert(record.type === 'ConsumerGroupCurrentMemberAssignment')
    script.shard.machine.replay({ ...record, value: { ...record.value!, state } })
    assert.equal(script.beat('a'), 'FENCED_MEMBER_EPOCH')
    assert.equal(script.join('a'), 'epoch 2: t-0')
  })
})
