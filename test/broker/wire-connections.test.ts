// Many requests on one connection and many connections to one broker: order, acks = 0, long polls, and Kafka's limits.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { listOffsets } from '../../src/wire/apis/list-offsets.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import { badBatches } from '../support/bad-batches.ts'
import { append, assertServes, batchOf, makeTopic, produceTo, readAll, valuesOf } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import { type RawClient, readAnswer, requestBytes } from '../support/raw-client.ts'

function produceBytes(topic: string, records: Buffer, acks: number, correlationId: number): Buffer {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  return requestBytes(produce, 8, { transactionalId: null, acks, timeoutMs: 1000, topicData }, correlationId)
}

function fetchRequest(topic: string, fetchOffset: number, maxWaitMs: number, minBytes = 1) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 50_000_000 }]
  return { maxWaitMs, minBytes, isolationLevel: 0, topics: [{ topic, partitions }] }
}

describe('one connection', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
  })

  test('pipelined requests are answered in their order and see what came before them', async () => {
    await makeTopic(client, 'pipelined')
    const latest = [{ name: 'pipelined', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    const bytes: Buffer[] = []
    for (let i = 0; i < 200; i++) {
      bytes.push(produceBytes('pipelined', batchOf([`${i}`]), -1, 2 * i))
      bytes.push(requestBytes(listOffsets, 1, { replicaId: -1, topics: latest }, 2 * i + 1))
    }
    client.send(Buffer.concat(bytes))
    for (let i = 0; i < 200; i++) {
      const produced = readAnswer(produce, 8, await client.frame(), 2 * i)
      assert.equal(produced.responses[0]!.partitionResponses[0]!.baseOffset, i)
      readAnswer(listOffsets, 1, await client.frame(), 2 * i + 1)
    }
    const expected = Array.from({ length: 200 }, (_, i) => `${i}`)
    assert.deepEqual(valuesOf(await readAll(client, 'pipelined')), expected)
  })

  test('a request behind a long poll is answered after it', async () => {
    await makeTopic(client, 'patient')
    const impatient = await local.connect()
    impatient.send(requestBytes(fetch, 11, fetchRequest('patient', 0, 150), 1))
    impatient.send(requestBytes(metadata, 1, { topics: [] }, 2))
    const startedMs = performance.now()
    const fetched = readAnswer(fetch, 11, await impatient.frame(), 1)
    assert.equal(fetched.responses[0]!.partitions[0]!.records!.byteLength, 0)
    readAnswer(metadata, 1, await impatient.frame(), 2)
    assert.ok(performance.now() - startedMs >= 140)
    impatient.close()
  })

  test('a client that finishes sending gets the answers it has asked for, then the end', async () => {
    await makeTopic(client, 'half-closed')
    const half = await local.connect()
    const cutOff = Buffer.from([0, 0, 0, 100, 1])
    half.socket.end(
      Buffer.concat([
        requestBytes(fetch, 11, fetchRequest('half-closed', 0, 150), 1),
        produceBytes('half-closed', batchOf(['last']), -1, 2),
        requestBytes(fetch, 11, fetchRequest('patient', 0, 100), 3),
        cutOff,
      ]),
    )
    readAnswer(fetch, 11, await half.frame(), 1)
    assert.equal(
      readAnswer(produce, 8, await half.frame(), 2).responses[0]!.partitionResponses[0]!.errorCode,
      0,
    )
    readAnswer(fetch, 11, await half.frame(), 3)
    await half.closed
    assert.deepEqual(valuesOf(await readAll(client, 'half-closed')), ['last'])
  })

  test('a large answer from a file reaches a client that has finished sending', async () => {
    const value = 'x'.repeat(3_000_000)
    await makeTopic(client, 'half-large', { configs: { 'max.message.bytes': '40000000' } })
    await append(client, 'half-large', [value, value])
    const half = await local.connect()
    half.socket.end(requestBytes(fetch, 11, fetchRequest('half-large', 0, 0), 1))
    const answer = readAnswer(fetch, 11, await half.frame(), 1)
    assert.ok(answer.responses[0]!.partitions[0]!.records!.byteLength > 6_000_000)
    await half.closed
  })

  test('a fetch that waits is woken by a produce on another connection', async () => {
    await makeTopic(client, 'woken')
    const reader = await local.connect()
    const startedMs = performance.now()
    const answer = reader.ask(fetch, 11, fetchRequest('woken', 0, 30_000))
    await sleep(50)
    await append(client, 'woken', ['news'])
    const [topic] = (await answer).responses
    assert.ok(topic!.partitions[0]!.records!.byteLength > 0)
    assert.ok(performance.now() - startedMs < 10_000)
    reader.close()
  })

  test('a fetch waits for minBytes, however many produces that takes, and not beyond maxWait', async () => {
    await makeTopic(client, 'sum')
    const size = batchOf(['0123456789']).length
    const reader = await local.connect()
    let isAnswered = false
    const answer = reader.ask(fetch, 11, fetchRequest('sum', 0, 30_000, 3 * size)).then((value) => {
      isAnswered = true
      return value
    })
    for (let i = 0; i < 2; i++) await append(client, 'sum', ['0123456789'])
    await sleep(50)
    assert.equal(isAnswered, false)
    await append(client, 'sum', ['0123456789'])
    assert.equal((await answer).responses[0]!.partitions[0]!.records!.byteLength, 3 * size)
    const startedMs = performance.now()
    const late = await reader.ask(fetch, 11, fetchRequest('sum', 2, 100, 1_000_000))
    assert.ok(performance.now() - startedMs >= 90)
    assert.equal(late.responses[0]!.partitions[0]!.records!.byteLength, size)
    reader.close()
  })

  test('a deleted topic ends the fetches that wait for it', async () => {
    await makeTopic(client, 'doomed')
    const reader = await local.connect()
    const answer = reader.ask(fetch, 11, fetchRequest('doomed', 0, 30_000))
    await sleep(20)
    await client.ask(deleteTopics, 1, { topicNames: ['doomed'], timeoutMs: 5000 })
    assert.equal((await answer).responses[0]!.partitions[0]!.errorCode, 3)
    reader.close()
  })

  test('acks = 0 gets not one byte, and takes effect in order', async () => {
    await makeTopic(client, 'unacknowledged')
    const producer = await local.connect()
    for (let i = 0; i < 50; i++) producer.send(produceBytes('unacknowledged', batchOf([`${i}`]), 0, i))
    // The answer to the next request is the first thing that comes back.
    const answer = await producer.ask(metadata, 1, { topics: [] })
    assert.equal(answer.brokers.length, 1)
    assert.equal((await readAll(client, 'unacknowledged')).length, 50)
    producer.close()
  })

  test('acks = 0 with any error closes the connection', async () => {
    await makeTopic(client, 'strict')
    const bad: [string, Buffer][] = [
      ['strict', badBatches.wrongCrc()],
      ['strict', badBatches.count(7)],
      ['absent', batchOf(['a'])],
    ]
    for (const [topic, records] of bad) {
      const producer = await local.connect()
      producer.send(requestBytes(metadata, 1, { topics: [] }, 1))
      producer.send(produceBytes(topic, records, 0, 2))
      readAnswer(metadata, 1, await producer.frame(), 1)
      await producer.closed
    }
    assert.deepEqual(await readAll(client, 'strict'), [])
    await assertServes(client)
  })

  test('an answer larger than all buffers comes whole, behind and before others', async () => {
    await makeTopic(client, 'large', { configs: { 'max.message.bytes': '20000000' } })
    const value = Buffer.alloc(9_000_000, 'large')
    await append(client, 'large', [value])
    const reader = await local.connect()
    reader.send(requestBytes(metadata, 1, { topics: [] }, 1))
    reader.send(requestBytes(fetch, 11, fetchRequest('large', 0, 0), 2))
    reader.send(requestBytes(metadata, 1, { topics: [] }, 3))
    readAnswer(metadata, 1, await reader.frame(), 1)
    const [topic] = readAnswer(fetch, 11, await reader.frame(), 2).responses
    assert.equal(Buffer.from(topic!.partitions[0]!.records!).includes(value), true)
    readAnswer(metadata, 1, await reader.frame(), 3)
    reader.close()
  })
})

describe('limits on connections', () => {
  test('max.connections lets the next client wait until one leaves', async (context) => {
    const local = await startLocalBroker(context, { 'max.connections': 2 })
    const [one, two, three] = [await local.connect(), await local.connect(), await local.connect()]
    await assertServes(one)
    await assertServes(two)
    let isServed = false
    const third = assertServes(three).then(() => {
      isServed = true
    })
    await sleep(50)
    assert.equal(isServed, false)
    one.close()
    await third
  })

  test('max.connections.per.ip closes one too many, with a line in the log', async (context) => {
    const local = await startLocalBroker(context, {
      'max.connections.per.ip': 1,
      'max.connections.per.ip.overrides': '127.0.0.1:2',
    })
    const [one, two] = [await local.connect(), await local.connect()]
    await assertServes(one)
    await assertServes(two)
    const three = await local.connect()
    await three.closed
    assert.match(JSON.stringify(local.lines), /max\.connections\.per\.ip/)
    await assertServes(one)
  })

  test('connections.max.idle.ms closes who is silent, not who waits for an answer', async (context) => {
    const local = await startLocalBroker(context, { 'connections.max.idle.ms': 200 })
    const [silent, waiting] = [await local.connect(), await local.connect()]
    await makeTopic(waiting, 'quiet')
    const answer = waiting.ask(fetch, 11, fetchRequest('quiet', 0, 900))
    await silent.closed
    assert.equal((await answer).errorCode, 0)
  })

  test('a client that does not take its answers is idle as well', async (context) => {
    const local = await startLocalBroker(context, { 'connections.max.idle.ms': 300 })
    const batch = batchOf([Buffer.alloc(30_000_000)])
    const producer = await local.connect()
    await makeTopic(producer, 'heavy', { configs: { 'max.message.bytes': '40000000' } })
    assert.equal((await produceTo(producer, 'heavy', batch)).errorCode, 0)
    const stalled = await local.connect()
    stalled.socket.pause()
    stalled.send(requestBytes(fetch, 11, fetchRequest('heavy', 0, 0)))
    const deadlineMs = performance.now() + 10_000
    const isNoted = () => local.lines.some(({ fields }) => /idle/.test(JSON.stringify(fields)))
    while (!isNoted()) {
      assert.ok(performance.now() < deadlineMs, 'the stalled client was not closed')
      await sleep(50)
    }
    stalled.close()
  })

  test('limits that are altered while running count at once', async (context) => {
    const local = await startLocalBroker(context)
    const [one, two] = [await local.connect(), await local.connect()]
    await assertServes(two)
    const alter = async (name: string, value: string) => {
      const configs = [{ name, configOperation: 0, value }]
      const resources = [{ resourceType: 4, resourceName: '', configs }]
      const [answer] = (await one.ask(incrementalAlterConfigs, 1, { resources })).responses
      assert.equal(answer!.errorCode, 0, answer!.errorMessage ?? '')
    }
    await alter('max.connections.per.ip', '2')
    const refused = await local.connect()
    await refused.closed
    await alter('max.connections.per.ip', '100')
    await alter('max.connections', '2')
    const held = await local.connect()
    const served = assertServes(held)
    await sleep(30)
    await alter('max.connections', '3')
    await served
  })
})
