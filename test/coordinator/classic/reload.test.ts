// A classic group out of the log again: after a fail-over, from other brokers' records, and gone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClassicGroup, emptyClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { describeClassicGroup } from '../../../src/coordinator/group/classic/describe.ts'
import { joinGroup } from '../../../src/coordinator/group/classic/join.ts'
import { replayGroupMetadata } from '../../../src/coordinator/group/classic/replay.ts'
import type { Group, GroupStep } from '../../../src/coordinator/group/group.ts'
import type { GroupMetadataRecord } from '../../../src/coordinator/group/records.ts'
import { ClassicPieces, GROUP, GroupScript } from './script.ts'

type GroupMetadata = NonNullable<GroupMetadataRecord['value']>

function record(value: Partial<GroupMetadata> | null): GroupMetadataRecord {
  const defaults = {
    protocolType: 'consumer',
    generation: 7,
    protocol: 'range',
    leader: 'm1',
    currentStateTimestamp: 1_600_000_000_000,
    members: [],
  }
  return { type: 'GroupMetadata', key: { group: GROUP }, value: value && { ...defaults, ...value } }
}

function member(memberId: string, more: Partial<GroupMetadata['members'][number]> = {}) {
  return {
    memberId,
    groupInstanceId: null,
    clientId: 'app',
    clientHost: '/10.0.0.3',
    rebalanceTimeout: 300_000,
    sessionTimeout: 10_000,
    subscription: Buffer.from('topics'),
    assignment: Buffer.from('parts'),
    ...more,
  }
}

/** A group with this in its log. */
function loadedFrom(...records: readonly GroupMetadataRecord[]): GroupScript {
  const script = new GroupScript()
  script.shard.appendInTransaction(records, { producerId: 1, producerEpoch: 0 })
  script.shard.restart()
  return script
}

describe('after a fail-over', () => {
  test('a stable group goes on as if nothing had happened', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.shard.restart()
    assert.equal(group.shape, 'Stable 1: a* b')
    group.heartbeat('a')
    group.sync('b')
    group.join('b')
    assert.deepEqual(group.heard(), ['a beats: NONE', 'b syncs: gets "b"', 'b joins: 1 range, follows'])
    assert.equal(group.reasons()[0], 'this broker took over the group, with 2 members')
  })

  test('every member has its whole session before it', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.advance(9000)
    group.shard.restart()
    group.advance(9999)
    assert.equal(group.shape, 'Stable 1: a* b')
    group.advance(1)
    assert.equal(group.shape, 'Empty 2:')
  })

  test('who waited learns NOT_COORDINATOR, and the generation before is there again', () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.join('a')
    group.join('b')
    group.sync('b')
    group.shard.restart()
    assert.deepEqual(group.heard(), [
      'a joins: 2 range, leads a b',
      'b joins: 2 range, follows',
      'b syncs: NOT_COORDINATOR',
    ])
    assert.equal(group.shape, 'Stable 1: a* b')
    group.sync('b')
    group.join('a')
    group.join('b')
    assert.deepEqual(group.heard(), [
      'b syncs: ILLEGAL_GENERATION',
      'a joins: 2 range, leads a b',
      'b joins: 2 range, follows',
    ])
  })

  test('ids that were given out are unknown, and the group is there, empty', () => {
    const group = new GroupScript()
    group.join('a')
    group.shard.restart()
    group.join('a')
    assert.deepEqual(group.heard(), ['a joins: MEMBER_ID_REQUIRED', 'a joins: UNKNOWN_MEMBER_ID'])
    assert.equal(group.shape, 'Empty 0:')
    assert.equal(group.shard.timers.size, 0)
  })
})

describe('a record of another broker', () => {
  test('with members is a stable group of them', () => {
    const group = loadedFrom(record({ members: [member('m1'), member('m2', { groupInstanceId: 'i' })] }))
    assert.equal(group.group.state, 'Stable')
    assert.equal(group.group.generationId, 7)
    assert.equal(group.group.staticMember('i')?.memberId, 'm2')
    assert.equal(group.group.stateSinceMs, 1_600_000_000_000)
    assert.equal(group.group.members.get('m1')?.rebalanceTimeoutMs, 300_000)
  })

  test('before KIP-62 has no rebalance timeout: the session counts', () => {
    const group = loadedFrom(record({ members: [member('m1', { rebalanceTimeout: -1 })] }))
    assert.equal(group.group.rebalanceTimeoutMs, 10_000)
  })

  test('whose leader is nobody, or not a member, gets a leader with the next generation', () => {
    for (const leader of [null, 'gone']) {
      const group = loadedFrom(record({ leader, members: [member('m1')] }))
      group.join('m1', { as: 'm1', protocols: { range: 'more' } })
      assert.deepEqual(group.heard(), ['m1 joins: 8 range, leads m1'], String(leader))
    }
  })

  test('without protocol, though it has members, does no harm', () => {
    const group = loadedFrom(record({ protocol: null, members: [member('m1')] }))
    assert.equal(describeClassicGroup(group.group).protocolData, '')
    group.join('m1', { as: 'm1' })
    group.advance(60_000)
    assert.deepEqual(group.heard(), ['m1 joins: INCONSISTENT_GROUP_PROTOCOL'])
    assert.equal(group.shape, 'Empty 8:')
  })

  test('with sessions that are over, or none, takes its members out at once', () => {
    const group = loadedFrom(
      record({ members: [member('m1', { sessionTimeout: -5, rebalanceTimeout: -1 })] }),
    )
    group.advance(0)
    assert.equal(group.shape, 'Empty 8:')
  })

  test('of the last generation there can be is followed by generation 1', () => {
    const group = loadedFrom(record({ generation: 0x7fffffff, members: [member('m1')] }))
    group.join('m1', { as: 'm1', protocols: { range: 'more' } })
    group.sync('m1', { m1: 'p' })
    assert.deepEqual(group.heard(), ['m1 joins: 1 range, leads m1', 'm1 syncs: gets "p"'])
  })

  test('takes the place of the one before it, and a tombstone of the group', () => {
    const group = loadedFrom(
      record({ members: [member('m1')] }),
      record({ generation: 8, members: [member('m2')] }),
    )
    assert.deepEqual([...group.group.members.keys()], ['m2'])
    const gone = loadedFrom(record({ members: [member('m1')] }), record(null))
    assert.equal(gone.shard.machine.groups.size, 0)
    assert.equal(gone.shard.timers.size, 0)
  })
})

describe('a group that is deleted', () => {
  test('has no timers that do anything any more', () => {
    const group = new GroupScript()
    group.join('a')
    group.run((classic, step) => {
      classic.checkDelete()
      classic.appendTombstones(step)
      return null
    })
    assert.equal(group.shard.machine.groups.size, 0)
    group.advance(60_000)
    assert.equal(group.notes.filter(({ kind }) => kind === 'member-timed-out').length, 0)
    group.forget('a')
    group.enter('a')
    group.advance(0)
    assert.deepEqual(group.heard().slice(-1), ['a joins: 1 range, leads a'])
  })
})

describe('a consumer group without members', () => {
  /** As much of one as joining a classic group needs to know. */
  function emptied(script: GroupScript): Group {
    const tombstone: GroupMetadataRecord = { type: 'GroupMetadata', key: { group: 'other' }, value: null }
    return {
      ...emptyClassicGroup(GROUP, script.shard.nowMs, script.surroundings),
      type: 'consumer',
      appendTombstones: (step: GroupStep) => step.append(tombstone),
    } as unknown as Group
  }

  test('makes room for a classic group, in one step with its own end', () => {
    const script = new GroupScript()
    script.shard.machine.groups.set(emptied(script))
    script.join('a')
    assert.deepEqual(script.heard(), ['a joins: MEMBER_ID_REQUIRED'])
    assert(script.shard.machine.groups.get(GROUP) instanceof ClassicGroup)
    assert.deepEqual(
      script.shard.records.map(({ value }) => value === null),
      [true, false],
    )
  })

  test('stays for somebody who has an id: that is of no classic group', () => {
    const script = new GroupScript()
    const group = emptied(script)
    script.shard.machine.groups.set(group)
    script.join('a', { as: 'a-1' })
    assert.deepEqual(script.heard(), ['a joins: UNKNOWN_MEMBER_ID'])
    assert.equal(script.shard.machine.groups.get(GROUP), group)
  })

  test('is not removed by a tombstone of the classic group that it was before', () => {
    const script = new GroupScript()
    const pieces = new ClassicPieces(script.surroundings)
    const group = emptied(script)
    pieces.groups.set(group)
    replayGroupMetadata(pieces.groups, record(null), script.surroundings)
    assert.equal(pieces.groups.get(GROUP), group)
  })
})

test('what is kept of a request is no view of its memory', () => {
  const script = new GroupScript()
  const metadata = Buffer.from('mine')
  script.shard.run((machine, step) =>
    joinGroup(
      machine.groups,
      {
        groupId: GROUP,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata }],
        reason: null,
        clientId: 'a',
        clientHost: '/10.0.0.3',
        apiVersion: 3,
      },
      step,
      script.surroundings,
    ),
  )
  metadata.fill('x')
  const [first] = script.group.members.values()
  assert.equal(String(first!.metadata('range')), 'mine')
})
