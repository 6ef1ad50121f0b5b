// A disk without room: writes are refused with KAFKA_STORAGE_ERROR, reads and deletions go on, and when there is room again
// everything goes on without a restart. Nothing that was acknowledged is lost, nothing that was refused appears.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import {
  append,
  assertServes,
  batchOf,
  LATEST,
  makeTopic,
  newProducer,
  offsetOf,
  produceTo,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type RawClient, readAnswer, requestBytes } from '../support/raw-client.ts'
import { fillUp, startOnDisk } from '../support/simulated-disk.ts'

const STORAGE_ERROR = 56

function produceBytes(topic: string, records: Buffer, acks: number, correlationId: number): Buffer {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  return requestBytes(produce, 8, { transactionalId: null, acks, timeoutMs: 1000, topicData }, correlationId)
}

/** Appends until it is refused; returns the values that were acknowledged. */
async function appendUntilFull(client: RawClient, topic: string): Promise<string[]> {
  const acknowledged: string[] = []
  for (;;) {
    const value = `${acknowledged.length} `.padEnd(300, '.')
    const { errorCode, baseOffset, errorMessage } = await produceTo(client, topic, batchOf([value]))
    if (errorCode !== 0) {
      assert.equal(errorCode, STORAGE_ERROR)
      assert.match(errorMessage ?? '', /ENOSPC|no space|full/i)
      assert.equal(baseOffset, -1)
      return acknowledged
    }
    assert.equal(baseOffset, acknowledged.length)
    acknowledged.push(value)
  }
}

/** Tries again until it is so, for ten seconds. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!(await isSo())) {
    assert.ok(performance.now() < deadlineMs, 'it did not come to that in ten seconds')
    await sleep(10)
  }
}

describe('a full disk', () => {
  test('refuses records, serves what is there, and takes records again when there is room', async (context) => {
    const files = new SimulatedFiles()
    const { connect, lines, broker } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'topic')
    await fillUp(files, 20_000)
    const values = await appendUntilFull(client, 'topic')
    assert.ok(values.length > 20)
    for (let i = 0; i < 5; i++) {
      assert.equal(
        (await produceTo(client, 'topic', batchOf(['refused'.repeat(100)]))).errorCode,
        STORAGE_ERROR,
      )
    }
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), values)
    assert.equal(await offsetOf(client, 'topic', LATEST), values.length)
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal(await append(client, 'topic', ['again']), values.length)
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), [...values, 'again'])
    assert.ok(lines.some(({ level, message }) => level === 'error' && /refused/.test(message)))
    await broker.close()
    const next = await startOnDisk(context, files)
    const reader = await next.connect()
    assert.deepEqual(valuesOf(await readAll(reader, 'topic')), [...values, 'again'])
    assert.deepEqual(next.lines, [])
  })

  test('a process killed on a full disk finds everything acknowledged, and no torn tail', async (context) => {
    const files = new SimulatedFiles()
    const { connect } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'topic')
    await fillUp(files, 10_000)
    const values = await appendUntilFull(client, 'topic')
    files.processDied()
    files.capacityBytes = Number.POSITIVE_INFINITY
    const next = await startOnDisk(context, files)
    assert.deepEqual(valuesOf(await readAll(await next.connect(), 'topic')), values)
    assert.deepEqual(next.lines, [])
  })

  test('starts on a full disk and serves what is there', async (context) => {
    const files = new SimulatedFiles()
    const first = await startOnDisk(context, files)
    const client = await first.connect()
    await makeTopic(client, 'topic')
    const values = Array.from({ length: 20 }, (_, i) => `${i}`)
    for (const value of values) await append(client, 'topic', [value])
    files.processDied()
    await fillUp(files, 0)
    const second = await startOnDisk(context, files)
    const reader = await second.connect()
    assert.deepEqual(valuesOf(await readAll(reader, 'topic')), values)
    assert.equal((await produceTo(reader, 'topic', batchOf(['x']))).errorCode, STORAGE_ERROR)
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal(await append(reader, 'topic', ['x']), 20)
  })

  test('an idempotent producer repeats what was refused and gets every record in once', async (context) => {
    const files = new SimulatedFiles()
    const { connect } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'topic')
    const identity = await newProducer(client)
    const send = (baseSequence: number) =>
      produceTo(client, 'topic', batchOf([`${baseSequence}`], { ...identity, baseSequence }))
    assert.equal((await send(0)).baseOffset, 0)
    await fillUp(files, 30)
    assert.equal((await send(1)).errorCode, STORAGE_ERROR)
    // What comes after it must not slip in before it.
    assert.notEqual((await send(2)).errorCode, 0)
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal((await send(2)).errorCode, 45)
    assert.equal((await send(1)).baseOffset, 1)
    assert.equal((await send(2)).baseOffset, 2)
    assert.equal((await send(1)).baseOffset, 1)
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['0', '1', '2'])
  })

  test('what is written together fails together: repetitions in the same burst are not acknowledged either', async (context) => {
    const files = new SimulatedFiles()
    const { connect } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'topic')
    const identity = await newProducer(client)
    await append(client, 'topic', ['0'], { ...identity, baseSequence: 0 })
    await fillUp(files, 200)
    const sequences = [1, 2, 1, 2, 1, 3]
    const bytes = sequences.map((baseSequence, i) =>
      produceBytes(
        'topic',
        batchOf(['x'.repeat(150)], { ...identity, baseSequence }),
        i % 2 === 0 ? -1 : 1,
        i,
      ),
    )
    client.send(Buffer.concat(bytes))
    for (const i of sequences.keys()) {
      const [row] = readAnswer(produce, 8, await client.frame(), i).responses[0]!.partitionResponses
      assert.deepEqual([row!.errorCode, row!.baseOffset], [STORAGE_ERROR, -1], `request ${i}`)
    }
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['0'])
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal(await append(client, 'topic', ['1'], { ...identity, baseSequence: 1 }), 1)
  })

  test('acks = 0 has no other word for it than the end of the connection', async (context) => {
    const files = new SimulatedFiles()
    const { connect } = await startOnDisk(context, files)
    const [client, careless] = [await connect(), await connect()]
    await makeTopic(client, 'topic')
    await fillUp(files, 10)
    careless.send(produceBytes('topic', batchOf(['lost']), 0, 1))
    await careless.closed
    assert.equal(careless.bytesReceived, 0)
    await assertServes(client)
  })

  test('a segment that cannot be begun refuses its records; the one before it stays as it is', async (context) => {
    const files = new SimulatedFiles()
    const { connect } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'topic', { configs: { 'segment.bytes': '1048576' } })
    const value = Buffer.alloc(600_000)
    assert.equal(await append(client, 'topic', [value]), 0)
    const mend = files.fail('open', /topic-0\/0+1\.log$/, 'ENOSPC')
    assert.equal((await produceTo(client, 'topic', batchOf([value]))).errorCode, STORAGE_ERROR)
    assert.equal((await produceTo(client, 'topic', batchOf([value]))).errorCode, STORAGE_ERROR)
    assert.equal(await offsetOf(client, 'topic', LATEST), 1)
    mend()
    assert.equal(await append(client, 'topic', [value]), 1)
    assert.equal((await readAll(client, 'topic')).length, 2)
  })

  test('room is made by deleting records and topics, while it is full', async (context) => {
    const files = new SimulatedFiles()
    const config = { 'log.retention.check.interval.ms': 20 }
    const { connect } = await startOnDisk(context, files, config)
    const client = await connect()
    await makeTopic(client, 'topic', { configs: { 'segment.bytes': '1048576' } })
    await makeTopic(client, 'other')
    for (let i = 0; i < 5; i++) await append(client, 'topic', [Buffer.alloc(600_000)])
    await fillUp(files, 100)
    const send = () => produceTo(client, 'other', batchOf(['x'.repeat(1000)]))
    assert.equal((await send()).errorCode, STORAGE_ERROR)
    const topics = [{ name: 'topic', partitions: [{ partitionIndex: 0, offset: 4 }] }]
    const deleted = await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    assert.deepEqual(
      [deleted.topics[0]!.partitions[0]!.errorCode, deleted.topics[0]!.partitions[0]!.lowWatermark],
      [0, 4],
    )
    await until(async () => (await send()).errorCode === 0)
    assert.equal(await offsetOf(client, 'other', LATEST), 1)
    await fillUp(files, 100)
    assert.equal((await send()).errorCode, STORAGE_ERROR)
    const gone = await client.ask(deleteTopics, 1, { topicNames: ['topic'], timeoutMs: 1000 })
    assert.equal(gone.responses[0]!.errorCode, 0)
    await until(async () => (await send()).errorCode === 0)
    assert.equal(await offsetOf(client, 'other', LATEST), 2)
  })

  test('a topic made while there is no room is served as soon as there is, and in nobody’s way', async (context) => {
    const files = new SimulatedFiles()
    const { connect, broker, lines } = await startOnDisk(context, files, { 'log.dirs': 'data,more' })
    const client = await connect()
    await makeTopic(client, 'there')
    await fillUp(files, 0)
    await makeTopic(client, 'late', { partitions: 3 })
    for (let partition = 0; partition < 3; partition++) {
      const answer = await produceTo(client, 'late', batchOf(['x']), { partition })
      assert.equal(answer.errorCode, STORAGE_ERROR, answer.errorMessage ?? '')
    }
    assert.deepEqual(valuesOf(await readAll(client, 'there')), [])
    assert.ok(lines.some(({ level, message }) => level === 'error' && /offline/.test(message)))
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal(await append(client, 'there', ['x']), 0)
    for (let partition = 0; partition < 3; partition++) {
      await until(
        async () => (await produceTo(client, 'late', batchOf(['x']), { partition })).errorCode === 0,
      )
    }
    await broker.close()
    // No partition lies in both directories.
    const places = ['data', 'more'].flatMap((path) => files.listSync(path).map(({ name }) => name))
    assert.deepEqual(places.filter((name) => /^late-/.test(name)).sort(), ['late-0', 'late-1', 'late-2'])
    const next = await startOnDisk(context, files, { 'log.dirs': 'data,more' })
    const reader = await next.connect()
    for (let partition = 0; partition < 3; partition++) {
      assert.deepEqual(valuesOf(await readAll(reader, 'late', { partition })), ['x'])
    }
  })

  test('does not keep a broker from closing; the next start finds everything', async (context) => {
    const files = new SimulatedFiles()
    const first = await startOnDisk(context, files, { 'log.dirs': 'data,more' })
    const client = await first.connect()
    await makeTopic(client, 'topic', { partitions: 4 })
    for (let partition = 0; partition < 4; partition++) await append(client, 'topic', ['x'], { partition })
    await fillUp(files, 0)
    await first.broker.close()
    assert.ok(first.lines.some(({ level, message }) => level === 'error' && /in order/.test(message)))
    files.capacityBytes = Number.POSITIVE_INFINITY
    // Both directories are free again: nothing of the first broker is left.
    const second = await startOnDisk(context, files, { 'log.dirs': 'data,more' })
    const reader = await second.connect()
    for (let partition = 0; partition < 4; partition++) {
      assert.deepEqual(valuesOf(await readAll(reader, 'topic', { partition })), ['x'])
    }
  })
})
