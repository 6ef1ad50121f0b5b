// franz-go (Go) produces and reads by assigned partitions on the broker under test: codecs, odd records, sizes, acks, volume, restarts.
// Its client is the strictest about what a broker answers: topic ids, leader epochs, fetch sessions, the newest versions.
// Administration and single requests are in franz-go-topics.test.ts and franz-go-offsets.test.ts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ClientProgram } from '../programs/client-program.ts'
import { base64 } from '../programs/numbered-records.ts'
import {
  Client,
  codecs,
  errorOf,
  manyRecordsRoundTrip,
  oddRecordsRoundTrip,
  recompressedRoundTrip,
  restartInMidStream,
  sizesAtTheLimit,
} from '../programs/scenarios.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { skipWithout } from '../support/languages.ts'
import { startFranzGo } from './franz-go.ts'

// Every family of versions of Produce, Fetch and Metadata: before leader epochs, zstd, flexible versions, topic ids, KIP-890.
const releases = [
  'v0.11.0',
  'v1.1',
  'v2.0',
  'v2.1',
  'v2.3',
  'v2.4',
  'v2.7',
  'v2.8',
  'v3.1',
  'v3.5',
  'v3.9',
  'v4.0',
]

const record = (value: string, timestamp?: number) => ({
  key: null,
  value: base64(value),
  headers: [],
  ...(timestamp !== undefined && { timestamp }),
})

describe('franz-go', { skip: skipWithout('Go', ['go']) }, () => {
  let broker: BrokerUnderTest
  let program: ClientProgram
  let client: Client

  before(async () => {
    program = await startFranzGo()
    // The records of these tests are old: none may be deleted for it.
    broker = await startBrokerUnderTest({ properties: { 'log.retention.ms': '-1' } })
    client = new Client(program, broker, { nullHeaders: true })
  })
  after(async () => {
    await program?.close()
    await broker?.stop()
  })

  for (const codec of codecs) {
    test(`${codec}: odd keys, values and headers come back as they were sent`, () =>
      oddRecordsRoundTrip(client, codec))
  }

  for (const [codec, storedAs] of [
    ['zstd', 'none'],
    ['none', 'gzip'],
    ['gzip', 'snappy'],
    ['snappy', 'lz4'],
    ['lz4', 'zstd'],
  ] as const) {
    test(`compression.type: what came as ${codec} is kept as ${storedAs}`, () =>
      recompressedRoundTrip(client, codec, storedAs))
  }

  for (const release of releases) {
    test(`speaking as of Kafka ${release}: records come back as they were sent`, () =>
      oddRecordsRoundTrip(client, 'gzip', { release }))
  }

  for (const codec of ['none', 'lz4', 'zstd'] as const) {
    test(`${codec}: 100,000 records come back byte for byte`, () =>
      manyRecordsRoundTrip(client, { topic: `many-${codec}`, count: 100_000, partitions: 3, codec }))
  }

  test('a batch of exactly the default max.message.bytes is taken, one byte more is refused', () =>
    sizesAtTheLimit(client, 'limit-default', 1_048_588))

  test("a topic's own max.message.bytes counts", () => sizesAtTheLimit(client, 'limit-own', 200_000))

  test('acks=0, acks=1, acks=all without idempotence: all arrive in order', async () => {
    const topic = 'acks'
    await client.createTopic(topic)
    const sent: string[] = []
    for (const acks of ['0', '1', 'all, not idempotent', 'all'] as const) {
      const values = ['first', 'second', 'third'].map((value) => `${acks}: ${value}`)
      const produced = await client.produce({ topic, acks, records: values.map((value) => record(value)) })
      const errors = produced.filter(({ error }) => error)
      assert.deepEqual(errors, [], `acks ${acks}`)
      if (acks !== '0') {
        assert.deepEqual(
          produced.map(({ offset }) => offset),
          values.map((_, index) => sent.length + index),
        )
      } else {
        // Without an answer the client cannot know when they are there: wait for them before the next.
        assert.equal((await client.consume(topic, values.length)).length, values.length)
      }
      sent.push(...values)
    }
    const read = await client.consume(topic, sent.length)
    assert.deepEqual(
      read.map(({ value }) => value),
      sent.map((value) => base64(value)),
    )
  })

  test('producing to a partition or topic that does not exist fails and is not created by it', async () => {
    await client.createTopic('one-partition')
    const records = [record('lost')]
    // franz-go refuses the partition by itself, from metadata: it must have the right count.
    const outside = await errorOf(client.produce({ topic: 'one-partition', partition: 1, records }))
    assert.match(outside.name, /invalid record partitioning choice/)
    const absent = await errorOf(client.produce({ topic: 'absent', records }))
    assert.deepEqual(absent, { code: 3, name: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const listed = await client.call<Record<string, object>>('admin', { call: 'listTopics' })
    assert.deepEqual(['one-partition' in listed, 'absent' in listed], [true, false])
  })

  test('reading starts where it is told to: an offset, a time, the end', async () => {
    const topic = 'starts'
    await client.createTopic(topic)
    const times = [1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000, 1_700_000_004_000]
    // One batch: the broker has to find the record inside it.
    await client.produce({ topic, records: times.map((time, index) => record(`number ${index}`, time)) })
    const offsets = async (args: object) =>
      (await client.consume(topic, 10, { silenceMs: 700, ...args })).map(({ offset }) => offset)
    assert.deepEqual(await offsets({ offset: 2 }), [2, 3])
    assert.deepEqual(await offsets({ offset: 4 }), [])
    assert.deepEqual(await offsets({ timestamp: 1_700_000_002_001 }), [2, 3])
    assert.deepEqual(await offsets({ timestamp: 1_700_000_002_000 }), [1, 2, 3])
    assert.deepEqual(await offsets({ timestamp: 1_700_000_004_001 }), [])
    await assert.rejects(offsets({ offset: 5 }), { code: 1, name: 'OFFSET_OUT_OF_RANGE' })
  })

  test('tiny fetch limits still bring every record, with and without fetch sessions, committed or not', async () => {
    const topic = 'tiny-fetches'
    await client.createTopic(topic)
    const values = Array.from({ length: 20 }, (_, index) => `${index} `.repeat(1000))
    // A batch each, so that every fetch meets a batch larger than its limit.
    for (const value of values) await client.produce({ topic, records: [record(value)] })
    for (const limits of [
      { fetchMaxBytes: 1, partitionMaxBytes: 1 },
      { fetchMaxBytes: 5000, partitionMaxBytes: 5000, noSessions: true },
      { fetchMaxBytes: 5000, partitionMaxBytes: 100, readCommitted: true },
    ]) {
      const read = await client.consume(topic, values.length, limits)
      assert.deepEqual(
        read.map(({ value }) => value),
        values.map((value) => base64(value)),
        JSON.stringify(limits),
      )
    }
  })

  test('LogAppendTime: the broker stamps the records, the client sees the type and the time', async () => {
    const topic = 'append-time'
    await client.createTopic(topic, 1, { 'message.timestamp.type': 'LogAppendTime' })
    const startedAt = Date.now()
    await client.produce({
      topic,
      codec: 'gzip',
      records: [record('old', 1_700_000_000_000), record('old', 1)],
    })
    const endedAt = Date.now()
    const read = await client.consume(topic, 2)
    assert.deepEqual(
      read.map(({ timestampType }) => timestampType),
      [1, 1],
    )
    for (const { timestamp } of read) {
      assert.ok(timestamp >= startedAt && timestamp <= endedAt, `${timestamp} is not the time of the append`)
    }
  })

  for (const how of ['clean', 'kill -9'] as const) {
    test(`restart in mid-stream (${how}): nothing is lost, doubled or out of order`, () =>
      restartInMidStream(client, {
        topic: `restart-${how.replace(' ', '')}`,
        count: 60_000,
        partitions: 3,
        codec: 'snappy',
        recordsPerSecond: 15_000,
        restartAfter: 15_000,
        how,
      }))
  }
})
