// The same members of a consumer group (KIP-848) at Apache Kafka 4.3 and at our broker: what each is told, and how the group
// is described, after every single thing they do.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SeededRandom } from '../../../src/lib/random.ts'
import { javaSkipReason } from '../../support/apache-kafka.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { sleep } from '../support/processes.ts'
import { ConsumerSide, type Outcome } from './consumer-side.ts'
import { RandomConsumers } from './random-consumers.ts'
import { startBoth } from './sides.ts'

type Move = (side: ConsumerSide) => Promise<Outcome>

const SESSION_MS = 3000
const pause: Move = async () => {
  await sleep(SESSION_MS + 500)
  return {}
}

/** a and b have two partitions of t each. */
const two: readonly Move[] = [
  (g) => g.join('a', ['t']),
  (g) => g.join('b', ['t']),
  (g) => g.beat('a'),
  (g) => g.beat('a'),
  (g) => g.beat('b'),
  (g) => g.beat('b'),
]

const first = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] }

const cases: Readonly<Record<string, readonly Move[]>> = {
  'members come, give up, take over, and go': [
    (g) => g.join('a', ['t']),
    (g) => g.beat('a'),
    (g) => g.join('b', ['t']),
    (g) => g.beat('b'),
    (g) => g.beat('a'),
    (g) => g.beat('b'),
    (g) => g.beat('a', { topicPartitions: null }),
    (g) => g.beat('a'),
    (g) => g.beat('b'),
    (g) => g.beat('b'),
    (g) => g.leave('a'),
    (g) => g.beat('b'),
    (g) => g.beat('b'),
    (g) => g.deleteGroup(),
    (g) => g.leave('b'),
    (g) => g.beat('b'),
    (g) => g.join('c', ['t']),
    (g) => g.leave('c'),
    (g) => g.deleteGroup(),
  ],
  'the range assignor, and one that is not there': [
    (g) => g.join('a', ['t', 'u'], { serverAssignor: 'range' }),
    (g) => g.join('b', ['t', 'u'], { serverAssignor: 'range' }),
    (g) => g.beat('a'),
    (g) => g.beat('a'),
    (g) => g.beat('b'),
    (g) => g.beat('b', { serverAssignor: 'mine' }),
    (g) => g.beat('b', { serverAssignor: 'uniform' }),
    (g) => g.join('c', ['t'], { serverAssignor: 'uniform' }),
  ],
  'requests that contradict themselves': [
    (g) => g.beat('a', { memberEpoch: 3 }),
    (g) => g.heartbeat('a', { ...first, memberId: '' }),
    (g) => g.heartbeat('a', { ...first, groupId: '' }),
    (g) => g.heartbeat('a', { ...first, instanceId: '' }),
    (g) => g.heartbeat('a', { ...first, rackId: '' }),
    (g) => g.heartbeat('a', { ...first, rebalanceTimeoutMs: -1 }),
    (g) => g.heartbeat('a', { ...first, topicPartitions: null }),
    (g) => g.heartbeat('a', { ...first, topicPartitions: g.listed(['t-0']) }),
    (g) => g.heartbeat('a', { ...first, subscribedTopicNames: null }),
    (g) => g.heartbeat('a', { ...first, memberEpoch: -2 }),
    (g) => g.heartbeat('a', { ...first, memberEpoch: -3 }),
    (g) => g.heartbeat('a', { ...first, memberEpoch: -1 }),
    (g) => g.heartbeat('a', { ...first, subscribedTopicNames: null, subscribedTopicRegex: '(' }),
    (g) => g.heartbeat('a', { ...first, memberEpoch: -1, memberId: '' }, 0),
    (g) => g.heartbeat('a', { ...first, memberId: '' }, 0),
    (g) => g.join('b', []),
    (g) => g.join('c', ['missing']),
  ],
  'epochs that are not the member’s': [
    ...two,
    (g) => g.beat('a', { memberEpoch: 9 }),
    (g) => g.beat('a', { memberEpoch: 1 }),
    (g) => g.beat('a', { memberId: 'nobody' }),
    (g) => g.join('c', ['t'], { serverAssignor: 'range' }),
    (g) => g.beat('a', { topicPartitions: g.listed(g.client('a').told) }),
    (g) => g.beat('a', { memberEpoch: 2, topicPartitions: g.listed(['t-0', 't-1', 't-2', 't-3']) }),
    (g) => g.beat('a', { ...first, memberEpoch: 0 }),
    (g) => g.beat('a'),
  ],
  'full requests are told the assignment': [
    (g) => g.join('a', ['t']),
    (g) => g.beat('a', { ...first, memberEpoch: 2 }),
    (g) => g.beat('a', { ...first, memberEpoch: 2, topicPartitions: null }),
    (g) => g.beat('a', { ...first, memberEpoch: 2, rebalanceTimeoutMs: -1 }),
    (g) => g.join('a', ['t']),
  ],
  'subscriptions change': [
    (g) => g.join('a', ['t', 'u']),
    (g) => g.beat('a', { subscribedTopicNames: ['u'] }),
    (g) => g.beat('a'),
    (g) => g.beat('a'),
    (g) => g.beat('a', { subscribedTopicNames: ['u', 'u'] }),
    (g) => g.beat('a', { subscribedTopicNames: [] }),
    (g) => g.beat('a'),
    (g) => g.beat('a', { subscribedTopicNames: ['t'], rackId: 'r' }),
  ],
  'topics change': [
    (g) => g.createTopic('growing', 1),
    (g) => g.join('a', ['growing', 'late']),
    (g) => g.addPartitions('growing', 3),
    (g) => g.beat('a'),
    (g) => g.createTopic('late', 1),
    (g) => g.beat('a'),
    (g) => g.beat('a'),
  ],
  'static members': [
    (g) => g.join('a', ['t'], { instanceId: 'one' }),
    (g) => g.join('b', ['t'], { instanceId: 'two' }),
    (g) => g.beat('a'),
    (g) => g.beat('a'),
    (g) => g.beat('b'),
    (g) => g.join('c', ['t'], { instanceId: 'one' }),
    (g) => g.beat('a', { instanceId: 'two' }),
    (g) => g.beat('a', { instanceId: 'three' }),
    (g) => g.beat('a', { memberEpoch: -2, instanceId: 'three' }),
    (g) => g.leave('a', -2),
    (g) => g.beat('a'),
    (g) => g.beat('b'),
    (g) => g.join('c', ['t'], { instanceId: 'one' }),
    (g) => g.beat('b'),
    (g) => g.beat('a'),
    (g) => g.leave('c', -1),
    (g) => g.beat('b'),
    (g) => g.beat('b'),
  ],
  'sessions end': [...two, (g) => g.leave('b', -1), pause, (g) => g.beat('a'), (g) => g.join('a', ['t'])],
  'commits and fetches': [
    ...two,
    ...['a', 'b', ''].flatMap((name): Move[] =>
      [-1, 1, 2, 3, 4].flatMap((epoch): Move[] => [
        ...['t-0', 't-1', 't-2', 't-3'].map(
          (partition): Move =>
            (g) =>
              g.commit(name, epoch, partition),
        ),
        // Kafka fails where there is an epoch and no member.
        (g) => g.fetch(name, name === '' ? -1 : epoch),
      ]),
    ),
    (g) => g.commit('a', 3, 't-0', 8),
    (g) => g.commit('nobody', 3, 't-0'),
  ],
  'a classic group becomes a consumer group and a classic group again': [
    (g) => g.joinClassic('k', ['t']),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.syncClassic('k'),
    (g) => g.beat('a', { memberEpoch: 1 }),
    (g) => g.join('a', ['t'], { serverAssignor: 'range' }),
    (g) => g.beatClassic('k'),
    (g) => g.syncClassic('k'),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.syncClassic('k'),
    (g) => g.beatClassic('k'),
    (g) => g.beatClassic('k', 77),
    (g) => g.syncClassic('k', 77),
    (g) => g.beat('a'),
    (g) => g.join('b', ['t'], { serverAssignor: 'range' }),
    (g) => g.beatClassic('k'),
    (g) => g.syncClassic('k'),
    (g) => g.joinClassic('k', ['t'], ['t-0', 't-1', 't-2', 't-3']),
    (g) => g.beatClassic('k'),
    (g) => g.commit('k', 3, 't-0', 5),
    // In one move: while a classic member is there, a timer of ours works out the new target, Kafka waits to be asked.
    async (g) => {
      await g.leave('b')
      return g.leave('a')
    },
    (g) => g.beatClassic('k'),
    (g) => g.beat('a'),
  ],
  'members of the classic protocol come into a consumer group': [
    (g) => g.join('a', ['t']),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.syncClassic('k'),
    (g) => g.beatClassic('k'),
    (g) => g.beat('a'),
    (g) => g.beatClassic('k'),
    (g) => g.beat('a'),
    (g) => g.beatClassic('k'),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.syncClassic('k'),
    (g) => g.leaveClassic('k'),
    (g) => g.leaveClassic('k'),
    (g) => g.beat('a'),
    (g) => g.joinClassic('l', ['t'], [], 3),
  ],
  'the only member, a static one, starts again with the classic protocol': [
    (g) => g.join('a', ['t'], { instanceId: 'one' }),
    async (g) => {
      g.client('k').instance = 'one'
      // Here its group rebalances, so that it leads the next generation: Kafka hands it what it had.
      const { error } = await g.joinClassic('k', ['t'])
      return { error }
    },
    (g) => g.beat('a'),
    (g) => g.leaveClassic('k'),
  ],
  'empty groups change their protocol': [
    (g) => g.joinClassic('k', ['t']),
    (g) => g.joinClassic('k', ['t']),
    (g) => g.leaveClassic('k'),
    (g) => g.join('a', ['t']),
    (g) => g.leave('a'),
    (g) => g.commit('', -1, 't-0'),
    // In one move: Kafka gives the id before the group's new protocol is committed, and shown.
    async (g) => {
      await g.joinClassic('l', ['t'])
      return g.joinClassic('l', ['t'])
    },
    (g) => g.leaveClassic('l'),
  ],
}

describe('the same consumer groups at Apache Kafka and here', { skip: javaSkipReason() }, () => {
  let brokers: readonly BrokerUnderTest[] = []
  let ports: readonly number[] = []

  before(async () => {
    const properties = {
      'node.id': '1',
      'group.initial.rebalance.delay.ms': '0',
      'group.consumer.assignment.interval.ms': '0',
      'group.consumer.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.heartbeat.interval.ms': '1000',
      'group.consumer.heartbeat.interval.ms': '1000',
      'offsets.topic.num.partitions': '1',
      'offsets.topic.replication.factor': '1',
    }
    const both = await startBoth(properties)
    brokers = both.brokers
    ports = both.ports
    for (const port of ports) {
      const side = await ConsumerSide.open(port, 'topics')
      await side.createTopic('t', 4)
      await side.createTopic('u', 1)
      side.close()
    }
  })

  after(() => Promise.all(brokers.map((broker) => broker.stop())))

  for (const [name, moves] of Object.entries(cases)) {
    test(name, async () => {
      const groupId = name.replaceAll(/\W+/g, '-')
      const sides = await Promise.all(ports.map((port) => ConsumerSide.open(port, groupId)))
      for (const [at, move] of moves.entries()) {
        const [apache, ours] = await Promise.all(
          sides.map(async (side) => ({ told: await move(side), group: await side.described() })),
        )
        assert.deepEqual(ours, apache, `move ${at + 1}: ${move}`)
      }
      for (const side of sides) side.close()
    })
  }

  const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1)
  test(`random members of both protocols (DIFFERENTIAL_SEED=${seed}) are told the same`, async () => {
    for (let run = 0; run < 15; run++) {
      const sides = await Promise.all(ports.map((port) => ConsumerSide.open(port, `random-${run}`)))
      const trail: string[] = []
      const members = new RandomConsumers(new SeededRandom(seed * 1000 + run), async (what, move) => {
        trail.push(what)
        const [apache, ours] = await Promise.all(
          sides.map(async (side) => ({ told: await move(side), group: await side.described() })),
        )
        assert.deepEqual(ours, apache, trail.join('; '))
        return apache!.told
      })
      await members.live(35)
      for (const side of sides) side.close()
    }
  })
})
