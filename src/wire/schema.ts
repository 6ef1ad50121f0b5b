// The combinators that messages are declared with: each message once, for all its versions, its static type
// inferred. Promises plain frozen objects that a compiler, a test or a page of documentation can walk; names
// and defaults are Apache Kafka 4.3's. Leaves making codecs of them to compile-read.ts and compile-write.ts.
//
//   const topic = struct({ name: until(12, string), topicId: since(13, uuid), partitions: array(int32) })
//
// `since`, `until`, `between`, `nullable`, `optional`, `defaultsTo`, `tagged` each return a changed copy, so
// they nest in any order.
import { assert } from '../lib/assert.ts'
import type { RecordsInput } from './writer.ts'

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

export declare const decoded: unique symbol
export declare const encodable: unique symbol

/** Something with a static type: what decoding gives (`Out`) and what encoding takes (`In`). */
export interface Typed<out Out, in In> {
  readonly [decoded]?: Out
  readonly [encodable]?: (value: In) => void
}

/** A field or an element: how its bytes look, and in which versions it is there. */
export interface Type<out Out = unknown, in In = never> extends Typed<Out, In> {
  readonly kind: Kind
  /** First version that has the field. */
  readonly since: number
  /** Last version that has the field; Infinity when it stayed. */
  readonly until: number
  /** First version in which it may be null; Infinity when it never may. */
  readonly nullableSince: number
  /**
   * What an absent field means. For structs: null, or undefined when each of its fields has its own default.
   */
  readonly fallback: unknown
  /** The number of a tagged field (KIP-482), -1 for a field in the ordinary order. */
  readonly tag: number
  /** What an array holds. */
  readonly element: Type | null
  /** What a struct holds, in the order of the wire. */
  readonly fields: Fields | null
}

export interface Fields {
  readonly [name: string]: Type
}

/** The static type that decoding gives: every field there, absent ones at their default. */
export type Value<T> = T extends { readonly [decoded]?: infer Out } ? Out : never

/** The static type that encoding takes: any field may be left out, and then has its default. */
export type Input<T> = T extends { readonly [encodable]?: (value: infer In) => void } ? In : never

type StructValue<F extends Fields> = { -readonly [Name in keyof F]: Value<F[Name]> }
type StructInput<F extends Fields> = { readonly [Name in keyof F]?: Input<F[Name]> | undefined }

/** Sixteen zero bytes: "no id" wherever Kafka has a uuid. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
export const EMPTY_BYTES: Buffer = Buffer.alloc(0)

const NEVER = Number.POSITIVE_INFINITY

const PLAIN: Type = {
  kind: 'struct',
  since: 0,
  until: NEVER,
  nullableSince: NEVER,
  fallback: undefined,
  tag: -1,
  element: null,
  fields: null,
}

/**
 * A copy of `type` with some properties changed: the one place where a static type is claimed rather than
 * inferred.
 */
function changed<Out, In>(type: Type, change: Partial<Type>): Type<Out, In> {
  return Object.freeze({ ...type, ...change }) as Type<Out, In>
}

function primitive<Out, In = Out>(kind: Kind, fallback: unknown): Type<Out, In> {
  return changed(PLAIN, { kind, fallback })
}

export const bool = primitive<boolean>('bool', false)
export const int8 = primitive<number>('int8', 0)
export const int16 = primitive<number>('int16', 0)
export const uint16 = primitive<number>('uint16', 0)
export const int32 = primitive<number>('int32', 0)
export const uint32 = primitive<number>('uint32', 0)
/** A number: decoding saturates at +-(2^53 - 1), encoding asserts a safe integer. */
export const int64 = primitive<number>('int64', 0)
export const float64 = primitive<number>('float64', 0)
/** 22 characters of base64url. */
export const uuid = primitive<string>('uuid', ZERO_UUID)
export const string = primitive<string>('string', '')
/** Decodes to a view of the bytes that were read, not a copy. */
export const bytes = primitive<Buffer, Uint8Array>('bytes', EMPTY_BYTES)
/** Record batches: decodes to a view, encodes anything that has bytes somewhere, never copied. */
export const records = primitive<Buffer, RecordsInput>('records', null)

/** An ordered group of fields. */
export function struct<F extends Fields>(fields: F): Type<StructValue<F>, StructInput<F>> {
  return changed(PLAIN, { fields: Object.freeze(fields) })
}

/** The default of an array; never handed out, decoders make a new one each time. */
const EMPTY_ARRAY: readonly unknown[] = Object.freeze([])

/** Any number of elements of one type; an object of fields stands for a struct of them. */
export function array<F extends Fields>(fields: F): Type<StructValue<F>[], readonly StructInput<F>[]>
export function array<Out, In>(element: Type<Out, In>): Type<Out[], readonly In[]>
export function array(element: Fields | Type): Type<unknown[], never> {
  return changed(PLAIN, {
    kind: 'array',
    fallback: EMPTY_ARRAY,
    element: isType(element) ? element : struct(element),
  })
}

/** A field that came with version `first`. */
export function since<Out, In>(first: number, type: Type<Out, In>): Type<Out, In> {
  return changed(type, { since: first })
}

/** A field that went after version `last`. */
export function until<Out, In>(last: number, type: Type<Out, In>): Type<Out, In> {
  return changed(type, { until: last })
}

/** A field of the versions `first` to `last`, both included. */
export function between<Out, In>(first: number, last: number, type: Type<Out, In>): Type<Out, In> {
  return changed(type, { since: first, until: last })
}

/** May be null, from version `first` on. The default stays what it was: `optional` makes it null. */
export function nullable<Out, In>(type: Type<Out, In>, first = 0): Type<Out | null, In | null> {
  return changed(type, { nullableSince: first })
}

/** May be null from version `first` on, and is null by default. */
export function optional<Out, In>(type: Type<Out, In>, first = 0): Type<Out | null, In | null> {
  return changed(type, { nullableSince: first, fallback: null })
}

/** The value of the field where it is left out, or not part of the version. */
export function defaultsTo<Out, In>(type: Type<Out, In>, fallback: Out): Type<Out, In> {
  return changed(type, { fallback })
}

/** A tagged field (KIP-482): written only when it differs from its default, from version `first` on. */
export function tagged<Out, In>(tag: number, type: Type<Out, In>, first = type.since): Type<Out, In> {
  assert(tag >= 0 && tag < 128, `a tag is a number from 0 to 127, not ${tag}`)
  return changed(type, { tag, since: first })
}

/** Whether the field is part of the version. */
export function isPresent(type: Type, version: number): boolean {
  return version >= type.since && version <= type.until
}

/** Whether the field may be null in the version. */
export function isNullable(type: Type, version: number): boolean {
  return version >= type.nullableSince
}

function isType(value: Fields | Type): value is Type {
  return typeof value.kind === 'string'
}
