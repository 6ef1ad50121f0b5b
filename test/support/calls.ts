// The calls that most tests of a broker make, each in one line: make a topic, produce, fetch, ask for offsets.
// Promises the answer as it came, codes included; versions can be chosen. Leaves connections to raw-client.ts.
import assert from 'node:assert/strict'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { initProducerId } from '../../src/wire/apis/init-producer-id.ts'
import { listOffsets } from '../../src/wire/apis/list-offsets.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { type ProduceResponse, produce } from '../../src/wire/apis/produce.ts'
import { type BatchOptions, buildBatch } from '../../src/wire/records/build.ts'
import { type Record, records } from '../../src/wire/records/record.ts'
import type { Value } from '../../src/wire/schema.ts'
import type { Asker } from './raw-client.ts'

export const LATEST = -1
export const EARLIEST = -2

export type ProducePartition = ProduceResponse['responses'][number]['partitionResponses'][number]
export type FetchPartition = Value<typeof fetch.response>['responses'][number]['partitions'][number]

/** A batch as a producer sends it: one record for each value. */
export function batchOf(
  values: readonly (string | Buffer | null)[],
  options: BatchOptions & { timestamp?: number; key?: string | null } = {},
): Buffer {
  const { timestamp = Date.now(), key = 'key' } = options
  return buildBatch({
    ...options,
    records: values.map((value, i) => ({
      timestamp: timestamp + i,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    })),
  })
}

/** Makes a topic and fails the test when that does not work. Returns its id. */
export async function makeTopic(
  client: Asker,
  name: string,
  {
    partitions = 1,
    configs = {},
  }: { partitions?: number; configs?: Readonly<{ [key: string]: string }> } = {},
): Promise<string> {
  const { topics } = await client.ask(createTopics, 7, {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  const [topic] = topics
  assert.equal(topic!.errorCode, 0, `${name}: ${topic!.errorMessage}`)
  return topic!.topicId
}

export interface ProduceOptions {
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
  readonly topicId?: string
  readonly transactionalId?: string | null
}

/** Sends one batch (or any bytes, or null) and returns what the answer says of its partition. */
export async function produceTo(
  client: Asker,
  topic: string,
  batch: Buffer | null,
  options: ProduceOptions = {},
): Promise<ProducePartition> {
  const { partition = 0, acks = -1, version = 8, topicId, transactionalId = null } = options
  const answer = await client.ask(produce, version, {
    transactionalId,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, topicId, partitionData: [{ index: partition, records: batch }] }],
  })
  return answer.responses[0]!.partitionResponses[0]!
}

/** Appends and fails the test when that does not work. Returns the offset of the first record. */
export async function append(
  client: Asker,
  topic: string,
  values: readonly (string | Buffer)[],
  options: ProduceOptions & BatchOptions & { timestamp?: number } = {},
): Promise<number> {
  const answer = await produceTo(client, topic, batchOf(values, options), options)
  assert.equal(answer.errorCode, 0, `${topic}: ${answer.errorMessage}`)
  return answer.baseOffset
}

export interface FetchOptions {
  readonly partition?: number
  readonly version?: number
  readonly topicId?: string
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly isolationLevel?: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
}

/** Fetches one partition without a session and returns what the answer says of it. */
export async function fetchFrom(
  client: Asker,
  topic: string,
  fetchOffset: number,
  options: FetchOptions = {},
): Promise<FetchPartition> {
  const { version = 11, partition = 0, topicId } = options
  const { maxWaitMs = 0, minBytes = 1, maxBytes = 50_000_000, partitionMaxBytes = 50_000_000 } = options
  const answer = await client.ask(fetch, version, {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: options.isolationLevel ?? 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        topicId,
        partitions: [
          {
            partition,
            fetchOffset,
            partitionMaxBytes,
            currentLeaderEpoch: options.currentLeaderEpoch ?? -1,
            lastFetchedEpoch: options.lastFetchedEpoch ?? -1,
          },
        ],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  })
  assert.equal(answer.errorCode, 0)
  return answer.responses[0]!.partitions[0]!
}

/** Every record in fetched bytes; a cut batch at the end is left out. */
export function recordsIn(bytes: Uint8Array | null): Record[] {
  const buffer = Buffer.from(bytes ?? [])
  const found: Record[] = []
  for (let at = 0; at + 12 <= buffer.length; ) {
    const size = 12 + buffer.readInt32BE(at + 8)
    if (at + size > buffer.length) break
    found.push(...records(buffer.subarray(at, at + size)))
    at += size
  }
  return found
}

/** Reads a partition from `offset` (its start when absent) to its end. */
export async function readAll(
  client: Asker,
  topic: string,
  { partition = 0, from }: { partition?: number; from?: number } = {},
): Promise<Record[]> {
  const found: Record[] = []
  let next = from ?? (await offsetOf(client, topic, EARLIEST, { partition }))
  for (;;) {
    const answer = await fetchFrom(client, topic, next, { partition })
    assert.equal(answer.errorCode, 0, `${topic}-${partition} at ${next}`)
    const fetched = recordsIn(answer.records).filter(({ offset }) => offset >= next)
    if (fetched.length === 0) {
      assert.equal(next, answer.highWatermark, 'a fetch below the high watermark brings records')
      return found
    }
    found.push(...fetched)
    next = fetched.at(-1)!.offset + 1
  }
}

export function valuesOf(found: readonly Record[]): string[] {
  return found.map(({ value }) => value?.toString() ?? '')
}

export type OffsetAnswer = Value<typeof listOffsets.response>['topics'][number]['partitions'][number]

/** What ListOffsets says of one partition and timestamp. */
export async function listOffset(
  client: Asker,
  topic: string,
  timestamp: number,
  options: {
    partition?: number
    version?: number
    isolationLevel?: number
    currentLeaderEpoch?: number
  } = {},
): Promise<OffsetAnswer> {
  const { partition = 0, version = 11, isolationLevel = 0, currentLeaderEpoch = -1 } = options
  const partitions = [{ partitionIndex: partition, timestamp, currentLeaderEpoch }]
  const answer = await client.ask(listOffsets, version, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions }],
    timeoutMs: 1000,
  })
  return answer.topics[0]!.partitions[0]!
}

/** The offset for a timestamp or one of the special ones; fails the test on an error. */
export async function offsetOf(
  client: Asker,
  topic: string,
  timestamp: number,
  { partition = 0 }: { partition?: number } = {},
): Promise<number> {
  const answer = await listOffset(client, topic, timestamp, { partition })
  assert.equal(answer.errorCode, 0, `${topic}-${partition}`)
  return answer.offset
}

/** An identity for an idempotent producer. */
export async function newProducer(client: Asker): Promise<{ producerId: number; producerEpoch: number }> {
  const answer = await client.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  assert.equal(answer.errorCode, 0)
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
}

/** Whether the broker answers Metadata: what "others are served" means in many tests. */
export async function assertServes(client: Asker): Promise<void> {
  const answer = await client.ask(metadata, 9, { topics: [] })
  assert.equal(answer.brokers.length, 1)
}
