// Fetch below the sockets: how long it waits on a clock that the test moves, and what it says when the leader is elsewhere.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import { NODE_ID, partitionImage, topicImage } from '../partition/stage.ts'
import { batchOf, recordsIn, valuesOf } from '../support/calls.ts'
import { DataBroker, registration } from './data-broker.ts'

const ID_A = 'AAAAAAAAAAAAAAAAAAAAAQ'

function requestFor(offset: number, { maxWaitMs = 500, minBytes = 1, partitions = [0] } = {}) {
  const named = partitions.map((partition) => ({
    partition,
    fetchOffset: offset,
    partitionMaxBytes: 100_000,
  }))
  return {
    maxWaitMs,
    minBytes,
    isolationLevel: 0,
    topics: [{ topic: 'a', topicId: ID_A, partitions: named }],
  }
}

async function send(broker: DataBroker, value: string, index = 0): Promise<void> {
  const records = batchOf([value], { timestamp: broker.clock.wallMs() })
  const topicData = [{ name: 'a', partitionData: [{ index, records }] }]
  await broker.ask(produce, 8, { acks: -1, timeoutMs: 1000, topicData })
}

/** The values in an answer, or that there is none yet. */
async function stateOf(answer: Promise<unknown>): Promise<string[] | 'waits'> {
  const value = await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, 'waits'))])
  if (value === 'waits') return 'waits'
  const { responses } = value as { responses: { partitions: { records: Buffer | null }[] }[] }
  return responses.flatMap(({ partitions }) =>
    partitions.flatMap(({ records }) => valuesOf(recordsIn(records))),
  )
}

describe('Fetch', () => {
  test('with something to give answers at once, in the same turn', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    await send(broker, 'x')
    assert.deepEqual(await stateOf(broker.start(fetch, 11, requestFor(0))), ['x'])
  })

  test('with nothing to give waits until its time is up', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const answer = broker.start(fetch, 11, requestFor(0))
    broker.clock.advance(499)
    assert.equal(await stateOf(answer), 'waits')
    broker.clock.advance(1)
    assert.deepEqual(await stateOf(answer), [])
    assert.equal(broker.clock.nextDueMs(), undefined)
  })

  test('waits no longer when its client is gone: nothing of it is left behind', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const answer = broker.start(fetch, 11, requestFor(0, { maxWaitMs: 2 ** 31 - 1 }))
    assert.equal(await stateOf(answer), 'waits')
    broker.closeConnection()
    assert.deepEqual(await stateOf(answer), [])
    assert.equal(broker.clock.nextDueMs(), undefined)
    assert.equal(broker.mindful, 0)
  })

  test('that was answered does not mind any more what becomes of its client', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const answer = broker.start(fetch, 11, requestFor(0))
    assert.equal(broker.mindful, 1)
    await send(broker, 'x')
    assert.deepEqual(await stateOf(answer), ['x'])
    assert.equal(broker.mindful, 0)
  })

  test('that may not wait does not', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    for (const maxWaitMs of [0, -1]) {
      assert.deepEqual(await stateOf(broker.start(fetch, 11, requestFor(0, { maxWaitMs }))), [])
    }
    assert.deepEqual(await stateOf(broker.start(fetch, 11, requestFor(0, { minBytes: 0 }))), [])
  })

  test('waits for as many bytes as it asked for, over all its partitions, and gives all there are then', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    const size = batchOf(['x']).length
    const answer = broker.start(fetch, 11, requestFor(0, { minBytes: 3 * size, partitions: [0, 1] }))
    await send(broker, '1', 0)
    await send(broker, '2', 1)
    assert.equal(await stateOf(answer), 'waits')
    await send(broker, '3', 0)
    assert.deepEqual(await stateOf(answer), ['1', '3', '2'])
    assert.equal(broker.clock.nextDueMs(), undefined)
  })

  test('at the end of its time gives what there is, even if that is too little', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const answer = broker.start(fetch, 11, requestFor(0, { minBytes: 1_000_000 }))
    await send(broker, 'x')
    broker.clock.advance(600)
    assert.deepEqual(await stateOf(answer), ['x'])
  })

  test('does not wait for more than fits: what is there counts, not what an answer can take of it', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    const size = batchOf(['1']).length
    for (const value of ['1', '2', '3']) await send(broker, value)
    const limited = (limits: { minBytes: number; maxBytes?: number; partitionMaxBytes?: number }) => {
      const { minBytes, maxBytes = 1_000_000, partitionMaxBytes = 1_000_000 } = limits
      const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes }))
      const topics = [{ topic: 'a', partitions }]
      return stateOf(broker.start(fetch, 11, { maxWaitMs: 500, minBytes, maxBytes, topics }))
    }
    assert.deepEqual(await limited({ minBytes: 2 * size - 1, partitionMaxBytes: 2 * size - 1 }), ['1'])
    assert.deepEqual(await limited({ minBytes: 2 * size, maxBytes: 2 * size - 1 }), ['1'])
    assert.deepEqual(await limited({ minBytes: 10 * size, maxBytes: size }), ['1'])
    assert.deepEqual(await limited({ minBytes: 10 * size, maxBytes: 0 }), ['1'])
    assert.deepEqual(await limited({ minBytes: 3 * size, partitionMaxBytes: 3 * size }), ['1', '2', '3'])
    assert.equal(await limited({ minBytes: 3 * size, partitionMaxBytes: 3 * size - 1 }), 'waits')
    assert.equal(await limited({ minBytes: 3 * size + 1 }), 'waits')
  })

  test('is not woken by what it may not have', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    let reads = 0
    const partition = broker.replicas.find('a', 0)!
    const read = partition.read.bind(partition)
    partition.read = (...how) => {
      reads++
      return read(...how)
    }
    const partitions = [0, 1].map((index) => ({
      partition: index,
      fetchOffset: 0,
      partitionMaxBytes: index === 0 ? 0 : 1000,
      currentLeaderEpoch: -1,
    }))
    const answer = broker.start(fetch, 11, { ...requestFor(0), topics: [{ topic: 'a', partitions }] })
    for (let i = 0; i < 5; i++) await send(broker, 'x')
    assert.equal(reads, 1)
    broker.step({ deletedTopicIds: [ID_A] })
    const { responses } = await answer
    assert.equal(responses[0]!.partitions[0]!.errorCode, 3)
  })

  test('that has come to the end of a segment, but not of the log, does not wait', async () => {
    const broker = new DataBroker()
    const value = 'x'.repeat(400_000)
    broker.put(topicImage('a', { configs: { 'segment.bytes': '1048576' } }))
    for (const i of [1, 2, 3]) await send(broker, `${i}${value}`)
    const first = await stateOf(broker.start(fetch, 11, requestFor(0, { minBytes: 100_000_000 })))
    assert.deepEqual(first, [`1${value}`])
    const second = await stateOf(broker.start(fetch, 11, requestFor(1, { minBytes: 100_000_000 })))
    assert.deepEqual(second, [`2${value}`])
    assert.equal(await stateOf(broker.start(fetch, 11, requestFor(2, { minBytes: 100_000_000 }))), 'waits')
  })

  test('does not see what is written but not synced where that is asked for, and is woken when it is', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { configs: { 'flush.messages': '1' } }))
    broker.files.holdSyncs()
    const records = batchOf(['x'], { timestamp: broker.clock.wallMs() })
    const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }]
    void broker.start(produce, 8, { acks: 1, timeoutMs: 1000, topicData })
    const answer = broker.start(fetch, 11, requestFor(0))
    await broker.endTurn()
    assert.equal(await stateOf(answer), 'waits')
    broker.files.letSync()
    await broker.endTurn()
    assert.deepEqual(await stateOf(answer), ['x'])
  })

  test('that waits is answered when its topic goes, or its leader', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const first = broker.start(fetch, 11, requestFor(0))
    broker.put({
      ...topicImage('a'),
      partitions: [partitionImage({ leader: 2, leaderEpoch: 1, replicas: [1, 2] })],
    })
    const moved = (await first).responses[0]!.partitions[0]!
    assert.equal(moved.errorCode, 6)
    broker.put({ ...topicImage('a'), partitions: [partitionImage({ leaderEpoch: 2 })] })
    const second = broker.start(fetch, 11, requestFor(0))
    broker.step({ deletedTopicIds: [ID_A] })
    assert.equal((await second).responses[0]!.partitions[0]!.errorCode, 3)
  })

  test('says where the leader is, to clients that can use it (KIP-951)', async () => {
    const broker = new DataBroker()
    const elsewhere = partitionImage({ replicas: [2], isr: [2], leader: 2, leaderEpoch: 6 })
    broker.step({
      brokers: [registration(NODE_ID, 'one'), registration(2, 'two')],
      topics: [{ ...topicImage('a'), partitions: [elsewhere] }],
    })
    for (const version of [11, 12, 15, 16, 18]) {
      const answer = await broker.ask(fetch, version, requestFor(0))
      const [row] = answer.responses[0]!.partitions
      const isTold = version >= 16
      assert.equal(row!.errorCode, 6)
      assert.equal(row!.currentLeader.leaderId, isTold ? 2 : -1, `version ${version}`)
      assert.deepEqual(
        answer.nodeEndpoints.map(({ host }) => host),
        isTold ? ['two'] : [],
      )
    }
  })

  test('with an old leader epoch is fenced, and told of the present one', async () => {
    const broker = new DataBroker()
    broker.step({ brokers: [registration(NODE_ID, 'one')] })
    broker.put({ ...topicImage('a'), partitions: [partitionImage({ leaderEpoch: 4 })] })
    const request = requestFor(0)
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch: 3 }]
    const answer = await broker.ask(fetch, 16, { ...request, topics: [{ topicId: ID_A, partitions }] })
    const [row] = answer.responses[0]!.partitions
    assert.deepEqual([row!.errorCode, row!.currentLeader], [74, { leaderId: NODE_ID, leaderEpoch: 4 }])
  })

  test('leaves no range of a file open, and no wait behind, whatever becomes of it', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    await send(broker, 'x')
    for (let i = 0; i < 20; i++) {
      const answer = broker.start(fetch, 11, requestFor(0, { minBytes: 100_000, partitions: [0, 1] }))
      broker.clock.advance(1000)
      assert.deepEqual(await stateOf(answer), ['x'])
    }
    assert.equal(broker.clock.nextDueMs(), undefined)
    broker.step({ deletedTopicIds: [ID_A] })
    await broker.endTurn()
    assert.deepEqual(
      broker.files.listSync('data').filter(({ isDirectory }) => isDirectory),
      [],
    )
  })
})
