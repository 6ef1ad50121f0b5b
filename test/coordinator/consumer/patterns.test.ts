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

describe('a pattern whose topics take long to find', () => {
  /** So few steps that a turn of the event loop gets no further than one topic. */
  const slowly = { patterns: { stepsPerTurn: 1 } }

  test('stands for none yet; the first heartbeat after they are known brings them', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, logs2: 1, other: 1 }, ...slowly })
    script.endsTurns = false
    assert.equal(script.join('a', { regex: 'logs.*' }), 'epoch 1:')
    assert.ok(!script.recordTypes().includes('RegularExpression'))
    assert.equal(script.shape, 'Stable 1/1: a@1')
    script.assertSameAfterReload()
    assert.ok(
      script
        .reasons()
        .includes('it takes a while to find the topics of the pattern logs.*: it stands for none until then'),
    )

    assert.equal(script.beat('a'), 'epoch 1')
    script.endTurn()
    assert.equal(script.beat('a'), 'epoch 1')
    while (script.endTurn());
    assert.equal(script.beat('a'), 'epoch 2: logs1-0 logs2-0')
    assert.ok(script.reasons().includes('the pattern logs.* now stands for logs1, logs2'))
    script.assertSameAfterReload()
    const records = script.shard.records.length
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.shard.records.length, records)
  })

  test('is resolved with the heartbeat of any member', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, t: 1 }, ...slowly })
    script.join('a', 't')
    script.join('b', { regex: 'logs.*' })
    script.endTurn()
    script.endTurn()
    assert.equal(script.beat('a'), 'epoch 3')
    assert.equal(script.beat('b'), 'epoch 3: logs1-0')
  })

  test('begins no epoch: the others do not notice until it is known', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, logs2: 1, t: 2 }, ...slowly })
    script.endsTurns = false
    script.join('a', 't')
    script.join('b', 't')
    script.settle()
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 / b@3 t-1')
    assert.equal(script.beat('b', { subscribedTopicNames: [], subscribedTopicRegex: 'logs.*' }), 'epoch 3:')
    // The names are gone at once, which is another epoch; what the pattern brings is one more.
    script.settle()
    assert.equal(script.shape, 'Stable 4/4: a@4 t-0 t-1 / b@4')
    assert.equal(script.beat('b', { subscribedTopicRegex: 'l.*' }), 'epoch 4')
    assert.equal(script.shape, 'Stable 4/4: a@4 t-0 t-1 / b@4')
    while (script.endTurn());
    script.settle()
    assert.equal(script.shape, 'Stable 5/5: a@5 t-0 t-1 / b@5 logs1-0 logs2-0')
    script.assertSameAfterReload()
  })

  test('in place of one that is known: the topics of the one before go at once', () => {
    const script = new ConsumerScript({ topics: { a1: 1, b1: 1 }, ...slowly })
    script.join('m', { regex: 'a.*' })
    script.settle()
    assert.equal(script.shape, 'Stable 2/2: m@2 a1-0')
    script.endsTurns = false
    assert.equal(script.beat('m', { subscribedTopicRegex: 'b.*' }), 'epoch 2:')
    assert.deepEqual([...script.group.subscriptions.resolved().keys()], [])
    script.assertSameAfterReload()
    while (script.endTurn());
    script.settle()
    assert.equal(script.shape, 'Stable 3/3: m@3 b1-0')
    script.assertSameAfterReload()
  })

  test('stands for what it did while new topics are looked at', () => {
    const script = new ConsumerScript({ topics: { logs1: 1 }, ...slowly })
    script.join('a', { regex: 'logs.*' })
    script.settle()
    assert.equal(script.shape, 'Stable 2/2: a@2 logs1-0')
    script.endsTurns = false
    script.createTopic('logs2', 1)
    script.advance(1000)
    assert.equal(script.beat('a'), 'epoch 2')
    while (script.endTurn());
    assert.equal(script.beat('a'), 'epoch 3: logs1-0 logs2-0')
  })

  test('is looked for again after loading: what the log says holds until then', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, t: 1 }, ...slowly })
    script.join('a', { regex: 'logs.*' })
    script.settle()
    script.endsTurns = false
    script.join('b', { regex: 't.*' })
    script.createTopic('logs2', 1)
    script.shard.restart()
    assert.equal(script.shape, 'Stable 2/2: a@2 logs1-0 / b@2')
    assert.equal(script.beat('a'), 'epoch 2')
    assert.equal(script.beat('b'), 'epoch 2')
    while (script.endTurn());
    script.settle()
    assert.equal(script.shape, 'Stable 3/3: a@3 logs1-0 logs2-0 / b@3 t-0')
    script.assertSameAfterReload()
  })

  test('nobody has any more when it is known: nothing is written of it', () => {
    const script = new ConsumerScript({ topics: { logs1: 1, t: 1 }, ...slowly })
    script.endsTurns = false
    script.join('a', 't')
    script.join('b', { regex: 'logs.*' })
    script.leave('b')
    while (script.endTurn());
    script.settle()
    assert.ok(!script.recordTypes().includes('RegularExpression'))
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0')
    script.assertSameAfterReload()
  })

  test('is found although the group has more patterns than are remembered', () => {
    const patterns = { mostKnown: 2, mostQueued: 1, stepsPerTurn: 600 }
    const script = new ConsumerScript({ topics: { a1: 1, b1: 1, c1: 1, d1: 1 }, patterns })
    for (const name of ['a', 'b', 'c', 'd']) script.join(name, { regex: `${name}.*` })
    const wanted = 'a@5 a1-0 / b@5 b1-0 / c@5 c1-0 / d@5 d1-0'
    for (let round = 0; round < 20; round++) for (const name of 'abcd') script.beat(name)
    assert.ok(script.shape.replaceAll(/@\d+/g, '@5').endsWith(wanted), script.shape)
    script.createTopic('a2', 1)
    script.advance(1000)
    for (let round = 0; round < 20; round++) for (const name of 'abcd') script.beat(name)
    assert.ok(script.shape.includes('a1-0 a2-0 / '), script.shape)
    const { steps } = script.patterns
    for (const name of 'abcd') script.beat(name)
    assert.equal(script.patterns.steps, steps, 'nothing is left to look for')
  })

  test('that cannot be read is an error at once', () => {
    const script = new ConsumerScript({ topics: { t: 1 }, ...slowly })
    script.endsTurns = false
    script.join('a', { regex: 't.*' })
    assert.equal(script.join('b', { regex: '(' }), 'INVALID_REGULAR_EXPRESSION')
  })
})
