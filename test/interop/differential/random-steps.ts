// Random requests of the data plane and of administrators, the same for the same seed.
// Promises sequences that mostly make sense: producers mostly go on where they were, offsets mostly exist. Leaves what
// one broker answered otherwise on purpose to known-differences.ts, and stays away from it where it would multiply.
import { deleteRecords } from '../../../src/wire/apis/delete-records.ts'
import { describeProducers } from '../../../src/wire/apis/describe-producers.ts'
import { offsetForLeaderEpoch } from '../../../src/wire/apis/offset-for-leader-epoch.ts'
import { codecs } from '../../../src/wire/records/compression/index.ts'
import { badBatches } from '../../support/bad-batches.ts'
import { batchOf } from '../../support/calls.ts'
import {
  changeStep,
  createStep,
  deleteStep,
  describeStep,
  growStep,
  metadataStep,
  type Operation,
} from './admin-requests.ts'
import { fetchStep, listOffsetsStep, produceStep } from './data-requests.ts'
import { newProducerStep } from './produce-steps.ts'
import { type Side, type Step, step } from './sides.ts'

const topics = [
  'random-plain',
  'random-append-time',
  'random-compacted',
  'random-gzip',
  'random-lz4',
] as const
const PARTITIONS = 3
const PRODUCERS = 4
const LARGEST_OFFSET = 60

/** xorshift32: small, and the same everywhere. */
class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0 || 1
  }

  below(limit: number): number {
    this.state ^= this.state << 13
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5
    return (this.state >>> 0) % limit
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  happens(percent: number): boolean {
    return this.below(100) < percent
  }
}

interface World {
  readonly chance: Chance
  readonly baseMs: number
  /** Where each producer goes on, by producer, topic and partition. */
  readonly sequences: Map<string, number>
  readonly epochs: number[]
  /** The random ones are after those of the tables. */
  readonly firstProducer: number
}

function randomBatch(
  { chance, baseMs, sequences, epochs, firstProducer }: World,
  topic: string,
  partition: number,
) {
  const compression = chance.of([
    codecs.none,
    codecs.none,
    codecs.gzip,
    codecs.snappy,
    codecs.lz4,
    codecs.zstd,
  ])
  const values = Array.from({ length: chance.between(1, 5) }, () =>
    'v'.repeat(chance.of([0, 1, 10, 100, 1500])),
  )
  const timestamp = baseMs + chance.between(-100_000, 100_000)
  // A closed batch without keys is refused by both only where keys are asked for: they are opened there.
  const key = chance.happens(15) ? null : `k${chance.below(5)}`
  if (chance.happens(50)) return () => batchOf(values, { compression, timestamp, key })
  const producer = chance.below(PRODUCERS)
  const place = `${producer} ${topic} ${partition}`
  const expected = sequences.get(place) ?? 0
  const baseSequence = chance.happens(75) ? expected : Math.max(0, expected + chance.between(-8, 4))
  if (chance.happens(5)) epochs[producer] = epochs[producer]! + 1
  const producerEpoch = chance.happens(95) ? epochs[producer]! : Math.max(0, epochs[producer]! - 1)
  if (baseSequence === expected) sequences.set(place, expected + values.length)
  return (side: Side) => {
    const { producerId } = side.producers[firstProducer + producer]!
    return batchOf(values, { compression, timestamp, key, producerId, producerEpoch, baseSequence })
  }
}

function randomProduce(world: World): Step {
  const { chance } = world
  const topic = chance.happens(96) ? chance.of(topics) : 'nowhere'
  const partition = chance.happens(96) ? chance.below(PARTITIONS) : chance.between(-1, 9)
  const version = chance.between(7, 13)
  const options = { partition, version, acks: chance.of([-1, -1, -1, 1, 1, 0]) }
  if (chance.happens(8)) {
    const bad = [
      badBatches.wrongCrc,
      badBatches.cut,
      badBatches.twoBatches,
      badBatches.baseOffset,
      badBatches.trailing,
    ]
    return produceStep('a bad batch', topic, chance.of(bad)(), options)
  }
  return produceStep(`to ${topic}-${partition}`, topic, randomBatch(world, topic, partition), options)
}

function randomFetch({ chance }: World): Step {
  const version = chance.between(4, 18)
  const isolationLevel = chance.below(2)
  const offset = () => (chance.happens(95) ? chance.below(LARGEST_OFFSET) : chance.of([-1, 100_000]))
  const place = () => ({
    topic: chance.happens(97) ? chance.of(topics) : 'nowhere',
    partition: chance.happens(97) ? chance.below(PARTITIONS) : 9,
    offset: offset(),
    leaderEpoch: chance.happens(90) ? -1 : chance.below(3),
    fetchedEpoch: chance.happens(90) ? -1 : chance.below(2),
  })
  // Limits are for one partition whose batches are kept as they came: elsewhere sizes are each broker's own.
  if (chance.happens(40)) {
    const maxBytes = chance.of([0, 1, 100, 500, 2000, 10_000])
    const one = { ...place(), topic: 'random-plain', ...(chance.happens(50) && { maxBytes }) }
    return fetchStep(`${one.topic}-${one.partition} at ${one.offset}, ${maxBytes} bytes`, [one], {
      version,
      isolationLevel,
      ...(one.maxBytes === undefined && { maxBytes }),
    })
  }
  const places = new Map(
    Array.from({ length: chance.between(1, 4) }, place).map((one) => [`${one.topic}-${one.partition}`, one]),
  )
  const sorted = [...places.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
  return fetchStep(`some of ${sorted.length}`, sorted, { version, isolationLevel })
}

function randomQuestion({ chance, baseMs }: World): Step {
  const topic = chance.happens(97) ? chance.of(topics) : 'nowhere'
  const partition = chance.happens(97) ? chance.below(PARTITIONS) : 9
  const kind = chance.below(5)
  if (kind === 0)
    return step('of the partition', describeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    })
  if (kind === 1) {
    const asked = { partition, currentLeaderEpoch: chance.between(-1, 1), leaderEpoch: chance.between(-1, 2) }
    return step('of the partition', offsetForLeaderEpoch, chance.between(2, 4), {
      replicaId: -1,
      topics: [{ topic, partitions: [asked] }],
    })
  }
  // Compressed batches stay closed, so the largest timestamp is that of the whole batch in both; by time both open them.
  const timestamp = chance.happens(40)
    ? chance.of([-1, -2, -4, -5])
    : baseMs + chance.between(-120_000, 120_000)
  const asked = [{ topic, partition, timestamp }]
  return listOffsetsStep(`${topic}-${partition} at ${timestamp - baseMs}`, asked, {
    version: chance.between(1, 11),
    isolationLevel: chance.below(2),
  })
}

function randomDeletion({ chance }: World): Step {
  const partitions = [
    { partitionIndex: chance.below(PARTITIONS), offset: chance.of([-1, 0, 1, 2, 3, 5, 8, 1000]) },
  ]
  const topic = chance.of(topics)
  return step(`of ${topic}`, deleteRecords, chance.below(3), {
    topics: [{ name: topic, partitions }],
    timeoutMs: 5000,
  })
}

const settings: readonly (readonly [key: string, values: readonly string[]])[] = [
  ['retention.ms', ['1000', '-1', 'x', '', '99999999999']],
  ['cleanup.policy', ['compact', 'delete', 'delete,compact', 'none']],
  ['max.message.bytes', ['1000', '-5', '1e3']],
  ['compression.type', ['gzip', 'GZIP', 'zip', 'producer']],
  ['min.insync.replicas', ['1', '3', '0']],
  ['segment.bytes', ['1048576', '100']],
  ['min.cleanable.dirty.ratio', ['0.25', '7']],
  ['no.such.key', ['1']],
]

function randomAdmin({ chance }: World): Step {
  const name = `topic-${chance.below(6)}`
  const [key, values] = chance.of(settings)
  const kind = chance.below(10)
  if (kind < 3) {
    const partitions = chance.of([1, 2, 3, 0, -1])
    const configs = chance.happens(40) ? { [key]: chance.of(values) } : {}
    return createStep(name, [{ name, partitions, configs }], { version: chance.between(2, 7) })
  }
  if (kind === 3) return deleteStep(name, [name], chance.between(1, 5))
  if (kind === 4) return growStep(name, name, chance.between(0, 6), { version: chance.below(4) })
  if (kind === 5) return metadataStep(name, [name], { version: chance.below(14) })
  if (kind === 6) return describeStep(name, [{ name, keys: [key] }], { version: chance.between(1, 4) })
  const operations: Operation[] = [[key, chance.below(4), chance.of(values)]]
  return { ...changeStep(`${name} ${operations}`, [{ name, operations }], { version: chance.below(2) }) }
}

/** `count` steps, after those that give each producer its id. */
export function* randomSteps(
  seed: number,
  count: number,
  baseMs: number,
  apache: () => Side,
): Generator<Step> {
  const firstProducer = apache().producers.length
  for (let i = 0; i < PRODUCERS; i++) yield newProducerStep()
  const world: World = {
    chance: new Chance(seed),
    baseMs,
    sequences: new Map(),
    firstProducer,
    epochs: Array.from({ length: PRODUCERS }, () => 0),
  }
  const makers = [
    randomProduce,
    randomProduce,
    randomProduce,
    randomFetch,
    randomFetch,
    randomQuestion,
    randomAdmin,
  ]
  for (let i = 0; i < count; i++) {
    const asked = world.chance.happens(3) ? randomDeletion(world) : world.chance.of(makers)(world)
    yield { ...asked, name: `#${i} ${asked.name}` }
  }
}
