// Produce below the sockets: when it answers, what it says when the leader is elsewhere, and requests of many partitions.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UnacknowledgedError } from '../../src/api/produce.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'
import { NODE_ID, partitionImage, topicImage } from '../partition/stage.ts'
import { batchOf, fetchFrom, recordsIn, valuesOf } from '../support/calls.ts'
import { requestBytes } from '../support/raw-client.ts'
import { fillUp } from '../support/simulated-disk.ts'
import { DataBroker, registration } from './data-broker.ts'

const ID_A = 'AAAAAAAAAAAAAAAAAAAAAQ'
const ID_B = 'AAAAAAAAAAAAAAAAAAAAAg'

interface Part {
  readonly name?: string
  readonly topicId?: string
  readonly index?: number
  readonly values?: readonly string[]
}

function requestOf(broker: DataBroker, parts: readonly Part[], acks = -1) {
  const topicData = parts.map(({ name = 'a', topicId = ID_A, index = 0, values = ['x'] }) => ({
    name,
    topicId,
    partitionData: [{ index, records: batchOf(values, { timestamp: broker.clock.wallMs() }) }],
  }))
  return { acks, timeoutMs: 1000, topicData }
}

/** Whether an answer is there by now. */
async function isThere(answer: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    answer.then(() => true),
    new Promise<false>((resolve) => setImmediate(resolve, false)),
  ])
}

describe('Produce', () => {
  test('answers acks = 1 and all when the records are written, at the end of the turn', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const answers = [1, -1].map((acks) => broker.start(produce, 8, requestOf(broker, [{}], acks)))
    assert.deepEqual(await Promise.all(answers.map(isThere)), [false, false])
    await broker.endTurn()
    const offsets = (await Promise.all(answers)).map(
      ({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset,
    )
    assert.deepEqual(offsets, [0, 1])
  })

  test('with flush.messages answers when they are on the device', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { configs: { 'flush.messages': '1' } }))
    broker.files.holdSyncs()
    const answers = [1, -1].map((acks) => broker.start(produce, 8, requestOf(broker, [{}], acks)))
    await broker.endTurn()
    assert.deepEqual(await Promise.all(answers.map(isThere)), [false, false])
    broker.files.letSync()
    assert.deepEqual(await Promise.all(answers.map(isThere)), [true, true])
  })

  test('answers partitions in the order of the request, each with its own outcome', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 3 }), topicImage('b', { id: ID_B }))
    const parts = [
      { index: 2 },
      { name: 'b', values: ['y', 'z'] },
      { name: 'absent' },
      { index: 9 },
      { index: 0 },
    ]
    const { responses } = await broker.ask(produce, 8, requestOf(broker, parts))
    assert.deepEqual(
      responses.map(({ name, partitionResponses: [row] }) => [
        name,
        row!.index,
        row!.errorCode,
        row!.baseOffset,
      ]),
      [
        ['a', 2, 0, 0],
        ['b', 0, 0, 0],
        ['absent', 0, 3, -1],
        ['a', 9, 3, -1],
        ['a', 0, 0, 0],
      ],
    )
  })

  test('names topics by id from version 13 on', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const parts = [{ topicId: ID_A }, { topicId: ID_B }, { topicId: ZERO_UUID }]
    const { responses } = await broker.ask(produce, 13, requestOf(broker, parts))
    assert.deepEqual(
      responses.map(({ topicId, partitionResponses: [row] }) => [topicId, row!.errorCode]),
      [
        [ID_A, 0],
        [ID_B, 100],
        [ZERO_UUID, 100],
      ],
    )
  })

  test('says where the leader is, to clients that can use it (KIP-951)', async () => {
    const broker = new DataBroker()
    const elsewhere = partitionImage({ index: 0, replicas: [2], isr: [2], leader: 2, leaderEpoch: 6 })
    broker.step({
      brokers: [registration(NODE_ID, 'one'), registration(2, 'two'), registration(3, 'three')],
      topics: [{ ...topicImage('a'), partitions: [elsewhere] }],
    })
    for (const version of [8, 9, 10, 12, 13]) {
      const answer = await broker.ask(produce, version, requestOf(broker, [{}]))
      const [row] = answer.responses[0]!.partitionResponses
      assert.equal(row!.errorCode, 6)
      const isTold = version >= 10
      assert.deepEqual(
        row!.currentLeader,
        isTold ? { leaderId: 2, leaderEpoch: 6 } : { leaderId: -1, leaderEpoch: -1 },
      )
      const endpoint = { nodeId: 2, host: 'two', port: 9002, rack: 'rack-2' }
      assert.deepEqual(answer.nodeEndpoints, isTold ? [endpoint] : [], `version ${version}`)
    }
  })

  test('of a partition that is led from here no longer is told so, with the new leader', async () => {
    const broker = new DataBroker()
    broker.step({
      brokers: [registration(NODE_ID, 'one'), registration(2, 'two')],
      topics: [topicImage('a')],
    })
    await broker.ask(produce, 8, requestOf(broker, [{}]))
    const moved = partitionImage({ replicas: [NODE_ID, 2], leader: 2, leaderEpoch: 1, partitionEpoch: 1 })
    broker.put({ ...topicImage('a'), partitions: [moved] })
    const answer = await broker.ask(produce, 10, requestOf(broker, [{}]))
    const [row] = answer.responses[0]!.partitionResponses
    assert.deepEqual([row!.errorCode, row!.currentLeader.leaderId], [6, 2])
  })

  test('with acks = 0 throws at once for what is wrong at once, and later for what fails later', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    const bytesOf = (parts: readonly Part[]) => requestBytes(produce, 8, requestOf(broker, parts, 0))
    assert.throws(() => broker.dispatch(bytesOf([{ name: 'absent' }])), UnacknowledgedError)
    // What can be appended is, even if something else in the request cannot.
    assert.throws(() => broker.dispatch(bytesOf([{}, { index: 3 }])), UnacknowledgedError)
    await broker.endTurn()
    assert.equal((await fetchFrom(broker, 'a', 0)).highWatermark, 1)
    await fillUp(broker.files, 0)
    const outcome = Promise.resolve(broker.dispatch(bytesOf([{}])))
    await Promise.all([assert.rejects(outcome, UnacknowledgedError), broker.endTurn()])
  })

  test('tells KAFKA_STORAGE_ERROR to those who know it, NOT_LEADER_OR_FOLLOWER to those who do not (KIP-112)', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a'))
    await fillUp(broker.files, 0)
    for (const [version, code] of [
      [3, 6],
      [4, 56],
      [13, 56],
    ]) {
      const { responses } = await broker.ask(produce, version!, requestOf(broker, [{}]))
      const [row] = responses[0]!.partitionResponses
      assert.deepEqual([row!.errorCode, row!.baseOffset], [code, -1], `version ${version}`)
    }
  })

  test('to an internal topic is for administrators', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('__consumer_offsets'))
    const ask = async () => {
      const { responses } = await broker.ask(produce, 8, requestOf(broker, [{ name: '__consumer_offsets' }]))
      return responses[0]!.partitionResponses[0]!.errorCode
    }
    assert.equal(await ask(), 17)
    broker.clientId = null
    assert.equal(await ask(), 17)
    broker.clientId = '__admin_client'
    assert.equal(await ask(), 0)
  })

  test('an error nobody foresaw is UNKNOWN_SERVER_ERROR and a line in the log, and stays with its partition', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    const { log } = broker.replicas.find('a', 0)!
    log.append = () => {
      throw new TypeError('surprise')
    }
    const { responses } = await broker.ask(produce, 8, requestOf(broker, [{}, { index: 1 }]))
    assert.deepEqual(
      responses.map(({ partitionResponses: [row] }) => row!.errorCode),
      [-1, 0],
    )
    assert.match(JSON.stringify(broker.lines), /surprise/)
    assert.deepEqual(valuesOf(recordsIn((await fetchFrom(broker, 'a', 0, { partition: 1 })).records)), ['x'])
  })
})
