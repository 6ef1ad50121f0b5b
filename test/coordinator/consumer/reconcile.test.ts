// One step of a member towards its target, without a group around it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ConsumerMember,
  emptyMember,
  memberStates,
} from '../../../src/coordinator/group/consumer/member.ts'
import type { HeldPartitions } from '../../../src/coordinator/group/consumer/partitions.ts'
import { type Reconciliation, reconcile } from '../../../src/coordinator/group/consumer/reconcile.ts'

const { STABLE, UNREVOKED_PARTITIONS, UNRELEASED_PARTITIONS } = memberStates

/** `{ t: { 0: 5 } }`: partition 0 of t, held since epoch 5. */
type Held = Readonly<Record<string, Readonly<Record<number, number>>>>

const held = (partitions: Held): HeldPartitions =>
  new Map(
    Object.entries(partitions).map(([topic, epochs]) => [
      topic,
      new Map(Object.entries(epochs).map(([partition, epoch]) => [Number(partition), epoch])),
    ]),
  )

const member = (changes: Partial<ConsumerMember> & { has?: Held; givesUp?: Held } = {}): ConsumerMember => {
  const { has = {}, givesUp = {}, ...rest } = changes
  return {
    ...emptyMember('m'),
    memberEpoch: 5,
    previousMemberEpoch: 4,
    assigned: held(has),
    pendingRevocation: held(givesUp),
    ...rest,
  }
}

const step = (
  from: ConsumerMember,
  changes: Partial<Omit<Reconciliation, 'target' | 'owned'>> & {
    readonly target?: Readonly<Record<string, readonly number[]>>
    readonly owned?: Readonly<Record<string, readonly number[]>> | null
    readonly taken?: readonly string[]
    readonly subscribed?: readonly string[]
  },
) => {
  const { target = {}, owned = null, taken = [], subscribed = ['t', 'u'], ...rest } = changes
  return reconcile({
    member: from,
    targetEpoch: 6,
    target: new Map(Object.entries(target)),
    owned:
      owned === null ? null : Object.entries(owned).map(([topicId, partitions]) => ({ topicId, partitions })),
    isSubscribedTo: (topic) => subscribed.includes(topic),
    isHeldByAnother: (topic, partition) => taken.includes(`${topic}-${partition}`),
    subscriptionChanged: false,
    ...rest,
  })
}

const shape = ({ state, memberEpoch, previousMemberEpoch, assigned, pendingRevocation }: ConsumerMember) => ({
  state,
  epochs: [previousMemberEpoch, memberEpoch],
  has: Object.fromEntries(Array.from(assigned, ([topic, epochs]) => [topic, Object.fromEntries(epochs)])),
  givesUp: Object.fromEntries(
    Array.from(pendingRevocation, ([topic, epochs]) => [topic, Object.fromEntries(epochs)]),
  ),
})

describe('a stable member', () => {
  test('at the epoch of the target stays as it is', () => {
    const from = member({ has: { t: { 0: 3 } } })
    assert.equal(step(from, { targetEpoch: 5, target: { t: [0, 1] } }), from)
  })

  test('gets what is free, with the epoch in which it got it', () => {
    const to = step(member({ has: { t: { 0: 3 } } }), { target: { t: [0, 1], u: [7] } })
    assert.deepEqual(shape(to), {
      state: STABLE,
      epochs: [5, 6],
      has: { t: { 0: 3, 1: 6 }, u: { 7: 6 } },
      givesUp: {},
    })
  })

  test('gives up first, and gets nothing before', () => {
    const to = step(member({ has: { t: { 0: 3, 1: 4 } } }), { target: { t: [1, 2] } })
    assert.deepEqual(shape(to), {
      state: UNREVOKED_PARTITIONS,
      epochs: [5, 5],
      has: { t: { 1: 4 } },
      givesUp: { t: { 0: 3 } },
    })
  })

  test('that has given up already goes on at once', () => {
    const to = step(member({ has: { t: { 0: 3, 1: 4 } } }), { target: { t: [1, 2] }, owned: { t: [1] } })
    assert.deepEqual(shape(to), { state: STABLE, epochs: [5, 6], has: { t: { 1: 4, 2: 6 } }, givesUp: {} })
  })

  test('waits for what others hold, at the epoch of the target', () => {
    const to = step(member(), { target: { t: [0, 1] }, taken: ['t-1'] })
    assert.deepEqual(shape(to), {
      state: UNRELEASED_PARTITIONS,
      epochs: [5, 6],
      has: { t: { 0: 6 } },
      givesUp: {},
    })
  })

  test('does not get topics that it has unsubscribed from since the target was made', () => {
    const to = step(member({ has: { u: { 0: 3 } } }), { target: { t: [0], u: [0] }, subscribed: ['u'] })
    assert.deepEqual(shape(to).has, { u: { 0: 3 } })
  })

  test('that has unsubscribed gives up at once, the target still being the old one', () => {
    const from = member({ has: { t: { 0: 3 }, u: { 0: 3 } } })
    const unsubscribed = {
      targetEpoch: 5,
      target: { t: [0], u: [0] },
      subscribed: ['u'],
      subscriptionChanged: true,
    }
    assert.deepEqual(shape(step(from, unsubscribed)), {
      state: UNREVOKED_PARTITIONS,
      epochs: [5, 5],
      has: { u: { 0: 3 } },
      givesUp: { t: { 0: 3 } },
    })
    assert.deepEqual(shape(step(from, { ...unsubscribed, owned: { u: [0] } })), {
      state: STABLE,
      epochs: [5, 5],
      has: { u: { 0: 3 } },
      givesUp: {},
    })
    assert.equal(step(from, { ...unsubscribed, subscribed: ['t', 'u'] }), from)
  })
})

describe('a member that gives up partitions', () => {
  const giving = member({ state: UNREVOKED_PARTITIONS, has: { t: { 1: 4 } }, givesUp: { t: { 0: 3 } } })

  test('stays as it is while it says that it has them, or says nothing', () => {
    assert.equal(step(giving, { target: { t: [1, 2] } }), giving)
    assert.equal(step(giving, { target: { t: [1, 2] }, owned: { t: [0, 1] } }), giving)
    assert.equal(step(giving, { target: { t: [1, 2] }, owned: { t: [0] } }), giving)
  })

  test('goes on when it has them no more', () => {
    const to = step(giving, { target: { t: [1, 2] }, owned: { t: [1] } })
    assert.deepEqual(shape(to), { state: STABLE, epochs: [5, 6], has: { t: { 1: 4, 2: 6 } }, givesUp: {} })
  })

  test('may be given them again, from now on, if the target has them once more', () => {
    const to = step(giving, { target: { t: [0, 1] }, owned: { t: [1] } })
    assert.deepEqual(shape(to).has, { t: { 0: 6, 1: 4 } })
  })

  test('gives up the next ones when the target has moved on meanwhile', () => {
    const to = step(giving, { target: { u: [0] }, owned: { t: [1] } })
    assert.deepEqual(shape(to), {
      state: UNREVOKED_PARTITIONS,
      epochs: [5, 5],
      has: {},
      givesUp: { t: { 1: 4 } },
    })
  })

  test('has more to give up when it unsubscribes', () => {
    const to = step(giving, { target: {}, subscribed: [], subscriptionChanged: true })
    assert.deepEqual(shape(to).givesUp, { t: { 0: 3, 1: 4 } })
  })
})

describe('a member that waits for partitions', () => {
  const waiting = member({ state: UNRELEASED_PARTITIONS, has: { t: { 0: 5 } } })

  test('stays as it is while others hold them', () => {
    assert.equal(step(waiting, { targetEpoch: 5, target: { t: [0, 1] }, taken: ['t-1'] }), waiting)
  })

  test('gets them one by one', () => {
    const target = { t: [0, 1, 2] }
    const to = step(waiting, { targetEpoch: 5, target, taken: ['t-2'] })
    assert.deepEqual(shape(to), {
      state: UNRELEASED_PARTITIONS,
      epochs: [5, 5],
      has: { t: { 0: 5, 1: 5 } },
      givesUp: {},
    })
    assert.equal(step(to, { targetEpoch: 5, target }).state, STABLE)
  })
})

test('a member in a state of a later version starts over, once it has nothing', () => {
  const unknown = member({ state: memberStates.UNKNOWN })
  assert.throws(() => step(unknown, {}), /FENCED_MEMBER_EPOCH|has to give up its partitions/)
  assert.throws(() => step(unknown, { owned: { t: [0] } }), /has to give up its partitions/)
  const to = step(unknown, { target: { t: [0] }, owned: {} })
  assert.deepEqual(shape(to), { state: STABLE, epochs: [5, 6], has: { t: { 0: 6 } }, givesUp: {} })
})
