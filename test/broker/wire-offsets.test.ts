// ListOffsets, OffsetForLeaderEpoch and DeleteRecords over a socket. The facts marked so were measured on Apache Kafka 4.3.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { listOffsets } from '../../src/wire/apis/list-offsets.ts'
import { offsetForLeaderEpoch } from '../../src/wire/apis/offset-for-leader-epoch.ts'
import {
  append,
  EARLIEST,
  fetchFrom,
  LATEST,
  listOffset,
  makeTopic,
  offsetOf,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const T = 1_700_000_000_000

describe('ListOffsets', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    // Times of the offsets: 0: +0  1: +1  2: +100  3: +101  4: +50  5: +51
    await makeTopic(client, 'timed', { partitions: 2 })
    for (const later of [0, 100, 50]) await append(client, 'timed', ['a', 'b'], { timestamp: T + later })
  })

  const table: readonly [
    name: string,
    timestamp: number,
    firstVersion: number,
    offset: number,
    time: number,
  ][] = [
    ['latest', LATEST, 1, 6, -1],
    ['earliest', EARLIEST, 1, 0, -1],
    ['largest timestamp', -3, 7, 3, T + 101],
    ['earliest local', -4, 8, 0, -1],
    ['latest tiered', -5, 9, -1, -1],
    ['earliest pending upload', -6, 11, -1, -1],
    ['before everything', 0, 1, 0, T],
    ['the exact time of a record', T + 1, 1, 1, T + 1],
    ['between two records', T + 2, 1, 2, T + 100],
    ['the last time there is', T + 101, 1, 3, T + 101],
    ['after everything', T + 102, 1, -1, -1],
    ['far in the future', 2 ** 52, 1, -1, -1],
  ]
  for (const [name, timestamp, firstVersion, offset, time] of table) {
    test(`${name} (${timestamp < 0 ? timestamp : 'by time'}), from version ${firstVersion} on`, async () => {
      for (let version = listOffsets.versions[0]; version <= listOffsets.versions[1]; version++) {
        const answer = await listOffset(client, 'timed', timestamp, { version })
        const found = [answer.errorCode, answer.offset, answer.timestamp]
        assert.deepEqual(
          found,
          version < firstVersion ? [35, -1, -1] : [0, offset, time],
          `version ${version}`,
        )
      }
    })
  }

  test('other negative timestamps are UNSUPPORTED_VERSION for the partition (measured)', async () => {
    for (const timestamp of [-7, -100, Number.MIN_SAFE_INTEGER]) {
      assert.equal((await listOffset(client, 'timed', timestamp)).errorCode, 35)
    }
  })

  test('an empty partition: both ends are 0, and no time is found', async () => {
    const ask = (timestamp: number) => listOffset(client, 'timed', timestamp, { partition: 1 })
    assert.equal((await ask(LATEST)).offset, 0)
    assert.equal((await ask(EARLIEST)).offset, 0)
    for (const timestamp of [-3, 0, T]) {
      const { errorCode, offset, timestamp: time, leaderEpoch } = await ask(timestamp)
      assert.deepEqual([errorCode, offset, time, leaderEpoch], [0, -1, -1, -1])
    }
  })

  test('leader epochs come with the offset from version 4 on, -1 where there is no offset', async () => {
    assert.equal((await listOffset(client, 'timed', LATEST)).leaderEpoch, 0)
    assert.equal((await listOffset(client, 'timed', T + 1)).leaderEpoch, 0)
    assert.equal((await listOffset(client, 'timed', T + 5000)).leaderEpoch, -1)
  })

  test('wrong leader epochs, unknown partitions and partitions named twice are errors of the partition', async () => {
    assert.equal((await listOffset(client, 'timed', LATEST, { currentLeaderEpoch: 9 })).errorCode, 75)
    assert.equal((await listOffset(client, 'timed', LATEST, { currentLeaderEpoch: 0 })).errorCode, 0)
    assert.equal((await listOffset(client, 'timed', LATEST, { partition: 5 })).errorCode, 3)
    assert.equal((await listOffset(client, 'absent', LATEST)).errorCode, 3)
    const partitions = [0, 0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: LATEST }))
    const answer = await client.ask(listOffsets, 5, {
      replicaId: -1,
      topics: [{ name: 'timed', partitions }],
    })
    assert.deepEqual(
      answer.topics[0]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      [
        [0, 42],
        [1, 0],
      ],
    )
  })

  test('read_committed sees the same as long as there are no transactions', async () => {
    assert.equal((await listOffset(client, 'timed', LATEST, { isolationLevel: 1 })).offset, 6)
  })
})

describe('OffsetForLeaderEpoch', () => {
  const lifetime = suiteLifetime()
  let client: RawClient

  before(async () => {
    client = await (await startLocalBroker(lifetime)).connect()
    await makeTopic(client, 'topic')
    await append(client, 'topic', ['a', 'b', 'c'])
  })

  async function ask(leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) {
    const partitions = [{ partition, currentLeaderEpoch, leaderEpoch }]
    const { topics } = await client.ask(offsetForLeaderEpoch, 4, {
      replicaId: -1,
      topics: [{ topic: 'topic', partitions }],
    })
    const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!
    return { errorCode, epoch, endOffset }
  }

  test('the latest epoch ends where the log does', async () => {
    assert.deepEqual(await ask(0), { errorCode: 0, epoch: 0, endOffset: 3 })
  })

  test('an epoch newer than all, or none, is -1/-1 without an error (measured)', async () => {
    assert.deepEqual(await ask(5), { errorCode: 0, epoch: -1, endOffset: -1 })
    assert.deepEqual(await ask(-1), { errorCode: 0, epoch: -1, endOffset: -1 })
  })

  test('a wrong current epoch and an unknown partition are errors of the partition', async () => {
    assert.deepEqual(await ask(0, 3), { errorCode: 75, epoch: -1, endOffset: -1 })
    assert.deepEqual(await ask(0, 0), { errorCode: 0, epoch: 0, endOffset: 3 })
    assert.deepEqual(await ask(0, -1, 4), { errorCode: 3, epoch: -1, endOffset: -1 })
  })
})

describe('DeleteRecords', () => {
  const lifetime = suiteLifetime()
  let client: RawClient

  before(async () => {
    client = await (await startLocalBroker(lifetime)).connect()
    await makeTopic(client, 'topic')
    await makeTopic(client, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
    await makeTopic(client, 'both', { configs: { 'cleanup.policy': 'compact,delete' } })
    for (const topic of ['topic', 'compacted', 'both']) await append(client, topic, ['a', 'b', 'c', 'd'])
  })

  async function remove(name: string, offset: number, partitionIndex = 0) {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
    const answer = await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    return [errorCode, lowWatermark]
  }

  test('moves the start up, never down, and -1 means everything', async () => {
    assert.deepEqual(await remove('topic', 2), [0, 2])
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['c', 'd'])
    assert.equal(await offsetOf(client, 'topic', EARLIEST), 2)
    assert.deepEqual(await remove('topic', 1), [0, 2])
    assert.deepEqual(await remove('topic', -1), [0, 4])
    assert.deepEqual(
      [await offsetOf(client, 'topic', EARLIEST), await offsetOf(client, 'topic', LATEST)],
      [4, 4],
    )
    assert.equal((await fetchFrom(client, 'topic', 3)).errorCode, 1)
    assert.equal(await append(client, 'topic', ['e']), 4)
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['e'])
  })

  test('beyond the high watermark and other negatives are OFFSET_OUT_OF_RANGE', async () => {
    assert.deepEqual(await remove('both', 5), [1, -1])
    assert.deepEqual(await remove('both', -2), [1, -1])
  })

  test('a topic that is only compacted keeps its records: POLICY_VIOLATION; one that is both does not', async () => {
    assert.deepEqual(await remove('compacted', 2), [44, -1])
    assert.equal((await readAll(client, 'compacted')).length, 4)
    assert.deepEqual(await remove('both', 2), [0, 2])
  })

  test('unknown topics and partitions are errors of the partition', async () => {
    assert.deepEqual(await remove('absent', 0), [3, -1])
    assert.deepEqual(await remove('topic', 0, 8), [3, -1])
  })
})
