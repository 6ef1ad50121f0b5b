// Fetch over a socket: what is visible, limits, errors by partition. The facts marked so were measured on Apache Kafka 4.3.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { createPartitions } from '../../src/wire/apis/create-partitions.ts'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { codecs } from '../../src/wire/records/compression/index.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'
import { append, batchOf, fetchFrom, makeTopic, produceTo, recordsIn, valuesOf } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const UNKNOWN_UUID = 'BBBBBBBBBBBBBBBBBBBBBA'

describe('Fetch', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient
  let topicId: string

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    topicId = await makeTopic(client, 'ten', { partitions: 2 })
    for (let i = 0; i < 5; i++) await append(client, 'ten', [`${2 * i}`, `${2 * i + 1}`])
  })

  test('the end of the log gives no records, not null (measured)', async () => {
    const answer = await fetchFrom(client, 'ten', 10)
    assert.deepEqual(
      { ...answer, records: answer.records?.byteLength },
      {
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 10,
        lastStableOffset: 10,
        logStartOffset: 0,
        abortedTransactions: null,
        preferredReadReplica: -1,
        records: 0,
        ...absent,
      },
    )
  })

  test('beyond the end, before the start and -1 are OFFSET_OUT_OF_RANGE with -1 for every offset (measured)', async () => {
    for (const offset of [11, -1, 1_000_000]) {
      const answer = await fetchFrom(client, 'ten', offset)
      assert.deepEqual(
        [answer.errorCode, answer.highWatermark, answer.lastStableOffset, answer.logStartOffset],
        [1, -1, -1, -1],
        `offset ${offset}`,
      )
      assert.equal(answer.records?.byteLength, 0)
    }
  })

  test('an offset inside a batch brings the batch from its start', async () => {
    const answer = await fetchFrom(client, 'ten', 5)
    assert.equal(recordsIn(answer.records)[0]!.offset, 4)
  })

  test('a limit of 1 byte, of the partition or the request, still brings one whole batch (measured)', async () => {
    for (const limit of [{ partitionMaxBytes: 1 }, { maxBytes: 0 }, { maxBytes: 1, partitionMaxBytes: 0 }]) {
      const answer = await fetchFrom(client, 'ten', 2, limit)
      assert.deepEqual(valuesOf(recordsIn(answer.records)), ['2', '3'], JSON.stringify(limit))
    }
  })

  test('the limit of the request counts over partitions: only the first full one may exceed it', async () => {
    await makeTopic(client, 'pair', { partitions: 2 })
    for (const partition of [0, 1]) await append(client, 'pair', ['value'], { partition })
    const ask = async (maxBytes: number) => {
      const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
      const topics = [{ topic: 'pair', partitions }]
      const answer = await client.ask(fetch, 11, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes,
        topics,
        isolationLevel: 0,
      })
      return answer.responses[0]!.partitions.map(({ records }) => records!.byteLength > 0)
    }
    assert.deepEqual(await ask(1), [true, false])
    assert.deepEqual(await ask(10_000), [true, true])
  })

  test('fetch.max.bytes of the broker bounds what any client asks for', async (context) => {
    const small = await startLocalBroker(context, { 'fetch.max.bytes': 2000 })
    const asker = await small.connect()
    await makeTopic(asker, 'many')
    for (let i = 0; i < 30; i++) await append(asker, 'many', [Buffer.alloc(200)])
    const answer = await fetchFrom(asker, 'many', 0)
    assert.ok(answer.records!.byteLength <= 2000 && answer.records!.byteLength > 1000)
  })

  test('leader epochs of the reader: too old is fenced, too new unknown, -1 not looked at (measured)', async () => {
    const tooNew = await fetchFrom(client, 'ten', 0, { currentLeaderEpoch: 5 })
    assert.deepEqual([tooNew.errorCode, tooNew.highWatermark, tooNew.logStartOffset], [75, -1, -1])
    assert.equal((await fetchFrom(client, 'ten', 0, { currentLeaderEpoch: 0 })).errorCode, 0)
    assert.equal((await fetchFrom(client, 'ten', 0, { currentLeaderEpoch: -1 })).errorCode, 0)
  })

  test('a last fetched epoch that is not ours is told where it ends, or is out of range', async () => {
    const same = await fetchFrom(client, 'ten', 10, { version: 12, lastFetchedEpoch: 0 })
    assert.deepEqual([same.errorCode, same.divergingEpoch.endOffset], [0, -1])
    const unknown = await fetchFrom(client, 'ten', 10, { version: 12, lastFetchedEpoch: 7 })
    assert.deepEqual([unknown.errorCode, unknown.records!.byteLength], [1, 0])
  })

  test('an unknown topic is 3 with an empty list of aborted transactions (measured)', async () => {
    const answer = await fetchFrom(client, 'nowhere', 0)
    assert.deepEqual(
      [answer.errorCode, answer.abortedTransactions, answer.highWatermark, answer.records?.byteLength],
      [3, [], -1, 0],
    )
  })

  test('read_committed has a list of aborted transactions, read_uncommitted null', async () => {
    const committed = await fetchFrom(client, 'ten', 0, { isolationLevel: 1 })
    assert.deepEqual(committed.abortedTransactions, [])
    assert.equal(recordsIn(committed.records).length, 10)
    assert.equal((await fetchFrom(client, 'ten', 0)).abortedTransactions, null)
  })

  test('by topic id from version 13 on; an unknown or zero id is UNKNOWN_TOPIC_ID', async () => {
    const found = await fetchFrom(client, '', 0, { version: 13, topicId })
    assert.equal(recordsIn(found.records).length, 10)
    for (const wrong of [UNKNOWN_UUID, ZERO_UUID]) {
      assert.equal((await fetchFrom(client, 'ten', 0, { version: 13, topicId: wrong })).errorCode, 100)
    }
  })

  test('an error of one partition is told at once, beside what the others have', async () => {
    const partitions = [0, 1, 7].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
    const topics = [{ topic: 'ten', partitions }]
    const startedMs = performance.now()
    const answer = await client.ask(fetch, 11, {
      maxWaitMs: 20_000,
      minBytes: 100_000,
      topics,
      isolationLevel: 0,
    })
    assert.ok(performance.now() - startedMs < 10_000)
    assert.deepEqual(
      answer.responses[0]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      [
        [0, 0],
        [1, 0],
        [7, 3],
      ],
    )
  })

  test('no partitions at all are answered at once', async () => {
    const startedMs = performance.now()
    const answer = await client.ask(fetch, 11, {
      maxWaitMs: 20_000,
      minBytes: 1,
      topics: [],
      isolationLevel: 0,
    })
    assert.deepEqual([answer.errorCode, answer.responses], [0, []])
    assert.ok(performance.now() - startedMs < 10_000)
  })

  test('zstd is served to versions before 10 as well (measured)', async () => {
    await makeTopic(client, 'zstd', { configs: { 'compression.type': 'zstd' } })
    await append(client, 'zstd', ['squeezed'], { compression: codecs.zstd })
    const old = await fetchFrom(client, 'zstd', 0, { version: 9 })
    assert.deepEqual(valuesOf(recordsIn(old.records)), ['squeezed'])
  })

  test('below a log start that was moved up nothing is served; a batch it cuts comes whole', async () => {
    await makeTopic(client, 'trimmed')
    for (let i = 0; i < 3; i++) await append(client, 'trimmed', [`${2 * i}`, `${2 * i + 1}`])
    const topics = [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: 3 }] }]
    await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    assert.equal((await fetchFrom(client, 'trimmed', 2)).errorCode, 1)
    const answer = await fetchFrom(client, 'trimmed', 3)
    assert.deepEqual([answer.errorCode, answer.logStartOffset], [0, 3])
    assert.equal(recordsIn(answer.records)[0]!.offset, 2)
  })

  test('every version answers the same records', async () => {
    for (let version = fetch.versions[0]; version <= fetch.versions[1]; version++) {
      const answer = await fetchFrom(client, 'ten', 0, { version, topicId })
      assert.equal(answer.errorCode, 0, `version ${version}`)
      assert.equal(recordsIn(answer.records).length, 10, `version ${version}`)
      assert.equal(answer.highWatermark, 10)
    }
  })

  test('a fetch that claims to be a replica of the partition is turned away', async () => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    const topics = [{ topic: 'ten', partitions }]
    const answer = await client.ask(fetch, 11, {
      replicaId: 9,
      maxWaitMs: 0,
      minBytes: 1,
      topics,
      isolationLevel: 0,
    })
    assert.equal(answer.responses[0]!.partitions[0]!.errorCode, 6)
  })

  test('partitions that were added later can be written and read at once', async () => {
    await makeTopic(client, 'growing')
    const topics = [{ name: 'growing', count: 3, assignments: null }]
    const grown = await client.ask(createPartitions, 3, { topics, timeoutMs: 5000, validateOnly: false })
    assert.equal(grown.results[0]!.errorCode, 0)
    await append(client, 'growing', ['new'], { partition: 2 })
    assert.deepEqual(valuesOf(recordsIn((await fetchFrom(client, 'growing', 0, { partition: 2 })).records)), [
      'new',
    ])
  })

  test('what comes back is what was sent, byte for byte, but for offset and leader epoch', async () => {
    await makeTopic(client, 'exact')
    for (const compression of Object.values(codecs)) {
      const sent = batchOf(['one', null, 'three'], { compression, timestamp: 1_700_000_000_000 })
      const { baseOffset } = await produceTo(client, 'exact', Buffer.from(sent))
      const answer = await fetchFrom(client, 'exact', baseOffset)
      const received = Buffer.from(answer.records!)
      assert.equal(received.readBigInt64BE(0), BigInt(baseOffset))
      assert.equal(received.readInt32BE(12), 0)
      sent.copy(received, 0, 0, 8)
      sent.copy(received, 12, 12, 16)
      assert.deepEqual(received, sent, `codec ${compression}`)
    }
  })
})

/** Fields of later versions, as they are when a version does not have them. */
const absent = {
  divergingEpoch: { epoch: -1, endOffset: -1 },
  currentLeader: { leaderId: -1, leaderEpoch: -1 },
  snapshotId: { endOffset: -1, epoch: -1 },
}
