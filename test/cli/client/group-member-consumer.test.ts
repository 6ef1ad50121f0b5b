// A member of a group of the new protocol (KIP-848), and what it does when things go wrong.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { GroupMemberOptions } from '../../../src/cli/client/group-member.ts'
import { ConsumerMember } from '../../../src/cli/client/group-member-consumer.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import { SeededRandom } from '../../../src/lib/random.ts'
import { errors } from '../../../src/wire/errors.ts'
import { disconnect } from './scripted-broker.ts'
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

const JOIN = 'ConsumerGroupHeartbeat: joins, subscribes to orders, has nothing'
const has = (...partitions: number[]) =>
  `ConsumerGroupHeartbeat: subscribes to orders, has ${partitions.join(' ') || 'nothing'}`
const FIRST_JOIN = ['FindCoordinator', JOIN, '> has orders-0 orders-1', has(0, 1)]

async function joined(change: Partial<GroupMemberOptions> = {}): Promise<ConsumerMember> {
  const options = group.options({ assignors: [], ...change })
  const member = new ConsumerMember(group.cluster, options, group, new SeededRandom(1))
  group.given ??= [0, 1]
  await member.attend()
  return member
}

function since(): string[] {
  return group.lines.slice(FIRST_JOIN.length)
}

describe('joining, changing, leaving', () => {
  test('takes up what it is given and reports it; then tells only that it lives', async () => {
    const member = await joined()
    assert.deepEqual(group.lines, FIRST_JOIN)
    assert.ok(member.isSettled)
    await group.until(member, () => group.heartbeats >= 5)
    assert.deepEqual(since(), [])
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    await member.leave()
    assert.deepEqual(since(), ['OffsetCommit of epoch 1: orders-0=5', 'ConsumerGroupHeartbeat: leaves'])
  })

  test('gives up first, takes up then, and reports after both', async () => {
    const member = await joined()
    group.partitions = 3
    group.given = [1, 2]
    await group.until(member, () => group.has(has(1, 2)))
    assert.deepEqual(since(), ['> gives up orders-0', '> has orders-2', has(1, 2)])
    group.given = []
    await group.until(member, () => group.has(has()))
    assert.deepEqual(since().slice(3), ['> gives up orders-1 orders-2', has()])
  })

  test('a member that is given nothing is settled after a while, not before', async () => {
    group.given = []
    const member = await joined()
    assert.ok(!member.isSettled)
    await group.until(member, () => member.isSettled)
    assert.deepEqual(member.partitions, [])
  })

  test('a static member goes on leave', async () => {
    const member = await joined({ instanceId: 'i' })
    await member.leave()
    assert.deepEqual(since(), ['ConsumerGroupHeartbeat: goes on leave'])
  })

  for (const [error, advice] of [
    [errors.UNRELEASED_INSTANCE_ID, /each needs its own/],
    [errors.UNSUPPORTED_ASSIGNOR, /assignor/],
    [errors.GROUP_ID_NOT_FOUND, /--protocol classic/],
    [errors.UNSUPPORTED_VERSION, /does not serve/],
  ] as const) {
    test(`${error.name} at the join ends it, with what to do`, async () => {
      group.mishaps.set('ConsumerGroupHeartbeat', [error])
      await assert.rejects(joined(), advice)
    })
  }
})

describe('mishaps', () => {
  for (const error of [errors.FENCED_MEMBER_EPOCH, errors.UNKNOWN_MEMBER_ID]) {
    test(`${error.name}: the partitions are lost, and the member joins again`, async () => {
      const member = await joined()
      group.mishaps.set('ConsumerGroupHeartbeat', [error])
      await group.until(member, () => group.has(JOIN, 2))
      assert.deepEqual(since(), [`ConsumerGroupHeartbeat: ${error.name}`, '> lost orders-0 orders-1', JOIN])
      group.given = [0]
      await group.until(member, () => group.has(has(0)))
      assert.deepEqual(since().slice(-2), ['> has orders-0', has(0)])
    })
  }

  test('when it is not known what the broker has heard, everything is told again', async () => {
    const member = await joined()
    group.mishaps.set('ConsumerGroupHeartbeat', [disconnect])
    await group.until(member, () => group.has(has(0, 1), 2))
    assert.deepEqual(since(), ['ConsumerGroupHeartbeat: disconnect', 'FindCoordinator', has(0, 1)])
  })

  test('a join that is lost or comes too early is repeated', async () => {
    group.mishaps.set('ConsumerGroupHeartbeat', [
      disconnect,
      errors.COORDINATOR_LOAD_IN_PROGRESS,
      errors.NOT_COORDINATOR,
    ])
    await joined()
    assert.deepEqual(group.lines.slice(-3), FIRST_JOIN.slice(-3))
  })

  test('a commit that meets a new epoch is sent again, and a stale member does not stay so for ever', async () => {
    const member = await joined()
    group.mishaps.set('OffsetCommit', [errors.STALE_MEMBER_EPOCH])
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), true)
    assert.deepEqual(since(), ['OffsetCommit: STALE_MEMBER_EPOCH', 'OffsetCommit of epoch 1: orders-0=5'])
    group.mishaps.set('OffsetCommit', Array(3).fill(errors.STALE_MEMBER_EPOCH))
    await assert.rejects(member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), /new epoch/)
  })

  test('a commit of a member that is gone is not taken', async () => {
    const member = await joined()
    group.mishaps.set('OffsetCommit', [errors.UNKNOWN_MEMBER_ID])
    assert.equal(await member.commit([{ topic: 'orders', partition: 0, offset: 5 }]), false)
    await member.attend()
    assert.deepEqual(since().slice(0, 3), [
      'OffsetCommit: UNKNOWN_MEMBER_ID',
      '> lost orders-0 orders-1',
      JOIN,
    ])
  })
})
