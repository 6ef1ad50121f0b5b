// Heartbeat and LeaveGroup in every state of a classic group, and the sessions of its members.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { GroupScript } from './script.ts'
import { stateNames, states } from './states.ts'

describe('Heartbeat', () => {
  const expected = {
    PreparingRebalance: 'REBALANCE_IN_PROGRESS',
    CompletingRebalance: 'NONE',
    Stable: 'NONE',
    Empty: 'UNKNOWN_MEMBER_ID',
  } as const
  for (const state of stateNames) {
    test(`in ${state}: ${expected[state]}`, () => {
      const group = states[state]()
      group.heartbeat('b')
      group.heartbeat('b', { generation: 7 })
      group.heartbeat('b', { as: 'x-1' })
      const stale = state === 'Empty' ? 'UNKNOWN_MEMBER_ID' : 'ILLEGAL_GENERATION'
      assert.deepEqual(group.heard(), [
        `b beats: ${expected[state]}`,
        `b beats: ${stale}`,
        'b beats: UNKNOWN_MEMBER_ID',
      ])
    })
  }

  test('keeps a member for as long as it comes', () => {
    const group = states.Stable()
    for (let i = 0; i < 20; i++) {
      group.advance(9999)
      group.heartbeat('a')
      group.heartbeat('b')
    }
    assert.equal(group.shape, 'Stable 1: a* b')
  })
})

describe('a session', () => {
  test('that ends takes the member out, and the others are called together', () => {
    const group = states.Stable()
    group.advance(6000)
    group.heartbeat('b')
    group.advance(4000)
    assert.equal(group.shape, 'PreparingRebalance 1: b*')
    assert.match(
      group.reasons()[0]!,
      /^member a-[0-9a-f]{4}… \(client a at \/10.0.0.3\) missed its heartbeat for 10000 ms$/,
    )
    group.join('b')
    assert.deepEqual(group.heard(), ['b beats: NONE', 'b joins: 2 range, leads b'])
  })

  test('does not end while the member waits for us', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    for (let i = 0; i < 5; i++) {
      group.advance(9000)
      group.heartbeat('a')
    }
    assert.equal(group.shape, 'CompletingRebalance 1: a* b')
    group.sync('a', { b: 'p' })
    group.advance(9999)
    assert.equal(group.group.members.size, 2)
    group.advance(1)
    assert.equal(group.shape, 'Empty 2:')
  })

  test('begins anew with a commit, a JoinGroup that changes nothing, and a SyncGroup', () => {
    for (const sign of ['commit', 'join', 'sync'] as const) {
      const group = states.Stable()
      for (let i = 0; i < 5; i++) {
        group.advance(9000)
        group.heartbeat('a')
        group[sign]('b')
      }
      assert.equal(group.shape, 'Stable 1: a* b', sign)
    }
  })

  test('of the last member leaves an empty group, which is written down without protocol and leader', () => {
    const group = states.Stable()
    group.advance(10_000)
    assert.equal(group.shape, 'Empty 2:')
    const record = group.shard.records.at(-1)!
    assert(record.type === 'GroupMetadata')
    assert.deepEqual(record.value, {
      protocolType: 'consumer',
      generation: 2,
      protocol: null,
      leader: null,
      currentStateTimestamp: group.shard.nowMs,
      members: [],
    })
    assert.equal(group.shard.timers.size, 0)
  })

  test('of the last member that ends while nothing can be written leaves an empty group all the same', () => {
    const group = states.Stable()
    group.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    group.advance(10_000)
    assert.equal(group.shape, 'Empty 2:')
    assert.equal(group.shard.records.at(-1)!.value && 'members' in group.shard.records.at(-1)!.value!, true)
    group.forget('a')
    group.enter('a')
    group.advance(0)
    assert.deepEqual(group.heard(), ['a joins: 3 range, leads a'])
  })
})

describe('LeaveGroup', () => {
  for (const state of stateNames) {
    test(`in ${state}: a member goes, a stranger cannot`, () => {
      const group = states[state]()
      group.leaveAs('x', [{ memberId: 'x-1', groupInstanceId: null, reason: null }])
      group.leave('b')
      const isEmpty = state === 'Empty'
      assert.deepEqual(group.heard(), [
        'x leaves: UNKNOWN_MEMBER_ID',
        `b leaves: ${isEmpty ? 'UNKNOWN_MEMBER_ID' : 'NONE'}`,
      ])
      const expected = {
        Empty: 'Empty 2:',
        PreparingRebalance: 'PreparingRebalance 1: a* c',
        CompletingRebalance: 'PreparingRebalance 1: a*',
        Stable: 'PreparingRebalance 1: a*',
      }
      assert.equal(group.shape, expected[state])
    })
  }

  test('of the last one that is waited for begins the next generation', () => {
    const group = states.PreparingRebalance()
    group.join('b')
    group.leave('a')
    assert.deepEqual(group.heard(), [
      'c joins: 2 range, follows',
      'b joins: 2 range, leads b c',
      'a leaves: NONE',
    ])
  })

  test('of the leader while others wait for their assignment calls these together under another', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.leave('a', 'scaled down')
    assert.deepEqual(group.heard(), ['b syncs: REBALANCE_IN_PROGRESS', 'a leaves: NONE'])
    assert.equal(group.shape, 'PreparingRebalance 1: b*')
    assert.match(group.reasons().at(-1)!, /^member a-.* left; the client says: scaled down$/)
  })

  test('of a member whose own requests wait answers these', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.leave('b')
    assert.deepEqual(group.heard(), ['b syncs: UNKNOWN_MEMBER_ID', 'b leaves: NONE'])
    const joining = states.PreparingRebalance()
    joining.leave('c')
    assert.deepEqual(joining.heard(), ['c joins: UNKNOWN_MEMBER_ID', 'c leaves: NONE'])
  })

  test('of many at once makes one rebalance, and tells of each', () => {
    const group = new GroupScript()
    for (const name of ['a', 'b', 'c']) group.enter(name, { instance: `i-${name}` })
    group.enter('d')
    group.join('e')
    group.advance(0)
    group.syncAll('a', 'b', 'c', 'd')
    group.heard()
    group.notes.length = 0
    const member = (memberId: string, groupInstanceId: string | null = null) => ({
      memberId,
      groupInstanceId,
      reason: null,
    })
    group.leaveAs('admin', [
      member('', 'i-a'),
      member(group.client('b').memberId, 'i-b'),
      member(group.client('c').memberId, 'i-a'),
      member(group.client('e').memberId),
      member('x-1'),
      member(''),
      member('', 'i-x'),
    ])
    assert.deepEqual(group.heard(), [
      'admin leaves: NONE, NONE, UNKNOWN_MEMBER_ID, NONE, UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID',
    ])
    assert.equal(group.notes.filter(({ kind }) => kind === 'rebalance-started').length, 1)
    assert.match(group.reasons().at(-1)!, /i-a.* was removed by its instance id, and 2 more with it$/)
    assert.equal(group.group.members.size, 2)
    assert.equal(group.group.pendingJoin.size, 0)
  })

  test('of a client that never came back with its id lets the others go on', () => {
    const group = states.Stable()
    group.join('c')
    group.join('a')
    group.join('b')
    group.heard()
    assert.equal(group.group.state, 'PreparingRebalance')
    group.leave('c')
    assert.deepEqual(group.heard(), [
      'a joins: 2 range, leads a b',
      'b joins: 2 range, follows',
      'c leaves: NONE',
    ])
  })

  test('of nobody changes nothing', () => {
    const group = states.Stable()
    group.leaveAs('x', [])
    assert.equal(group.shape, 'Stable 1: a* b')
  })
})
