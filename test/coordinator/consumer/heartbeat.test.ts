// Members of a consumer group come, share partitions, and go.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { ConsumerScript } from './script.ts'

describe('a member joins', () => {
  test('an empty group, and has everything at once', () => {
    const script = new ConsumerScript({ topics: { t: 3 } })
    assert.equal(script.join('a', 't'), 'epoch 2: t-0 t-1 t-2')
    assert.equal(script.shape, 'Stable 2/2: a@2 t-0 t-1 t-2')
    assert.equal(script.beat('a'), 'epoch 2')
    assert.deepEqual(script.recordTypes(), [
      'MemberMetadata',
      'Metadata',
      'TargetAssignmentMember',
      'TargetAssignmentMetadata',
      'CurrentMemberAssignment',
    ])
    script.assertSameAfterReload()
  })

  test('others: they give up first, and keep the rest all the while', () => {
    const script = new ConsumerScript({ topics: { t: 4 } })
    script.join('a', 't')
    assert.equal(script.join('b', 't'), 'epoch 3:')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 t-1 t-2 t-3 / b@3?')
    assert.equal(script.beat('a'), 'epoch 2: t-0 t-1')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 t-1 (-t-2) (-t-3) / b@3?')
    assert.equal(script.beat('b'), 'epoch 3', 'a has not said that it gave them up')
    assert.equal(script.beat('a'), 'epoch 3')
    assert.equal(script.beat('b'), 'epoch 3: t-2 t-3')
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 t-1 / b@3 t-2 t-3')
    script.assertSameAfterReload()
  })

  test('without topics, and is a member of the group all the same', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    assert.equal(script.join('a', { topics: [] }), 'epoch 1:')
    assert.equal(script.shape, 'Stable 1/1: a@1')
    assert.equal(script.join('b', { topics: ['missing'] }), 'epoch 2:')
    assert.equal(script.beat('a'), 'epoch 2')
  })

  test('gets an id from the coordinator in version 0 if it brings none', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't', { memberId: '', apiVersion: 0 })
    assert.match(script.consumer('a').memberId, /^[\w-]{22}$/)
    assert.equal(script.beat('a', { apiVersion: 0 }), 'epoch 2')
  })

  test('again with epoch 0 after its answer was lost, and is told everything', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', 't')
    const records = script.shard.records.length
    assert.equal(script.join('a'), 'epoch 2: t-0 t-1')
    assert.equal(script.shard.records.length, records, 'nothing new to write down')
  })

  test('no more than group.consumer.max.size', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings: { 'group.consumer.max.size': '2' } })
    script.join('a', 't')
    script.join('b', { topics: ['t'], instance: 'i' })
    assert.equal(script.join('c', 't'), 'GROUP_MAX_SIZE_REACHED')
    assert.match(script.beat('a'), /^epoch/)
    script.leave('b', -2)
    assert.match(script.join('b2', { topics: ['t'], instance: 'i' }), /^epoch/, 'takes the place of b')
  })

  test('a group that cannot be written to: nothing has happened', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.join('a', 't'), 'COORDINATOR_NOT_AVAILABLE')
    assert.equal(script.shard.machine.groups.size, 0)
    assert.equal(script.shard.timers.size, 0)
    assert.equal(script.join('a', 't'), 'epoch 2: t-0 t-1')
  })
})

describe('an answer has the assignment', () => {
  test('when it has changed, on joining, and when the member tells everything', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    const a = script.consumer('a')
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.beat('a', script.fullRequest(a)), 'epoch 2: t-0')
    assert.equal(script.beat('a', { ...script.fullRequest(a), topicPartitions: null }), 'epoch 2')
    assert.equal(script.beat('a', { ...script.fullRequest(a), rebalanceTimeoutMs: -1 }), 'epoch 2')
  })

  test('and says how often to send heartbeats', () => {
    const script = new ConsumerScript({
      topics: { t: 1 },
      settings: { 'group.consumer.heartbeat.interval.ms': '7000' },
    })
    script.join('a', 't')
    assert.equal(script.send(script.consumer('a'), {}).answer.heartbeatIntervalMs, 7000)
  })
})

describe('what a member subscribes to changes', () => {
  test('by another heartbeat: what it has unsubscribed from goes first', () => {
    const script = new ConsumerScript({ topics: { t: 1, u: 1 } })
    script.join('a', 't')
    assert.equal(script.beat('a', { subscribedTopicNames: ['u'] }), 'epoch 2:')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 (-t-0)')
    assert.equal(script.beat('a'), 'epoch 3: u-0')
    script.assertSameAfterReload()
  })

  test('even before the next target may be computed', () => {
    const script = new ConsumerScript({
      topics: { t: 1, u: 1 },
      settings: { 'group.consumer.assignment.interval.ms': '1000' },
    })
    script.join('a', 't u')
    assert.equal(script.beat('a', { subscribedTopicNames: ['u'] }), 'epoch 2: u-0')
    assert.equal(script.shape, 'Assigning 3/2: a@2 u-0 (-t-0)')
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.shape, 'Assigning 3/2: a@2 u-0')
    script.advance(1000)
    assert.equal(script.beat('a'), 'epoch 3')
  })

  test('not when the same names come in another order', () => {
    const script = new ConsumerScript({ topics: { t: 1, u: 1 } })
    script.join('a', 't u')
    const records = script.shard.records.length
    assert.equal(script.beat('a', { subscribedTopicNames: ['u', 't', 'u'] }), 'epoch 2')
    assert.equal(script.shard.records.length, records)
  })
})

describe('topics change', () => {
  test('one gets more partitions: found at the next heartbeat', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    script.addPartitions('t', 3)
    assert.equal(script.beat('a'), 'epoch 3: t-0 t-1 t-2')
    assert.deepEqual(script.reasons().slice(-3), [
      'topics that the group subscribes to have come, gone, or got other partitions or racks',
      "the assignor 'uniform' shared out the partitions: 1 of 1 members have another target",
      'all members (1) have what the target of epoch 3 gives them',
    ])
  })

  test('one is made that was subscribed to all along', () => {
    const script = new ConsumerScript()
    assert.equal(script.join('a', 't'), 'epoch 2:')
    script.createTopic('t', 1)
    assert.equal(script.beat('a'), 'epoch 3: t-0')
  })

  test('one is deleted: its partitions go without anybody giving them up', () => {
    const script = new ConsumerScript({ topics: { t: 1, u: 1 } })
    script.join('a', 't u')
    script.deleteTopic('u')
    assert.equal(script.beat('a', { topicPartitions: script.listed(['t-0']) }), 'epoch 3: t-0')
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0')
    script.assertSameAfterReload()
  })

  test('one is deleted and made anew: it is another topic', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    script.deleteTopic('t')
    script.createTopic('t', 1)
    const old = script.group.targetOf('a1').keys().next().value
    assert.equal(script.beat('a', { topicPartitions: [] }), 'epoch 3: t-0')
    assert.notEqual(script.group.targetOf('a1').keys().next().value, old)
  })

  test('none that anybody subscribes to: nothing happens', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    const records = script.shard.records.length
    script.createTopic('u', 5)
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.shard.records.length, records)
  })
})

describe('a member leaves', () => {
  test('and the others share out what it had', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', 't')
    script.join('b', 't')
    script.settle()
    const records = script.shard.records.length
    assert.equal(script.leave('b'), 'epoch -1')
    assert.deepEqual(script.recordTypes(records), [
      'CurrentMemberAssignment null',
      'TargetAssignmentMember null',
      'MemberMetadata null',
      'Metadata',
    ])
    assert.equal(script.shape, 'Assigning 4/3: a@3 t-0')
    assert.equal(script.beat('a'), 'epoch 4: t-0 t-1')
    script.assertSameAfterReload()
  })

  test('as the last one: the group is empty, and its epoch goes on when somebody comes', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    script.leave('a')
    assert.equal(script.shape, 'Empty 3/2:')
    assert.equal(script.shard.timers.size, 0)
    assert.equal(script.join('b', 't'), 'epoch 4: t-0')
    script.assertSameAfterReload()
  })

  test('that nobody knows', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    script.join('a', 't')
    const a = script.consumer('a')
    assert.equal(script.send(a, { memberEpoch: -1, memberId: 'x' }).error.name, 'UNKNOWN_MEMBER_ID')
    assert.equal(script.send(a, { memberEpoch: -1, groupId: 'x' }).error.name, 'GROUP_ID_NOT_FOUND')
  })
})

describe('the assignor', () => {
  test('is the one that most members ask for, uniform if nobody does', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    const assignors = () =>
      script
        .reasons()
        .filter((reason) => reason.startsWith('the assignor'))
        .map((reason) => reason.slice(13, 22))
    script.join('a', 't')
    assert.deepEqual(assignors(), ["'uniform'"])
    script.join('b', { topics: ['t'], assignor: 'range' })
    assert.deepEqual(assignors(), ["'range' s"])
    script.join('c', { topics: ['t'], assignor: 'uniform' })
    script.join('d', { topics: ['t'], assignor: 'uniform' })
    assert.deepEqual(assignors().at(-1), "'uniform'")
  })
})

describe('the next target', () => {
  const settings = { 'group.consumer.assignment.interval.ms': '1000' }

  test('waits for group.consumer.assignment.interval.ms: until then members go by the old one', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.advance(400)
    assert.equal(script.join('b', 't'), 'epoch 2:')
    assert.equal(script.shape, 'Assigning 3/2: a@2 t-0 t-1 / b@2')
    assert.equal(script.beat('a'), 'epoch 2')
    script.advance(599)
    assert.equal(script.shape, 'Assigning 3/2: a@2 t-0 t-1 / b@2')
    script.advance(1)
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 t-1 / b@2')
    script.assertSameAfterReload()
  })

  test('is one for all who came meanwhile', () => {
    const script = new ConsumerScript({ topics: { t: 4 }, settings })
    script.join('a', 't')
    for (const name of ['b', 'c', 'd']) script.join(name, 't')
    assert.equal(script.group.groupEpoch, 5)
    script.advance(1000)
    assert.equal(script.group.assignmentEpoch, 5)
    script.settle()
    assert.equal(script.shape, 'Stable 5/5: a@5 t-0 / b@5 t-1 / c@5 t-2 / d@5 t-3')
  })

  test('does not wait for ever on a clock that was set back', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.shard.nowMs -= 3_600_000
    script.join('b', 't')
    assert.equal(script.group.assignmentEpoch, 3)
  })

  test('is tried again when it could not be written down', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.join('b', 't')
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    script.advance(1000)
    assert.equal(script.group.assignmentEpoch, 2)
    script.advance(500)
    assert.equal(script.group.assignmentEpoch, 3)
  })
})
