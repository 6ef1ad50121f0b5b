// Writing: pooled memory that never overlaps, chunks that are never copied, and what is refused.
// Whole messages are in codecs.test.ts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AssertionError } from '../../src/lib/assert.ts'
import { consumerGroupHeartbeat } from '../../src/wire/apis/consumer-group-heartbeat.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'

describe('Writer', () => {
  test('what finish returned is never written to again', () => {
    const messages = Array.from({ length: 3000 }, (_, index) => {
      const writer = new Writer()
      writer.string(`message ${index} ${'.'.repeat(index % 700)}`)
      return { index, encoded: writer.finish() }
    })
    for (const { index, encoded } of messages) {
      const text = flatten(encoded).toString('utf8', 2)
      assert.equal(text, `message ${index} ${'.'.repeat(index % 700)}`)
    }
  })

  test('writers that are open at the same time do not meet', () => {
    const writers = Array.from({ length: 12 }, () => new Writer())
    for (let round = 0; round < 50; round++) {
      for (const [index, writer] of writers.entries()) writer.int32(index)
    }
    for (const [index, writer] of writers.entries()) {
      const bytes = flatten(writer.finish())
      for (let at = 0; at < 200; at += 4) assert.equal(bytes.readInt32BE(at), index)
    }
  })

  test('a finished writer holds no memory of the next', () => {
    const writer = new Writer()
    writer.int8(1)
    writer.finish()
    assert.equal(writer.buffer.length, 0)
  })

  test('big bytes and record batches become chunks of their own, uncopied and in order', () => {
    const big = Buffer.alloc(1025, 1)
    const batch = Buffer.from('batch')
    const range = { byteLength: 70_000 }
    const writer = new Writer()
    writer.openFrame()
    writer.nullableBytes(big)
    writer.records([batch, range])
    writer.compactRecords(null)
    const { chunks, byteLength } = writer.finish()
    assert.equal(chunks.length, 6)
    assert.equal(chunks[1], big)
    assert.equal(chunks[3], batch)
    assert.equal(chunks[4], range)
    assert.equal(byteLength, 4 + 4 + 1025 + 4 + 5 + 70_000 + 1)
    assert.equal((chunks[0] as Buffer).readInt32BE(0), byteLength - 4)
    assert.equal((chunks[2] as Buffer).readInt32BE(0), 70_005)
  })

  test('empty record batches leave no empty chunk', () => {
    const writer = new Writer()
    writer.records(Buffer.alloc(0))
    writer.records([])
    const { chunks, byteLength } = writer.finish()
    assert.equal(chunks.length, 1)
    assert.equal(byteLength, 8)
  })

  test('a message larger than its slab goes on in further chunks, its size still in front', () => {
    const writer = new Writer()
    writer.openFrame()
    for (let index = 0; index < 40_000; index++) writer.int32(index)
    const encoded = writer.finish()
    const bytes = flatten(encoded)
    assert.ok(encoded.chunks.length > 1)
    assert.equal(bytes.readInt32BE(0), 160_000)
    for (let index = 0; index < 40_000; index++) assert.equal(bytes.readInt32BE(4 + index * 4), index)
  })

  test('a tagged field is number, size, content, also when the content is large', () => {
    const writer = new Writer()
    writer.tagged(3, (inner) => inner.int16(7))
    writer.tagged(4, (inner) => inner.nullableCompactBytes(Buffer.alloc(2000, 9)))
    const bytes = flatten(writer.finish())
    assert.equal(bytes.toString('hex', 0, 4), '03020007')
    assert.equal(bytes.toString('hex', 4, 9), '04d20fd10f')
    assert.equal(bytes.length, 4 + 5 + 2000)
  })

  test('what an answer says about an error is cut where it quotes too much', () => {
    const errorMessage = 'ü'.repeat(40_000)
    for (const version of [0, 1]) {
      const writer = new Writer()
      consumerGroupHeartbeat.response.encode(writer, { errorMessage, memberId: 'm'.repeat(32_767) }, version)
      const bytes = flatten(writer.finish())
      const answer = consumerGroupHeartbeat.response.decode(bytes, 0, bytes.length, version)
      assert.equal(answer.errorMessage, `${'ü'.repeat(4096)}…`)
      assert.equal(answer.memberId?.length, 32_767)
    }
  })

  test('what the protocol cannot carry is a broken invariant', () => {
    const writer = new Writer()
    assert.throws(() => writer.int64(2 ** 53), AssertionError)
    assert.throws(() => writer.int64(0.5), AssertionError)
    assert.throws(() => writer.uuid('short'), AssertionError)
    assert.throws(() => writer.uuid('!!!!!!!!!!!!!!!!!!!!!!'), AssertionError)
    assert.throws(() => writer.string('x'.repeat(32768)), AssertionError)
    assert.doesNotThrow(() => writer.string('x'.repeat(32767)))
  })
})
