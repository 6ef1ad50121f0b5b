// Who may come into a classic group, and what the group keeps of those who only ask.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GroupScript } from './script.ts'

describe('who may not join', () => {
  const cases: readonly [string, Parameters<GroupScript['join']>[1], string][] = [
    ['another protocol type', { protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol that all know', { protocols: { sticky: '' } }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol at all', { protocols: {} }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol type', { protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['an id that nobody has', { as: 'x-1' }, 'UNKNOWN_MEMBER_ID'],
    ['an instance id with an id that nobody has', { as: 'x-1', instance: 'i' }, 'UNKNOWN_MEMBER_ID'],
    ['too short a session', { sessionMs: 5999 }, 'INVALID_SESSION_TIMEOUT'],
    ['too long a session', { sessionMs: 1_800_001 }, 'INVALID_SESSION_TIMEOUT'],
    [
      'a protocol named twice',
      {
        protocols: [
          { name: 'range', metadata: Buffer.from('1') },
          { name: 'range', metadata: Buffer.from('2') },
        ],
      },
      'INVALID_REQUEST',
    ],
    [
      'more protocols than anybody has',
      { protocols: Array.from({ length: 1001 }, (_, i) => ({ name: `p${i}`, metadata: Buffer.alloc(0) })) },
      'INVALID_REQUEST',
    ],
  ]
  for (const [what, options, expected] of cases) {
    test(`${what}: ${expected}, and the group stays as it is`, () => {
      const group = new GroupScript()
      group.settle('a')
      const timers = new Set(group.shard.timers.keys())
      group.join('x', options)
      assert.deepEqual(group.heard(), [`x joins: ${expected}`])
      assert.equal(group.shape, 'Stable 1: a*')
      assert.deepEqual(new Set(group.shard.timers.keys()), timers)
    })
  }

  for (const [what, options, expected] of cases.filter(([, { as } = {}]) => as === undefined)) {
    if (what === 'no protocol that all know' || what === 'another protocol type') continue
    test(`${what}, in a group that is not there: ${expected}, and there is none afterwards`, () => {
      const group = new GroupScript()
      group.join('x', options)
      assert.deepEqual(group.heard(), [`x joins: ${expected}`])
      assert.equal(group.shard.machine.groups.size, 0)
      assert.equal(group.shard.records.length, 0)
    })
  }

  test('a session shorter than the broker allows is told what is allowed', () => {
    const group = new GroupScript()
    const call = group.join('x', { sessionMs: 1 })
    assert.throws(() => call.answer, /1 ms; allowed: 6000 \(group.min.session.timeout.ms\) to 1800000/)
  })
})

describe('group.max.size', () => {
  const settings = { 'group.max.size': '2' }

  test('turns away the member after the last, whatever the state', () => {
    const group = new GroupScript(settings)
    group.settle('a', 'b')
    group.join('c')
    assert.deepEqual(group.heard(), ['c joins: GROUP_MAX_SIZE_REACHED'])
    group.join('a')
    group.join('b')
    group.join('c')
    assert.deepEqual(group.heard(), [
      'a joins: 2 range, leads a b',
      'b joins: 2 range, follows',
      'c joins: GROUP_MAX_SIZE_REACHED',
    ])
  })

  test('gives the last seat to the client that comes back first', () => {
    const group = new GroupScript(settings)
    for (const name of ['a', 'b', 'c']) group.join(name)
    for (const name of ['c', 'a', 'b']) group.join(name)
    group.advance(0)
    assert.deepEqual(group.heard().slice(3), [
      'c joins: 1 range, leads c a',
      'a joins: 1 range, follows',
      'b joins: GROUP_MAX_SIZE_REACHED',
    ])
    assert.equal(group.group.pendingJoin.size, 0)
  })

  test('lets a static member come back under a new id, for it has its seat', () => {
    const group = new GroupScript(settings)
    group.enter('a', { instance: 'i' })
    group.enter('b')
    group.advance(0)
    group.syncAll('a', 'b')
    group.heard()
    group.forget('a')
    group.join('a', { instance: 'i' })
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a b, skips'])
  })

  test('that was lowered: the loaded group rebalances, and loses those that come last', () => {
    const group = new GroupScript()
    group.settle('a', 'b', 'c')
    group.configure({ 'group.max.size': '2' })
    group.shard.restart()
    assert.equal(group.shape, 'PreparingRebalance 1: a* b c')
    assert.match(group.reasons().at(-1)!, /3 members and may have 2 \(group.max.size\)/)
    group.join('c')
    group.join('b')
    group.join('a')
    assert.deepEqual(group.heard(), [
      'c joins: 2 range, follows',
      'b joins: 2 range, leads b c',
      'a joins: GROUP_MAX_SIZE_REACHED',
    ])
    assert.equal(group.shape, 'CompletingRebalance 2: b* c')
  })
})

test('the longest names there can be make ids that can be written', () => {
  // Cutting at an odd length would leave half of a snake, which is no text.
  for (const long of ['x'.repeat(32_767), '\u{1f40d}'.repeat(8191)]) {
    for (const options of [{ instance: long }, {}]) {
      const group = new GroupScript()
      group.enter(long, options)
      group.advance(0)
      group.sync(long, { [long]: 'p' })
      group.shard.restart()
      group.heartbeat(long)
      assert.equal(group.heard().at(-1), `${long} beats: NONE`)
    }
  }
})

describe('the timeline', () => {
  test('tells of clients in short lines, whatever they call themselves', () => {
    const group = new GroupScript()
    const name = `\u001b[31mred\n${'x'.repeat(10_000)}`
    group.enter(name, { why: 'y'.repeat(10_000), instance: `\u0000${'i'.repeat(10_000)}` })
    group.advance(0)
    group.join(name, { as: 'z'.repeat(10_000) })
    group.leave(name, '\r\n\u2028')
    assert(group.notes.length >= 5)
    for (const note of group.notes) {
      for (const text of Object.values(note)) {
        if (typeof text !== 'string') continue
        assert(text.length < 1000, text)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(text, /[\u0000-\u001f\u007f\u2028]/)
      }
    }
  })
})

describe('the timeline of consumers', () => {
  /** A subscription with what a cooperative member adds to it: the partitions it has. */
  const subscription = (topics: readonly string[], owned = '') =>
    Buffer.concat([
      Buffer.from([0, 1, 0, 0, 0, topics.length]),
      ...topics.map((topic) => Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic)])),
      Buffer.from(owned),
    ])

  test('tells of other topics, not of other partitions', () => {
    const group = new GroupScript()
    const join = (topics: string[], owned?: string) => {
      group.join('a', { protocolType: 'consumer', protocols: { range: subscription(topics, owned) } })
      group.advance(0)
    }
    join(['t'])
    join(['t'])
    const told = () => group.notes.filter(({ kind }) => kind === 'subscription-changed')
    join(['t'], 'owns t-0')
    assert.deepEqual(told(), [])
    join(['u', 't'])
    assert.match(told()[0]!.reason, /reads t, u from now on$/)
    assert.equal(told().length, 1)
  })
})

describe('ids that were given out', () => {
  test('are forgotten when nobody has come back with them within the session timeout', () => {
    const group = new GroupScript()
    group.join('a', { sessionMs: 6000 })
    group.advance(6000)
    group.join('a')
    assert.deepEqual(group.heard(), ['a joins: MEMBER_ID_REQUIRED', 'a joins: UNKNOWN_MEMBER_ID'])
    assert.equal(group.shard.timers.size, 0)
  })

  test('are at most a thousand for each group: beyond that the oldest is forgotten', () => {
    const group = new GroupScript()
    for (let i = 0; i < 1500; i++) group.join(`c${i}`)
    assert.equal(group.group.pendingJoin.size, 1000)
    assert.equal(group.shard.timers.size, 1000)
    group.heard()
    group.join('c0')
    group.join('c1499')
    group.advance(0)
    assert.deepEqual(group.heard(), ['c0 joins: UNKNOWN_MEMBER_ID', 'c1499 joins: 1 range, leads c1499'])
  })

  test('that nobody came back with leave nothing in the timeline of a group', () => {
    const group = new GroupScript()
    group.settle('a')
    for (let i = 0; i < 3000; i++) group.join(`c${i}`)
    group.advance(9999)
    group.heartbeat('a')
    group.advance(5000)
    assert.deepEqual(group.reasons(), [])
  })

  test('are no ids for static members', () => {
    const group = new GroupScript()
    group.join('a')
    group.join('a', { instance: 'i' })
    assert.deepEqual(group.heard(), ['a joins: MEMBER_ID_REQUIRED', 'a joins: UNKNOWN_MEMBER_ID'])
  })
})
