// Random values of any message in any version, made from its schema. Promises values as decoding gives them:
// fields outside the version are at their default. So write-then-read has to be identity.
import fc from 'fast-check'
import type { Message } from '../../src/wire/api.ts'
import { defaultValue, type Shape } from '../../src/wire/layout.ts'
import { type Fields, isNullable, isPresent, type Type } from '../../src/wire/schema.ts'

/** A value of `message` as a reader of `version` sees it. */
export function arbitraryValue(message: Message, version: number): fc.Arbitrary<unknown> {
  return arbitraryStruct(message.fields, { version, flexible: version >= message.flexible })
}

function arbitraryStruct(fields: Fields, shape: Shape): fc.Arbitrary<unknown> {
  const members = Object.entries(fields).map(([name, type]): [string, fc.Arbitrary<unknown>] => [
    name,
    isPresent(type, shape.version)
      ? arbitraryField(type, shape)
      : fc.constant(null).map(() => defaultValue(type)),
  ])
  // A record without a prototype would not be equal to what an object literal makes.
  return fc.record(Object.fromEntries(members), { noNullPrototype: true })
}

function arbitraryField(type: Type, shape: Shape): fc.Arbitrary<unknown> {
  const some = arbitraryType(type, shape)
  const orNull = isNullable(type, shape.version) ? fc.option(some, { freq: 4 }) : some
  if (type.tag < 0) return orNull
  return fc.oneof(
    fc.constant(null).map(() => defaultValue(type)),
    orNull,
  )
}

function arbitraryType(type: Type, shape: Shape): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffffffff })
    case 'int64':
      return fc.oneof(fc.integer(), fc.maxSafeInteger())
    case 'float64':
      return fc.double()
    case 'uuid':
      return arbitraryBytes(16, 16).map((bytes) => bytes.toString('base64url'))
    case 'string':
      return arbitraryText
    case 'bytes':
    case 'records':
      return fc.oneof({ weight: 4, arbitrary: arbitraryBytes(0, 40) }, bigBytes)
    case 'array':
      return fc.array(arbitraryType(type.element!, shape), { maxLength: 3 })
    case 'struct':
      return arbitraryStruct(type.fields!, shape)
  }
}

/** Short and long, plain and not: both sides of where the writer changes its way of writing text. */
const arbitraryText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ minLength: 40, maxLength: 60 }),
  fc.string({ unit: 'grapheme', minLength: 40, maxLength: 60 }),
)

/** Around the size from which bytes become a chunk of their own. */
const bigBytes = fc
  .tuple(fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 0, max: 255 }))
  .map(([size, fill]) => Buffer.alloc(size, fill))

function arbitraryBytes(minLength: number, maxLength: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes))
}
