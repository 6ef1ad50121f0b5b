// Frames come out as they went in, however the stream was cut, and only what must be copied is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Frame, FrameError, FrameReader } from '../../src/net/frames.ts'
import { frameOf } from './stream.ts'

const MEBIBYTE = 1024 * 1024

function readerInto(receiveBytes: number, maxFrameBytes = 1000) {
  const frames: { text: string; isOwned: boolean }[] = []
  const deliver = ({ bytes, start, end, isOwned }: Frame) =>
    frames.push({ text: bytes.toString('latin1', start, end), isOwned })
  return { frames, reader: new FrameReader(Buffer.alloc(receiveBytes), maxFrameBytes, deliver) }
}

function feed(reader: FrameReader, bytes: Buffer, cuts: readonly number[]): void {
  for (let at = 0, cut = 0; at < bytes.length; cut++) {
    const target = reader.buffer()
    const length = Math.min(target.length, cuts[cut % cuts.length], bytes.length - at)
    bytes.copy(target, 0, at, at + length)
    reader.arrived(length, target)
    at += length
  }
}

describe('FrameReader', () => {
  test('delivers the same frames wherever the stream is cut', () => {
    const payload = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 8 }), cuts, (payloads, sizes) => {
        const { frames, reader } = readerInto(64)
        feed(reader, Buffer.concat(payloads.map(frameOf)), sizes)
        assert.deepEqual(
          frames.map(({ text }) => text),
          payloads.map((bytes) => bytes.toString('latin1')),
        )
      }),
    )
  })

  test('a frame that arrives whole is a view of the receive buffer; one that does not has memory of its own', () => {
    const { frames, reader } = readerInto(64)
    const whole = frameOf('whole')
    const cut = frameOf('c'.repeat(100))
    feed(reader, Buffer.concat([whole, cut]), [1000])
    assert.deepEqual(
      frames.map(({ text, isOwned }) => [text.length, isOwned]),
      [
        [5, false],
        [100, true],
      ],
    )
  })

  test('the rest of a frame is read straight into its own memory', () => {
    const { reader } = readerInto(64)
    feed(reader, frameOf('x'.repeat(200)).subarray(0, 64), [64])
    assert.equal(reader.buffer().length, 200 - 60)
  })

  for (const length of [0, -1, -2147483648, 1001, 2147483647]) {
    test(`a frame that announces ${length} bytes is refused, with the setting that bounds it`, () => {
      const { frames, reader } = readerInto(64)
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(length)
      assert.throws(
        () => feed(reader, bytes, [4]),
        (error: Error) => error instanceof FrameError && error.message.includes('socket.request.max.bytes'),
      )
      assert.equal(frames.length, 0)
    })
  }

  for (const [protocol, first] of [
    ['TLS', '\x16\x03\x01\x02'],
    ['HTTP', 'GET / HTTP/1.1\r\n'],
  ]) {
    test(`who speaks ${protocol} is told apart from who sends too much`, () => {
      const { reader } = readerInto(64)
      assert.throws(
        () => feed(reader, Buffer.from(first, 'latin1'), [64]),
        new RegExp(`how ${protocol} begins`),
      )
    })
  }

  test('a large frame has to arrive in part before memory is taken for all of it', () => {
    const { reader } = readerInto(1024, 1_000_000_000)
    const bytes = Buffer.alloc(1024)
    bytes.writeInt32BE(900_000_000)
    feed(reader, bytes, [1024])
    assert.ok(reader.buffer().length <= 4 * MEBIBYTE)
  })

  for (const length of [1000, 100_000, 4 * MEBIBYTE + 1, 8 * MEBIBYTE, 8 * MEBIBYTE + 1, 33 * MEBIBYTE]) {
    test(`of a frame of ${length} bytes nothing is copied twice`, () => {
      const counter = { bytesCopied: 0 }
      const delivered: number[] = []
      const deliver = ({ start, end }: Frame) => delivered.push(end - start)
      const reader = new FrameReader(Buffer.alloc(64 * 1024), length, deliver, counter)
      feed(reader, frameOf(Buffer.alloc(length)), [64 * 1024])
      assert.deepEqual(delivered, [length])
      assert.ok(counter.bytesCopied <= length, `${counter.bytesCopied} bytes were copied`)
      assert.equal(counter.bytesCopied === 0, length === 1000)
    })
  }
})
