// Static members (KIP-345, KIP-814): they keep their place over restarts, and only one process may have it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { GroupScript } from './script.ts'

/** A stable group of static members; a leads. */
function settled(...names: readonly string[]): GroupScript {
  const group = new GroupScript()
  for (const name of names) group.enter(name, { instance: `i-${name}` })
  group.advance(0)
  group.syncAll(...names)
  group.heard()
  group.notes.length = 0
  return group
}

describe('a static member', () => {
  test('joins at once, under an id made of its instance id', () => {
    const group = new GroupScript()
    group.join('a', { instance: 'pod-7' })
    group.advance(0)
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a'])
    assert.match(group.client('a').memberId, /^pod-7-[0-9a-f-]{36}$/)
  })

  test('that starts again in a stable group gets a new id and the same place, and nobody else notices', () => {
    const group = settled('a', 'b')
    group.forget('b')
    group.join('b', { instance: 'i-b' })
    group.sync('b')
    group.heartbeat('a')
    assert.deepEqual(group.heard(), ['b joins: 1 range, follows', 'b syncs: gets "b"', 'a beats: NONE'])
    assert.equal(group.shape, 'Stable 1: a* b')
    assert.match(
      group.reasons()[0]!,
      /^static member i-b, member id i-b-[0-9a-f]{4}… \(client b at \/10.0.0.3\) took the place of member id i-b-/,
    )
  })

  test('is written down under its new id, with what it says of itself now', () => {
    const group = settled('a', 'b')
    group.forget('b')
    group.join('b', { instance: 'i-b', protocols: { range: 'new' }, sessionMs: 20_000 })
    const { memberId } = group.client('b')
    const record = group.shard.records.at(-1)!
    assert(record.type === 'GroupMetadata')
    const member = record.value!.members.find((other) => other.memberId === memberId)
    assert.deepEqual(
      [String(member?.subscription), String(member?.assignment), member?.sessionTimeout],
      ['new', 'b', 20_000],
    )
    assert.equal(record.value!.members.length, 2)
  })

  test('that leads and starts again is told of all, and to skip the assignment, from version 9', () => {
    const group = settled('a', 'b')
    group.forget('a')
    group.join('a', { instance: 'i-a', version: 9 })
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a b, skips'])
    group.sync('a')
    assert.deepEqual(group.heard(), ['a syncs: gets "a"'])
  })

  test('that leads and starts again is told before version 9 that its old self leads', () => {
    const group = settled('a', 'b')
    const old = group.client('a').memberId
    group.forget('a')
    const call = group.join('a', { instance: 'i-a', version: 8 })
    assert.deepEqual([call.answer.leader, call.answer.members], [old, []])
    assert.deepEqual(group.heard(), ['a joins: 1 range, follows'])
    assert.equal(group.shape, 'Stable 1: a* b')
  })

  test('that starts again and makes the group choose another protocol starts a rebalance', () => {
    const group = new GroupScript()
    for (const name of ['a', 'b']) {
      group.enter(name, { instance: `i-${name}`, protocols: { sticky: '', range: '' } })
    }
    group.advance(0)
    group.syncAll('a', 'b')
    group.forget('b')
    group.join('b', { instance: 'i-b', protocols: { range: '' } })
    assert.equal(group.shape, 'PreparingRebalance 1: a* b')
    assert.match(group.reasons().at(-1)!, /and with it the group chooses another protocol$/)
    group.heard()
    group.join('a', { protocols: { sticky: '', range: '' } })
    assert.deepEqual(group.heard(), ['b joins: 2 range, follows', 'a joins: 2 range, leads a b'])
  })

  test('that starts again while assignments are made starts a rebalance: the leader knows the old id', () => {
    const group = new GroupScript()
    for (const name of ['a', 'b']) group.enter(name, { instance: `i-${name}` })
    group.advance(0)
    group.sync('a', { a: 'a', b: 'b' })
    group.heard()
    group.join('a', { protocols: { range: 'new' } })
    group.join('b')
    group.heard()
    assert.equal(group.shape, 'CompletingRebalance 2: a* b')
    group.forget('b')
    group.join('b', { instance: 'i-b' })
    group.sync('a')
    assert.deepEqual(group.heard(), ['a syncs: REBALANCE_IN_PROGRESS'])
    group.join('a')
    assert.deepEqual(group.heard(), ['b joins: 3 range, follows', 'a joins: 3 range, leads a b'])
  })

  test('that starts again while members are called together takes the place of the one who waits', () => {
    const group = settled('a', 'b')
    group.enter('c')
    group.join('b')
    const waiting = group.client('b').memberId
    group.forget('b')
    group.join('b', { instance: 'i-b' })
    assert.deepEqual(group.heard(), ['b joins: FENCED_INSTANCE_ID'])
    group.join('a')
    assert.deepEqual(group.heard(), [
      'c joins: 2 range, follows',
      'b joins: 2 range, follows',
      'a joins: 2 range, leads a b c',
    ])
    assert.notEqual(group.client('b').memberId, waiting)
  })

  test('whose SyncGroup waits is fenced there too when another process takes its place', () => {
    const group = new GroupScript()
    for (const name of ['a', 'b']) group.enter(name, { instance: `i-${name}` })
    group.advance(0)
    group.sync('b')
    group.forget('b')
    group.heard()
    group.join('b', { instance: 'i-b' })
    assert.deepEqual(group.heard(), ['b syncs: FENCED_INSTANCE_ID'])
    assert.equal(group.shape, 'PreparingRebalance 1: a* b')
  })

  test('keeps its place without joining again until its session ends', () => {
    const group = settled('a', 'b')
    group.join('a', { rebalanceMs: 8000 })
    group.heartbeat('b')
    group.advance(7999)
    group.heartbeat('b')
    assert.deepEqual(group.heard(), ['b beats: REBALANCE_IN_PROGRESS', 'b beats: REBALANCE_IN_PROGRESS'])
    for (let i = 0; i < 11; i++) {
      group.advance(5000)
      group.heartbeat('b')
    }
    assert.equal(group.shape, 'CompletingRebalance 2: a* b')
  })

  test('is waited for by itself: static members who are all away keep the group until their sessions end', () => {
    const group = settled('a', 'b')
    group.leaveAs('admin', [{ memberId: '', groupInstanceId: 'i-b', reason: null }])
    assert.equal(group.shape, 'PreparingRebalance 1: a*')
    for (let i = 0; i < 30; i++) {
      group.heartbeat('a')
      group.advance(5000)
    }
    assert.equal(group.shape, 'PreparingRebalance 1: a*')
    group.advance(10_000)
    assert.equal(group.shape, 'Empty 2:')
    assert.equal(group.shard.timers.size, 0)
  })

  test('with a rebalance timeout of nothing does not make the group look for a leader without pause', () => {
    const group = new GroupScript()
    group.join('a', { instance: 'i', rebalanceMs: 0, sessionMs: 1_800_000 })
    group.join('b', { instance: 'j', rebalanceMs: 0, sessionMs: 1_800_000 })
    // One step, so that the time for SyncGroup, which is nothing as well, does not pass.
    group.shard.advanceToNextTimer()
    group.leaveAs('admin', [{ memberId: '', groupInstanceId: 'j', reason: null }])
    group.advance(1_800_000)
    assert.equal(group.group.members.size, 0)
  })
})

describe('an id that another process has now', () => {
  const fenced = () => {
    const group = settled('a', 'b')
    const old = group.client('b').memberId
    group.forget('b')
    group.join('b', { instance: 'i-b' })
    group.heard()
    return { group, old }
  }

  test('is fenced with its instance id, whatever it asks', () => {
    const { group, old } = fenced()
    group.heartbeat('b', { as: old })
    group.sync('b', {}, { as: old })
    group.leaveAs('b', [{ memberId: old, groupInstanceId: 'i-b', reason: null }])
    assert.equal(group.commit('b', { memberId: old }), 'FENCED_INSTANCE_ID')
    group.join('b', { as: old })
    assert.deepEqual(group.heard(), [
      'b beats: FENCED_INSTANCE_ID',
      'b syncs: FENCED_INSTANCE_ID',
      'b leaves: FENCED_INSTANCE_ID',
      'b joins: FENCED_INSTANCE_ID',
    ])
    assert.equal(group.shape, 'Stable 1: a* b')
    assert.match(group.reasons().at(-1)!, /another client is static member i-b now$/)
  })

  test('is unknown without its instance id', () => {
    const { group, old } = fenced()
    group.heartbeat('b', { as: old, instance: null })
    group.sync('b', {}, { as: old, instance: null })
    assert.deepEqual(group.heard(), ['b beats: UNKNOWN_MEMBER_ID', 'b syncs: UNKNOWN_MEMBER_ID'])
  })

  test('has no session any more: its end takes nobody out', () => {
    const { group } = fenced()
    for (let i = 0; i < 10; i++) {
      group.advance(5000)
      group.heartbeat('a')
      group.heartbeat('b')
    }
    assert.equal(group.shape, 'Stable 1: a* b')
  })

  test('is no instance: a name that nobody has is unknown', () => {
    const { group } = fenced()
    group.heartbeat('a', { instance: 'nobody' })
    assert.deepEqual(group.heard(), ['a beats: UNKNOWN_MEMBER_ID'])
  })
})

test('a replacement that cannot be written down is taken back: the old id goes on', () => {
  const group = settled('a', 'b')
  const old = group.client('a').memberId
  group.forget('a')
  group.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
  group.join('a', { instance: 'i-a', protocols: { range: 'other' } })
  assert.deepEqual(group.heard(), ['a joins: COORDINATOR_NOT_AVAILABLE'])
  assert.equal(group.group.leaderId, old)
  assert.equal(group.group.staticMember('i-a')?.memberId, old)
  group.heartbeat('a', { as: old, generation: 1 })
  assert.deepEqual(group.heard(), ['a beats: NONE'])
  for (let i = 0; i < 4; i++) {
    group.advance(4000)
    group.heartbeat('b')
  }
  assert.equal(group.group.members.has(old), false, 'its session goes on too')
})
