// How a leader shares out: everything once, to subscribers, evenly; and what cooperative members are not to be given yet.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { partitionName, type TopicPartition } from '../../../src/cli/client/group-admin.ts'
import {
  assignRanges,
  assignSticky,
  type Shares,
  type Subscriber,
} from '../../../src/cli/client/group-assignors.ts'

function subscriber(memberId: string, topics: string[], change: Partial<Subscriber> = {}): Subscriber {
  return { memberId, groupInstanceId: null, topics, owned: [], generation: -1, ...change }
}

/** `a: t-0 t-1 | b: t-2` */
function told(shares: Shares): string {
  return [...shares]
    .map(([memberId, partitions]) => [`${memberId}:`, ...partitions.map(partitionName)].join(' '))
    .sort()
    .join(' | ')
}

const counts = (given: Record<string, number>) => new Map(Object.entries(given))
const partitions = (...names: string[]): TopicPartition[] =>
  names.map((name) => ({ topic: name.slice(0, -2), partition: Number(name.slice(-1)) }))

describe('range', () => {
  test('gives each member a run of each topic, the first members one more', () => {
    const members = [subscriber('b', ['t', 'u']), subscriber('a', ['t', 'u'])]
    assert.equal(told(assignRanges(members, counts({ t: 3, u: 3 }))), 'a: t-0 t-1 u-0 u-1 | b: t-2 u-2')
  })

  test('puts static members first, by their instance ids', () => {
    const members = [
      subscriber('a', ['t']),
      subscriber('z', ['t'], { groupInstanceId: '2' }),
      subscriber('y', ['t'], { groupInstanceId: '3' }),
    ]
    assert.equal(told(assignRanges(members, counts({ t: 3 }))), 'a: t-2 | y: t-1 | z: t-0')
  })

  test('leaves out topics that are not there and members that are not subscribed', () => {
    const members = [subscriber('a', ['t', 'none']), subscriber('b', ['u'])]
    assert.equal(told(assignRanges(members, counts({ t: 2, u: 1 }))), 'a: t-0 t-1 | b: u-0')
  })
})

describe('cooperative-sticky', () => {
  test('a newcomer is given nothing that others still have; in the next round it gets its share', () => {
    const a = subscriber('a', ['t'], { owned: partitions('t-0', 't-1', 't-2', 't-3'), generation: 1 })
    const first = assignSticky([a, subscriber('b', ['t'])], counts({ t: 4 }))
    assert.equal(told(first), 'a: t-0 t-1 | b:')
    const kept = { ...a, owned: first.get('a')!, generation: 2 }
    const second = assignSticky([kept, subscriber('b', ['t'], { generation: 2 })], counts({ t: 4 }))
    assert.equal(told(second), 'a: t-0 t-1 | b: t-2 t-3')
  })

  test('what an older generation claims is not believed against a newer one', () => {
    const members = [
      subscriber('stale', ['t'], { owned: partitions('t-0', 't-1'), generation: 3 }),
      subscriber('fresh', ['t'], { owned: partitions('t-0'), generation: 4 }),
    ]
    assert.equal(told(assignSticky(members, counts({ t: 2 }))), 'fresh: t-0 | stale: t-1')
  })

  test('of two that claim the same partition in the same generation neither is believed', () => {
    const claim = { owned: partitions('t-0', 't-1'), generation: 4 }
    const members = ['a', 'b', 'c'].map((id) => subscriber(id, ['t'], id === 'c' ? {} : claim))
    const shares = assignSticky(members, counts({ t: 2 }))
    assert.deepEqual([...shares.values()].map((share) => share.length).sort(), [0, 1, 1])
  })

  test('partitions and topics that are gone are not given to who had them', () => {
    const owned = partitions('t-0', 't-7', 'u-0')
    const shares = assignSticky([subscriber('a', ['t'], { owned, generation: 1 })], counts({ t: 1 }))
    assert.equal(told(shares), 'a: t-0')
  })
})

const topicNames = ['t', 'u', 'v']
const anyGroup = fc.record({
  counts: fc.dictionary(fc.constantFrom(...topicNames), fc.integer({ min: 1, max: 8 }), {
    noNullPrototype: true,
  }),
  members: fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 0, max: 20 }),
      topics: fc.subarray(topicNames, { minLength: 1 }),
      owned: fc.array(fc.tuple(fc.constantFrom(...topicNames), fc.integer({ min: 0, max: 9 })), {
        maxLength: 8,
      }),
      generation: fc.integer({ min: 1, max: 3 }),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 7 },
  ),
})
type AnyGroup = typeof anyGroup extends fc.Arbitrary<infer T> ? T : never

function membersOf({ members }: AnyGroup): Subscriber[] {
  return members.map(({ id, topics, owned, generation }) => ({
    ...subscriber(`m${id}`, topics),
    owned: [
      ...new Map(owned.map(([topic, partition]) => [`${topic}-${partition}`, { topic, partition }])).values(),
    ],
    generation,
  }))
}

/** Rounds of joins until nobody gives up anything any more. */
function settle(group: AnyGroup): { shares: Shares; rounds: number } {
  const partitionCounts = counts(group.counts)
  let members = membersOf(group)
  for (let rounds = 1; ; rounds++) {
    const shares = assignSticky(members, partitionCounts)
    const keeps = ({ memberId, owned }: Subscriber) => {
      const share = new Set(shares.get(memberId)!.map(partitionName))
      return owned.every((partition) => share.has(partitionName(partition)))
    }
    if (members.every(keeps) || rounds > 5) return { shares, rounds }
    members = members.map((member) => ({
      ...member,
      owned: shares.get(member.memberId)!,
      generation: 10 + rounds,
    }))
  }
}

function checkShares(group: AnyGroup, shares: Shares): void {
  const owners = new Map<string, string>()
  for (const [memberId, share] of shares) {
    const { topics } = membersOf(group).find((member) => member.memberId === memberId)!
    for (const partition of share) {
      assert.ok(topics.includes(partition.topic), 'subscribed')
      assert.ok(partition.partition < (group.counts[partition.topic] ?? 0), 'is there')
      assert.ok(!owners.has(partitionName(partition)), 'has no other owner')
      owners.set(partitionName(partition), memberId)
    }
  }
}

describe('whatever the members say', () => {
  test('range gives every partition to exactly one subscriber', () => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const shares = assignRanges(membersOf(group), counts(group.counts))
        checkShares(group, shares)
        const wanted = Object.entries(group.counts)
          .filter(([topic]) => group.members.some(({ topics }) => topics.includes(topic)))
          .reduce((sum, [, count]) => sum + count, 0)
        assert.equal([...shares.values()].flat().length, wanted)
      }),
    )
  })

  test('cooperative-sticky settles after a few rounds on everything, evenly, and then stays as it is', () => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const { shares, rounds } = settle(group)
        assert.ok(rounds <= 4, `${rounds} rounds`)
        checkShares(group, shares)
        const wanted = Object.entries(group.counts)
          .filter(([topic]) => group.members.some(({ topics }) => topics.includes(topic)))
          .reduce((sum, [, count]) => sum + count, 0)
        assert.equal([...shares.values()].flat().length, wanted)
        for (const giver of membersOf(group)) {
          for (const taker of membersOf(group)) {
            const given = shares.get(giver.memberId)!
            const couldMove = given.some(({ topic }) => taker.topics.includes(topic))
            if (couldMove) assert.ok(given.length <= shares.get(taker.memberId)!.length + 1, told(shares))
          }
        }
      }),
    )
  })
})
