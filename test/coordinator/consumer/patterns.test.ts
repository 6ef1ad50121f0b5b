// Subscriptions by pattern (KIP-848).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import { ConsumerScript, GROUP } from './script.ts'

describe('a member subscribes to a pattern', () => {
  test('and has every topic that matches, in the very answer to its first heartbeat', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, logs2: 1, other: 1 } })
    assert.equal(script.join('a', { regex: 'logs.*' }), 'epoch 2: logs1-0 logs2-0')
    assert.ok(script.recordTypes().includes('RegularExpression'))
    assert.ok(script.group.isSubscribedTo('logs1'))
    assert.ok(!script.group.isSubscribedTo('other'))
    script.assertSameAfterReload()
  })

  test('of another broker that cannot be read here: nobody else suffers, and it stands for what it stood for', () => {
    const script = new ConsumerScript({ topics: { t: 1, u: 1 } })
    script.join('a', 't')
    const unreadable = 'u'.repeat(5000)
    const { memberId } = script.consumer('a')
    script.shard.run((_, step) => {
      const { value } = script.shard.records.find(({ type }) => type === 'ConsumerGroupMemberMetadata')!
      step.append({
        type: 'ConsumerGroupMemberMetadata',
        key: { groupId: GROUP, memberId },
        value: { ...value, subscribedTopicRegex: unreadable },
      } as GroupRecord)
      step.append({
        type: 'ConsumerGroupRegularExpression',
        key: { groupId: GROUP, regularExpression: unreadable },
        value: { topics: ['u'], version: 1, timestamp: 0 },
      })
    })
    script.join('b', 'u')
    script.settle()
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 / b@3 u-0')
  })

  test('and to names besides', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, other: 1, third: 1 } })
    assert.equal(script.join('a', { regex: 'logs.*', topics: ['other'] }), 'epoch 2: logs1-0 other-0')
  })

  test('that cannot be read: INVALID_REGULAR_EXPRESSION, and nothing has happened', () => {
    const script = new ConsumerScript({ topics: { t: 1 } })
    assert.equal(script.join('a', { regex: '(' }), 'INVALID_REGULAR_EXPRESSION')
    assert.equal(script.shard.machine.groups.size, 0)
    script.join('b', 't')
    assert.equal(script.beat('b', { subscribedTopicRegex: '[a' }), 'INVALID_REGULAR_EXPRESSION')
    assert.equal(script.beat('b'), 'epoch 2')
  })

  test('that others have already: it is resolved once', () => {
    const script = new ConsumerScript({ topics: { logs1: 2 } })
    script.join('a', { regex: 'logs.*' })
    const records = script.shard.records.length
    assert.equal(script.join('b', { regex: 'logs.*' }), 'epoch 3:')
    assert.ok(!script.recordTypes(records).includes('RegularExpression'))
    script.settle()
    assert.equal(script.shape, 'Stable 3/3: a@3 logs1-0 / b@3 logs1-1')
  })

  test('and then to another one, and to names: patterns nobody has are forgotten', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, other: 1 } })
    script.join('a', { regex: 'logs.*' })
    assert.equal(script.beat('a', { subscribedTopicRegex: 'o.*' }), 'epoch 2:')
    assert.equal(script.beat('a'), 'epoch 3: other-0')
    assert.deepEqual([...script.group.subscriptions.resolved().keys()], ['o.*'])
    assert.equal(script.beat('a', { subscribedTopicRegex: '', subscribedTopicNames: ['logs1'] }), 'epoch 3:')
    assert.equal(script.beat('a'), 'epoch 4: logs1-0')
    assert.deepEqual([...script.group.subscriptions.resolved().keys()], [])
    script.assertSameAfterReload()
  })

  test('and leaves', () => {
    const script = new ConsumerScript({ topics: { logs1: 1 } })
    script.join('a', { regex: 'logs.*' })
    script.join('b', 'logs1')
    script.leave('a')
    assert.deepEqual([...script.group.subscriptions.resolved().keys()], [])
    script.assertSameAfterReload()
  })
})

describe('topics that match', () => {
  test('later are found with the next heartbeat, a second after the last look at the earliest', () => {
    const script = new ConsumerScript({ topics: { logs1: 1 } })
    script.join('a', { regex: 'logs.*' })
    script.beat('a')
    script.createTopic('logs2', 1)
    script.advance(999)
    assert.equal(script.beat('a'), 'epoch 2')
    script.advance(1)
    assert.equal(script.beat('a'), 'epoch 3: logs1-0 logs2-0')
    assert.ok(script.reasons().includes('the pattern logs.* now stands for logs1, logs2'))
    script.assertSameAfterReload()
  })

  test('and are deleted go', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, logs2: 1 } })
    script.join('a', { regex: 'logs.*' })
    script.deleteTopic('logs2')
    script.advance(1000)
    assert.equal(script.beat('a', { topicPartitions: script.listed(['logs1-0']) }), 'epoch 3: logs1-0')
    assert.ok(!script.group.isSubscribedTo('logs2'))
  })

  test('were made while another broker had the group: found after loading', () => {
    const script = new ConsumerScript({ topics: { logs1: 1 } })
    script.join('a', { regex: 'logs.*' })
    script.createTopic('logs2', 1)
    script.shard.restart()
    assert.equal(script.beat('a'), 'epoch 3: logs1-0 logs2-0')
  })

  test('do not: nothing is written', () => {
    const script = new ConsumerScript({ topics: { logs1: 1 } })
    script.join('a', { regex: 'logs.*' })
    script.beat('a')
    const records = script.shard.records.length
    script.createTopic('other', 1)
    script.advance(5000)
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.shard.records.length, records)
  })
})
