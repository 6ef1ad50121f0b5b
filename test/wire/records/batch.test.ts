// The view over batch headers, against bytes that Apache Kafka 4.3 made.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as batch from '../../../src/wire/records/batch.ts'
import { buildBatch } from '../../../src/wire/records/build.ts'

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex')

/** Two records with the timestamps 1000 and 1001. */
const plain = bytesOf(`
  0000000000000000 0000004a ffffffff 02 af81154c 0000 00000001 00000000000003e8 00000000000003e9 ffffffffffffffff ffff
  ffffffff 00000002 10 00 00 00 02 6b 02 76 00 1e 00 02 02 01 01 04 04 6831 02 76 04 6832 01`)

/** A COMMIT marker at offset 42. */
const commit = bytesOf(`
  000000000000002a 00000042 00000003 02 40d514e9 0030 00000000 0000018bcfe56800 0000018bcfe56800 00000000000003e8 0005
  ffffffff 00000001 20 00 00 00 08 00000001 0c 0000 00000007 00`)

/** Every field, by its name. */
function fields(bytes: Buffer, position = 0): Record<string, unknown> {
  const read = {
    baseOffset: batch.baseOffset,
    sizeInBytes: batch.sizeInBytes,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    magic: batch.magic,
    crc: batch.crc,
    attributes: batch.attributes,
    codec: batch.codecOf,
    isLogAppendTime: batch.isLogAppendTime,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    hasDeleteHorizon: batch.hasDeleteHorizon,
    lastOffset: batch.lastOffset,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    recordsCount: batch.recordsCount,
    hasValidCrc: batch.hasValidCrc,
    damage: batch.damageOf,
  }
  return Object.fromEntries(Object.entries(read).map(([name, field]) => [name, field(bytes, position)]))
}

const none = { isLogAppendTime: false, isTransactional: false, isControl: false, hasDeleteHorizon: false }

describe('a batch header', () => {
  test('of plain records is read as Kafka wrote it', () => {
    assert.deepEqual(fields(plain), {
      ...none,
      baseOffset: 0,
      sizeInBytes: 86,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: 0xaf81154c,
      attributes: 0,
      codec: 0,
      lastOffset: 1,
      baseTimestamp: 1000,
      maxTimestamp: 1001,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      lastSequence: -1,
      recordsCount: 2,
      hasValidCrc: true,
      damage: undefined,
    })
  })

  test('of a marker is read as Kafka wrote it, at any position', () => {
    const shifted = Buffer.concat([Buffer.alloc(13, 0xee), commit])
    assert.deepEqual(fields(shifted, 13), {
      ...none,
      baseOffset: 42,
      sizeInBytes: 78,
      partitionLeaderEpoch: 3,
      magic: 2,
      crc: 0x40d514e9,
      attributes: 0x30,
      codec: 0,
      isTransactional: true,
      isControl: true,
      lastOffset: 42,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_000,
      producerId: 1000,
      producerEpoch: 5,
      baseSequence: -1,
      lastSequence: -1,
      recordsCount: 1,
      hasValidCrc: true,
      damage: undefined,
    })
  })

  test('may get offset and leader epoch without a new checksum', () => {
    const bytes = Buffer.from(plain)
    batch.setBaseOffset(bytes, 0, 2 ** 40 + 7)
    batch.setPartitionLeaderEpoch(bytes, 0, 12)
    assert.deepEqual([batch.baseOffset(bytes, 0), batch.lastOffset(bytes, 0)], [2 ** 40 + 7, 2 ** 40 + 8])
    assert.equal(batch.partitionLeaderEpoch(bytes, 0), 12)
    assert.equal(batch.hasValidCrc(bytes, 0), true)
  })

  test('needs a new checksum for a new largest timestamp or LogAppendTime', () => {
    const bytes = Buffer.from(plain)
    batch.setMaxTimestamp(bytes, 0, 5_000_000_000_000)
    batch.setLogAppendTime(bytes, 0, true)
    assert.equal(batch.hasValidCrc(bytes, 0), false)
    batch.writeCrc(bytes, 0)
    assert.equal(batch.hasValidCrc(bytes, 0), true)
    assert.deepEqual(
      [batch.maxTimestamp(bytes, 0), batch.isLogAppendTime(bytes, 0)],
      [5_000_000_000_000, true],
    )
    batch.setLogAppendTime(bytes, 0, false)
    assert.equal(batch.isLogAppendTime(bytes, 0), false)
  })

  test('is damage with an unknown format or a length that no batch has', () => {
    const spoilt = (at: number, value: number[]): string | undefined => {
      const bytes = Buffer.from(plain)
      bytes.set(value, at)
      return batch.damageOf(bytes, 0)
    }
    assert.match(spoilt(16, [3])!, /format 3/)
    assert.match(spoilt(16, [0xff])!, /format -1/)
    assert.match(spoilt(8, [0, 0, 0, 48])!, /length 48/)
    assert.match(spoilt(8, [0xff, 0, 0, 49])!, /length -/)
    assert.equal(spoilt(8, [0, 0, 0, 49]), undefined)
  })

  test('any flipped bit from the checksum on is noticed', () => {
    for (let bit = 17 * 8; bit < plain.byteLength * 8; bit++) {
      const bytes = Buffer.from(plain)
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7))
      assert.equal(batch.hasValidCrc(bytes, 0), false, `bit ${bit}`)
    }
  })

  test('of format v1 and v0 is read as far as it goes', () => {
    // offset 9 | size 22 + 3 | crc | magic 1 | attributes 0 | timestamp 1000 | key null | value "abc"
    const v1 = bytesOf('0000000000000009 00000019 612526e0 01 00 00000000000003e8 ffffffff 00000003 616263')
    const first = fields(v1)
    assert.deepEqual(
      [
        first.sizeInBytes,
        first.lastOffset,
        first.maxTimestamp,
        first.producerId,
        first.damage,
        first.hasValidCrc,
      ],
      [37, 9, 1000, -1, undefined, true],
    )
    const v0 = bytesOf('0000000000000009 00000011 00000000 00 00 ffffffff 00000003 616263')
    const second = fields(v0)
    assert.deepEqual(
      [
        second.sizeInBytes,
        second.lastOffset,
        second.maxTimestamp,
        second.isTransactional,
        second.hasValidCrc,
      ],
      [29, 9, -1, false, false],
    )
  })
})

describe('numbers in a header', () => {
  test('int64 is exact within 2^53, on either side', () => {
    const bytes = Buffer.alloc(8)
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        batch.writeInt64(bytes, 0, value)
        assert.equal(bytes.readBigInt64BE(), BigInt(value))
        assert.equal(batch.readInt64(bytes, 0), value)
      }),
    )
  })

  test('sequences go round after 2147483647', () => {
    const bytes = buildBatch({
      records: [{ timestamp: 0 }, { timestamp: 0 }, { timestamp: 0 }],
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 2_147_483_646,
    })
    assert.equal(batch.lastSequence(bytes, 0), 0)
    assert.equal(batch.incrementSequence(2_147_483_647, 1), 0)
  })
})
