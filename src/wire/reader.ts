// Bytes to values, one primitive at a time: what compiled decoders fall back to, and what headers and other
// small layouts are read with. Promises that nothing is read beyond `end`, that nothing is allocated for a
// length the bytes cannot back, and one error, DecodeError. Leaves whole messages to the compiled codecs
// (compile-read.ts).
//
//   string    int16 length (-1: null), UTF-8     compact string   uvarint length + 1 (0: null), UTF-8
//   bytes     int32 length (-1: null), bytes     compact bytes    uvarint length + 1 (0: null), bytes
//   uvarint   7 bits a byte, low bits first, high bit = more follow
//   varint    the uvarint of the zigzag encoding of a signed number

/** Bytes that are not what the schema says. The one thing a decoder throws for bad input. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  /** The place in the schema, such as `ProduceRequest.topicData.name`. */
  readonly field: string
  /** Bytes from the start of the message. */
  readonly offset: number

  constructor(field: string, offset: number, problem: string) {
    super(`${field}@${offset}: ${problem}`)
    this.field = field
    this.offset = offset
  }
}

/**
 * Buffer's native slices, which skip the argument handling of `toString` and are missing in its public types.
 */
export interface NativeSlices {
  utf8Slice(start: number, end: number): string
  base64urlSlice(start: number, end: number): string
}

/** What Kafka refuses in either direction, also where a compact length could say more. */
export const MAX_STRING_BYTES = 0x7fff

/** int64 as a number: beyond +-(2^53 - 1) it saturates. */
export function joinInt64(high: number, low: number): number {
  const value = high * 4294967296 + low
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER
  return value
}

/** Below this no text outgrows MAX_STRING_BYTES, whatever becomes of its bytes. */
const MAX_TEXT_UNCHECKED_BYTES = Math.floor(MAX_STRING_BYTES / 3)

/**
 * The UTF-8 text in `bytes[start, end)`; malformed sequences become U+FFFD as they do in Java. A malformed byte grows to
 * three: a text that could not be written again, neither into an answer nor into a record, is none.
 */
export function text(bytes: Buffer, start: number, end: number): string {
  const read = (bytes as Buffer & NativeSlices).utf8Slice(start, end)
  if (end - start > MAX_TEXT_UNCHECKED_BYTES && Buffer.byteLength(read) > MAX_STRING_BYTES) {
    throw new DecodeError('text', start, `${end - start} bytes of malformed UTF-8`)
  }
  return read
}

/** A position that moves over `bytes[position, end)`. Offsets in errors count from where it started. */
export class Reader {
  readonly bytes: Buffer
  readonly end: number
  position: number
  private readonly start: number
  private readonly what: string

  /** @param what names the message in errors */
  constructor(bytes: Buffer, position = 0, end: number = bytes.length, what = 'message') {
    this.bytes = bytes
    this.position = position
    this.start = position
    this.end = end
    this.what = what
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.position
  }

  /** A DecodeError at the present position. */
  error(problem: string, field = this.what): DecodeError {
    return new DecodeError(field, this.position - this.start, problem)
  }

  /** Moves on by `size` bytes and returns where they begin. */
  skip(size: number): number {
    const at = this.position
    if (size < 0 || size > this.end - at) throw this.error(`needs ${size} bytes, ${this.end - at} left`)
    this.position = at + size
    return at
  }

  bool(): boolean {
    return this.bytes[this.skip(1)] !== 0
  }

  int8(): number {
    return this.bytes.readInt8(this.skip(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.skip(2))
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.skip(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.skip(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.skip(4))
  }

  /** Saturates beyond 2^53 - 1. */
  int64(): number {
    const at = this.skip(8)
    return joinInt64(this.bytes.readInt32BE(at), this.bytes.readUInt32BE(at + 4))
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.skip(8))
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    const value = longUvarint(this.bytes, this.position, this.end)
    if (value < 0) throw this.error('not a varint of 32 bits')
    while (this.bytes[this.position++]! > 0x7f);
    return value
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag varint of 64 bits; saturates beyond 2^53 - 1. */
  varlong(): number {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.skip(1)]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        const signed = BigInt.asUintN(64, value)
        return joinBigInt((signed >> 1n) ^ -(signed & 1n))
      }
    }
    throw this.error('not a varint of 64 bits')
  }

  /** Sixteen bytes as 22 characters of base64url. */
  uuid(): string {
    const at = this.skip(16)
    return (this.bytes as Buffer & NativeSlices).base64urlSlice(at, at + 16)
  }

  /** A text with an int16 length. */
  nullableString(): string | null {
    return this.textOf(this.int16())
  }

  /** A text with an int16 length; null is an error. */
  string(): string {
    return this.notNull(this.nullableString())
  }

  /** A text with a uvarint length. */
  nullableCompactString(): string | null {
    return this.textOf(this.uvarint() - 1)
  }

  /** A text with a uvarint length; null is an error. */
  compactString(): string {
    return this.notNull(this.nullableCompactString())
  }

  /** A view of bytes with an int32 length. */
  nullableBytes(): Buffer | null {
    return this.viewOf(this.int32())
  }

  /** A view of bytes with a uvarint length. */
  nullableCompactBytes(): Buffer | null {
    return this.viewOf(this.uvarint() - 1)
  }

  /** Passes over a section of tagged fields. */
  skipTaggedFields(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.skip(this.uvarint())
    }
  }

  private textOf(size: number): string | null {
    if (size < 0) return null
    if (size > MAX_STRING_BYTES)
      throw this.error(`a text of ${size} bytes, at most ${MAX_STRING_BYTES} allowed`)
    const at = this.skip(size)
    return text(this.bytes, at, at + size)
  }

  private viewOf(size: number): Buffer | null {
    if (size < 0) return null
    const at = this.skip(size)
    return this.bytes.subarray(at, at + size)
  }

  private notNull<T>(value: T | null): T {
    if (value === null) throw this.error('null where a value is required')
    return value
  }
}

/** The unsigned varint at `at`, or -1 when it has more than 32 bits or runs over `end`. */
export function longUvarint(bytes: Buffer, at: number, end: number): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) return -1
    const byte = bytes[at++]!
    if (shift === 28 && byte > 0x0f) return -1
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
  return -1
}

function joinBigInt(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER
  return value < BigInt(Number.MIN_SAFE_INTEGER) ? Number.MIN_SAFE_INTEGER : Number(value)
}
