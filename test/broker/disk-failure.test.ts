// A disk that fails: a sync that did not work is never tried again on the same pages, so its directory goes offline and its
// partitions answer KAFKA_STORAGE_ERROR; partitions on other disks do not notice.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { describeLogDirs } from '../../src/wire/apis/describe-log-dirs.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import {
  append,
  batchOf,
  fetchFrom,
  listOffset,
  makeTopic,
  newProducer,
  produceTo,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { readAnswer, requestBytes } from '../support/raw-client.ts'
import { startOnDisk } from '../support/simulated-disk.ts'

const STORAGE_ERROR = 56
const CONFIG = { 'log.dirs': 'data,bad', 'log.flush.interval.messages': 1 }

/** A broker with two directories and a topic of four partitions, two in each. */
async function setTheScene(
  context: TestContext,
  config: Readonly<{ [key: string]: string | number }> = CONFIG,
) {
  const files = new SimulatedFiles({ crashes: true })
  const broker = await startOnDisk(context, files, config)
  const client = await broker.connect()
  await makeTopic(client, 'topic', { partitions: 4 })
  for (let partition = 0; partition < 4; partition++) await append(client, 'topic', ['before'], { partition })
  const on = (directory: string) =>
    files
      .listSync(directory)
      .map(({ name }) => /^topic-(\d)$/.exec(name)?.[1])
      .filter((index) => index !== undefined)
      .map(Number)
      .sort()
  const [good, bad] = [on('data'), on('bad')]
  assert.deepEqual([good.length, bad.length], [2, 2])
  return { ...broker, files, client, good, bad }
}

describe('a failed sync', () => {
  test('refuses the records, takes the directory offline for good, and leaves the others alone', async (context) => {
    const { files, client, good, bad, lines } = await setTheScene(context)
    const mend = files.fail('sync', /^bad\/topic-/, 'EIO')
    const [hurt, neighbour] = bad as [number, number]
    assert.equal(
      (await produceTo(client, 'topic', batchOf(['x']), { partition: hurt })).errorCode,
      STORAGE_ERROR,
    )
    mend()
    // Nobody knows what that disk has kept: its other partitions are not trusted either, not even after it seems well again.
    for (const partition of [hurt, neighbour]) {
      const refused = await produceTo(client, 'topic', batchOf(['x']), { partition })
      assert.equal(refused.errorCode, STORAGE_ERROR, `partition ${partition}`)
      assert.equal((await fetchFrom(client, 'topic', 0, { partition })).errorCode, STORAGE_ERROR)
      assert.equal((await listOffset(client, 'topic', -1, { partition })).errorCode, STORAGE_ERROR)
    }
    for (const partition of good) {
      assert.equal(await append(client, 'topic', ['after'], { partition }), 1)
      assert.deepEqual(valuesOf(await readAll(client, 'topic', { partition })), ['before', 'after'])
    }
    // Clients that are too old for the code are told to look for another leader.
    const batch = batchOf(['x'])
    assert.equal((await produceTo(client, 'topic', batch, { partition: hurt, version: 3 })).errorCode, 6)
    assert.equal((await fetchFrom(client, 'topic', 0, { partition: hurt, version: 5 })).errorCode, 6)
    const told = lines.filter(({ level, message }) => level === 'error' && /offline/.test(message))
    assert.equal(told.length, 1)
    assert.match(JSON.stringify(told[0]!.fields), /bad.*EIO/)
    const dirs = await client.ask(describeLogDirs, 4, { topics: null })
    assert.deepEqual(
      dirs.results.map(({ logDir, errorCode }) => [logDir, errorCode]),
      [
        ['data', 0],
        ['bad', STORAGE_ERROR],
      ],
    )
  })

  test('new partitions go to the directories that are left', async (context) => {
    const { files, client, bad } = await setTheScene(context)
    files.fail('sync', /^bad\/topic-/, 'EIO')
    await produceTo(client, 'topic', batchOf(['x']), { partition: bad[0]! })
    await makeTopic(client, 'new', { partitions: 3 })
    for (let partition = 0; partition < 3; partition++) {
      assert.equal(await append(client, 'new', ['x'], { partition }), 0)
    }
  })

  test('everybody who waits for it is told, a repetition of the batch as well', async (context) => {
    const { files, client, bad } = await setTheScene(context)
    const identity = await newProducer(client)
    const index = bad[0]!
    const bytes = (acks: number, correlationId: number) => {
      const records = batchOf(['x'], { ...identity, baseSequence: 0 })
      const topicData = [{ name: 'topic', partitionData: [{ index, records }] }]
      return requestBytes(
        produce,
        8,
        { transactionalId: null, acks, timeoutMs: 5000, topicData },
        correlationId,
      )
    }
    const mend = files.fail('sync', /^bad\/topic-/, 'EIO')
    const other = await (async () => {
      client.send(Buffer.concat([bytes(1, 1), bytes(1, 2), bytes(-1, 3), bytes(-1, 4)]))
      const codes: number[] = []
      for (let i = 1; i <= 4; i++) {
        codes.push(
          readAnswer(produce, 8, await client.frame(), i).responses[0]!.partitionResponses[0]!.errorCode,
        )
      }
      return codes
    })()
    assert.deepEqual(other, [STORAGE_ERROR, STORAGE_ERROR, STORAGE_ERROR, STORAGE_ERROR])
    mend()
  })

  test('after a power cut and a new start, what was acknowledged is there and the partitions live', async (context) => {
    const { files, client, broker, good, bad } = await setTheScene(context)
    const mend = files.fail('sync', /^bad\/topic-/, 'EIO')
    await produceTo(client, 'topic', batchOf(['x']), { partition: bad[0]! })
    await append(client, 'topic', ['after'], { partition: good[0]! })
    await broker.close()
    files.crash(new SeededRandom(7))
    mend()
    const next = await startOnDisk(context, files, CONFIG)
    const reader = await next.connect()
    for (const partition of [...good, ...bad]) {
      const values = valuesOf(await readAll(reader, 'topic', { partition }))
      assert.equal(values[0], 'before', `partition ${partition}`)
      if (partition === good[0]) assert.deepEqual(values, ['before', 'after'])
      await append(reader, 'topic', ['again'], { partition })
    }
  })

  test('without flush.messages it comes to light later, and has the same end', async (context) => {
    const config = {
      'log.dirs': 'data,bad',
      'log.flush.interval.ms': 20,
      'log.flush.scheduler.interval.ms': 20,
    }
    const { files, client, bad, good, lines } = await setTheScene(context, config)
    files.fail('sync', /^bad\/topic-/, 'EIO')
    assert.equal(await append(client, 'topic', ['x'], { partition: bad[0]! }), 1)
    const deadlineMs = performance.now() + 10_000
    while (!lines.some(({ message }) => /offline/.test(message))) {
      assert.ok(performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal(
      (await produceTo(client, 'topic', batchOf(['y']), { partition: bad[1]! })).errorCode,
      STORAGE_ERROR,
    )
    assert.equal(await append(client, 'topic', ['y'], { partition: good[0]! }), 1)
  })
})

describe('a failed write or read', () => {
  test('a write that fails with EIO is undone and refused', async (context) => {
    const { files, client, bad } = await setTheScene(context)
    const mend = files.fail('write', /^bad\/topic-\d\/0+\.log$/, 'EIO')
    const partition = bad[0]!
    assert.equal((await produceTo(client, 'topic', batchOf(['x']), { partition })).errorCode, STORAGE_ERROR)
    mend()
    const answer = await produceTo(client, 'topic', batchOf(['y']), { partition })
    assert.ok([0, STORAGE_ERROR].includes(answer.errorCode))
    if (answer.errorCode === 0) assert.equal(answer.baseOffset, 1)
  })

  test('a read that fails is an error of its fetch, and the connection of the next one lives', async (context) => {
    const config = { 'log.dirs': 'data,bad', 'odradek.log.tail.memory.bytes': 1 }
    const { files, client, connect, bad, good } = await setTheScene(context, config)
    const mend = files.fail('read', /^bad\/topic-/, 'EIO')
    const reader = await connect()
    const partition = bad[0]!
    // The bytes are read when they are due, with the answer's head on its way already: then only the end of the connection
    // is left to say. Or it is found out in time, and told.
    const outcome = await fetchFrom(reader, 'topic', 0, { partition }).then(
      ({ errorCode }) => errorCode,
      () => 'closed',
    )
    assert.ok(outcome === 'closed' || outcome === STORAGE_ERROR || outcome === -1, String(outcome))
    assert.deepEqual(valuesOf(await readAll(client, 'topic', { partition: good[0]! })), ['before'])
    mend()
    const again = await connect()
    const { errorCode } = await fetchFrom(again, 'topic', 0, { partition })
    assert.ok([0, STORAGE_ERROR].includes(errorCode))
  })
})
