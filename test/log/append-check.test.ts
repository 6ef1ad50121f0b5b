// What a leader accepts from clients, and with which code it refuses the rest (measured on Apache Kafka 4.3).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LogConfig } from '../../src/log/log.ts'
import { RecordsError } from '../../src/log/log.ts'
import { walkRecords } from '../../src/log/record-walk.ts'
import { KafkaError } from '../../src/wire/errors.ts'
import * as batch from '../../src/wire/records/batch.ts'
import { type BatchOptions, buildBatch } from '../../src/wire/records/build.ts'
import { codecs } from '../../src/wire/records/compression/index.ts'
import { RecordReader, records } from '../../src/wire/records/record.ts'
import { lengthsSaid, veryNegativeLengths, wrongLengths } from '../support/bad-batches.ts'
import { appendAndWrite, batchesIn, batchOf, bytesOf, openLog, readAll, workshop } from './workshop.ts'

const NOW = 1_700_000_000_000

interface Outcome {
  readonly code: string
  readonly recordErrors?: readonly { batchIndex: number }[]
  /** The batch as stored. */
  readonly stored?: Buffer
}

function outcome(bytes: Buffer, config: Partial<LogConfig> = {}): Outcome {
  const log = openLog(workshop(), config)
  try {
    appendAndWrite(log, bytes)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    assert.deepEqual([log.endOffset, log.hasQueued], [0, false], 'nothing is appended')
    const recordErrors = error instanceof RecordsError ? error.recordErrors : undefined
    return { code: error.error.name, recordErrors }
  }
  const stored = bytesOf(
    log.read(0, { maxBytes: 1 << 22, limitOffset: log.writtenEndOffset, minOneBatch: true }),
  )
  assert.equal(batchesIn(stored).length, 1)
  assert.ok(batch.hasValidCrc(stored, 0), 'what is stored has a valid checksum')
  return { code: 'NONE', stored }
}

/** A good batch of two records, changed by `change`, with its checksum made good again. */
function changed(change: (bytes: Buffer) => void, options: BatchOptions & { key?: string } = {}): Buffer {
  const bytes = batchOf(['one', 'two'], { key: 'k', ...options })
  change(bytes)
  batch.writeCrc(bytes, 0)
  return bytes
}

const compacted: Partial<LogConfig> = { cleanupPolicy: ['compact'] }
const ownTime: Partial<LogConfig> = { messageTimestampType: 'LogAppendTime' }
const HOUR_MS = 3_600_000

const refusals: readonly (readonly [string, Buffer, string, Partial<LogConfig>?])[] = [
  ['no bytes', Buffer.alloc(0), 'INVALID_RECORD'],
  ['a cut batch', batchOf(['one']).subarray(0, 65), 'INVALID_RECORD'],
  ['two batches', Buffer.concat([batchOf(['one']), batchOf(['two'])]), 'INVALID_RECORD'],
  ['format 1', changed((bytes) => (bytes[16] = 1)), 'INVALID_RECORD'],
  [
    'a length below that of a header',
    changed((bytes) => bytes.writeInt32BE(49, 8)).fill(0, 8, 12),
    'CORRUPT_MESSAGE',
  ],
  ['a base offset other than 0', changed((bytes) => batch.setBaseOffset(bytes, 0, 5)), 'INVALID_RECORD'],
  ['a wrong checksum', batchOf(['one']).fill(1, 70, 71), 'CORRUPT_MESSAGE'],
  ['no records', changed((bytes) => bytes.writeInt32BE(0, 57)), 'INVALID_RECORD'],
  [
    'a count that does not fit the last offset delta',
    changed((bytes) => bytes.writeInt32BE(3, 57)),
    'INVALID_RECORD',
  ],
  ['a negative last offset delta', changed((bytes) => bytes.writeInt32BE(-1, 23)), 'INVALID_RECORD'],
  [
    'more records announced than there are',
    changed((bytes) => {
      bytes.writeInt32BE(3, 57)
      bytes.writeInt32BE(2, 23)
    }),
    'INVALID_RECORD',
  ],
  [
    'fewer records announced than there are',
    changed((bytes) => {
      bytes.writeInt32BE(1, 57)
      bytes.writeInt32BE(0, 23)
    }),
    'INVALID_RECORD',
  ],
  ['the control bit', changed((bytes) => (bytes[22] = 0x20)), 'INVALID_RECORD'],
  [
    'a producer id without a sequence',
    batchOf(['one'], { producerId: 4, producerEpoch: 0 }),
    'INVALID_RECORD',
  ],
  ['codec 5', changed((bytes) => (bytes[22] = 5)), 'UNSUPPORTED_COMPRESSION_TYPE'],
  ['the gzip bit over plain bytes', changed((bytes) => (bytes[22] = 1)), 'INVALID_RECORD'],
  ['the zstd bit over plain bytes', changed((bytes) => (bytes[22] = 4)), 'INVALID_RECORD'],
  [
    'offset deltas that do not count up',
    buildBatch({ records: [{ timestamp: NOW, offsetDelta: 1 }], lastOffsetDelta: 0 }),
    'INVALID_RECORD',
  ],
  [
    'more bytes than max.message.bytes',
    batchOf(['x'.repeat(2000)]),
    'MESSAGE_TOO_LARGE',
    { maxMessageBytes: 2000 },
  ],
  [
    'more bytes than segment.bytes',
    batchOf(['x'.repeat(2000)]),
    'RECORD_LIST_TOO_LARGE',
    { segmentBytes: 2000 },
  ],
  ['a null key in a compacted topic', batchOf(['one']), 'INVALID_RECORD', compacted],
  [
    'a null key in a compacted topic, compressed',
    batchOf(['one'], { compression: codecs.zstd }),
    'INVALID_RECORD',
    compacted,
  ],
  ['a timestamp two hours ahead', batchOf(['one'], { timestamp: NOW + 2 * HOUR_MS }), 'INVALID_TIMESTAMP'],
  [
    'the same, compressed',
    batchOf(['one'], { timestamp: NOW + 2 * HOUR_MS, compression: codecs.lz4 }),
    'INVALID_TIMESTAMP',
  ],
  [
    'a timestamp too long ago',
    batchOf(['one'], { timestamp: NOW - 1001 }),
    'INVALID_TIMESTAMP',
    { messageTimestampBeforeMaxMs: 1000 },
  ],
  [
    'LogAppendTime from a client where the broker sets it',
    batchOf(['one'], { appendTimestamp: NOW }),
    'INVALID_TIMESTAMP',
    ownTime,
  ],
]

describe('a client’s batch is refused for', () => {
  for (const [name, bytes, code, config] of refusals) {
    test(`${name}: ${code}`, () => assert.equal(outcome(bytes, config).code, code))
  }

  for (const [name, said] of [...wrongLengths, ...veryNegativeLengths]) {
    test(`${name}: INVALID_RECORD`, () => {
      assert.equal(outcome(lengthsSaid({}, NOW), compacted).code, 'NONE', 'but for that it is good')
      for (const config of [{}, compacted, ownTime]) {
        assert.equal(outcome(lengthsSaid(said, NOW), config).code, 'INVALID_RECORD')
      }
    })
  }

  test('every truncation and every flipped bit of its header, with one of these codes', () => {
    const good = batchOf(['one', 'two'])
    for (let length = 0; length < good.byteLength; length++) {
      assert.notEqual(outcome(Buffer.from(good.subarray(0, length))).code, 'NONE')
    }
    for (let bit = 0; bit < 61 * 8; bit++) {
      const bytes = Buffer.from(good)
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7))
      const isEpoch = bit >> 3 >= 12 && bit >> 3 < 16
      assert.equal(outcome(bytes).code === 'NONE', isEpoch, `bit ${bit}`)
    }
  })

  test('any bytes, with a KafkaError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, isSealed) => {
        const bytes = Buffer.from(noise)
        if (isSealed && bytes.byteLength >= 61) {
          bytes.writeInt32BE(bytes.byteLength - 12, 8)
          bytes.fill(0, 0, 8)
          bytes[16] = 2
          batch.writeCrc(bytes, 0)
        }
        outcome(bytes)
        outcome(bytes, compacted)
      }),
    )
  })
})

describe('a client’s batch is accepted', () => {
  test('with any timestamp in the past, even before 1970, unless the topic says otherwise', () => {
    for (const timestamp of [1, -1, -5, NOW, NOW + HOUR_MS - 1]) {
      assert.equal(outcome(batchOf(['one'], { timestamp })).code, 'NONE', String(timestamp))
    }
  })

  test('without its trailing part of another batch', () => {
    const { stored } = outcome(Buffer.concat([batchOf(['one']), Buffer.alloc(5)]))
    assert.equal(stored?.byteLength, batchOf(['one']).byteLength)
  })

  test('as it is, but for offset and epoch', () => {
    const bytes = batchOf(['one', 'two'], { compression: codecs.snappy })
    const { stored } = outcome(Buffer.from(bytes))
    assert.deepEqual(stored!.subarray(17), bytes.subarray(17))
  })

  test('with its largest timestamp set right', () => {
    const wrong = changed((bytes) => batch.setMaxTimestamp(bytes, 0, NOW + 77))
    assert.equal(batch.maxTimestamp(outcome(wrong).stored!, 0), NOW + 1)
    const flagged = changed((bytes) => (bytes[22] = 0x08))
    const { stored } = outcome(flagged)
    assert.equal(batch.isLogAppendTime(stored!, 0), false)
  })

  test('with the broker’s time where the topic wants that, compressed or not', () => {
    for (const compression of [codecs.none, codecs.gzip]) {
      const { stored } = outcome(batchOf(['one', 'two'], { timestamp: 5, compression }), ownTime)
      assert.deepEqual([batch.isLogAppendTime(stored!, 0), batch.maxTimestamp(stored!, 0)], [true, NOW])
      assert.deepEqual(
        [...records(stored!)].map((record) => record.timestamp),
        [NOW, NOW],
      )
    }
  })

  test('and the answer carries the broker’s time', () => {
    const log = openLog(workshop(), ownTime)
    const options = { origin: 'client', leaderEpoch: 0, retain: false } as const
    assert.equal(log.append(batchOf(['one']), options).logAppendTimeMs, NOW)
    assert.equal(openLog(workshop()).append(batchOf(['one']), options).logAppendTimeMs, -1)
  })

  for (const compressionType of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`and stored as ${compressionType} where the topic wants that, whatever the producer chose`, () => {
      for (const compression of Object.values(codecs)) {
        const options = {
          compression,
          key: 'k',
          producerId: 9,
          producerEpoch: 2,
          baseSequence: 40,
          transactional: true,
        }
        const log = openLog(workshop(), { compressionType })
        appendAndWrite(log, batchOf(['one', 'two'], options))
        const [stored] = batchesIn(bytesOf(log.read(0, { maxBytes: 1e6, limitOffset: 2, minOneBatch: true })))
        const wanted = compressionType === 'uncompressed' ? codecs.none : codecs[compressionType]
        assert.equal(batch.codecOf(stored!, 0), wanted)
        assert.ok(batch.hasValidCrc(stored!, 0))
        assert.deepEqual(
          readAll(log).map((record) => [
            record.offset,
            record.timestamp,
            String(record.key),
            String(record.value),
          ]),
          [
            [0, NOW, 'k', 'one'],
            [1, NOW + 1, 'k', 'two'],
          ],
        )
        assert.deepEqual(
          [batch.producerId, batch.producerEpoch, batch.baseSequence].map((field) => field(stored!, 0)),
          [9, 2, 40],
        )
        assert.equal(batch.isTransactional(stored!, 0), true)
      }
    })
  }
})

describe('the answer names the records at fault', () => {
  test('by their index in the batch; a timestamp decides the code', () => {
    const late = { timestamp: NOW + 2 * HOUR_MS, key: Buffer.from('k') }
    const good = { timestamp: NOW, key: Buffer.from('k') }
    const keyless = { timestamp: NOW }
    const mixed = outcome(buildBatch({ records: [good, late, keyless, late] }), compacted)
    assert.equal(mixed.code, 'INVALID_TIMESTAMP')
    assert.deepEqual(
      mixed.recordErrors?.map((error) => error.batchIndex),
      [1, 2, 3],
    )
    const keys = outcome(buildBatch({ records: [good, keyless] }), compacted)
    assert.equal(keys.code, 'INVALID_RECORD')
    assert.deepEqual(
      keys.recordErrors?.map((error) => error.batchIndex),
      [1],
    )
  })
})

describe('the walk over records', () => {
  test('sees the same largest timestamp and null keys as a reader, whatever the records', () => {
    const record = fc.record({
      timestamp: fc.oneof(
        fc.integer({ min: -5, max: 100 }),
        fc.constant(-1),
        fc.integer({ min: NOW, max: NOW * 4 }),
      ),
      key: fc.option(fc.uint8Array({ maxLength: 200 })),
      value: fc.oneof(fc.option(fc.uint8Array({ maxLength: 200 })), fc.constant(Buffer.alloc(9000))),
      headers: fc.array(
        fc.record({ key: fc.string(), value: fc.option(fc.uint8Array({ maxLength: 200 })) }),
        { maxLength: 2 },
      ),
    })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 80 }), (written) => {
        const bytes = buildBatch({ records: written })
        const walk = walkRecords(bytes, 61, bytes.byteLength, written.length, batch.baseTimestamp(bytes, 0))
        assert.equal(walk.damage, undefined)
        assert.equal(walk.maxTimestamp, Math.max(...written.map(({ timestamp }) => timestamp)))
        assert.equal(
          walk.hasNullKey,
          written.some(({ key }) => key === null),
        )
        const timed = written.map(({ timestamp }) => timestamp).filter((timestamp) => timestamp !== -1)
        assert.equal(walk.minTimestamp, Math.min(...timed))
      }),
    )
  })

  test('goes on where numbers get longer: ten thousand records in a batch', () => {
    const written = Array.from({ length: 10_000 }, (_, i) => ({ timestamp: NOW + i * 7, key: null }))
    const bytes = buildBatch({ records: written })
    const walk = walkRecords(bytes, 61, bytes.byteLength, written.length, NOW)
    assert.equal(walk.damage, undefined)
    assert.equal(walk.maxTimestamp, NOW + 69_993)
    const cut = walkRecords(bytes, 61, bytes.byteLength - 1, written.length, NOW)
    assert.deepEqual([cut.damagedIndex, typeof cut.damage], [9999, 'string'])
  })

  test('refuses what a reader refuses, and nothing else: every byte of every record, changed', () => {
    const headers = [
      { key: 'a', value: Buffer.from('1') },
      { key: '', value: null },
    ]
    const key = Buffer.from('key')
    const bytes = buildBatch({
      records: [
        { timestamp: NOW, key, value: Buffer.from('one'), headers },
        { timestamp: NOW + 300, key, value: null },
        { timestamp: NOW + 1, key: null, value: Buffer.from('x'.repeat(70)), headers },
      ],
    })
    let refused = 0
    let accepted = 0
    for (let at = 61; at < bytes.byteLength; at++) {
      for (let value = 0; value < 256; value++) {
        const spoiled = Buffer.from(bytes)
        spoiled[at] = value
        const { damage } = walkRecords(spoiled, 61, spoiled.byteLength, 3, NOW)
        assert.equal(damage === undefined, isReadable(spoiled), `byte ${at} set to ${value}: ${damage}`)
        if (damage === undefined) accepted++
        else refused++
      }
    }
    assert.ok(refused > 5000 && accepted > 5000, `${refused} refused, ${accepted} accepted`)
  })
})

/** Whether a reader gets through, with offsets that count up. */
function isReadable(bytes: Buffer): boolean {
  const reader = new RecordReader(bytes)
  try {
    for (let index = 0; reader.next(); index++) if (reader.offsetDelta !== index) return false
    return true
  } catch (error) {
    if (error instanceof KafkaError) return false
    throw error
  }
}
