// The same requests to Apache Kafka 4.3 and to our broker: first the cases that somebody thought of, then random ones.
// Promises that every difference in an answer (codes, offsets, stored batches, the end of a connection) is either none or
// named with its reason in known-differences.ts, and that no reason there is out of date.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createTopics } from '../../../src/wire/apis/create-topics.ts'
import { initProducerId } from '../../../src/wire/apis/init-producer-id.ts'
import { listOffsets } from '../../../src/wire/apis/list-offsets.ts'
import { metadata } from '../../../src/wire/apis/metadata.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { javaSkipReason } from '../../support/apache-kafka.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { sleep, waitFor } from '../support/processes.ts'
import { adminSteps } from './admin-steps.ts'
import { isKnown, unusedReasons } from './known-differences.ts'
import { offsetSteps } from './offset-steps.ts'
import { oddPartitions, produceSteps } from './produce-steps.ts'
import { randomSteps } from './random-steps.ts'
import { readSteps } from './read-steps.ts'
import { compare, type Difference, openSide, type Side, type Step, startBoth } from './sides.ts'

/** Records are this much older than the brokers' clocks, so that one can tell the two apart. */
const RECORD_AGE_MS = 600_000
const SHOWN = Number(process.env.DIFFERENTIAL_SHOWN ?? 60)
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 20_261_123)
const randomCount = Number(process.env.DIFFERENTIAL_COUNT ?? 500)

const topics: readonly [name: string, partitions: number, configs?: Readonly<Record<string, string>>][] = [
  ['plain', 5],
  ['read', 5],
  ['sequences', 5],
  ['append-time', 5, { 'message.timestamp.type': 'LogAppendTime' }],
  ['compacted', 5, { 'cleanup.policy': 'compact' }],
  ['compact-delete', 5, { 'cleanup.policy': 'compact,delete' }],
  ['small-messages', 5, { 'max.message.bytes': '1000' }],
  ['small-plain', 5, { 'max.message.bytes': '1000', 'compression.type': 'uncompressed' }],
  ['narrow-time', 5, { 'message.timestamp.before.max.ms': '3600000' }],
  ['zstd', 1, { 'compression.type': 'zstd' }],
  ['two-in-sync', 5, { 'min.insync.replicas': '2' }],
  ['odd-plain', oddPartitions],
  ['odd-append-time', oddPartitions, { 'message.timestamp.type': 'LogAppendTime' }],
  ['odd-compacted', oddPartitions, { 'cleanup.policy': 'compact' }],
  ['odd-gzip', oddPartitions, { 'compression.type': 'gzip' }],
  ['odd-none', oddPartitions, { 'compression.type': 'uncompressed' }],
  ['random-plain', 3],
  ['random-append-time', 3, { 'message.timestamp.type': 'LogAppendTime' }],
  ['random-compacted', 3, { 'cleanup.policy': 'compact' }],
  ['random-gzip', 3, { 'compression.type': 'gzip' }],
  ['random-lz4', 3, { 'compression.type': 'lz4', 'max.message.bytes': '2000' }],
  ['__consumer_offsets', 1, { 'cleanup.policy': 'compact' }],
]

/** Makes the topics and waits until each has its leaders. */
async function makeTopics(side: Side): Promise<void> {
  const made = await side.client.ask(createTopics, 7, {
    topics: topics.map(([name, numPartitions, configs = {}]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 30_000,
    validateOnly: false,
  })
  for (const topic of made.topics) {
    assert.equal(topic.errorCode, 0, `${side.name}: ${topic.name}: ${topic.errorMessage}`)
    side.topicIds.set(topic.name, topic.topicId)
  }
  for (let tries = 0; ; tries++) {
    const answer = await side.client.ask(metadata, 12, { topics: topics.map(([name]) => ({ name })) })
    const ready = answer.topics.filter(
      ({ errorCode, partitions }) => errorCode === 0 && partitions.every(({ leaderId }) => leaderId >= 0),
    )
    if (ready.length === topics.length) break
    assert.ok(tries < 100, `${side.name} has made ${ready.length} of ${topics.length} topics`)
    await sleep(100)
  }
}

/** A leader may be named before it serves, ids of producers be asked for before there are any, groups before they are read. */
async function untilServing(side: Side): Promise<void> {
  const questions = topics.map(([name, count]) => ({
    name,
    partitions: Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 })),
  }))
  await waitFor(`${side.name} serves its partitions`, async () => {
    const answer = await side.client.ask(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: questions,
    })
    return (
      answer.topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0)) ||
      undefined
    )
  })
  await waitFor(`${side.name} coordinates groups`, async () => {
    const answer = await side.client.ask(offsetFetch, 9, { groups: [{ groupId: 'nobody', topics: null }] })
    return answer.groups.every(({ errorCode }) => errorCode === 0) || undefined
  })
  await waitFor(`${side.name} gives out producer ids`, async () => {
    const answer = await side.client.ask(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1000,
    })
    return answer.errorCode === 0 || undefined
  })
}

function report(differences: readonly Difference[]): string {
  const line = ({ step, path, apache, ours }: Difference) =>
    `${step} | ${path}: Apache Kafka ${JSON.stringify(apache)}, ours ${JSON.stringify(ours)}`
  const rest = differences.length > SHOWN ? [`... and ${differences.length - SHOWN} more`] : []
  return [`${differences.length} difference(s):`, ...differences.slice(0, SHOWN).map(line), ...rest].join(
    '\n',
  )
}

describe('the same requests to Apache Kafka and to us', { skip: javaSkipReason() }, () => {
  let brokers: readonly BrokerUnderTest[] = []
  let apache: Side
  let ours: Side
  const baseMs = Date.now() - RECORD_AGE_MS
  let compared = 0

  const run = async (steps: Iterable<Step>): Promise<void> => {
    const found: Difference[] = []
    for (const asked of steps) {
      const differences = await compare(apache, ours, asked)
      compared++
      found.push(...differences.filter((difference) => !isKnown(difference)))
    }
    assert.equal(found.length, 0, report(found))
  }

  before(async () => {
    const startMs = Date.now()
    const properties = {
      'node.id': '1',
      'auto.create.topics.enable': 'false',
      // As the table of topics has it.
      'offsets.topic.num.partitions': '1',
    }
    const both = await startBoth(properties)
    brokers = both.brokers
    const [apachePort, ourPort] = both.ports
    apache = await openSide('apache', apachePort, startMs)
    ours = await openSide('ours', ourPort, startMs)
    await Promise.all(
      [apache, ours].map(async (side) => {
        await makeTopics(side)
        await untilServing(side)
      }),
    )
  })

  after(async () => {
    for (const side of [apache, ours]) side?.client.close()
    await Promise.all(brokers.map((broker) => broker.stop()))
    console.log(`compared ${compared} requests; random ones from seed ${seed}`)
  })

  test('appends are taken and refused alike', () => run(produceSteps(baseMs)))
  test('readers get the same', () => run(readSteps(baseMs)))
  test('administrators get the same', () => run(adminSteps()))
  test('offsets are committed and told alike', () => run(offsetSteps()))
  test(`random requests (DIFFERENTIAL_SEED=${seed}) are answered alike`, () =>
    run(randomSteps(seed, randomCount, baseMs, () => apache)))
  test('every known difference is still there', () => assert.deepEqual(unusedReasons(), []))
})
