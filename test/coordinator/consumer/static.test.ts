// Static members (KIP-345): one instance id, and under it one member after the other.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConsumerScript } from './script.ts'

const started = () => {
  const script = new ConsumerScript({ topics: { t: 2 } })
  script.join('a', { topics: ['t'], instance: 'one' })
  script.join('b', { topics: ['t'], instance: 'two' })
  script.settle()
  script.reasons()
  return script
}

describe('a static member on leave', () => {
  test('is succeeded by one that was a member already: what that one had is shared out again', () => {
    const script = started()
    script.join('c', 't')
    script.settle()
    script.leave('a', -2)
    script.join('c', 't', { instanceId: 'one' })
    script.settle()
    assert.equal(script.shape, 'Stable 5/5: b@5 t-1 / c@5 t-0')
    script.assertSameAfterReload()
  })

  test('keeps its partitions, and whoever comes under its instance id has them without a rebalance', () => {
    const script = started()
    assert.equal(script.leave('a', -2), 'epoch -2')
    assert.equal(script.shape, 'Reconciling 3/3: a@-2 t-0 / b@3 t-1')
    script.assertSameAfterReload()
    assert.equal(script.beat('b'), 'epoch 3')
    const records = script.shard.records.length
    assert.equal(script.join('a2', { topics: ['t'], instance: 'one' }), 'epoch 3: t-0')
    assert.deepEqual(script.recordTypes(records), [
      'CurrentMemberAssignment null',
      'TargetAssignmentMember null',
      'MemberMetadata null',
      'MemberMetadata',
      'TargetAssignmentMember',
      'CurrentMemberAssignment',
      'MemberMetadata',
      'CurrentMemberAssignment',
    ])
    assert.equal(script.shape, 'Stable 3/3: b@3 t-1 / a2@3 t-0')
    assert.equal(script.beat('b'), 'epoch 3')
    script.assertSameAfterReload()
    assert.deepEqual(script.reasons(), [
      'static member one, member id a1 (client a at /10.0.0.3) went on leave: its partitions wait for it until its session ends',
      'static member one, member id a23 (client a at /10.0.0.3) came in the place of its member id a1',
      'all members (2) have what the target of epoch 3 gives them',
    ])
  })

  test('is put out when its session ends', () => {
    const script = started()
    script.leave('a', -2)
    script.advance(44_000)
    script.beat('b')
    script.advance(1000)
    assert.equal(script.shape, 'Assigning 4/3: b@3 t-1')
    assert.equal(script.beat('b'), 'epoch 4: t-0 t-1')
  })

  test('can say so only for itself', () => {
    const script = started()
    const a = script.consumer('a')
    assert.equal(script.send(a, { memberEpoch: -2, memberId: 'x' }).error.name, 'FENCED_INSTANCE_ID')
    assert.equal(script.send(a, { memberEpoch: -2, instanceId: 'x' }).error.name, 'UNKNOWN_MEMBER_ID')
  })

  test('gives its successor what it was told to give up, too', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', { topics: ['t'], instance: 'one' })
    script.join('b', 't')
    script.beat('a')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 (-t-1) / b@3?')
    script.leave('a', -2)
    assert.equal(script.beat('b'), 'epoch 3: t-1')
    assert.equal(script.join('a2', { topics: ['t'], instance: 'one' }), 'epoch 3: t-0')
    script.assertSameAfterReload()
  })

  test('that was to give up something has its whole session also after a restart of the broker', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', { topics: ['t'], instance: 'one', rebalanceMs: 10_000 })
    script.join('b', 't')
    script.beat('a')
    script.leave('a', -2)
    script.shard.restart()
    script.advance(20_000)
    assert.equal(script.beat('b'), 'epoch 3: t-1')
    assert.equal(script.join('a2', { topics: ['t'], instance: 'one' }), 'epoch 3: t-0')
  })

  test('may have subscribed to something else: the group goes on to the next epoch', () => {
    const script = new ConsumerScript({ topics: { t: 2, u: 1 } })
    script.join('a', { topics: ['t'], instance: 'one' })
    script.leave('a', -2)
    assert.equal(script.join('a2', { topics: ['u'], instance: 'one' }), 'epoch 3: u-0')
  })

  test('leaves nothing of its pattern, rack and assignor to a successor that has none', () => {
    const script = new ConsumerScript({ topics: { t: 1, u: 1 } })
    script.join('a', { regex: '.*', instance: 'one', rack: 'r', assignor: 'range' })
    script.leave('a', -2)
    assert.equal(script.join('a2', { topics: ['u'], instance: 'one' }), 'epoch 3: u-0')
    const member = script.group.staticMember('one')!
    assert.deepEqual([member.subscribedTopicRegex, member.rackId, member.serverAssignor], ['', null, null])
    script.assertSameAfterReload()
  })
})

describe('an instance id', () => {
  test('stays with its member when that joins again because the answer was lost, or it was fenced', () => {
    const script = started()
    assert.equal(script.join('a'), 'epoch 3: t-0')
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 / b@3 t-1')
  })

  test('in use is not given to another: UNRELEASED_INSTANCE_ID', () => {
    const script = started()
    assert.equal(script.join('c', { topics: ['t'], instance: 'one' }), 'UNRELEASED_INSTANCE_ID')
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 / b@3 t-1')
  })

  test('of another member is fenced, and one that nobody has is unknown', () => {
    const script = started()
    const a = script.consumer('a')
    assert.equal(script.send(a, { instanceId: 'two' }).error.name, 'FENCED_INSTANCE_ID')
    assert.equal(script.send(a, { instanceId: 'three' }).error.name, 'UNKNOWN_MEMBER_ID')
  })

  test('is free after its member has left for good', () => {
    const script = started()
    script.leave('a', -1)
    assert.equal(script.join('c', { topics: ['t'], instance: 'one' }), 'epoch 5: t-0')
  })

  test('stays with its member over a restart of the broker', () => {
    const script = started()
    script.shard.restart()
    assert.equal(script.join('c', { topics: ['t'], instance: 'one' }), 'UNRELEASED_INSTANCE_ID')
    assert.equal(script.beat('a'), 'epoch 3')
  })
})

test("a member has one instance id at a time: the one before is nobody's", () => {
  const script = new ConsumerScript({ topics: { t: 2 } })
  script.join('a', 't', { instanceId: 'one' })
  script.join('a', 't', { instanceId: 'two' })
  assert.equal(script.group.staticMember('one'), undefined)
  assert.equal(script.group.staticMember('two')?.memberId, script.consumer('a').memberId)
})
