// The consumer: every visible record once and in order, over cut-off answers, mishaps and transactions.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Cluster } from '../../../src/cli/client/cluster.ts'
import { Consumer, type ConsumerOptions } from '../../../src/cli/client/consumer.ts'
import { FetchedPartition } from '../../../src/cli/client/fetched.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import { fetch } from '../../../src/wire/apis/index.ts'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { buildBatch, buildEndTransactionMarker } from '../../../src/wire/records/build.ts'
import { disconnect } from './scripted-broker.ts'
import { ScriptedTopic } from './scripted-topic.ts'

const options: ConsumerOptions = {
  readCommitted: false,
  minBytes: 1,
  maxWaitMs: 10,
  maxBytes: 1_000_000,
  partitionMaxBytes: 1_000_000,
}

let topic: ScriptedTopic
let cluster: Cluster
let release = () => {}
beforeEach(async () => {
  release = keepAlive()
  topic = await ScriptedTopic.start()
  cluster = topic.cluster()
})
afterEach(async () => {
  cluster.close()
  await topic.broker.stop()
  release()
})

function fill(batches: number, recordsEach = 3): void {
  let value = 0
  for (let i = 0; i < batches; i++) {
    const records = Array.from({ length: recordsEach }, () => ({
      timestamp: 1,
      value: Buffer.from(String(value++)),
    }))
    topic.append(buildBatch({ records }))
  }
}

async function consume(
  offset: number,
  count: number,
  changes: Partial<ConsumerOptions> = {},
): Promise<number[]> {
  const consumer = new Consumer(cluster, { ...options, ...changes }, [
    { topic: topic.name, index: 0, offset },
  ])
  const offsets: number[] = []
  while (offsets.length < count) {
    for (const part of await consumer.poll()) {
      for (const record of part.records()) {
        assert.equal(record.value!.toString(), String(record.offset))
        offsets.push(record.offset)
      }
    }
  }
  consumer.close()
  return offsets
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('poll', () => {
  test('gives all records in order, however small the answers are cut', async () => {
    fill(20)
    for (const partitionMaxBytes of [1, 100, 250, 1_000_000]) {
      assert.deepEqual(await consume(0, 60, { partitionMaxBytes }), range(0, 60))
    }
  })

  test('begins in the middle of a batch without what comes before', async () => {
    fill(4)
    assert.deepEqual(await consume(4, 8), range(4, 12))
  })

  test('gives nothing after maxWaitMs, and goes on when something comes', async () => {
    const consumer = new Consumer(cluster, options, [{ topic: topic.name, index: 0, offset: 0 }])
    assert.deepEqual(await consumer.poll(), [])
    fill(1)
    let parts: FetchedPartition[] = []
    while (parts.length === 0) parts = await consumer.poll()
    assert.equal(parts[0]!.countRecords(), 3)
    assert.equal(parts[0]!.nextOffset, 3)
    consumer.close()
    assert.deepEqual(await consumer.poll(), [])
  })

  test('goes on after a lost connection and after a change of leader', async () => {
    fill(3)
    const answer = topic.broker
    let asked = 0
    const script = new Map<number, unknown>([
      [1, disconnect],
      [2, { responses: [{ topicId: topic.topicId, partitions: [{ partitionIndex: 0, errorCode: 6 }] }] }],
    ])
    const usual = topic.fetch.bind(topic)
    answer.on(fetch, (request) => (script.get(asked++) as never) ?? usual(request))
    assert.deepEqual(await consume(0, 9, { partitionMaxBytes: 1 }), range(0, 9))
    assert.ok(asked >= 5)
  })

  test('an offset that is not there ends the consumer with the offset in the message', async () => {
    topic.broker.on(fetch, () => ({
      responses: [{ topicId: topic.topicId, partitions: [{ partitionIndex: 0, errorCode: 1 }] }],
    }))
    const consumer = new Consumer(cluster, options, [{ topic: topic.name, index: 0, offset: 99 }])
    await assert.rejects(consumer.poll(), (error) => {
      assert.ok(error instanceof KafkaError && error.error === errors.OFFSET_OUT_OF_RANGE)
      assert.match(error.message, /orders-0 \(offset 99\)/)
      return true
    })
  })

  test('an error that does not pass in time ends the consumer', async () => {
    cluster.close()
    cluster = topic.cluster(300)
    topic.broker.on(fetch, () => ({
      responses: [{ topicId: topic.topicId, partitions: [{ partitionIndex: 0, errorCode: 6 }] }],
    }))
    const consumer = new Consumer(cluster, options, [{ topic: topic.name, index: 0, offset: 0 }])
    await assert.rejects(consumer.poll(), /orders-0/)
  })

  test('a topic that is not there is said at once', async () => {
    topic.exists = false
    const consumer = new Consumer(cluster, options, [{ topic: 'none', index: 0, offset: 0 }])
    await assert.rejects(consumer.poll(), /topic none does not exist/)
  })
})

describe('partitions that come and go', () => {
  const at = (offset: number) => [{ topic: topic.name, index: 0, offset }]

  test('nothing of a partition that was given up is handed out, whatever is under way or has arrived', async () => {
    fill(3)
    const consumer = new Consumer(cluster, options, at(0))
    await consumer.poll()
    consumer.giveUp(() => true)
    fill(3)
    for (let i = 0; i < 5; i++) assert.deepEqual(await consumer.poll(), [])
    consumer.close()
  })

  test('a partition taken up again begins where it is told, though an older fetch comes back later', async () => {
    fill(3)
    const usual = topic.fetch.bind(topic)
    let answer = () => {}
    const isAsked = new Promise<void>((asked) => {
      topic.broker.on(fetch, async (request) => {
        const response = usual(request)
        asked()
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return response
      })
    })
    const consumer = new Consumer(cluster, options, at(0))
    const polled = consumer.poll()
    await isAsked
    consumer.giveUp(() => true)
    consumer.assign(at(6))
    topic.broker.on(fetch, usual)
    answer()
    let parts = await polled
    while (parts.length === 0) parts = await consumer.poll()
    assert.deepEqual(
      parts.flatMap((part) => [...part.records()]).map((record) => record.offset),
      [6, 7, 8],
    )
    consumer.close()
  })

  test('without partitions a poll waits, until it is woken or partitions come', async () => {
    fill(1)
    const consumer = new Consumer(cluster, { ...options, maxWaitMs: 60_000 }, [])
    const waiting = consumer.poll()
    consumer.wake()
    assert.deepEqual(await waiting, [])
    const next = consumer.poll()
    consumer.assign(at(0))
    assert.equal((await next)[0]!.nextOffset, 3)
    consumer.close()
  })

  test('a failure of a partition that was given up does not end the consumer', async () => {
    fill(1)
    const consumer = new Consumer(cluster, options, at(0))
    topic.broker.on(fetch, () => {
      consumer.giveUp(() => true)
      return {
        responses: [{ topicId: topic.topicId, partitions: [{ partitionIndex: 0, errorCode: 1 }] }],
      }
    })
    for (let i = 0; i < 3; i++) assert.deepEqual(await consumer.poll(), [])
    consumer.close()
  })
})

describe('what of a fetch is visible', () => {
  const data = (baseOffset: number, producerId: number, transactional: boolean) =>
    buildBatch({
      records: [{ timestamp: 1, value: Buffer.from(`p${producerId}`) }],
      baseOffset,
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      transactional,
    })
  const marker = (baseOffset: number, producerId: number, isCommit: boolean) =>
    buildEndTransactionMarker({
      isCommit,
      producerId,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: 1,
      baseOffset,
    })
  const bytes = Buffer.concat([
    data(0, 1, true), // aborted below
    data(1, 2, true), // committed below
    data(2, 3, false), // no transaction
    marker(3, 1, false),
    data(4, 1, true), // the same producer again, committed below
    marker(5, 2, true),
    marker(6, 1, true),
  ])
  const part = (abortedTransactions: { producerId: number; firstOffset: number }[] | null, records = bytes) =>
    new FetchedPartition(
      { topic: 't', index: 0, fetchOffset: 0 },
      { records, highWatermark: 7, logStartOffset: 0, abortedTransactions },
    )

  test('aborted records are left out up to their abort marker, markers always', () => {
    const committed = part([{ producerId: 1, firstOffset: 0 }])
    assert.deepEqual(
      [...committed.records()].map((record) => record.offset),
      [1, 2, 4],
    )
    const uncommitted = part(null)
    assert.deepEqual(
      [...uncommitted.records()].map((record) => record.offset),
      [0, 1, 2, 4],
    )
    assert.equal(uncommitted.countRecords(), 4)
    assert.equal(uncommitted.nextOffset, 7)
  })

  test('a batch that does not match its checksum is CORRUPT_MESSAGE with its place', () => {
    const damaged = Buffer.from(bytes)
    damaged[68]! ^= 1
    assert.throws(() => [...part(null, damaged).records()], /t-0 at offset 0: .*checksum/)
    assert.throws(() => part(null, damaged).verify(), KafkaError)
  })

  test('bytes that are no batches are CORRUPT_MESSAGE', () => {
    assert.throws(() => part(null, Buffer.alloc(200, 0x77)), KafkaError)
  })
})
