// JoinGroup: how members come into a classic group, and how they make up generations.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { GroupScript } from './script.ts'

describe('a new group', () => {
  test('sends its first member back for an id, then makes it the leader of generation 1', () => {
    const group = new GroupScript()
    group.join('a')
    assert.deepEqual(group.heard(), ['a joins: MEMBER_ID_REQUIRED'])
    assert.match(group.client('a').memberId, /^a-[0-9a-f]{8}-[0-9a-f]{4}-4/)
    assert.equal(group.shape, 'Empty 0:')
    group.join('a')
    assert.deepEqual(group.heard(), [])
    assert.equal(group.shape, 'PreparingRebalance 0: a*')
    group.advance(0)
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a'])
    assert.equal(group.shape, 'CompletingRebalance 1: a*')
  })

  test('is written down before its first member has an id, empty and without protocol', () => {
    const group = new GroupScript()
    group.join('a')
    const { nowMs, records } = group.shard
    assert.deepEqual(records, [
      {
        type: 'GroupMetadata',
        key: { group: 'g' },
        value: {
          protocolType: '',
          generation: 0,
          protocol: null,
          leader: null,
          currentStateTimestamp: nowMs,
          members: [],
        },
      },
    ])
  })

  test('is not made by a failed append: the client gets the error, and the group is not there', () => {
    for (const version of [3, 9]) {
      const group = new GroupScript()
      group.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
      group.join('a', { version })
      assert.deepEqual(group.heard(), ['a joins: COORDINATOR_NOT_AVAILABLE'], `version ${version}`)
      assert.equal(group.shard.machine.groups.size, 0)
      assert.equal(group.shard.timers.size, 0)
    }
  })

  test('is not made for somebody who has an id already', () => {
    const group = new GroupScript()
    group.join('a', { as: 'a-1' })
    assert.deepEqual(group.heard(), ['a joins: UNKNOWN_MEMBER_ID'])
    assert.equal(group.shard.machine.groups.size, 0)
  })

  test('takes clients before version 4 in without an id to come back with', () => {
    const group = new GroupScript()
    group.join('old', { version: 3 })
    group.advance(0)
    assert.deepEqual(group.heard(), ['old joins: 1 range, leads old'])
  })
})

describe('the first rebalance of a group', () => {
  const settings = { 'group.initial.rebalance.delay.ms': '3000' }

  test('waits group.initial.rebalance.delay.ms, and as long again while more come', () => {
    const group = new GroupScript(settings)
    group.enter('a')
    group.advance(2000)
    group.enter('b')
    group.advance(2000)
    assert.equal(group.shape, 'PreparingRebalance 0: a* b')
    group.advance(1999)
    assert.deepEqual(group.heard(), [])
    group.advance(1)
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a b', 'b joins: 1 range, follows'])
  })

  test('never waits longer than the rebalance timeout of those who had come first', () => {
    const group = new GroupScript(settings)
    group.enter('m0', { rebalanceMs: 5000 })
    for (let i = 1; i <= 6; i++) {
      group.advance(900)
      if (group.group.state === 'PreparingRebalance') group.enter(`m${i}`, { rebalanceMs: 5000 })
    }
    assert.equal(group.group.state, 'CompletingRebalance')
    assert.equal(group.group.members.size, 6)
  })

  test('goes on with nobody, if all have left meanwhile', () => {
    const group = new GroupScript(settings)
    group.enter('a')
    group.leave('a')
    assert.deepEqual(group.heard(), ['a joins: UNKNOWN_MEMBER_ID', 'a leaves: NONE'])
    group.advance(3000)
    assert.equal(group.shape, 'Empty 1:')
  })
})

describe('a rebalance', () => {
  test('waits for every member, and keeps the leader who joined again', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    assert.equal(group.shape, 'Stable 1: a* b')
    group.enter('c')
    assert.equal(group.shape, 'PreparingRebalance 1: a* b c')
    group.join('b')
    assert.deepEqual(group.heard(), [])
    group.join('a')
    assert.deepEqual(group.heard(), [
      'c joins: 2 range, follows',
      'b joins: 2 range, follows',
      'a joins: 2 range, leads a b c',
    ])
  })

  test('removes dynamic members who have not joined again in time, and another one leads', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.enter('c', { rebalanceMs: 30_000 })
    group.join('b', { rebalanceMs: 30_000 })
    for (let waited = 0; waited < 60_000; waited += 5000) {
      assert.deepEqual(group.heard(), [], `after ${waited} ms`)
      group.heartbeat('a')
      assert.deepEqual(group.heard(), ['a beats: REBALANCE_IN_PROGRESS'])
      group.advance(5000)
    }
    assert.deepEqual(group.heard(), ['c joins: 2 range, follows', 'b joins: 2 range, leads b c'])
    assert.equal(group.shape, 'CompletingRebalance 2: b* c')
    group.heartbeat('a')
    assert.deepEqual(group.heard(), ['a beats: UNKNOWN_MEMBER_ID'])
  })

  test('waits for a client that was given an id, until its session would have ended', () => {
    const group = new GroupScript()
    group.settle('a')
    group.join('slow', { sessionMs: 7000 })
    group.join('a')
    group.advance(6999)
    assert.deepEqual(group.heard(), ['slow joins: MEMBER_ID_REQUIRED'])
    group.reasons()
    group.advance(1)
    assert.deepEqual(group.heard(), ['a joins: 2 range, leads a'])
    assert.match(
      group.reasons()[0]!,
      /^nobody came back within 7000 ms with the member id slow-[0-9a-f]{4}… /,
    )
  })

  test('begins when the leader joins again, for it may know of something that the metadata does not show', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.join('a', { why: 'metadata of a topic has changed' })
    assert.equal(group.shape, 'PreparingRebalance 1: a* b')
    const [reason] = group.reasons()
    assert.match(
      reason!,
      /^the leader, member a-[0-9a-f]{4}… \(client a at \/10.0.0.3\), joined again, which always starts a rebalance; the client says: metadata of a topic has changed$/,
    )
  })

  test('begins when a follower joins again with other metadata, and not with the same', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.join('b')
    assert.deepEqual(group.heard(), ['b joins: 1 range, follows'])
    assert.equal(group.shape, 'Stable 1: a* b')
    group.join('b', { protocols: { range: 'more topics' } })
    assert.equal(group.shape, 'PreparingRebalance 1: a* b')
    assert.match(group.reasons()[0]!, /joined again with other metadata$/)
  })

  test('does not begin for somebody who missed the answer: it gets the same again', () => {
    const group = new GroupScript()
    group.enter('a')
    group.enter('b')
    group.advance(0)
    group.heard()
    group.join('b')
    group.join('a')
    assert.deepEqual(group.heard(), ['b joins: 1 range, follows', 'a joins: 1 range, leads a b'])
    assert.equal(group.shape, 'CompletingRebalance 1: a* b')
  })

  test('begins anew for other metadata while assignments are made: whoever waits for its own joins again', () => {
    const group = new GroupScript()
    group.enter('a')
    group.enter('b')
    group.advance(0)
    group.sync('b')
    group.heard()
    group.join('a', { protocols: { range: 'other' } })
    assert.deepEqual(group.heard(), ['b syncs: REBALANCE_IN_PROGRESS'])
    group.join('b')
    assert.deepEqual(group.heard(), ['a joins: 2 range, leads a b', 'b joins: 2 range, follows'])
  })

  test('answers the first of two JoinGroups of one member: it has to ask again', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.join('a')
    group.join('a')
    assert.deepEqual(group.heard(), ['a joins: REBALANCE_IN_PROGRESS'])
    group.join('b')
    assert.deepEqual(group.heard(), ['a joins: 2 range, leads a b', 'b joins: 2 range, follows'])
  })

  test('ends for a new member after five minutes, even if others keep it waiting', () => {
    const group = new GroupScript()
    group.settle('a')
    group.enter('b', { rebalanceMs: 3_600_000 })
    for (let waited = 0; waited < 300_000; waited += 5000) {
      assert.deepEqual(group.heard(), [], `after ${waited} ms`)
      group.heartbeat('a')
      group.heard()
      group.advance(5000)
    }
    assert.deepEqual(group.heard(), ['b joins: UNKNOWN_MEMBER_ID'])
    assert.equal(group.shape, 'PreparingRebalance 1: a*')
  })
})

describe('the protocol of a generation', () => {
  test('is the one that most members like best among those that all know', () => {
    const group = new GroupScript()
    group.enter('a', { protocols: { sticky: '', range: '', roundrobin: '' } })
    group.enter('b', { protocols: { range: '', roundrobin: '' } })
    group.enter('c', { protocols: { roundrobin: '', range: '' } })
    group.advance(0)
    assert.deepEqual(group.heard(), [
      'a joins: 1 range, leads a b c',
      'b joins: 1 range, follows',
      'c joins: 1 range, follows',
    ])
  })

  test('may be chosen anew when the only one that did not know it has left', () => {
    const group = new GroupScript()
    group.enter('a', { protocols: { sticky: '', range: '' } })
    group.enter('b', { protocols: { range: '' } })
    group.advance(0)
    group.heard()
    group.leave('b')
    group.join('a', { protocols: { sticky: '', range: '' } })
    assert.deepEqual(group.heard(), ['b leaves: NONE', 'a joins: 2 sticky, leads a'])
  })

  test('tells the leader of all, with the metadata of this protocol', () => {
    const group = new GroupScript()
    const call = group.enter('a', { protocols: { range: 'from a', sticky: 'no' } })
    group.enter('b', { protocols: { range: 'from b' }, instance: 'static-b' })
    group.advance(0)
    assert.deepEqual(
      call.answer.members!.map(({ groupInstanceId, metadata }) => [groupInstanceId, String(metadata)]),
      [
        [null, 'from a'],
        ['static-b', 'from b'],
      ],
    )
    assert.equal(call.answer.protocolType, 'consumer')
  })
})
