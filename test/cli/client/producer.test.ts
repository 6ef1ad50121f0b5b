// The producer under mishaps: every record once and in order, or an error that says why not.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Cluster } from '../../../src/cli/client/cluster.ts'
import { Producer, type ProducerOptions } from '../../../src/cli/client/producer.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import * as batch from '../../../src/wire/records/batch.ts'
import { type Mishap, ScriptedTopic } from './scripted-topic.ts'

const options: ProducerOptions = {
  acks: -1,
  idempotent: true,
  compression: 0,
  lingerMs: 0,
  batchBytes: 100,
  maxInFlight: 5,
  bufferBytes: 1_000_000,
  requestBytes: 1_000_000,
  deliveryTimeoutMs: 5000,
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

interface Settled {
  readonly value: string
  readonly error: Error | undefined
  readonly offset: number
}

/** Appends the values "0", "1", ... at once and waits until each has its outcome. */
async function produceAll(count: number, changes: Partial<ProducerOptions> = {}): Promise<Settled[]> {
  const producer = new Producer(cluster, { ...options, ...changes })
  await producer.start()
  await cluster.topic(topic.name, true)
  const settled: Settled[] = []
  for (let i = 0; i < count; i++) {
    const value = String(i)
    producer.append(topic.name, { timestamp: 1, value: Buffer.from(value) }, (error, offset) => {
      settled.push({ value, error, offset })
    })
  }
  await producer.flush()
  return settled
}

const expected = (count: number) => Array.from({ length: count }, (_, i) => String(i))

describe('records without mishap', () => {
  test('each is acknowledged with its offset, in order', async () => {
    const settled = await produceAll(50)
    assert.deepEqual(topic.values(), expected(50))
    assert.deepEqual(
      settled.map(({ value, offset }) => [value, offset]),
      expected(50).map((value, i) => [value, i]),
    )
    assert.ok(topic.log.length > 5, 'several batches')
  })

  test('records of one turn of the event loop share a batch, sequences count records', async () => {
    await produceAll(50, { batchBytes: 100_000 })
    assert.equal(topic.log.length, 1)
    const more = new Producer(cluster, options)
    await more.start()
    assert.equal(batch.baseSequence(topic.log[0]!, 0), 0)
    assert.equal(batch.producerId(topic.log[0]!, 0), 7)
  })

  test('without idempotence no producer id is asked for', async () => {
    await produceAll(3, { idempotent: false })
    assert.equal(
      topic.broker.asked.some(({ name }) => name === 'InitProducerId'),
      false,
    )
    assert.equal(batch.producerId(topic.log[0]!, 0), -1)
  })

  test('acks=0 waits for no answer and knows no offset', async () => {
    const settled = await produceAll(3, { acks: 0, idempotent: false })
    assert.deepEqual(
      settled.map(({ error, offset }) => [error, offset]),
      Array(3).fill([undefined, -1]),
    )
  })

  test('`send` makes the topic if it must, and answers partition and offset', async () => {
    topic.exists = false
    setTimeout(() => {
      topic.exists = true
    }, 80)
    const producer = new Producer(cluster, options)
    await producer.start()
    const sent = await producer.send(topic.name, { timestamp: 1, value: Buffer.from('x') })
    assert.deepEqual(sent, { partition: 0, offset: 0 })
  })

  test('`room` makes callers wait while too much is held', async () => {
    const producer = new Producer(cluster, { ...options, bufferBytes: 10 })
    await producer.start()
    await cluster.topic(topic.name)
    let isDone = false
    producer.append(topic.name, { timestamp: 1, value: Buffer.alloc(10) }, () => {
      isDone = true
    })
    assert.equal(isDone, false)
    await producer.room()
    assert.equal(isDone, true)
    assert.equal(producer.room(), undefined)
  })
})

describe('records with mishaps', () => {
  test('idempotent: whatever is lost on the way, each record is there once and in order', async () => {
    const mishaps = fc.array(fc.constantFrom<Mishap>('none', 'not-leader', 'lost-before', 'lost-after'), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(mishaps, async (given) => {
        const own = await ScriptedTopic.start()
        cluster.close()
        await topic.broker.stop()
        topic = own
        cluster = own.cluster()
        own.mishaps.push(...given)
        const settled = await produceAll(20, { deliveryTimeoutMs: 20_000 })
        assert.deepEqual(own.values(), expected(20))
        assert.deepEqual(settled.map(({ error }) => error).filter(Boolean), [])
      }),
      { numRuns: 12 },
    )
  })

  test('an error that will not pass is given to its records, and an idempotent producer sends nothing behind it', async () => {
    topic.mishaps.push('none', 'too-large')
    const settled = await produceAll(20, { maxInFlight: 1 })
    const [good, bad] = [settled.filter(({ error }) => !error), settled.filter(({ error }) => error)]
    assert.deepEqual(
      topic.values(),
      good.map(({ value }) => value),
    )
    assert.equal(good.length + bad.length, 20)
    assert.match(bad[0]!.error!.message, /orders-0: .*max\.message\.bytes/)
  })

  test('without idempotence the records behind a refused batch still go', async () => {
    topic.mishaps.push('too-large')
    const settled = await produceAll(20, { idempotent: false, maxInFlight: 1 })
    const refused = settled.filter(({ error }) => error)
    assert.ok(refused.length > 0 && refused.length < 20)
    assert.equal(topic.values().length, 20 - refused.length)
  })

  test('what cannot be delivered in time fails with the last reason', async () => {
    topic.mishaps.push(...Array<Mishap>(100).fill('not-leader'))
    const settled = await produceAll(1, { deliveryTimeoutMs: 250 })
    assert.match(settled[0]!.error!.message, /orders-0: .*leader/)
  })

  test('a partition that does not exist is refused, naming those that do', async () => {
    const producer = new Producer(cluster, options)
    await producer.start()
    const sent = producer.send(topic.name, { timestamp: 1, value: null, partition: 5 })
    await Promise.all([assert.rejects(sent, /orders-5 does not exist: the topic has partitions 0 to 0/)])
  })
})
