// Batches byte for byte: what Java's client makes of the same records, and that reading undoes writing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '../../../src/wire/crc32c.ts'
import {
  BatchBuilder,
  buildBatch,
  buildEndTransactionMarker,
  largestRecordSize,
  type RecordToWrite,
} from '../../../src/wire/records/build.ts'
import { type Codec, codecName, codecs } from '../../../src/wire/records/compression/index.ts'
import { records } from '../../../src/wire/records/record.ts'
import { javaBatches } from './foreign-bytes.ts'

const hex = (text: string) => text.replaceAll(' ', '')

/** The 20 records of `javaBatches`. */
const javaRecords: RecordToWrite[] = Array.from({ length: 20 }, (_, i) => ({
  timestamp: 1_700_000_000_000 + i * (i % 3 === 0 ? -1000 : 1000),
  key: i % 4 === 0 ? null : Buffer.from(`key-${i}`),
  value: i % 5 === 0 ? null : Buffer.from(`value value value value ${i}`),
  headers:
    i % 7 === 0
      ? [
          { key: 'h', value: Buffer.from('x') },
          { key: 'h', value: null },
          { key: 'grüß', value: Buffer.alloc(0) },
        ]
      : [],
}))

const part = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })
const anyRecords = fc.array(
  fc.record({
    timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
    key: part,
    value: part,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 8, unit: 'grapheme' }), value: part }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 30 },
)

describe('buildBatch', () => {
  test('two records have the 86 bytes that Java 4.3 gives them', () => {
    const batch = buildBatch({
      records: [
        { timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('v') },
        {
          timestamp: 1001,
          headers: [
            { key: 'h1', value: Buffer.from('v') },
            { key: 'h2', value: null },
          ],
        },
      ],
    })
    const expected =
      '0000000000000000 0000004a ffffffff 02 af81154c 0000 00000001 00000000000003e8 00000000000003e9' +
      'ffffffffffffffff ffff ffffffff 00000002 10 00 00 00 02 6b 02 76 00 1e 00 02 02 01 01 04 04 6831 02 76 04 6832 01'
    assert.equal(batch.toString('hex'), hex(expected))
  })

  test('twenty records of every shape have the bytes that Java 4.3 gives them', () => {
    assert.equal(buildBatch({ records: javaRecords }).toString('hex'), javaBatches.none.toString('hex'))
  })

  test('a commit and an abort marker have the 78 bytes that Java 4.3 gives them', () => {
    const marker = {
      isCommit: true,
      producerId: 1000,
      producerEpoch: 5,
      coordinatorEpoch: 7,
      timestamp: 1_700_000_000_000,
      baseOffset: 42,
      partitionLeaderEpoch: 3,
    }
    assert.equal(buildEndTransactionMarker(marker).toString('hex'), javaBatches.commit.toString('hex'))
    const abort = buildEndTransactionMarker({ ...marker, isCommit: false })
    assert.equal(abort.readUInt32BE(17), 0xb4ebc2a1)
    assert.equal(abort.length, 78)
  })

  for (const codec of Object.values(codecs) as Codec[]) {
    test(`${codecName(codec)}: reading gives back what was written, under a right checksum`, () => {
      const roundTrip = (written: RecordToWrite[]) => {
        const batch = buildBatch({ records: written, compression: codec })
        assert.equal(batch.readUInt32BE(17), crc32c(batch, 21))
        assert.equal(batch.readInt32BE(8), batch.length - 12)
        assert.equal(batch.readInt16BE(21), codec)
        const read = [...records(batch)].map(({ offset, ...record }) => record)
        const bytes = (value: Uint8Array | null | undefined) => (value ? Buffer.from(value) : null)
        const expected = written.map((record) => ({
          timestamp: record.timestamp,
          key: bytes(record.key),
          value: bytes(record.value),
          headers: record.headers!.map(({ key, value }) => ({
            key: Buffer.from(key).toString(),
            value: bytes(value),
          })),
        }))
        assert.deepEqual(read, expected)
      }
      fc.assert(fc.property(anyRecords, roundTrip), { numRuns: 50 })
    })
  }

  test('attributes, producer and maxTimestamp stand where the format says', () => {
    const batch = buildBatch({
      records: [{ timestamp: 9 }, { timestamp: 5 }],
      compression: codecs.gzip,
      transactional: true,
      producerId: 2 ** 40 + 1,
      producerEpoch: 3,
      baseSequence: 77,
    })
    assert.equal(batch.readInt16BE(21), 0x11)
    assert.equal(batch.readInt32BE(23), 1)
    assert.equal(batch.readBigInt64BE(27), 9n)
    assert.equal(batch.readBigInt64BE(35), 9n)
    assert.equal(batch.readBigInt64BE(43), 2n ** 40n + 1n)
    assert.equal(batch.readInt16BE(51), 3)
    assert.equal(batch.readInt32BE(53), 77)
  })

  test('with LogAppendTime every record has the time of the broker', () => {
    const batch = buildBatch({ records: [{ timestamp: 1 }, { timestamp: 2 }], appendTimestamp: 500 })
    assert.equal(batch.readInt16BE(21), 0x08)
    assert.deepEqual(
      [...records(batch)].map((record) => record.timestamp),
      [500, 500],
    )
  })

  test('a cleaned batch keeps its gaps, its last offset and its delete horizon', () => {
    const kept = [
      { timestamp: 1000, key: Buffer.from('a'), offsetDelta: 2 },
      { timestamp: 900, key: Buffer.from('b'), offsetDelta: 7 },
    ]
    const batch = buildBatch({
      records: kept,
      baseOffset: 100,
      lastOffsetDelta: 9,
      deleteHorizonMs: 1_700_000_000_000,
    })
    assert.equal(batch.readInt16BE(21), 0x40)
    assert.equal(batch.readInt32BE(23), 9)
    assert.equal(batch.readBigInt64BE(27), 1_700_000_000_000n)
    assert.deepEqual(
      [...records(batch)].map(({ offset, timestamp }) => [offset, timestamp]),
      [
        [102, 1000],
        [107, 900],
      ],
    )
  })

  test('an empty batch, kept by the cleaner, is a header alone and never compressed', () => {
    const batch = buildBatch({ records: [], compression: codecs.lz4, lastOffsetDelta: 4, maxTimestamp: 12 })
    assert.equal(batch.length, 61)
    assert.equal(batch.readInt16BE(21), 0)
    assert.equal(batch.readBigInt64BE(27), -1n)
    assert.equal(batch.readBigInt64BE(35), 12n)
    assert.deepEqual([...records(batch)], [])
  })
})

describe('BatchBuilder', () => {
  test('sizeInBytes is the size of the uncompressed batch, and largestRecordSize never less than what a record adds', () => {
    const sizes = (written: RecordToWrite[]) => {
      const builder = new BatchBuilder()
      for (const record of written) {
        const before = builder.sizeInBytes
        builder.append(record)
        assert.ok(builder.sizeInBytes - before <= largestRecordSize(record))
      }
      assert.equal(builder.recordsCount, written.length)
      assert.equal(builder.build().length, builder.sizeInBytes)
    }
    fc.assert(fc.property(anyRecords, sizes))
  })
})
