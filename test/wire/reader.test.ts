// Reading primitives: what the writer wrote, the limits of numbers, and what is refused.
// Whole messages are in codecs.test.ts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { DecodeError, Reader } from '../../src/wire/reader.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'

function written(write: (writer: Writer) => void): Reader {
  const writer = new Writer()
  write(writer)
  return new Reader(flatten(writer.finish()))
}

const hex = (text: string) => new Reader(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** A text with an int16 length of bytes that no UTF-8 has. */
function malformed(size: number): Buffer {
  const bytes = Buffer.alloc(2 + size, 0xff)
  bytes.writeInt16BE(size)
  return bytes
}

describe('Reader', () => {
  test('reads what Writer wrote, for every primitive', () => {
    const primitives = fc.record({
      int32: fc.integer(),
      int64: fc.maxSafeInteger(),
      varint: fc.integer(),
      varlong: fc.maxSafeInteger(),
      uvarint: fc.integer({ min: 0, max: 0xffffffff }),
      text: fc.string({ unit: 'binary', maxLength: 80 }),
      bytes: fc.option(fc.uint8Array({ maxLength: 60 })),
    })
    const property = fc.property(primitives, ({ int32, int64, varint, varlong, uvarint, text, bytes }) => {
      const reader = written((writer) => {
        writer.int32(int32)
        writer.uint32(int32 >>> 0)
        writer.int64(int64)
        writer.varint(varint)
        writer.varlong(varlong)
        writer.uvarint(uvarint)
        writer.string(text)
        writer.compactString(text)
        writer.nullableBytes(bytes)
        writer.nullableCompactBytes(bytes)
      })
      assert.equal(reader.int32(), int32)
      assert.equal(reader.uint32(), int32 >>> 0)
      assert.equal(reader.int64(), int64)
      assert.equal(reader.varint(), varint)
      assert.equal(reader.varlong(), varlong)
      assert.equal(reader.uvarint(), uvarint)
      assert.equal(reader.string(), text)
      assert.equal(reader.compactString(), text)
      const expected = bytes === null ? null : Buffer.from(bytes)
      assert.deepEqual(reader.nullableBytes(), expected)
      assert.deepEqual(reader.nullableCompactBytes(), expected)
      assert.equal(reader.remaining, 0)
    })
    fc.assert(property)
  })

  test('int64 and varlong saturate beyond 2^53 - 1', () => {
    assert.equal(hex('7fffffff ffffffff').int64(), Number.MAX_SAFE_INTEGER)
    assert.equal(hex('00200000 00000000').int64(), Number.MAX_SAFE_INTEGER)
    assert.equal(hex('001fffff ffffffff').int64(), Number.MAX_SAFE_INTEGER)
    assert.equal(hex('80000000 00000000').int64(), Number.MIN_SAFE_INTEGER)
    assert.equal(hex('ffe00000 00000000').int64(), Number.MIN_SAFE_INTEGER)
    assert.equal(hex('feffffffffffffffff01').varlong(), Number.MAX_SAFE_INTEGER)
    assert.equal(hex('ffffffffffffffffff01').varlong(), Number.MIN_SAFE_INTEGER)
  })

  test('varints of the protocol guide: 300 is ac 02, -1 zigzags to 01', () => {
    assert.equal(hex('ac02').uvarint(), 300)
    assert.equal(hex('01').varint(), -1)
    assert.equal(hex('02').varint(), 1)
    assert.equal(hex('ffffffff0f').uvarint(), 0xffffffff)
  })

  test('a varint of more than 32 bits, or without an end, is refused', () => {
    assert.throws(() => hex('ffffffff1f').uvarint(), DecodeError)
    assert.throws(() => hex('8080808080').uvarint(), DecodeError)
    assert.throws(() => hex('ffff').uvarint(), DecodeError)
    assert.throws(() => hex('ffffffffffffffffffff01').varlong(), DecodeError)
  })

  test('nothing is read beyond the end, and the error says where', () => {
    const reader = new Reader(Buffer.alloc(20), 4, 10, 'Thing')
    reader.int32()
    assert.throws(() => reader.int32(), { name: 'DecodeError', message: 'Thing@4: needs 4 bytes, 2 left' })
    assert.throws(() => hex('0005 61').string(), DecodeError)
    assert.throws(() => hex('7fffffff').nullableBytes(), DecodeError)
    assert.throws(() => hex('ffff').string(), /null where a value is required/)
  })

  test('malformed UTF-8 becomes the replacement character, as in Java', () => {
    assert.equal(hex('0003 61ff62').string(), 'a\ufffdb')
  })

  test('malformed UTF-8 that outgrows the longest text is refused: nobody could write it again', () => {
    const most = Math.floor(32767 / 3)
    assert.equal(new Reader(malformed(most)).string().length, most)
    assert.throws(() => new Reader(malformed(most + 1)).string(), DecodeError)
    const body = malformed(most + 1)
    assert.throws(() => findCoordinator.request.decode(body, 0, body.length, 0), DecodeError)
  })

  test('tagged fields are passed over', () => {
    const reader = hex('02 00 01 aa 8001 02 bbbb 7f')
    reader.skipTaggedFields()
    assert.equal(reader.int8(), 0x7f)
  })
})
