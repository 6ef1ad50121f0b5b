// The idempotent producer over a socket (KIP-98): duplicates, gaps, epochs, wrap-around. The facts marked so were measured
// on Apache Kafka 4.3.
import assert from 'node:assert/strict'
import { before, beforeEach, describe, test } from 'node:test'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { describeProducers } from '../../src/wire/apis/describe-producers.ts'
import { initProducerId } from '../../src/wire/apis/init-producer-id.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import {
  append,
  batchOf,
  LATEST,
  makeTopic,
  newProducer,
  offsetOf,
  produceTo,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import { type RawClient, readAnswer, requestBytes } from '../support/raw-client.ts'

const T = 1_700_000_000_000
const LAST_SEQUENCE = 2 ** 31 - 1

describe('an idempotent producer', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient
  let topicCount = 0
  let topic = ''
  let identity = { producerId: -1, producerEpoch: -1 }

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
  })

  beforeEach(async () => {
    topic = `topic-${topicCount++}`
    await makeTopic(client, topic)
    identity = await newProducer(client)
  })

  async function send(baseSequence: number, values: readonly string[], epoch = identity.producerEpoch) {
    const batch = batchOf(values, { ...identity, producerEpoch: epoch, baseSequence, timestamp: T })
    const { errorCode, baseOffset, logAppendTimeMs } = await produceTo(client, topic, batch)
    return { errorCode, baseOffset, logAppendTimeMs }
  }

  const appended = (baseOffset: number) => ({ errorCode: 0, baseOffset, logAppendTimeMs: -1 })
  const refused = (errorCode: number) => ({ errorCode, baseOffset: -1, logAppendTimeMs: -1 })

  test('every producer id is given once', async () => {
    const ids = new Set<number>()
    for (let i = 0; i < 20; i++) ids.add((await newProducer(client)).producerId)
    assert.equal(ids.size, 20)
  })

  test('a repeated batch is acknowledged with its original offset and appended once (measured)', async () => {
    assert.deepEqual(await send(0, ['a', 'b']), appended(0))
    assert.deepEqual(await send(2, ['c']), appended(2))
    // The time in the answer is then the batch's largest timestamp, even where the topic has CreateTime.
    assert.deepEqual(await send(0, ['a', 'b']), { errorCode: 0, baseOffset: 0, logAppendTimeMs: T + 1 })
    assert.deepEqual(await send(2, ['c']), { errorCode: 0, baseOffset: 2, logAppendTimeMs: T })
    assert.deepEqual(valuesOf(await readAll(client, topic)), ['a', 'b', 'c'])
  })

  test('the window is exactly five batches (measured)', async () => {
    for (let i = 0; i < 6; i++) assert.deepEqual(await send(i, [`${i}`]), appended(i))
    for (let i = 1; i < 6; i++)
      assert.deepEqual(await send(i, [`${i}`]), { ...appended(i), logAppendTimeMs: T })
    assert.deepEqual(await send(0, ['0']), refused(45))
    assert.equal(await offsetOf(client, topic, LATEST), 6)
  })

  test('a batch that overlaps one in the window, but is not it, is out of order', async () => {
    assert.deepEqual(await send(0, ['a', 'b', 'c']), appended(0))
    assert.deepEqual(await send(0, ['a', 'b']), refused(45))
    assert.deepEqual(await send(1, ['b', 'c']), refused(45))
    assert.deepEqual(await send(2, ['c', 'd']), refused(45))
    assert.deepEqual(await send(3, ['d']), appended(3))
  })

  test('a gap is out of order, and the sequence goes on where it was', async () => {
    assert.deepEqual(await send(0, ['a']), appended(0))
    assert.deepEqual(await send(2, ['c']), refused(45))
    assert.deepEqual(await send(1, ['b']), appended(1))
  })

  test('an unknown producer may start at any sequence', async () => {
    assert.deepEqual(await send(41, ['a']), appended(0))
    assert.deepEqual(await send(42, ['b']), appended(1))
  })

  test('a newer epoch starts at sequence 0; the older one is fenced then', async () => {
    assert.deepEqual(await send(0, ['a'], 3), appended(0))
    assert.deepEqual(await send(1, ['b'], 4), refused(45))
    assert.deepEqual(await send(0, ['b'], 4), appended(1))
    assert.deepEqual(await send(1, ['c'], 3), refused(47))
    assert.deepEqual(await send(0, ['a'], 3), refused(47))
  })

  test('sequences wrap from 2147483647 to 0', async () => {
    assert.deepEqual(await send(LAST_SEQUENCE - 1, ['a']), appended(0))
    assert.deepEqual(await send(LAST_SEQUENCE, ['b', 'c', 'd']), appended(1))
    assert.deepEqual(await send(LAST_SEQUENCE, ['b', 'c', 'd']), { ...appended(1), logAppendTimeMs: T + 2 })
    assert.deepEqual(await send(1, ['x']), refused(45))
    assert.deepEqual(await send(2, ['e']), appended(4))
  })

  test('producers do not disturb each other, nor batches without one', async () => {
    const other = await newProducer(client)
    assert.deepEqual(await send(0, ['a']), appended(0))
    await append(client, topic, ['plain'])
    await append(client, topic, ['other'], { ...other, baseSequence: 0 })
    assert.deepEqual(await send(1, ['b']), appended(3))
    assert.deepEqual(valuesOf(await readAll(client, topic)), ['a', 'plain', 'other', 'b'])
  })

  test('pipelined batches and their repetitions in one burst are each appended once', async () => {
    const bytes: Buffer[] = []
    const order = [0, 1, 2, 1, 2, 3, 0, 4, 4]
    for (const [i, sequence] of order.entries()) {
      const records = batchOf([`${sequence}`], { ...identity, baseSequence: sequence, timestamp: T })
      const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
      bytes.push(requestBytes(produce, 8, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }, i))
    }
    client.send(Buffer.concat(bytes))
    for (const [i, sequence] of order.entries()) {
      const [row] = readAnswer(produce, 8, await client.frame(), i).responses[0]!.partitionResponses
      assert.deepEqual([row!.errorCode, row!.baseOffset], [0, sequence])
    }
    assert.deepEqual(valuesOf(await readAll(client, topic)), ['0', '1', '2', '3', '4'])
  })

  test('deleted records do not take the producer with them (KIP-360)', async () => {
    assert.deepEqual(await send(0, ['a']), appended(0))
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, offset: -1 }] }]
    await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    assert.deepEqual(await send(0, ['a']), { ...appended(0), logAppendTimeMs: T })
    assert.deepEqual(await send(5, ['x']), refused(45))
    assert.deepEqual(await send(1, ['b']), appended(1))
  })

  test('DescribeProducers tells who writes, and of unknown partitions that they are', async () => {
    await send(0, ['a', 'b'], 2)
    const topics = [{ name: topic, partitionIndexes: [0, 3] }]
    const answer = await client.ask(describeProducers, 0, { topics })
    const [known, unknown] = answer.topics[0]!.partitions
    assert.deepEqual(known!.activeProducers, [
      {
        producerId: identity.producerId,
        producerEpoch: 2,
        lastSequence: 1,
        lastTimestamp: T + 1,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      },
    ])
    assert.deepEqual([unknown!.errorCode, unknown!.activeProducers], [3, []])
  })

  test('a transactional id waits for its coordinator; an empty one is refused', async () => {
    const ask = async (transactionalId: string) =>
      (await client.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 1000 })).errorCode
    assert.equal(await ask('pay'), 15)
    assert.equal(await ask(''), 42)
  })

  test('transactional batches are refused as long as no transaction can be verified (KIP-890)', async () => {
    const batch = batchOf(['a'], { ...identity, baseSequence: 0, transactional: true })
    const options = { transactionalId: 'pay' }
    assert.equal((await produceTo(client, topic, batch, { ...options, version: 10 })).errorCode, 48)
    assert.equal((await produceTo(client, topic, batch, { ...options, version: 11 })).errorCode, 120)
    assert.equal(await offsetOf(client, topic, LATEST), 0)
  })
})
