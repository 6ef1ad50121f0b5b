// An API of the protocol: its key, its versions, and the codecs of its two messages. Promises one codec per
// message and version, compiled when first used. Leaves headers to frame.ts and meaning to src/api.
//
// A message outside the APIs, such as a record of an internal topic, is made with `message` alone.
import { assert } from '../lib/assert.ts'
import { compileRead, type Decode } from './compile-read.ts'
import { compileWrite, type Encode } from './compile-write.ts'
import type { Fields, Input, struct, Typed, Value } from './schema.ts'
import type { Writer } from './writer.ts'

/** First and last version, both included. */
export type VersionRange = readonly [min: number, max: number]

/**
 * A schema with its codecs. Its types: `Value<typeof m>` as decoded, `Input<typeof m>` as encoding takes it.
 */
export interface Message<out Out = unknown, in In = never> extends Typed<Out, In> {
  readonly name: string
  readonly fields: Fields
  readonly versions: VersionRange
  /** First version with compact lengths and tagged fields (KIP-482); Infinity when there is none. */
  readonly flexible: number
  /**
   * Reads the message in `bytes[offset, end)`. Byte fields are views of `bytes`: copy what is kept. Bytes
   * left over are ignored.
   * @throws DecodeError naming `message.field@offset`
   */
  decode(bytes: Buffer, offset: number, end: number, version: number): Out
  /**
   * Writes the message. Fields left out have their default; fields that the version does not have are not
   * written.
   */
  encode(writer: Writer, value: In, version: number): void
}

/**
 * An array element can be one byte on the wire and a hundred in memory, so the size of a frame alone does not
 * bound what decoding takes. Apache Kafka has no such limit; no request that its clients make comes near.
 */
const MAX_ELEMENTS = 2 ** 20
/** A broker that was asked is trusted with more: the metadata of a large cluster. */
const MAX_RESPONSE_ELEMENTS = 2 ** 24

interface MessageOptions<F extends Fields> {
  readonly versions: VersionRange
  readonly flexible: number
  readonly fields: F
  /** How many elements all arrays of one message may have together; 2^20 when absent. */
  readonly maxElements?: number
}

type StructOf<F extends Fields> = ReturnType<typeof struct<F>>

/** Declares a message: fields in the order of the wire, for all versions. */
export function message<F extends Fields>(
  name: string,
  { versions, flexible, fields, maxElements = MAX_ELEMENTS }: MessageOptions<F>,
): Message<Value<StructOf<F>>, Input<StructOf<F>>> {
  const readers: (Decode | undefined)[] = []
  const writers: (Encode | undefined)[] = []
  const shapeOf = (version: number) => {
    assert(version >= versions[0] && version <= versions[1], `${name} has no version ${version}`)
    return { version, flexible: version >= flexible }
  }
  return {
    name,
    fields,
    versions,
    flexible,
    decode(bytes, offset, end, version) {
      const read = (readers[version] ??= compileRead(name, fields, shapeOf(version), maxElements))
      return read(bytes, offset, end) as Value<StructOf<F>>
    },
    encode(writer, value, version) {
      const write = (writers[version] ??= compileWrite(name, fields, shapeOf(version)))
      write(writer, value)
    },
  }
}

/** An API of the protocol. `Api` without arguments is any of them. */
export interface Api<Request extends Message = Message, Response extends Message = Message> {
  readonly key: number
  /** Kafka's name, such as `Produce`. */
  readonly name: string
  /** The versions that have a schema. */
  readonly versions: VersionRange
  /**
   * The versions that ApiVersions tells clients of: without unstable ones, and for Produce with three that
   * are not served.
   */
  readonly advertised: VersionRange
  /** First flexible version (KIP-482), Infinity when there is none. */
  readonly flexible: number
  readonly request: Request
  readonly response: Response
  /** 1, or 2 with tagged fields. */
  requestHeaderVersion(version: number): 1 | 2
  /** 0, or 1 with tagged fields. */
  responseHeaderVersion(version: number): 0 | 1
}

interface ApiOptions<Request extends Fields, Response extends Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionRange
  readonly advertised?: VersionRange
  readonly flexible: number
  readonly request: Request
  readonly response: Response
  /** ApiVersions alone: its answer has to be readable before the versions are known (KIP-511). */
  readonly plainResponseHeader?: boolean
}

type MessageOf<F extends Fields> = Message<Value<StructOf<F>>, Input<StructOf<F>>>

/** Where no version is flexible. */
export const NEVER_FLEXIBLE: number = Number.POSITIVE_INFINITY

/** Declares an API. */
export function api<Request extends Fields, Response extends Fields>(
  options: ApiOptions<Request, Response>,
): Api<MessageOf<Request>, MessageOf<Response>> {
  const { key, name, versions, advertised = versions, flexible } = options
  const part = { versions, flexible }
  return {
    key,
    name,
    versions,
    advertised,
    flexible,
    request: message(`${name}Request`, { ...part, fields: options.request }),
    response: message(`${name}Response`, {
      ...part,
      fields: options.response,
      maxElements: MAX_RESPONSE_ELEMENTS,
    }),
    requestHeaderVersion: (version) => (version >= flexible ? 2 : 1),
    responseHeaderVersion: (version) => (version >= flexible && !options.plainResponseHeader ? 1 : 0),
  }
}
