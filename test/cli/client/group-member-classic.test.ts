// A member of a classic group, and what it does when things go wrong: who is told what, in which order.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { GroupMemberOptions } from '../../../src/cli/client/group-member.ts'
import { ClassicMember } from '../../../src/cli/client/group-member-classic.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import { errors } from '../../../src/wire/errors.ts'
import { disconnect, silence } from './scripted-broker.ts'
import { ScriptedGroup } from './scripted-group.ts'

let group: ScriptedGroup
let release = () => {}
beforeEach(async () => {
  release = keepAlive()
  group = await ScriptedGroup.start()
})
afterEach(async () => {
  await group.stop()
  release()
})

const FIRST_JOIN = [
  'FindCoordinator',
  'JoinGroup nobody: the member is new',
  'JoinGroup m1: the member is new',
  '> has orders-0 orders-1',
]

async function joined(change: Partial<GroupMemberOptions> = {}): Promise<ClassicMember> {
  const member = new ClassicMember(group.cluster, group.options(change), group)
  await member.attend()
  assert.ok(member.isSettled)
  return member
}

/** What happened after the first join. */
function since(): string[] {
  return group.lines.slice(FIRST_JOIN.length)
}

describe('joining and leaving', () => {
  test('comes back with the id it is given, leads, takes up everything, and says goodbye', async () => {
    const member = await joined()
    assert.deepEqual(group.lines, FIRST_JOIN)
    await group.until(member, () => group.heartbeats >= 2)
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    await member.leave()
    assert.deepEqual(since(), [
      'OffsetCommit of epoch 1: orders-0=5',
      'LeaveGroup m1: the consumer was closed',
    ])
    const after = group.heartbeats
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.equal(group.heartbeats, after)
  })

  test('speaks to brokers of old', async () => {
    await group.stop()
    group = await ScriptedGroup.start({
      FindCoordinator: [0, 1],
      JoinGroup: [0, 2],
      SyncGroup: [0, 0],
      Heartbeat: [0, 0],
      LeaveGroup: [0, 1],
      OffsetCommit: [2, 2],
    })
    const member = await joined()
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    await member.leave()
    assert.deepEqual(group.lines, [
      'FindCoordinator',
      'JoinGroup nobody',
      '> has orders-0 orders-1',
      'OffsetCommit of epoch 1: orders-0=5',
      'LeaveGroup m1',
    ])
  })

  test('a static member does not leave: its place waits for it', async () => {
    const member = await joined({ instanceId: 'i' })
    await member.leave()
    assert.ok(!group.lines.some((line) => line.startsWith('LeaveGroup')))
  })

  test('leaves at once when it is stopped in the middle of a join that waits for others', async () => {
    const member = await joined()
    group.mishaps.set('Heartbeat', [errors.REBALANCE_IN_PROGRESS])
    group.mishaps.set('JoinGroup', [silence])
    let isStopped = false
    const attending = group.until(member, () => isStopped)
    while (!group.has('JoinGroup: silence')) await new Promise((resolve) => setTimeout(resolve, 5))
    isStopped = true
    await member.leave()
    await attending
    assert.deepEqual(since().at(-1), 'LeaveGroup m1: the consumer was closed')
  })

  test('a loading coordinator is asked again; one that has gone is looked for', async () => {
    group.mishaps.set('FindCoordinator', [errors.COORDINATOR_NOT_AVAILABLE])
    group.mishaps.set('JoinGroup', [errors.COORDINATOR_LOAD_IN_PROGRESS, errors.NOT_COORDINATOR, disconnect])
    await joined()
    assert.ok(group.has('FindCoordinator', 4), group.lines.join('\n'))
    assert.equal(group.lines.at(-1), '> has orders-0 orders-1')
  })

  for (const [error, advice] of [
    [errors.FENCED_INSTANCE_ID, /another member uses this instance id/],
    [errors.INCONSISTENT_GROUP_PROTOCOL, /--protocol, --assignor/],
    [errors.GROUP_MAX_SIZE_REACHED, /the group is full/],
    [errors.INVALID_SESSION_TIMEOUT, /session timeout/],
  ] as const) {
    test(`${error.name} at the join ends it, with what to do`, async () => {
      group.mishaps.set('JoinGroup', [error])
      await assert.rejects(joined(), advice)
    })
  }
})

describe('rebalances', () => {
  test('eager: everything is given up before the join', async () => {
    const member = await joined()
    group.mishaps.set('Heartbeat', [errors.REBALANCE_IN_PROGRESS])
    group.given = [1]
    await group.until(member, () => group.has('> has orders-1'))
    assert.deepEqual(since(), [
      'Heartbeat: REBALANCE_IN_PROGRESS',
      '> gives up orders-0 orders-1',
      'JoinGroup m1: the group is rebalancing',
      '> has orders-1',
    ])
  })

  test('cooperative: only what moves is given up, after the join, and then another join gives it to others', async () => {
    const member = await joined({ assignors: ['cooperative-sticky'] })
    group.mishaps.set('Heartbeat', [errors.REBALANCE_IN_PROGRESS])
    group.given = [1]
    await group.until(member, () => group.has('JoinGroup m1: gave up orders-0'))
    assert.deepEqual(since().slice(0, 4), [
      'Heartbeat: REBALANCE_IN_PROGRESS',
      'JoinGroup m1: the group is rebalancing',
      '> gives up orders-0',
      'JoinGroup m1: gave up orders-0',
    ])
  })

  test('cooperative: attending does not wait for the others, and commits go around the join', async () => {
    const member = await joined({ assignors: ['cooperative-sticky'] })
    group.mishaps.set('Heartbeat', [errors.REBALANCE_IN_PROGRESS])
    group.mishaps.set('JoinGroup', [silence])
    await group.until(member, () => group.has('JoinGroup: silence'))
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    assert.equal(since().at(-1), 'OffsetCommit of epoch 1: orders-0=5')
    await member.leave()
  })

  test('the leader has the group share out again when the topic has grown', async () => {
    const member = await joined({ metadataAgeMs: 20 })
    group.partitions = 3
    await group.until(member, () => group.has('> has orders-0 orders-1 orders-2'))
    assert.deepEqual(since().slice(0, 2), [
      '> gives up orders-0 orders-1',
      'JoinGroup m1: topic orders has 3 partitions now',
    ])
  })

  test('a rebalance that begins between join and sync is joined', async () => {
    group.mishaps.set('SyncGroup', [errors.REBALANCE_IN_PROGRESS])
    await joined()
    assert.deepEqual(group.lines.slice(-3), [
      'SyncGroup: REBALANCE_IN_PROGRESS',
      'JoinGroup m1: the member is new',
      '> has orders-0 orders-1',
    ])
  })
})

describe('a member that the group took for gone', () => {
  test('knows that its partitions are lost, and joins as a new one', async () => {
    const member = await joined()
    group.mishaps.set('Heartbeat', [errors.UNKNOWN_MEMBER_ID])
    await group.until(member, () => group.has('> has orders-0 orders-1', 2))
    assert.deepEqual(since().slice(0, 2), ['Heartbeat: UNKNOWN_MEMBER_ID', '> lost orders-0 orders-1'])
    assert.match(since()[2]!, /^JoinGroup nobody: group g: /)
    assert.match(since()[3]!, /^JoinGroup m2: /)
  })

  test('a commit of an old generation is not taken, and the partitions are lost', async () => {
    const member = await joined()
    group.mishaps.set('OffsetCommit', [errors.ILLEGAL_GENERATION])
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), false)
    await member.attend()
    assert.deepEqual(since().slice(0, 2), ['OffsetCommit: ILLEGAL_GENERATION', '> lost orders-0 orders-1'])
    assert.match(since()[2]!, /^JoinGroup m1: /)
  })

  test('a fenced instance id ends the membership', async () => {
    const member = await joined({ instanceId: 'i' })
    group.mishaps.set('Heartbeat', [errors.FENCED_INSTANCE_ID])
    await assert.rejects(
      group.until(member, () => false),
      /another member uses this instance id now/,
    )
  })
})

describe('connections that end', () => {
  test('during heartbeats: the coordinator is found again, nothing else happens', async () => {
    const member = await joined()
    group.mishaps.set('Heartbeat', [disconnect, errors.NOT_COORDINATOR])
    const before = group.heartbeats
    await group.until(member, () => group.has('Heartbeat: NOT_COORDINATOR') && group.heartbeats > before + 2)
    assert.deepEqual(
      since().filter((line) => !line.startsWith('Heartbeat:')),
      ['FindCoordinator', 'FindCoordinator'],
    )
  })

  test('during a commit: it is sent again', async () => {
    const member = await joined()
    group.mishaps.set('OffsetCommit', [disconnect, errors.NOT_COORDINATOR])
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    assert.equal(since().at(-1), 'OffsetCommit of epoch 1: orders-0=5')
  })

  test('a commit that nobody answers for is an error, not a silence', async () => {
    const member = await joined()
    await group.broker.stop()
    await assert.rejects(member.commit([{ topic: 'orders', partition: 0, offset: 5 }]))
    await member.leave()
  })
})
