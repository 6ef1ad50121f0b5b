// SyncGroup in every state of a classic group: who is assigned what, and what becomes of those who do not ask.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { stateNames, states } from './states.ts'

describe('SyncGroup', () => {
  test('waits for the leader, and gives everybody its own part', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    assert.deepEqual(group.heard(), [])
    group.sync('a', { a: 'p0 p1', b: 'p2' })
    assert.deepEqual(group.heard(), ['b syncs: gets "p2"', 'a syncs: gets "p0 p1"'])
    assert.equal(group.shape, 'Stable 1: a* b')
  })

  test('is answered when the assignment is committed, and not before', () => {
    const group = states.CompletingRebalance()
    group.shard.holdCommits()
    group.sync('b')
    group.sync('a', { a: 'a', b: 'b' })
    assert.deepEqual(group.heard(), [])
    group.shard.commit()
    assert.deepEqual(group.heard(), ['b syncs: gets "b"', 'a syncs: gets "a"'])
  })

  test('of late comers and repeaters gets what is stored', () => {
    const group = states.Stable()
    group.sync('b')
    group.sync('a', { a: 'another', b: 'another' })
    assert.deepEqual(group.heard(), ['b syncs: gets "b"', 'a syncs: gets "a"'])
  })

  test('gives nothing to members that the leader forgot, and drops what is for others', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.sync('a', { a: 'all', stranger: 'p' })
    assert.deepEqual(group.heard(), ['b syncs: gets ""', 'a syncs: gets "all"'])
    assert.match(
      group.reasons().at(-1)!,
      /leads and handed in the assignment, with nothing for 1 of 2 members$/,
    )
  })

  test('writes down the generation, who leads, and everybody with subscription and assignment', () => {
    const group = states.CompletingRebalance()
    group.sync('a', { a: 'p0', b: 'p1' })
    const record = group.shard.records.at(-1)!
    assert(record.type === 'GroupMetadata')
    const { members, ...value } = record.value!
    const [a, b] = [group.client('a').memberId, group.client('b').memberId]
    assert.deepEqual(value, {
      protocolType: 'consumer',
      generation: 1,
      protocol: 'range',
      leader: a,
      currentStateTimestamp: group.shard.nowMs,
    })
    assert.deepEqual(
      members.map((member) => [member.memberId, String(member.subscription), String(member.assignment)]),
      [
        [a, 'a', 'p0'],
        [b, 'b', 'p1'],
      ],
    )
    assert.deepEqual(
      [
        members[0]!.clientId,
        members[0]!.clientHost,
        members[0]!.rebalanceTimeout,
        members[0]!.sessionTimeout,
      ],
      ['a', '/10.0.0.3', 60_000, 10_000],
    )
  })

  test('that cannot be written down gives nobody an assignment: everybody joins again', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.shard.failNextAppend(errors.UNKNOWN_SERVER_ERROR)
    group.sync('a', { a: 'too much', b: 'too much' })
    assert.deepEqual(group.heard(), ['b syncs: UNKNOWN_SERVER_ERROR', 'a syncs: UNKNOWN_SERVER_ERROR'])
    assert.equal(group.shape, 'PreparingRebalance 1: a* b')
    assert.match(group.reasons().at(-1)!, /^the assignment could not be written to the log/)
    group.join('a')
    group.join('b')
    group.syncAll('a', 'b')
    assert.deepEqual(group.heard(), ['a syncs: gets "a"', 'b syncs: gets "b"'])
  })

  test('that fails leaves sessions behind: members who do not join again time out', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.shard.failNextAppend(errors.NOT_COORDINATOR)
    group.sync('a', {})
    group.advance(10_000)
    assert.equal(group.shape, 'Empty 2:')
    assert.equal(group.shard.timers.size, 0)
  })

  test('of members that never send it is not waited for longer than the rebalance timeout', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    for (let waited = 0; waited < 60_000; waited += 5000) {
      assert.deepEqual(group.heard(), [], `after ${waited} ms`)
      group.heartbeat('a')
      group.heard()
      group.advance(5000)
    }
    assert.deepEqual(group.heard(), ['b syncs: REBALANCE_IN_PROGRESS'])
    assert.equal(group.shape, 'PreparingRebalance 1: b*')
    assert.match(
      group.reasons().at(-1)!,
      /^member a-[0-9a-f]{4}… \(client a at \/10.0.0.3\) did not ask for its assignment within 60000 ms$/,
    )
    group.advance(10_000)
    assert.equal(group.shape, 'Empty 2:', 'the session of the one who waited goes on afterwards')
  })

  test('of a follower that never sends it is not waited for either, though the group is stable', () => {
    const group = states.CompletingRebalance()
    group.sync('a', { a: 'a', b: 'b' })
    for (let i = 0; i < 12; i++) {
      group.advance(5000)
      group.heartbeat('a')
      group.heartbeat('b')
    }
    assert.equal(group.shape, 'PreparingRebalance 1: a*')
  })

  test('twice from one member: the first of the two has to join again', () => {
    const group = states.CompletingRebalance()
    group.sync('b')
    group.sync('b')
    assert.deepEqual(group.heard(), ['b syncs: REBALANCE_IN_PROGRESS'])
    group.sync('a', { b: 'p' })
    assert.deepEqual(group.heard(), ['b syncs: gets "p"', 'a syncs: gets ""'])
  })

  test('names another protocol than the generation has (KIP-559): INCONSISTENT_GROUP_PROTOCOL', () => {
    for (const state of ['CompletingRebalance', 'Stable'] as const) {
      const group = states[state]()
      group.sync('b', {}, { protocolType: 'connect', protocolName: 'range' })
      group.sync('b', {}, { protocolType: 'consumer', protocolName: 'sticky' })
      assert.deepEqual(group.heard(), Array(2).fill('b syncs: INCONSISTENT_GROUP_PROTOCOL'))
      group.sync('b', {}, { protocolType: 'consumer', protocolName: 'range' })
      assert.deepEqual(group.heard(), state === 'Stable' ? ['b syncs: gets "b"'] : [])
    }
  })

  test('of another generation or of nobody is refused in every state', () => {
    for (const state of stateNames) {
      const group = states[state]()
      group.sync('b', {}, { generation: 0 })
      group.sync('stranger', {}, { as: 'x-1', generation: 1 })
      const stale = state === 'Empty' ? 'UNKNOWN_MEMBER_ID' : 'ILLEGAL_GENERATION'
      assert.deepEqual(group.heard(), [`b syncs: ${stale}`, 'stranger syncs: UNKNOWN_MEMBER_ID'], state)
    }
  })

  test('while members are called together: REBALANCE_IN_PROGRESS', () => {
    const group = states.PreparingRebalance()
    group.sync('b')
    assert.deepEqual(group.heard(), ['b syncs: REBALANCE_IN_PROGRESS'])
  })
})
