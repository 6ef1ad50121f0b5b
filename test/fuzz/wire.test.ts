// Bytes that nobody meant: any of them into any decoder give a value or a DecodeError, in memory that the
// bytes can back.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/wire/api.ts'
import { apis, deleteTopics } from '../../src/wire/apis/index.ts'
import { decodeRequestHeader, decodeResponseHeader } from '../../src/wire/frame.ts'
import { DecodeError } from '../../src/wire/reader.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'
import { arbitraryValue } from '../wire/arbitrary.ts'

const messages = [...apis.values()].flatMap((api): Message[] => [api.request, api.response])

/** Decodes, and holds the decoder to its promises. */
function probe(message: Message, bytes: Buffer, version: number): 'value' | 'error' {
  try {
    const value = message.decode(bytes, 0, bytes.length, version)
    assert.ok(elements(value) <= bytes.length, 'more elements than bytes')
    return 'value'
  } catch (error) {
    assert.ok(error instanceof DecodeError, `${message.name} v${version}: ${error} is no DecodeError`)
    assert.match(error.message, new RegExp(`^${message.name}\\.[\\w.()]+@\\d+: `))
    assert.ok(error.offset >= 0 && error.offset <= bytes.length, error.message)
    return 'error'
  }
}

/** How many elements all arrays of a value have together. */
function elements(value: unknown): number {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 0
  const own = Array.isArray(value) ? value.length : 0
  return Object.values(value).reduce<number>((sum, inner) => sum + elements(inner), own)
}

function encode(message: Message, value: unknown, version: number): Buffer {
  const writer = new Writer()
  message.encode(writer, value as never, version)
  return flatten(writer.finish())
}

const someMessage = fc
  .constantFrom(...messages)
  .chain((message) =>
    fc.tuple(fc.constant(message), fc.integer({ min: message.versions[0], max: message.versions[1] })),
  )
const someValue = someMessage.chain(([message, version]) =>
  fc.tuple(fc.constant(message), fc.constant(version), arbitraryValue(message, version)),
)

describe('decoders under bytes that nobody meant', () => {
  test('random bytes give a value or a DecodeError', () => {
    const seen = { value: 0, error: 0 }
    const property = fc.property(
      someMessage,
      fc.uint8Array({ maxLength: 200 }),
      ([message, version], bytes) => {
        seen[probe(message, Buffer.from(bytes), version)]++
      },
    )
    fc.assert(property, { numRuns: 4000 })
    assert.ok(seen.value > 0 && seen.error > 0, JSON.stringify(seen))
  })

  test('a valid message cut anywhere gives a DecodeError, as no message is the beginning of another', () => {
    const property = fc.property(someValue, ([message, version, value]) => {
      const bytes = encode(message, value, version)
      for (let size = 0; size < bytes.length; size += 1 + (size >> 4)) {
        assert.equal(probe(message, bytes.subarray(0, size), version), 'error', `cut at ${size}`)
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('a valid message with bytes changed gives a value or a DecodeError', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    const property = fc.property(someValue, changes, ([message, version, value], edits) => {
      const bytes = encode(message, value, version)
      for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte
      probe(message, bytes, version)
    })
    fc.assert(property, { numRuns: 2000 })
  })

  test('bytes that all claim the most are refused at once, whatever the message', () => {
    for (const message of messages) {
      for (let version = message.versions[0]; version <= message.versions[1]; version++) {
        for (const fill of [0x7f, 0x80, 0xff]) probe(message, Buffer.alloc(64, fill), version)
      }
    }
  })

  test('two billion claimed elements cost no memory', () => {
    const before = process.memoryUsage().heapUsed
    for (const message of messages) {
      const [version] = message.versions
      for (let at = 0; at < 24; at++) {
        const bytes = Buffer.alloc(28)
        bytes.writeInt32BE(0x7fffffff, at)
        probe(message, bytes, version)
      }
    }
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024)
  })

  test('a frame full of the smallest elements is refused before it fills the memory', () => {
    const property = fc.property(someMessage, fc.constantFrom(0, 1, 2), ([message, version], fill) => {
      const bytes = Buffer.alloc(4 * 1024 * 1024, fill)
      // A compact length of three million, or a plain one, wherever the first array is.
      const lengths = [Buffer.from('8180c001', 'hex'), Buffer.from('00300000', 'hex')]
      for (const length of lengths) {
        for (let at = 0; at < 24; at++) {
          bytes.fill(fill, 0, 32)
          length.copy(bytes, at)
          probe(message, bytes, version)
        }
      }
    })
    const before = process.memoryUsage().rss
    fc.assert(property, { numRuns: 12 })
    const names = Buffer.alloc(4 * 1024 * 1024, 1)
    Buffer.from('8180c001', 'hex').copy(names)
    assert.throws(() => deleteTopics.request.decode(names, 0, names.length, 5), /more than 1048576 elements/)
    assert.ok(process.memoryUsage().rss - before < 1024 * 1024 * 1024)
  })

  test('headers of random bytes give a header or a DecodeError', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(0, 1),
      (random, version) => {
        const bytes = Buffer.from(random)
        const attempts = [
          () => decodeRequestHeader(bytes, 0, bytes.length, (key) => apis.get(key)).bodyOffset,
          () => decodeResponseHeader(bytes, 0, bytes.length, version as 0 | 1).bodyOffset,
        ]
        for (const attempt of attempts) {
          try {
            assert.ok(attempt() <= bytes.length)
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error))
          }
        }
      },
    )
    fc.assert(property, { numRuns: 2000 })
  })
})
