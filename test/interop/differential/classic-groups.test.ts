// The same clients of a classic group at Apache Kafka 4.3 and at our broker: what each is told, and how the group is
// described, after every single thing they do. First the cases that somebody thought of, then random ones.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { SeededRandom } from '../../../src/lib/random.ts'
import { javaSkipReason } from '../../support/apache-kafka.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { sleep } from '../support/processes.ts'
import { GroupSide, TOPIC } from './group-side.ts'
import { differencesIn, makeTopicsAt, startBoth } from './sides.ts'

type Move = (side: GroupSide) => void | Promise<void>
type Picture = Awaited<ReturnType<GroupSide['picture']>>

/** How long the two may take to become equal after a move. */
const PATIENCE_MS = 3000
/** Nothing that happens by itself takes longer on either side. */
const QUIET_MS = 40
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 20_261_123)
const histories = Number(process.env.DIFFERENTIAL_HISTORIES ?? 6)
const NAMES = ['a', 'b', 'c']

const both = [['range', ''] as const, ['sticky', ''] as const]

/** a leads a stable group with b. */
const stable: readonly Move[] = [
  (g) => g.join('a'),
  (g) => g.join('a'),
  (g) => g.sync('a'),
  (g) => g.join('b'),
  (g) => g.join('b'),
  (g) => g.join('a'),
  (g) => g.sync('b'),
  (g) => g.sync('a'),
]

const cases: Readonly<Record<string, readonly Move[]>> = {
  'members come, work and go': [
    ...stable,
    ...[0, 1, 2, 3, 4].map(
      (version): Move =>
        (g) =>
          g.sync('b', { version }),
    ),
    ...[0, 1, 2, 3].map(
      (version): Move =>
        (g) =>
          g.heartbeat('b', { version }),
    ),
    (g) => g.commit('b'),
    (g) => g.join('b'),
    (g) => g.leave('b'),
    (g) => g.heartbeat('a'),
    (g) => g.join('a'),
    (g) => g.sync('a'),
    (g) => g.leave('a', { version: 2 }),
    (g) => g.commit('tool', { memberId: '', generation: -1 }),
    (g) => g.join('a'),
  ],
  'versions before 4 need no id to come back with': [
    ...[0, 1, 2, 3].flatMap((version): Move[] => [
      (g) => g.join('a', { version }),
      (g) => g.sync('a', { version: 0 }),
      (g) => g.leave('a', { version: 0 }),
      (g) => g.crash('a'),
    ]),
  ],
  'every version from 4 on is answered alike': [
    ...[4, 5, 6, 7, 8, 9].flatMap((version): Move[] => [
      (g) => g.join('a', { version }),
      (g) => g.join('a', { version }),
      (g) => g.join('a', { version }),
      (g) => g.sync('a'),
      (g) => g.join('a', { version, protocolType: 'other' }),
      (g) => g.join('a', { version, memberId: 'nobody' }),
      (g) => g.leave('a', { version: version === 4 ? 1 : version === 5 ? 3 : 4 }),
      (g) => g.crash('a'),
    ]),
  ],
  'who may not join': [
    (g) => g.join('x', { memberId: 'nobody' }),
    (g) => g.join('x', { sessionMs: 10 }),
    (g) => g.join('x', { sessionMs: 10_000_000 }),
    // Without protocols, a group that is not there stays so here; Kafka makes one before it looks.
    ...stable,
    (g) => g.join('x', { protocols: [] }),
    (g) => g.join('x', { protocolType: '' }),
    (g) => g.join('x', { protocolType: 'connect' }),
    (g) => g.join('x', { protocols: [['sticky', '']] }),
    (g) => g.join('x', { memberId: 'nobody' }),
    (g) => g.join('x', { memberId: 'nobody', instance: 'i' }),
    (g) => g.join('b', { protocols: [['sticky', '']] }),
  ],
  'who may not ask': [
    (g) => g.sync('a'),
    (g) => g.heartbeat('a'),
    (g) => g.leave('a'),
    (g) => g.leave('a', { version: 1 }),
    (g) => g.commit('a', { generation: 3, memberId: 'nobody' }),
    (g) => g.commit('a', { generation: 3, memberId: 'nobody', version: 8 }),
    ...stable,
    ...(['sync', 'heartbeat', 'commit'] as const).flatMap((what): Move[] => [
      (g) => g[what]('b', { generation: 77 }),
      (g) => g[what]('b', { generation: -1 }),
      (g) => g[what]('b', { memberId: 'nobody' }),
      (g) => g[what]('b', { memberId: '' }),
      (g) => g[what]('b', { instance: 'nobody' }),
    ]),
    (g) => g.sync('b', { protocolType: 'connect' }),
    (g) => g.sync('b', { protocolName: 'sticky' }),
    (g) => g.sync('b', { protocolName: null }),
    (g) => g.sync('b', { protocolType: null }),
    (g) => g.sync('b', { protocolType: 'consumer', protocolName: 'range' }),
    (g) => g.leave('b', { memberId: 'nobody' }),
    (g) => g.leave('b', { memberId: '', instance: null }),
    (g) => g.leave('b', { memberId: '', instance: 'nobody' }),
    (g) => g.leave('b', { instance: 'nobody' }),
    (g) => g.commit('tool', { memberId: '', generation: -1 }),
  ],
  'rebalances begin and end': [
    ...stable,
    (g) => g.join('a'),
    (g) => g.sync('b'),
    (g) => g.heartbeat('b'),
    (g) => g.commit('b'),
    (g) => g.join('b'),
    (g) => g.commit('b'),
    (g) => g.heartbeat('b'),
    (g) => g.join('b'),
    (g) => g.join('a'),
    (g) => g.sync('b'),
    (g) => g.join('a', { protocols: [['range', 'new']] }),
    (g) => g.join('b'),
    (g) => g.sync('b'),
    (g) => g.leave('a'),
    (g) => g.join('b'),
    (g) => g.sync('b'),
  ],
  'the protocol that most like and all know': [
    (g) => g.join('a', { protocols: [...both] }),
    (g) => g.join('a', { protocols: [...both] }),
    (g) =>
      g.join('b', {
        protocols: [
          ['sticky', ''],
          ['range', ''],
        ],
      }),
    (g) =>
      g.join('b', {
        protocols: [
          ['sticky', ''],
          ['range', ''],
        ],
      }),
    (g) =>
      g.join('c', {
        protocols: [
          ['sticky', ''],
          ['other', ''],
          ['range', ''],
        ],
      }),
    (g) =>
      g.join('c', {
        protocols: [
          ['sticky', ''],
          ['other', ''],
          ['range', ''],
        ],
      }),
    (g) => g.join('a', { protocols: [...both] }),
    (g) => g.sync('a'),
  ],
  'static members': [
    (g) => g.join('a', { instance: 'i-a' }),
    (g) => g.sync('a'),
    (g) => g.join('b', { instance: 'i-b' }),
    (g) => g.join('a'),
    (g) => g.sync('a'),
    (g) => g.sync('b'),
    (g) => g.crash('b'),
    (g) => g.join('b'),
    (g) => g.sync('b'),
    (g) => g.crash('a'),
    (g) => g.join('a'),
    (g) => g.sync('a'),
    (g) => g.crash('a'),
    (g) => g.join('a', { version: 8 }),
    (g) => g.sync('a'),
    (g) => g.join('b', { memberId: 'i-b-stale' }),
    (g) => g.join('b', { memberId: 'i-b-stale', version: 6 }),
    (g) => g.heartbeat('b', { memberId: 'i-b-stale' }),
    (g) => g.sync('b', { memberId: 'i-b-stale' }),
    (g) => g.commit('b', { memberId: 'i-b-stale' }),
    (g) => g.leave('b', { memberId: 'i-b-stale' }),
    (g) => g.join('a', { protocols: [['range', 'new']] }),
    (g) => g.join('b'),
    (g) => g.sync('b'),
    (g) => g.crash('b'),
    (g) => g.join('b'),
    (g) => g.join('a'),
    (g) => g.crash('b'),
    (g) => g.join('b'),
    (g) => g.leave('admin', { memberId: '', instance: 'i-b' }),
    (g) => g.leave('admin', { memberId: '', instance: 'i-b' }),
  ],
  'clients that are given an id and hesitate': [
    ...stable,
    (g) => g.join('c', { sessionMs: 1000 }),
    (g) => g.join('a'),
    (g) => g.join('b'),
    (g) => g.leave('c'),
    (g) => g.sync('a'),
  ],
  'sessions end': [
    (g) => g.join('a', { sessionMs: 600 }),
    (g) => g.join('a', { sessionMs: 600 }),
    (g) => g.sync('a'),
    () => sleep(1500),
    (g) => g.heartbeat('a'),
    (g) => g.join('a'),
    (g) => g.crash('a'),
    (g) => g.join('a', { instance: 'i', sessionMs: 600, rebalanceMs: 600 }),
    () => sleep(1500),
    (g) => g.sync('a'),
    (g) => g.join('b', { sessionMs: 600 }),
    () => sleep(1500),
    (g) => g.join('b'),
  ],
  'members that do not join again, or never ask for their assignment': [
    ...[0, 1].map((): Move => (g) => g.join('a', { rebalanceMs: 1000 })),
    (g) => g.sync('a'),
    ...[0, 1].map((): Move => (g) => g.join('b', { rebalanceMs: 1000 })),
    () => sleep(2000),
    (g) => g.heartbeat('a'),
    () => sleep(2000),
    (g) => g.sync('b'),
  ],
}

/**
 * A client that asks again before it was answered leaves a request behind: ours answers it, Kafka never does.
 * Both are taken for waiting.
 */
function withoutForgotten([apache, ours]: readonly Picture[]): [Picture, Picture] {
  const calls = ours!.calls.map(([words, outcome], at): (typeof ours.calls)[number] => {
    const subject = words.replace(/^\d+\. /, '').replace(/ in v.*/, '')
    const isForgotten =
      apache!.calls[at]?.[1] === 'waits' &&
      (outcome as { error?: unknown }).error === 'REBALANCE_IN_PROGRESS' &&
      ours!.calls.slice(at + 1).some(([later]) => later.includes(` ${subject}`))
    return [words, isForgotten ? 'waits' : outcome]
  })
  return [apache!, { ...ours!, calls }]
}

describe('the same classic groups at Apache Kafka and here', { skip: javaSkipReason() }, () => {
  let brokers: readonly BrokerUnderTest[] = []
  let ports: readonly number[] = []
  let compared = 0

  before(async () => {
    const properties = {
      'node.id': '1',
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '500',
      'offsets.topic.num.partitions': '1',
      'offsets.topic.replication.factor': '1',
    }
    const both = await startBoth(properties)
    brokers = both.brokers
    ports = both.ports
    await makeTopicsAt(ports, { [TOPIC]: 1 })
  })

  after(async () => {
    await Promise.all(brokers.map((broker) => broker.stop()))
    console.log(`compared ${compared} moves; random ones from seed ${seed}`)
  })

  const open = async (groupId: string) => {
    const sides = ports.map((port) => new GroupSide(port, groupId))
    await Promise.all(sides.map((side) => side.ready()))
    return sides as [GroupSide, GroupSide]
  }

  /** The differences that are left after some patience. */
  const compare = async ([apache, ours]: [GroupSide, GroupSide], name: string) => {
    compared++
    const startMs = Date.now()
    for (let before: unknown; ; await sleep(QUIET_MS)) {
      const [theirs, mine] = withoutForgotten(await Promise.all([apache.picture(), ours.picture()]))
      const isQuiet = isDeepStrictEqual(before, [theirs, mine])
      if (isQuiet && isDeepStrictEqual(theirs, mine)) return []
      if (isQuiet && Date.now() - startMs > PATIENCE_MS) return differencesIn(name, '', theirs, mine)
      before = [theirs, mine]
    }
  }

  for (const [name, moves] of Object.entries(cases)) {
    test(name, async () => {
      const sides = await open(name.replaceAll(' ', '-'))
      for (const [at, move] of moves.entries()) {
        await Promise.all(sides.map((side) => move(side)))
        const differences = await compare(sides, `move ${at + 1}`)
        assert.deepEqual(differences, [])
      }
      for (const side of sides) side.close()
    })
  }

  test(`random clients (DIFFERENTIAL_SEED=${seed}) are told the same`, async () => {
    for (let history = 0; history < histories; history++) {
      const random = new SeededRandom(seed + history)
      const sides = await open(`random-${seed + history}`)
      for (let at = 0; at < 40; at++) {
        const move = randomMove(random)
        await Promise.all(sides.map((side) => move(side)))
        const differences = await compare(sides, `history ${seed + history}, move ${at + 1}`)
        // When a leader goes, Kafka takes any of those who are left: from there on the two may differ.
        if (differences.length > 0 && differences.every(({ path }) => /leader|members/.test(path))) break
        assert.deepEqual(differences, [])
      }
      for (const side of sides) side.close()
    }
  })
})

function randomMove(random: SeededRandom): Move {
  const name = NAMES[random.below(NAMES.length)]!
  const instance = name === 'c' ? { instance: 'i-c' } : {}
  const metadata = `${name}${random.below(3)}`
  const version = 5 + random.below(5)
  switch (random.below(14)) {
    case 0:
      return (g) => g.join(name, { ...instance, protocols: [['range', metadata]] })
    case 1:
      return (g) => g.join(name, { ...instance, version })
    case 2:
      return (g) => g.crash(name)
    case 3:
      return (g) => g.leave(name)
    case 4:
      return (g) => g.heartbeat(name)
    case 5:
      return (g) => g.commit(name)
    case 6:
    case 7:
    case 8:
    case 9:
      return (g) => g.sync(name)
    default:
      return (g) => g.join(name, instance)
  }
}
