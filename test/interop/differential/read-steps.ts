// The interesting requests that read: Fetch with its limits and sessions, ListOffsets, OffsetForLeaderEpoch,
// DescribeProducers, InitProducerId, and DeleteRecords with what it changes for the others.
// Promises nothing alone: it reads what produce-steps.ts has appended.
import { deleteRecords } from '../../../src/wire/apis/delete-records.ts'
import { describeProducers } from '../../../src/wire/apis/describe-producers.ts'
import { initProducerId } from '../../../src/wire/apis/init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../../src/wire/apis/offset-for-leader-epoch.ts'
import { batchOf } from '../../support/calls.ts'
import { type FetchPlace, fetchStep, listOffsetsStep, produceStep } from './data-requests.ts'
import { oddPartitions, oddTopics } from './produce-steps.ts'
import { type Step, step } from './sides.ts'

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Everything that was appended, so that what was stored is compared as well as what was answered. */
function everything(): Step[] {
  const all = (topic: string, count: number) =>
    fetchStep(
      `all of ${topic}`,
      range(0, count - 1).map((partition) => ({ topic, partition })),
      { version: 11 },
    )
  const names = [
    'plain',
    'sequences',
    'append-time',
    'compacted',
    'small-messages',
    'small-plain',
    'narrow-time',
    'two-in-sync',
  ]
  return [...oddTopics.map((topic) => all(topic, oddPartitions)), ...names.map((topic) => all(topic, 5))]
}

function fetchSteps(): Step[] {
  const at = (offset: number, rest: Partial<FetchPlace> = {}): FetchPlace => ({
    topic: 'read',
    offset,
    ...rest,
  })
  const steps: Step[] = range(4, 18).flatMap((version) => [
    fetchStep('from the start', [at(0)], { version }),
    fetchStep('inside a batch', [at(4)], { version }),
    fetchStep('at the end', [at(30)], { version }),
    fetchStep('after the end', [at(31)], { version }),
    fetchStep('before the start', [at(-1)], { version }),
    fetchStep('unknown topic', [{ topic: 'nowhere' }], { version }),
    fetchStep('unknown partition', [at(0, { partition: 77 })], { version }),
    fetchStep('read committed', [at(0)], { version, isolationLevel: 1 }),
    fetchStep('zstd', [{ topic: 'plain', partition: 1 }], { version }),
    fetchStep('zstd, forced', [{ topic: 'zstd' }], { version }),
    fetchStep('a newer leader epoch', [at(0, { leaderEpoch: 5 })], { version }),
    fetchStep('the leader epoch', [at(0, { leaderEpoch: 0 })], { version }),
    fetchStep('last fetched epoch 0', [at(6, { fetchedEpoch: 0 })], { version }),
    fetchStep('last fetched epoch 3', [at(6, { fetchedEpoch: 3 })], { version }),
    fetchStep('no topics', [], { version }),
  ])
  const limits = [-1, 0, 1, 60, 61, 100, 200, 250, 300, 500, 700, 1000]
  for (const bytes of limits) {
    steps.push(fetchStep(`partition limit ${bytes}`, [at(0, { maxBytes: bytes })]))
    steps.push(fetchStep(`partition limit ${bytes} inside`, [at(4, { maxBytes: bytes })]))
    steps.push(fetchStep(`request limit ${bytes}`, [at(0)], { maxBytes: bytes }))
    steps.push(
      fetchStep(`request limit ${bytes}, two partitions`, [at(0), at(0, { partition: 1 })], {
        maxBytes: bytes,
      }),
    )
  }
  return [
    ...steps,
    fetchStep('isolation level 2', [at(0)], { isolationLevel: 2 }),
    fetchStep('the same partition twice', [at(0), at(3)]),
    fetchStep('minBytes above what there is', [at(29)], { minBytes: 100_000, maxWaitMs: 50 }),
    fetchStep('minBytes 0 at the end', [at(30)], { minBytes: 0, maxWaitMs: 50 }),
    fetchStep('minBytes -1 at the end', [at(30)], { minBytes: -1, maxWaitMs: 50 }),
    fetchStep('maxWait -1', [at(30)], { maxWaitMs: -1 }),
    fetchStep('a replica that is none', [at(0)], { replicaId: 5, version: 11 }),
    fetchStep('a replica that is none', [at(0)], { replicaId: 5, version: 17 }),
    fetchStep('replica -2', [at(0)], { replicaId: -2, version: 11 }),
    fetchStep('a rack', [at(0)], { rackId: 'somewhere' }),
    fetchStep('good and bad', [at(0), at(0, { partition: 77 }), { topic: 'nowhere' }]),
    fetchStep('good and bad', [at(0), at(0, { partition: 77 }), { topic: 'nowhere' }], { version: 13 }),
    fetchStep('leader epoch -2', [at(0, { leaderEpoch: -2 })]),
    fetchStep('last fetched epoch -2', [at(0, { fetchedEpoch: -2 })]),
    fetchStep('last fetched epoch 0 beyond the end', [at(31, { fetchedEpoch: 0 })]),
    fetchStep('the same, read committed', [at(31, { fetchedEpoch: 0 })], { isolationLevel: 1 }),
  ]
}

function sessionSteps(version: number): Step[] {
  const name = `s${version}`
  const read = (offset: number, partition = 0): FetchPlace => ({ topic: 'read', partition, offset })
  const session = (epoch: number, opens = false) => ({ version, session: { name, epoch, opens } })
  return [
    fetchStep('open a session', [read(0), read(0, 1)], { version, session: { name: '', epoch: 0 } }),
    opening(name, version, [read(30), read(30, 1)]),
    fetchStep('nothing new', [], session(1)),
    fetchStep('a wrong epoch', [], session(9)),
    fetchStep('the same epoch again', [], session(1)),
    fetchStep('the next epoch', [], session(2)),
    fetchStep('one partition moves', [read(0)], session(3)),
    fetchStep('it is told again', [], session(4)),
    fetchStep('it is at the end', [read(30)], session(5)),
    fetchStep('a partition is added', [read(0, 2)], session(6)),
    fetchStep('an unknown partition is added', [read(0, 88)], session(7)),
    fetchStep('it is told again', [], session(8)),
    fetchStep('forgotten', [], { ...session(9), forgotten: [{ topic: 'read', partitions: [88, 2] }] }),
    fetchStep('nothing new', [], session(10)),
    fetchStep('an unknown topic is added', [{ topic: 'nowhere' }], session(11)),
    fetchStep('it is told again', [], session(12)),
    fetchStep('an offset out of range', [read(99)], session(13)),
    fetchStep('it is told again', [], session(14)),
    fetchStep('all forgotten', [], {
      ...session(15),
      forgotten: [
        { topic: 'read', partitions: [0, 1] },
        { topic: 'nowhere', partitions: [0] },
      ],
    }),
    fetchStep('after its end', [], session(16)),
    fetchStep('an unknown session', [read(0)], { version, session: { name: 'unknown', epoch: 3 } }),
    fetchStep('close an unknown session', [read(0)], { version, session: { name: 'unknown', epoch: -1 } }),
    fetchStep('replace an unknown session', [read(0)], { version, session: { name: 'unknown', epoch: 0 } }),
    fetchStep('no session, epoch 1', [read(0)], { version, session: { name: '', epoch: 1 } }),
    fetchStep('no session, epoch -2', [read(0)], { version, session: { name: '', epoch: -2 } }),
    opening(`${name}b`, version, [read(0)]),
    fetchStep('closed', [read(0)], { version, session: { name: `${name}b`, epoch: -1 } }),
    fetchStep('after its end', [], { version, session: { name: `${name}b`, epoch: 1 } }),
  ]
}

/** Opens a session with id 0 and keeps the id that comes under `name`. */
function opening(name: string, version: number, places: readonly FetchPlace[]): Step {
  const opened = fetchStep(`open session ${name}`, places, { version, session: { name: '', epoch: 0 } })
  return { ...opened, after: (side, answer) => void side.sessions.set(name, Number(answer.sessionId)) }
}

function mixedSessionSteps(): Step[] {
  return [
    opening('named', 12, [{ topic: 'read' }]),
    fetchStep('a session of names asked with ids', [], { version: 13, session: { name: 'named', epoch: 1 } }),
    fetchStep('a session of names asked with ids', [{ topic: 'read' }], {
      version: 13,
      session: { name: 'named', epoch: 1 },
    }),
    opening('ids', 13, [{ topic: 'read' }]),
    fetchStep('a session of ids asked with names', [{ topic: 'read' }], {
      version: 12,
      session: { name: 'ids', epoch: 1 },
    }),
  ]
}

function offsetSteps(baseMs: number): Step[] {
  const special = [-1, -2, -3, -4, -5, -6, -7, -100]
  const times = [
    0,
    1,
    baseMs - 1,
    baseMs,
    baseMs + 1,
    baseMs + 5,
    baseMs + 29,
    baseMs + 30,
    baseMs + 10_000_000,
    2 ** 53 - 1,
  ]
  const steps: Step[] = range(1, 11).flatMap((version) => [
    ...[...special, ...times].map((timestamp) =>
      listOffsetsStep(
        `timestamp ${timestamp < 0 ? timestamp : timestamp - baseMs}`,
        [{ topic: 'read', timestamp }],
        { version },
      ),
    ),
    listOffsetsStep('read committed', [{ topic: 'read', timestamp: -1 }], { version, isolationLevel: 1 }),
    listOffsetsStep('unknown topic', [{ topic: 'nowhere', timestamp: -1 }], { version }),
    listOffsetsStep('unknown partition', [{ topic: 'read', partition: 44, timestamp: -1 }], { version }),
    listOffsetsStep('a newer leader epoch', [{ topic: 'read', timestamp: -1, leaderEpoch: 9 }], { version }),
  ])
  return [
    ...steps,
    ...special.map((timestamp) =>
      listOffsetsStep(`empty log, timestamp ${timestamp}`, [{ topic: 'read', partition: 4, timestamp }]),
    ),
    listOffsetsStep('empty log, a time', [{ topic: 'read', partition: 4, timestamp: 5 }]),
    listOffsetsStep('twice the same', [
      { topic: 'read', timestamp: -1 },
      { topic: 'read', timestamp: -2 },
      { topic: 'read', partition: 1, timestamp: -1 },
    ]),
    listOffsetsStep('a timestamp of later versions, unknown topic', [{ topic: 'nowhere', timestamp: -5 }], {
      version: 4,
    }),
    listOffsetsStep('replica -2', [{ topic: 'read', timestamp: -1 }], { replicaId: -2 }),
    listOffsetsStep('replica 5', [{ topic: 'read', timestamp: -1 }], { replicaId: 5 }),
    listOffsetsStep('LogAppendTime', [{ topic: 'append-time', timestamp: baseMs }]),
    listOffsetsStep('LogAppendTime, largest', [{ topic: 'append-time', timestamp: -3 }]),
    listOffsetsStep('falling timestamps', [{ topic: 'odd-plain', partition: 38, timestamp: baseMs + 6 }]),
    listOffsetsStep('falling timestamps, largest', [{ topic: 'odd-plain', partition: 38, timestamp: -3 }]),
    listOffsetsStep(
      'no timestamp, largest',
      range(27, 30).map((partition) => ({ topic: 'odd-plain', partition, timestamp: -3 })),
    ),
    listOffsetsStep(
      'no timestamp, by time',
      range(27, 30).map((partition) => ({ topic: 'odd-plain', partition, timestamp: 0 })),
    ),
  ]
}

function epochSteps(): Step[] {
  const ask = (
    name: string,
    version: number,
    partition: number,
    currentLeaderEpoch: number,
    leaderEpoch: number,
  ) =>
    step(name, offsetForLeaderEpoch, version, {
      replicaId: -1,
      topics: [
        {
          topic: partition === 66 ? 'nowhere' : 'read',
          partitions: [{ partition, currentLeaderEpoch, leaderEpoch }],
        },
      ],
    })
  return range(2, 4).flatMap((version) =>
    [-2, -1, 0, 1, 9].flatMap((epoch) => [
      ask(`epoch ${epoch}`, version, 0, -1, epoch),
      ask(`epoch ${epoch} of an empty log`, version, 4, -1, epoch),
      ask(`epoch ${epoch}, current epoch 0`, version, 0, 0, epoch),
      ask(`epoch ${epoch}, current epoch 3`, version, 0, 3, epoch),
      ask(`epoch ${epoch}, unknown partition`, version, 77, -1, epoch),
      ask(`epoch ${epoch}, unknown topic`, version, 66, -1, epoch),
    ]),
  )
}

function producerSteps(): Step[] {
  const init = (name: string, version: number, rest: object = {}) =>
    step(
      name,
      initProducerId,
      version,
      { transactionalId: null, transactionTimeoutMs: 60_000, ...rest },
      {
        after: (side, answer) => {
          const producerId = Number(answer.producerId)
          if (producerId >= 0)
            side.producers.push({ producerId, producerEpoch: Number(answer.producerEpoch) })
        },
      },
    )
  const ask = (name: string, topic: string, partitionIndexes: number[]) =>
    step(name, describeProducers, 0, { topics: [{ name: topic, partitionIndexes }] })
  return [
    ...range(0, 5).map((version) => init('no transactions', version)),
    init('timeout 0', 4, { transactionTimeoutMs: 0 }),
    init('an empty transactional id', 4, { transactionalId: '' }),
    init('an id that it names', 4, { producerId: 5, producerEpoch: 2 }),
    init('an id without epoch', 4, { producerId: 5, producerEpoch: -1 }),
    init('an epoch without id', 4, { producerId: -1, producerEpoch: 3 }),
    init('epoch at its end', 4, { producerId: 5, producerEpoch: 32_767 }),
    ask('sequences', 'sequences', [0, 1, 2, 3]),
    ask('none', 'read', [0]),
    ask('unknown partition', 'sequences', [44]),
    ask('unknown topic', 'nowhere', [0]),
    ask('twice', 'sequences', [1, 1]),
    ask('no partitions', 'sequences', []),
    ask('an invalid name', 'no/name', [0]),
  ]
}

function deletionSteps(): Step[] {
  const remove = (name: string, topic: string, offset: number, { partition = 3, version = 2 } = {}) =>
    step(name, deleteRecords, version, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: 5000,
    })
  const looks = (when: string): Step[] => [
    fetchStep(`${when}: below`, [{ topic: 'read', partition: 3, offset: 2 }]),
    fetchStep(`${when}: inside`, [{ topic: 'read', partition: 3, offset: 8 }]),
    listOffsetsStep(`${when}: all`, [{ topic: 'read', partition: 3, timestamp: -2 }]),
    listOffsetsStep(`${when}: by time`, [{ topic: 'read', partition: 3, timestamp: 1 }]),
    listOffsetsStep(`${when}: largest`, [{ topic: 'read', partition: 3, timestamp: -3 }]),
    produceStep(`${when}: append`, 'read', batchOf(['late'], { timestamp: 1_600_000_000_000 }), {
      partition: 3,
    }),
  ]
  return [
    ...range(0, 2).flatMap((version) => [
      remove('to 0', 'read', 0, { version }),
      remove(`to ${version + 1}`, 'read', version + 1, { version }),
      remove('beyond the end', 'read', 999, { version }),
      remove('negative', 'read', -2, { version }),
      remove('unknown topic', 'nowhere', 0, { version }),
      remove('unknown partition', 'read', 0, { partition: 55, version }),
      remove('internal topic', '__consumer_offsets', 0, { partition: 0, version }),
      remove('compacted topic', 'compacted', 0, { partition: 0, version }),
      remove('back', 'read', 0, { version }),
    ]),
    ...looks('at 3'),
    remove('into a batch', 'read', 7),
    ...looks('at 7'),
    remove('all', 'read', -1),
    ...looks('all gone'),
    remove('compact,delete', 'compact-delete', 0, { partition: 0 }),
  ]
}

/** What the others read: partitions 0 to 3 hold ten batches of three records each. */
function prepare(baseMs: number): Step[] {
  return range(0, 3).flatMap((partition) =>
    range(0, 9).map((n) => {
      const bytes = batchOf(
        range(0, 2).map((i) => `${n}.${i}`.repeat(n + 1)),
        { timestamp: baseMs + 3 * n },
      )
      return produceStep('something to read', 'read', bytes, { partition })
    }),
  )
}

export function readSteps(baseMs: number): Step[] {
  return [
    ...everything(),
    ...prepare(baseMs),
    ...fetchSteps(),
    ...[7, 11, 12, 13, 17].flatMap(sessionSteps),
    ...mixedSessionSteps(),
    ...offsetSteps(baseMs),
    ...epochSteps(),
    ...producerSteps(),
    ...deletionSteps(),
  ]
}
