// Clients that ask for much and take it slowly: they hold up nobody, and what they cost in memory has a bound.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { fetch } from '../../src/wire/apis/fetch.ts'
import {
  assertServes,
  batchOf,
  fetchFrom,
  LATEST,
  makeTopic,
  offsetOf,
  produceTo,
  recordsIn,
} from '../support/calls.ts'
import { type ForkedBroker, forkBroker } from '../support/fork-broker.ts'
import { RawClient, requestBytes } from '../support/raw-client.ts'

const MEBIBYTE = 1024 * 1024
const READERS = 50
const BATCH = Buffer.alloc(MEBIBYTE - 1000, 'x')

interface Scene {
  readonly broker: ForkedBroker
  connect(): Promise<RawClient>
  /** Appends that many batches of 1 MiB. */
  fill(batches: number): Promise<void>
}

async function setTheScene(context: TestContext, config: Readonly<Record<string, number>>): Promise<Scene> {
  const broker = await forkBroker(context, config)
  const clients: RawClient[] = []
  context.after(() => {
    for (const client of clients) client.close()
  })
  const connect = async () => {
    const client = await RawClient.connect(broker.port)
    clients.push(client)
    return client
  }
  const producer = await connect()
  await makeTopic(producer, 'topic')
  const batch = batchOf([BATCH], { timestamp: 1_700_000_000_000 })
  return {
    broker,
    connect,
    async fill(batches) {
      for (let i = 0; i < batches; i++) assert.equal((await produceTo(producer, 'topic', batch)).errorCode, 0)
    },
  }
}

/** A client that asks for everything from `offset` on and takes nothing of it. */
async function stalledReader({ connect }: Scene, offset: number): Promise<RawClient> {
  const reader = await connect()
  reader.socket.pause()
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 100 * MEBIBYTE }]
  const topics = [{ topic: 'topic', partitions }]
  const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 100 * MEBIBYTE, isolationLevel: 0, topics }
  // Several at once: what comes behind the first must not be worked on while that is stuck.
  for (let i = 0; i < 4; i++) reader.send(requestBytes(fetch, 11, request, i))
  return reader
}

async function assertQuick({ connect }: Scene): Promise<void> {
  const client = await connect()
  const latest = await offsetOf(client, 'topic', LATEST)
  const startedMs = performance.now()
  for (let i = 0; i < 20; i++) {
    await assertServes(client)
    const { records } = await fetchFrom(client, 'topic', latest - 1)
    assert.equal(recordsIn(records).length, 1)
  }
  assert.ok(performance.now() - startedMs < 10_000, 'others are served')
}

describe('slow readers', () => {
  test('50 of them, all asking for 40 MiB of a log beyond the tail, cost a slice each', async (context) => {
    const tailBytes = 4 * MEBIBYTE
    const scene = await setTheScene(context, { 'odradek.log.tail.memory.bytes': tailBytes })
    await scene.fill(40)
    const before = await scene.broker.memory()
    for (let i = 0; i < READERS; i++) await stalledReader(scene, i % 20)
    await assertQuick(scene)
    const after = await scene.broker.memory()
    const grownBy = (after.arrayBuffers - before.arrayBuffers) / MEBIBYTE
    // A slice of half a mebibyte for each, and what the others' answers needed.
    assert.ok(grownBy < READERS * 0.6 + 24, `${grownBy.toFixed(1)} MiB for ${READERS} readers`)
    const resident = (after.rss - before.rss) / MEBIBYTE
    assert.ok(resident < READERS * 0.6 + 64, `${resident.toFixed(1)} MiB more resident`)
  })

  test('50 of them, each at the end of a log that moves on, do not keep every tail there ever was', async (context) => {
    const tailBytes = 4 * MEBIBYTE
    const scene = await setTheScene(context, { 'odradek.log.tail.memory.bytes': tailBytes })
    await scene.fill(4)
    const before = await scene.broker.memory()
    for (let i = 0; i < READERS; i++) {
      await scene.fill(3)
      await stalledReader(scene, 1 + 3 * i)
    }
    await assertQuick(scene)
    const after = await scene.broker.memory()
    const grownBy = (after.arrayBuffers - before.arrayBuffers) / MEBIBYTE
    assert.ok(grownBy < READERS * 1.1 + 24, `${grownBy.toFixed(1)} MiB for ${READERS} readers`)
  })

  test('one that reads on gets every byte', async (context) => {
    const scene = await setTheScene(context, { 'odradek.log.tail.memory.bytes': 4 * MEBIBYTE })
    await scene.fill(12)
    const reader = await stalledReader(scene, 0)
    await assertQuick(scene)
    reader.socket.resume()
    for (let i = 0; i < 4; i++) {
      const frame = await reader.frame()
      assert.ok(frame.length > 12 * BATCH.length, `${frame.length} bytes`)
    }
    reader.close()
  })
})
