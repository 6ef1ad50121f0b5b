// What a produced batch may have wrong with it, over a socket: the code, the offsets in the answer, and that nothing is
// appended. The codes are those measured on Apache Kafka 4.3 with Produce v8; where we differ, the line says why.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import { errors } from '../../src/wire/errors.ts'
import { badBatches, lengthsSaid, veryNegativeLengths, wrongLengths } from '../support/bad-batches.ts'
import {
  append,
  assertServes,
  batchOf,
  fetchFrom,
  LATEST,
  makeTopic,
  offsetOf,
  type ProduceOptions,
  produceTo,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const HOUR_MS = 3_600_000
const NOT_REACHED = -1
const START = 2

interface Case {
  readonly name: string
  readonly topic?: string
  readonly batch: () => Buffer | null
  readonly code: number
  /** Where the answer says that the log starts: its real start when the log was reached, else -1. */
  readonly logStartOffset: number
  /** How many records the answer finds fault with. */
  readonly recordErrors?: number
  readonly options?: ProduceOptions
}

const { INVALID_RECORD, INVALID_TIMESTAMP, CORRUPT_MESSAGE } = errors

const refused: readonly Case[] = [
  { name: 'a base offset of 5', batch: badBatches.baseOffset, code: 87, logStartOffset: START },
  { name: 'a wrong checksum', batch: badBatches.wrongCrc, code: 2, logStartOffset: NOT_REACHED },
  { name: 'a flipped byte', batch: badBatches.flippedByte, code: 2, logStartOffset: NOT_REACHED },
  { name: 'format 1', batch: () => badBatches.magic(1), code: 87, logStartOffset: NOT_REACHED },
  { name: 'format 0', batch: () => badBatches.magic(0), code: 87, logStartOffset: NOT_REACHED },
  { name: 'format 3', batch: () => badBatches.magic(3), code: 2, logStartOffset: NOT_REACHED },
  { name: 'two batches', batch: badBatches.twoBatches, code: 87, logStartOffset: NOT_REACHED },
  { name: 'no batch', batch: badBatches.empty, code: 87, logStartOffset: NOT_REACHED },
  { name: 'null for a batch', batch: () => null, code: 87, logStartOffset: NOT_REACHED },
  { name: 'a cut batch', batch: badBatches.cut, code: 87, logStartOffset: NOT_REACHED },
  { name: 'a cut header', batch: badBatches.cutHeader, code: 87, logStartOffset: NOT_REACHED },
  { name: 'no records', batch: () => badBatches.count(0), code: 87, logStartOffset: START },
  { name: 'a negative count', batch: () => badBatches.count(-1), code: 87, logStartOffset: START },
  { name: 'a count too large', batch: () => badBatches.count(3), code: 87, logStartOffset: START },
  {
    name: 'a negative last offset delta',
    batch: () => badBatches.lastOffsetDelta(-1),
    code: 87,
    logStartOffset: START,
  },
  { name: 'records that are not there', batch: badBatches.moreThanThere, code: 87, logStartOffset: START },
  { name: 'a control batch', batch: () => badBatches.attribute(0x20), code: 87, logStartOffset: START },
  {
    name: 'a timestamp two hours ahead',
    batch: () => batchOf(['a', 'b'], { timestamp: Date.now() + 2 * HOUR_MS }),
    code: 32,
    logStartOffset: START,
    recordErrors: 2,
  },
  {
    name: 'a null key in a compacted topic',
    topic: 'compacted',
    batch: () => batchOf(['a'], { key: null }),
    code: 87,
    logStartOffset: START,
    recordErrors: 1,
  },
  {
    name: 'a batch above max.message.bytes',
    batch: () => batchOf([Buffer.alloc(1_100_000)]),
    code: 10,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'acks 2',
    batch: () => batchOf(['a']),
    options: { acks: 2 },
    code: 21,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'a producer id without a sequence',
    batch: () => batchOf(['a'], { producerId: 7, producerEpoch: 0 }),
    code: 87,
    logStartOffset: START,
  },
  {
    name: 'a transactional batch without a transactional id',
    batch: () => batchOf(['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true }),
    code: 53,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'an unknown topic',
    topic: 'unknown',
    batch: () => batchOf(['a']),
    code: 3,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'an unknown partition',
    batch: () => batchOf(['a']),
    options: { partition: 9 },
    code: 3,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'a producer epoch that nobody gave out',
    batch: () => batchOf(['a'], { producerId: 8, producerEpoch: -3, baseSequence: 0 }),
    code: 47,
    logStartOffset: START,
  },
  ...wrongLengths.map(([name, said]) => ({
    name,
    batch: () => lengthsSaid(said),
    code: 87,
    logStartOffset: START,
  })),
  // Kafka 4.3 takes these lengths for -1; no client writes them.
  ...veryNegativeLengths.map(([name, said]) => ({
    name,
    batch: () => lengthsSaid(said),
    code: 87,
    logStartOffset: START,
  })),
  // Kafka 4.3 answers these two with UNKNOWN_SERVER_ERROR (-1): an exception nobody caught. The code says more here.
  {
    name: 'codec 5',
    batch: () => badBatches.attribute(5),
    code: errors.UNSUPPORTED_COMPRESSION_TYPE.code,
    logStartOffset: NOT_REACHED,
  },
  {
    name: 'gzip over plain records',
    batch: () => badBatches.attribute(1),
    code: INVALID_RECORD.code,
    logStartOffset: START,
  },
]

const accepted: readonly Case[] = [
  { name: 'five bytes behind the batch', batch: badBatches.trailing, code: 0, logStartOffset: START },
  ...[1, -1, -5].map((timestamp) => ({
    name: `timestamp ${timestamp}`,
    batch: () => batchOf(['a'], { timestamp }),
    code: 0,
    logStartOffset: START,
  })),
  {
    name: 'the mark of LogAppendTime in a CreateTime topic',
    batch: () => badBatches.attribute(0x08),
    code: 0,
    logStartOffset: START,
  },
]

describe('a bad batch', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    await makeTopic(client, 'plain')
    await makeTopic(client, 'compacted', { configs: { 'cleanup.policy': 'compact,delete' } })
    await makeTopic(client, 'appended', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    for (const name of ['plain', 'compacted']) {
      await append(client, name, ['first', 'second', 'third'])
      const topics = [{ name, partitions: [{ partitionIndex: 0, offset: START }] }]
      const answer = await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
      assert.equal(answer.topics[0]!.partitions[0]!.lowWatermark, START)
    }
  })

  for (const { name, topic = 'plain', batch, code, logStartOffset, recordErrors = 0, options } of refused) {
    test(`${name} is answered with ${code}, and nothing is appended`, async () => {
      const { partition = 0 } = options ?? {}
      const isThere = topic !== 'unknown' && partition === 0
      const before = isThere ? await offsetOf(client, topic, LATEST) : 0
      const answer = await produceTo(client, topic, batch(), options)
      assert.deepEqual(
        {
          code: answer.errorCode,
          baseOffset: answer.baseOffset,
          logStartOffset: answer.logStartOffset,
          logAppendTimeMs: answer.logAppendTimeMs,
          records: answer.recordErrors.map(({ batchIndex }) => batchIndex),
        },
        {
          code,
          baseOffset: -1,
          logStartOffset,
          logAppendTimeMs: -1,
          records: Array.from({ length: recordErrors }, (_, i) => i),
        },
        answer.errorMessage ?? '',
      )
      assert.ok((answer.errorMessage ?? '').length > 10, 'the answer says what is wrong')
      const other = await local.connect()
      await assertServes(other)
      if (isThere) assert.equal(await offsetOf(other, topic, LATEST), before)
      other.close()
    })
  }

  for (const { name, topic = 'plain', batch, logStartOffset } of accepted) {
    test(`${name} is no fault`, async () => {
      const before = await offsetOf(client, topic, LATEST)
      const answer = await produceTo(client, topic, batch())
      assert.deepEqual(
        [answer.errorCode, answer.baseOffset, answer.logStartOffset, answer.logAppendTimeMs],
        [0, before, logStartOffset, -1],
      )
      assert.ok((await offsetOf(client, topic, LATEST)) > before)
    })
  }

  test('lengths that cannot be are corrupt or cut, and touch nothing', async () => {
    const before = await offsetOf(client, 'plain', LATEST)
    for (const length of [0, -1, 10, 48, 100_000, 2 ** 31 - 1, -(2 ** 31)]) {
      const { errorCode } = await produceTo(client, 'plain', badBatches.length(length))
      assert.ok(
        [INVALID_RECORD.code, CORRUPT_MESSAGE.code].includes(errorCode),
        `length ${length}: ${errorCode}`,
      )
    }
    assert.equal(await offsetOf(client, 'plain', LATEST), before)
  })

  test('the mark of LogAppendTime is refused where the broker sets it', async () => {
    const answer = await produceTo(client, 'appended', badBatches.attribute(0x08))
    assert.deepEqual([answer.errorCode, answer.baseOffset], [INVALID_TIMESTAMP.code, -1])
    const { errorCode, logAppendTimeMs } = await produceTo(
      client,
      'appended',
      batchOf(['a'], { timestamp: 1 }),
    )
    assert.equal(errorCode, 0)
    assert.ok(Math.abs(logAppendTimeMs - Date.now()) < 60_000)
    const [record] = await readAll(client, 'appended')
    assert.equal(record!.timestamp, logAppendTimeMs)
  })

  test('one bad partition of a request does not keep the others from their records', async () => {
    await makeTopic(client, 'several', { partitions: 3 })
    const batches = [batchOf(['good']), badBatches.wrongCrc(), batchOf(['good too'])]
    const answer = await client.ask(produce, 8, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'several', partitionData: batches.map((records, index) => ({ index, records })) }],
    })
    const codes = answer.responses[0]!.partitionResponses.map(({ index, errorCode }) => [index, errorCode])
    assert.deepEqual(codes, [
      [0, 0],
      [1, 2],
      [2, 0],
    ])
    assert.deepEqual(valuesOf(await readAll(client, 'several', { partition: 2 })), ['good too'])
    assert.deepEqual(await readAll(client, 'several', { partition: 1 }), [])
  })

  test('what was there before all this is still served byte for byte', async () => {
    const { records } = await fetchFrom(client, 'plain', START)
    assert.equal(valuesOf(await readAll(client, 'plain'))[0], 'third')
    assert.ok(records!.byteLength > 0)
  })
})
