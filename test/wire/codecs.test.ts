// Every message of every API in every version: what was written is read back, defaults stand in for what was
// left out.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/wire/api.ts'
import { apis } from '../../src/wire/apis/index.ts'
import { defaultValue } from '../../src/wire/layout.ts'
import { struct } from '../../src/wire/schema.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'
import { arbitraryValue } from './arbitrary.ts'

const RUNS = 12

function encode(message: Message, value: unknown, version: number): Buffer {
  const writer = new Writer()
  message.encode(writer, value as never, version)
  return flatten(writer.finish())
}

/** Reads a message that lies amid other bytes, as it does in a receive buffer. */
function decodeAmidGarbage(message: Message, bytes: Buffer, version: number): unknown {
  const around = Buffer.concat([Buffer.alloc(7, 0xee), bytes, Buffer.alloc(9, 0xee)])
  return message.decode(around, 7, 7 + bytes.length, version)
}

function versionsOf(message: Message): number[] {
  const [first, last] = message.versions
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

const messages = [...apis.values()].flatMap((api): Message[] => [api.request, api.response])

describe('write, then read, is identity', () => {
  for (const message of messages) {
    test(`${message.name} in versions ${message.versions[0]} to ${message.versions[1]}`, () => {
      for (const version of versionsOf(message)) {
        const property = fc.property(arbitraryValue(message, version), (value) => {
          const bytes = encode(message, value, version)
          assert.deepStrictEqual(decodeAmidGarbage(message, bytes, version), value, `version ${version}`)
        })
        fc.assert(property, { numRuns: RUNS })
      }
    })
  }
})

describe('fields left out have their defaults', () => {
  for (const message of messages) {
    test(message.name, () => {
      const defaults = defaultValue(struct(message.fields)) as Record<string, unknown>
      for (const version of versionsOf(message)) {
        const left = decodeAmidGarbage(message, encode(message, {}, version), version)
        const named = decodeAmidGarbage(message, encode(message, withoutNulls(defaults), version), version)
        assert.deepStrictEqual(left, defaults)
        assert.deepStrictEqual(named, defaults)
      }
    })
  }
})

/** Null defaults are left out: in versions where a field may not be null, naming it would be an error. */
function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
}

test('there are 55 APIs, in the order of their keys', () => {
  const keys = [...apis.keys()]
  assert.equal(keys.length, 55)
  assert.deepEqual(
    keys,
    [...keys].sort((left, right) => left - right),
  )
})
