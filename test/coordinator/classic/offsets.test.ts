// What a classic group says to offsets and tools: who may commit, what is in use, what may go, how it looks.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emptyClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { describeClassicGroup } from '../../../src/coordinator/group/classic/describe.ts'
import { encodeSubscription } from '../../../src/wire/consumer-protocol.ts'
import { errorOf, GroupScript, type JoinOptions } from './script.ts'

/** What a consumer says about itself. */
function reads(...topics: readonly string[]): JoinOptions {
  return { protocols: { range: encodeSubscription({ topics: [...topics], userData: null }, 3) } }
}

function settled(options: Readonly<Record<string, JoinOptions>>): GroupScript {
  const group = new GroupScript()
  for (const [name, join] of Object.entries(options)) group.enter(name, join)
  group.advance(0)
  group.syncAll(...Object.keys(options))
  group.heard()
  return group
}

describe('OffsetCommit', () => {
  const stranger = { memberId: '', generationIdOrMemberEpoch: -1, groupInstanceId: null }

  test('of tools and consumers without subscription is for groups without members', () => {
    const group = settled({ a: {} })
    assert.equal(group.commit('tool', stranger), 'UNKNOWN_MEMBER_ID')
    group.leave('a')
    assert.equal(group.group.state, 'Empty')
    assert.equal(group.commit('tool', stranger), 'NONE')
    assert.equal(group.commit('tool', { ...stranger, memberId: 'whoever' }), 'NONE')
  })

  test('of members is for the generation they are in', () => {
    const group = settled({ a: {}, b: { instance: 'i' } })
    assert.equal(group.commit('a'), 'NONE')
    assert.equal(group.commit('b'), 'NONE')
    assert.equal(group.commit('a', { generationIdOrMemberEpoch: 0 }), 'ILLEGAL_GENERATION')
    assert.equal(group.commit('a', { generationIdOrMemberEpoch: -1 }), 'ILLEGAL_GENERATION')
    assert.equal(group.commit('a', { memberId: 'x-1' }), 'UNKNOWN_MEMBER_ID')
    assert.equal(group.commit('a', { memberId: '' }), 'UNKNOWN_MEMBER_ID')
    assert.equal(group.commit('b', { memberId: 'x-1' }), 'FENCED_INSTANCE_ID')
    group.leave('a')
    group.leave('b')
    assert.equal(group.commit('a', { generationIdOrMemberEpoch: 1 }), 'UNKNOWN_MEMBER_ID')
  })

  test('is possible while members are called together, not while assignments are made', () => {
    const group = settled({ a: {} })
    group.enter('b')
    assert.equal(group.group.state, 'PreparingRebalance')
    assert.equal(group.commit('a'), 'NONE')
    group.join('a')
    assert.equal(group.group.state, 'CompletingRebalance')
    group.heard()
    assert.equal(group.commit('a'), 'REBALANCE_IN_PROGRESS')
  })

  test('in a transaction (KIP-447) has the same rules, but asks nothing of those who name nobody', () => {
    const group = settled({ a: { instance: 'i' } })
    const { memberId } = group.client('a')
    const check = (client: object) =>
      errorOf(() =>
        group.group.checkTransactionalOffsetCommit({
          memberId,
          groupInstanceId: null,
          generationIdOrMemberEpoch: 1,
          apiVersion: 3,
          ...client,
        }),
      )
    assert.equal(check({}), 'NONE')
    assert.equal(check(stranger), 'NONE')
    assert.equal(check({ generationIdOrMemberEpoch: 5 }), 'ILLEGAL_GENERATION')
    assert.equal(check({ memberId: 'x-1' }), 'UNKNOWN_MEMBER_ID')
    assert.equal(check({ memberId: 'x-1', groupInstanceId: 'i' }), 'FENCED_INSTANCE_ID')
    group.join('a', { protocols: { range: 'more' } })
    group.heard()
    assert.equal(group.group.state, 'CompletingRebalance')
    assert.equal(check({ generationIdOrMemberEpoch: 2 }), 'NONE')
  })
})

describe('topics in use', () => {
  test('are those that any member subscribes to', () => {
    const group = settled({ a: reads('orders'), b: reads('orders', 'payments') })
    assert.deepEqual(
      ['orders', 'payments', 'other'].map((topic) => group.group.isSubscribedTo(topic)),
      [true, true, false],
    )
  })

  test('are all, when a member of a group of consumers says what nobody understands', () => {
    const damaged = [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([0xff, 0xff, 0, 0, 0, 0]),
      Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, 65]),
      Buffer.from([0, 0, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from('what is this'),
    ]
    for (const bytes of damaged) {
      const group = settled({ a: reads('orders'), b: { protocols: { range: bytes } } })
      assert.equal(group.group.isSubscribedTo('other'), true, bytes.toString('hex'))
      assert.deepEqual(group.group.offsetExpiry('other'), { kind: 'never' })
    }
  })

  test('are none in groups of other clients', () => {
    const group = settled({ a: { protocolType: 'connect', protocols: { default: 'x' } } })
    assert.equal(group.group.isSubscribedTo('orders'), false)
    assert.deepEqual(group.group.offsetExpiry('orders'), { kind: 'never' })
  })

  test('are what a static member says that was started again, though nobody rebalances', () => {
    const group = settled({ a: { ...reads('orders'), instance: 'i' } })
    group.forget('a')
    group.join('a', { ...reads('payments'), instance: 'i' })
    assert.deepEqual(group.heard(), ['a joins: 1 range, leads a, skips'])
    assert.equal(group.group.isSubscribedTo('orders'), false)
    assert.equal(group.group.isSubscribedTo('payments'), true)
  })

  test('are the same after a fail-over, and none once all have left', () => {
    const group = settled({ a: reads('orders') })
    group.shard.restart()
    assert.equal(group.group.isSubscribedTo('orders'), true)
    assert.equal(group.group.isSubscribedTo('other'), false)
    group.leave('a')
    assert.equal(group.group.isSubscribedTo('orders'), false)
    group.shard.restart()
    assert.equal(group.group.isSubscribedTo('orders'), false)
  })
})

describe('offsets expire', () => {
  test('never while a member subscribes to the topic, by their age where nobody does, never in a rebalance', () => {
    const group = settled({ a: reads('orders') })
    assert.deepEqual(group.group.offsetExpiry('orders'), { kind: 'never' })
    assert.deepEqual(group.group.offsetExpiry('other'), { kind: 'since-commit' })
    group.enter('b')
    assert.deepEqual(group.group.offsetExpiry('other'), { kind: 'never' })
  })

  test('after the group lost its last member, also when it was loaded since', () => {
    const group = settled({ a: reads('orders') })
    group.advance(5000)
    group.leave('a')
    const emptySinceMs = group.shard.nowMs
    assert.deepEqual(group.group.offsetExpiry('orders'), { kind: 'since-empty', emptySinceMs })
    group.advance(60_000)
    group.shard.restart()
    assert.deepEqual(group.group.offsetExpiry('orders'), { kind: 'since-empty', emptySinceMs })
  })

  test('by their age in a group that nobody ever joined', () => {
    const { surroundings, shard } = new GroupScript()
    const group = emptyClassicGroup('tool', shard.nowMs, surroundings)
    assert.deepEqual(group.offsetExpiry('orders'), { kind: 'since-commit' })
    assert.equal(group.isEmpty, true)
    assert.equal(group.protocolType, '')
    assert.equal(group.isSubscribedTo('orders'), false)
  })
})

describe('deleting', () => {
  test('a group is for groups without members', () => {
    const group = settled({ a: reads('orders') })
    assert.equal(
      errorOf(() => group.group.checkDelete()),
      'NON_EMPTY_GROUP',
    )
    group.leave('a')
    assert.equal(
      errorOf(() => group.group.checkDelete()),
      'NONE',
    )
  })

  test('offsets is for groups of consumers, and for others without members', () => {
    const consumers = settled({ a: reads('orders') })
    assert.equal(
      errorOf(() => consumers.group.checkOffsetDelete()),
      'NONE',
    )
    const others = settled({ a: { protocolType: 'connect', protocols: { default: 'x' } } })
    assert.equal(
      errorOf(() => others.group.checkOffsetDelete()),
      'NON_EMPTY_GROUP',
    )
    others.leave('a')
    assert.equal(
      errorOf(() => others.group.checkOffsetDelete()),
      'NONE',
    )
  })

  test('offsets and groups that are gone already: GROUP_ID_NOT_FOUND', () => {
    const group = settled({ a: {} })
    const { group: gone } = group
    group.leave('a')
    group.run((classic, step) => {
      classic.appendTombstones(step)
      return null
    })
    assert.equal(
      errorOf(() => gone.checkDelete()),
      'GROUP_ID_NOT_FOUND',
    )
    assert.equal(
      errorOf(() => gone.checkOffsetFetch()),
      'GROUP_ID_NOT_FOUND',
    )
  })
})

describe('described', () => {
  const described = (group: GroupScript) => {
    const { members, ...rest } = describeClassicGroup(group.group)
    const parts = members!.map(
      ({ clientId, clientHost, groupInstanceId, memberMetadata, memberAssignment }) => [
        `${clientId} ${clientHost} ${groupInstanceId}`,
        Buffer.from(memberMetadata!).toString(),
        Buffer.from(memberAssignment!).toString(),
      ],
    )
    return { ...rest, parts }
  }

  test('a stable group shows its protocol, and of each member metadata and assignment', () => {
    const group = settled({ a: {}, b: { instance: 'i' } })
    assert.deepEqual(described(group), {
      errorCode: 0,
      groupId: 'g',
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      parts: [
        ['a /10.0.0.3 null', 'a', 'a'],
        ['b /10.0.0.3 i', 'b', 'b'],
      ],
    })
  })

  test('in a rebalance it shows no protocol and no metadata', () => {
    const group = settled({ a: {} })
    group.enter('b')
    const { groupState, protocolData, protocolType, parts } = described(group)
    assert.deepEqual([groupState, protocolType, protocolData], ['PreparingRebalance', 'consumer', ''])
    assert.deepEqual(parts, [
      ['a /10.0.0.3 null', '', 'a'],
      ['b /10.0.0.3 null', '', ''],
    ])
  })
})
