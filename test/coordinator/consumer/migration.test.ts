// A group changes from the classic protocol to the consumer protocol; members of both live in it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { encodeAssignment, encodeSubscription } from '../../../src/wire/consumer-protocol.ts'
import { errors } from '../../../src/wire/errors.ts'
import { ClassicConsumer, classicGroup, MixedScript, mixedGroup } from './mixed-script.ts'
import { GROUP } from './script.ts'

const topics = { t: 4 }

describe('a group without members', () => {
  test('of the classic protocol becomes a consumer group', () => {
    const script = classicGroup({ old: {} })
    script.leaveClassic('old')
    assert.equal(script.join('new', 't'), 'epoch 2: t-0 t-1 t-2 t-3')
    assert.equal(script.type, 'consumer')
    assert.ok(script.reasons().includes('the classic group had no members: it is a consumer group now'))
    script.assertSameAfterReload()
  })

  test('of the consumer protocol becomes a classic group', () => {
    const script = new MixedScript({ topics })
    script.join('new', 't')
    script.leave('new')
    script.enter('old', { topics: ['t'] })
    script.live(2)
    assert.equal(script.type, 'classic')
    assert.equal(script.say(script.classic('old')), 'generation 1: t-0 t-1 t-2 t-3')
    script.assertSameAfterReload()
  })

  test('changes whatever the policy', () => {
    const script = classicGroup({ old: {} }, { settings: { 'group.consumer.migration.policy': 'disabled' } })
    script.leaveClassic('old')
    assert.match(script.join('new', 't'), /^epoch/)
    script.leave('new')
    script.enter('old', { topics: ['t'] })
    script.live(2)
    assert.equal(script.type, 'classic')
  })
})

describe('a classic group with members', () => {
  test('becomes a consumer group when a consumer joins; its members keep what they have and are told to join again', () => {
    const script = classicGroup({ old: {} })
    assert.equal(script.join('new', 't'), 'epoch 2:')
    assert.equal(script.shape, 'Reconciling 2/2: old@1 t-0 t-1 t-2 t-3 / new@2?')
    script.assertSameAfterReload()
    assert.equal(script.beatClassic('old'), 'REBALANCE_IN_PROGRESS')
    assert.equal(script.say(script.classic('old')), 'generation 2: t-0 t-1')
    assert.equal(script.beat('new'), 'epoch 2: t-2 t-3')
    assert.equal(script.shape, 'Stable 2/2: old@2 t-0 t-1 / new@2 t-2 t-3')
    assert.equal(script.beatClassic('old'), 'generation 2: t-0 t-1')
    script.assertSameAfterReload()
  })

  test('of cooperative members: they keep reading what they keep', () => {
    const script = classicGroup({ old: { isCooperative: true } })
    script.join('new', 't')
    const old = script.classic('old')
    assert.equal(script.beatClassic('old'), 'REBALANCE_IN_PROGRESS')
    // It was told to give up two, did, and joined again.
    assert.equal(script.say(old), 'generation 2: t-0 t-1')
    assert.equal(script.beat('new'), 'epoch 2: t-2 t-3')
    script.assertSameAfterReload()
  })

  test('of cooperative members, in the middle of a rebalance: what one has yet to give up is not free', () => {
    const script = classicGroup({ old: { isCooperative: true } })
    script.enter('second', { topics: ['t'], isCooperative: true })
    const old = script.classic('old')
    old.joining = script.sendJoin(old)
    const { answer } = old.joining
    old.generationId = answer.generationId!
    // It leads, and hands in that it gives up two partitions; the answer is still on its way.
    old.syncing = script.sendSync(old, answer)
    old.joining = undefined
    assert.equal(script.join('new', 't'), 'epoch 3:')
    assert.match(script.shape, /^Reconciling 3\/3: old@2 t-0 t-1 t-2 t-3 /)
    script.pump('old')
    script.live(4)
    assert.match(script.shape, /^Stable 3\/3:/)
  })

  test('in the middle of a rebalance: those who wait are told to join again', () => {
    const script = new MixedScript({ topics })
    assert.equal(script.enter('one', { topics: ['t'] }), 'joins')
    assert.equal(script.join('new', 't'), 'epoch 1: t-0 t-1')
    assert.equal(script.classic('one').joining!.answer.errorCode, errors.REBALANCE_IN_PROGRESS.code)
    assert.match(script.pump('one'), /^generation 1: t-2 t-3$/)
    script.live(2)
    assert.match(script.shape, /^Stable/)
    script.assertSameAfterReload()
  })

  test('that are static keep their instance ids', () => {
    const script = classicGroup({ old: { instance: 'one' } })
    script.join('new', 't')
    assert.equal(script.group.staticMember('one')?.memberId, script.classic('old').memberId)
  })

  test('gives its static member to a consumer under the same instance id', () => {
    const script = classicGroup({ old: { instance: 'one' } })
    script.classics.delete('old')
    assert.equal(script.join('new', { topics: ['t'], instance: 'one' }), 'epoch 2: t-0 t-1 t-2 t-3')
    assert.equal(script.shape, 'Stable 2/2: new@2 t-0 t-1 t-2 t-3')
    script.assertSameAfterReload()
  })

  test('stays as it is when the conversion cannot be written down', () => {
    const script = classicGroup({ old: {} })
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.join('new', 't'), 'COORDINATOR_NOT_AVAILABLE')
    assert.equal(script.type, 'classic')
    assert.equal(script.beatClassic('old'), 'generation 1: t-0 t-1 t-2 t-3')
  })

  test('still misses members whose SyncGroup waited when the conversion could not be written down', () => {
    const script = classicGroup({ leader: {}, late: { sessionMs: 10_000 } })
    const leader = script.classic('leader')
    const late = script.classic('late')
    const joins = [leader, late].map((member) => script.sendJoin(member))
    const [told, toldLate] = joins.map(({ answer }) => answer)
    leader.generationId = late.generationId = told!.generationId!
    const waiting = script.sendSync(late, toldLate!)
    script.advance(15_000)
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    script.join('new', 't')
    assert.equal(waiting.error, errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.sendSync(leader, told!).answer.errorCode, 0)
    script.advance(9999)
    assert.equal(script.sendHeartbeat(leader), 'NONE')
    script.advance(1)
    assert.equal(script.sendHeartbeat(leader), 'REBALANCE_IN_PROGRESS')
  })

  test('notes why it changed', () => {
    const script = classicGroup({ old: {} })
    script.join('new', 't')
    assert.equal(
      script.reasons()[0],
      'a member of the consumer protocol joins: the classic group becomes a consumer group, with its 1 members',
    )
  })
})

describe('a cooperative member that was put out of a consumer group without knowing it', () => {
  test('is UNKNOWN_MEMBER_ID when it joins with what it had, and welcome without', () => {
    const script = mixedGroup({}, { isCooperative: true, sessionMs: 10_000 })
    const old = script.classic('old')
    script.shard.advance(10_000)
    assert.equal(script.group.member(old.memberId), undefined)
    assert.equal(script.sendJoin(old).error, errors.UNKNOWN_MEMBER_ID)
    old.owned.clear()
    assert.equal(script.sendJoin(old).error, errors.NONE)
  })
})

describe('a classic group with members is GROUP_ID_NOT_FOUND to a consumer', () => {
  for (const policy of ['downgrade', 'disabled']) {
    test(`with group.consumer.migration.policy ${policy}`, () => {
      const script = classicGroup({ old: {} }, { settings: { 'group.consumer.migration.policy': policy } })
      assert.equal(script.join('new', 't'), 'GROUP_ID_NOT_FOUND')
      assert.equal(script.beatClassic('old'), 'generation 1: t-0 t-1 t-2 t-3')
    })
  }

  test('when it is larger than group.consumer.max.size', () => {
    const script = classicGroup({ a: {}, b: {} }, { settings: { 'group.consumer.max.size': '1' } })
    assert.equal(script.join('new', 't'), 'GROUP_ID_NOT_FOUND')
  })

  test('when its members are no consumers', () => {
    const script = new MixedScript({ topics })
    const connect = { topics: ['t'] }
    script.enter('old', connect)
    script.leaveClassic('old')
    script.enter('old', connect)
    const group = script.shard.machine.groups.get(GROUP)
    assert(group instanceof ClassicGroup)
    group.protocolType = 'connect'
    assert.equal(script.join('new', 't'), 'GROUP_ID_NOT_FOUND')
  })

  test('when its assignor hands out user data, which would be lost', () => {
    const script = classicGroup({ old: {} })
    const group = script.shard.machine.groups.get(GROUP)
    assert(group instanceof ClassicGroup)
    const [member] = [...group.members.values()]
    member!.assignment = encodeAssignment({ assignedPartitions: [], userData: Buffer.of(1) }, 3)
    assert.equal(script.join('new', 't'), 'GROUP_ID_NOT_FOUND')
    member!.assignment = Buffer.of(0, 1, 2)
    assert.equal(script.join('new', 't'), 'GROUP_ID_NOT_FOUND', 'damaged')
    assert.equal(script.type, 'classic')
  })

  test('and to one that says it is a member', () => {
    const script = classicGroup({ old: {} })
    assert.equal(script.join('new', 't', { memberEpoch: 3 }), 'GROUP_ID_NOT_FOUND')
    assert.equal(script.type, 'classic')
  })
})

describe('a member of the classic protocol in a consumer group', () => {
  test('joins in two steps, from version 4 on', () => {
    const script = mixedGroup()
    const records = script.shard.records.length
    script.enter('two', { topics: ['t'] })
    assert.match(script.classic('two').memberId, /^two-[0-9a-f-]{36}$/)
    assert.ok(script.shard.records.length > records)
    script.live(4)
    assert.match(script.shape, /^Stable 3\/3:/)
    script.assertSameAfterReload()
  })

  test('joins in one step before that', () => {
    const script = mixedGroup()
    script.enter('two', { topics: ['t'], version: 3 })
    script.live(4)
    assert.match(script.shape, /^Stable 3\/3:/)
  })

  test('must have a protocol that the others of its kind have, and be a consumer', () => {
    const script = mixedGroup()
    const other = script.sendJoin(script.classic('old'), { memberId: '', protocolType: 'connect' })
    assert.equal(other.error.name, 'INCONSISTENT_GROUP_PROTOCOL')
    const metadata = Buffer.of(0, 0, 0, 0, 0, 0, 255, 255, 255, 255)
    const protocols = [{ name: 'sticky', metadata }]
    assert.equal(
      script.sendJoin(script.classic('old'), { memberId: '', protocols }).error.name,
      'INCONSISTENT_GROUP_PROTOCOL',
    )
    const damaged = [{ name: 'range', metadata: Buffer.of(0) }]
    assert.equal(
      script.sendJoin(script.classic('old'), { memberId: '', protocols: damaged }).error.name,
      'INCONSISTENT_GROUP_PROTOCOL',
    )
    const endless = { topics: new Array<string>(100_001).fill('t'), ownedPartitions: [], generationId: -1 }
    const tooMany = [{ name: 'range', metadata: encodeSubscription(endless, 0) }]
    assert.equal(
      script.sendJoin(script.classic('old'), { memberId: '', protocols: tooMany }).error.name,
      'INVALID_REQUEST',
    )
    assert.equal(
      script.sendJoin(script.classic('old'), { memberId: '', sessionTimeoutMs: 1 }).error.name,
      'INVALID_SESSION_TIMEOUT',
    )
  })

  test('is told to join again when there is another target, and put out if it does not within its rebalance timeout', () => {
    const script = mixedGroup({}, { rebalanceMs: 10_000 })
    const old = script.classic('old')
    script.join('third', 't')
    assert.equal(script.sendHeartbeat(old), 'REBALANCE_IN_PROGRESS')
    script.advance(9999)
    assert.equal(script.sendHeartbeat(old), 'REBALANCE_IN_PROGRESS')
    script.advance(1)
    assert.equal(script.sendHeartbeat(old), 'UNKNOWN_MEMBER_ID')
    assert.ok(
      script
        .reasons()
        .some((reason) => reason.endsWith('it did not join again within its rebalance timeout of 10000 ms')),
    )
  })

  test('has that long also when the heartbeat before could not write what it found', () => {
    const script = mixedGroup({}, { rebalanceMs: 10_000 })
    const old = script.classic('old')
    script.join('third', 't')
    script.addPartitions('t', 20)
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.sendHeartbeat(old), 'COORDINATOR_NOT_AVAILABLE')
    assert.equal(script.sendHeartbeat(old), 'REBALANCE_IN_PROGRESS')
    script.advance(10_000)
    assert.equal(script.sendHeartbeat(old), 'UNKNOWN_MEMBER_ID')
  })

  test('is put out if it joins and does not ask for its assignment', () => {
    const script = mixedGroup({}, { rebalanceMs: 10_000 })
    const old = script.classic('old')
    old.owned.clear()
    assert.equal(script.sendJoin(old).answer.errorCode, 0)
    script.advance(9999)
    assert.equal(script.sendHeartbeat(old), 'NONE')
    script.advance(1)
    assert.equal(script.sendHeartbeat(old), 'UNKNOWN_MEMBER_ID')
  })

  test('is put out when its own session ends', () => {
    const script = mixedGroup({}, { sessionMs: 10_000 })
    script.advance(9999)
    script.beat('new')
    assert.match(script.shape, /old@/)
    script.advance(1)
    assert.doesNotMatch(script.shape, /old@/)
  })

  test('is refused with a generation or an id that is not its own', () => {
    const script = mixedGroup()
    const old = script.classic('old')
    const { memberId, generationId } = old
    old.generationId = 1
    assert.equal(script.sendHeartbeat(old), 'ILLEGAL_GENERATION')
    assert.equal(script.sendSync(old, {}).error.name, 'ILLEGAL_GENERATION')
    old.generationId = generationId
    old.memberId = 'x'
    assert.equal(script.sendHeartbeat(old), 'UNKNOWN_MEMBER_ID')
    old.memberId = script.consumer('new').memberId
    assert.equal(script.sendHeartbeat(old), 'UNKNOWN_MEMBER_ID', 'speaks the other protocol')
    old.memberId = memberId
    assert.equal(script.sendSync(old, { protocolName: 'sticky' }).error.name, 'INCONSISTENT_GROUP_PROTOCOL')
    assert.equal(script.sendHeartbeat(old), 'NONE')
  })

  test('is told REBALANCE_IN_PROGRESS by SyncGroup if the target has moved on since it joined', () => {
    const script = mixedGroup()
    script.join('third', 't')
    assert.equal(
      script.sendSync(script.classic('old'), {}).answer.errorCode,
      errors.REBALANCE_IN_PROGRESS.code,
    )
  })

  test('finds topics that have got more partitions', () => {
    const script = mixedGroup()
    script.addPartitions('t', 6)
    script.beatClassic('old')
    assert.equal(script.group.groupEpoch, 3)
    script.live(3)
    assert.equal(script.shape, 'Stable 3/3: old@3 t-0 t-1 t-5 / new@3 t-2 t-3 t-4')
  })

  test('commits with its epoch as the generation', () => {
    const script = mixedGroup()
    const client = {
      memberId: script.classic('old').memberId,
      groupInstanceId: null,
      generationIdOrMemberEpoch: 2,
      apiVersion: 2,
    }
    const check = (changes: object) =>
      script.shard.run((_, step) => {
        script.group.checkOffsetCommit({ ...client, ...changes }, [{ topic: 't', partition: 3 }], step)
        return null
      }).error.name
    assert.equal(check({}), 'NONE')
    assert.equal(check({ generationIdOrMemberEpoch: 1 }), 'ILLEGAL_GENERATION')
    assert.equal(check({ generationIdOrMemberEpoch: 3 }), 'ILLEGAL_GENERATION')
  })

  test('is removed by a tool that names its instance id, together with one of the other protocol', () => {
    const script = mixedGroup({}, { instance: 'one' })
    script.join('second', { topics: ['t'], instance: 'two' })
    // A tool knows no member id.
    script.classics.set('tool', new ClassicConsumer('tool', { topics: [], instance: 'one' }))
    assert.equal(script.leaveClassic('tool'), 'NONE')
    assert.doesNotMatch(script.shape, /old@/)
  })
})
