// Values to bytes: a growing message made of chunks, small parts side by side in pooled memory, big parts as
// they were given. Promises that what finish() returned is never written to again, and that no chunk of 1 KiB
// or more handed in is copied. Leaves sending to the socket layer, and whole messages to the compiled codecs
// (compile-write.ts).
//
// Pooled memory is a slab that one writer at a time fills from the front. A finished message keeps its part
// of the slab; the rest goes to the next writer. A message that outgrows its slab goes on in a fresh one as a
// further chunk, so bytes are never moved.
import { AssertionError, assert } from '../lib/assert.ts'

/**
 * Bytes that are somewhere else, such as a range of a file: only their number matters here, the socket layer
 * knows the rest.
 */
export interface Payload {
  readonly byteLength: number
}

export type Chunk = Uint8Array | Payload

/** A finished message in the order in which its parts have to be sent. */
export interface Encoded {
  readonly chunks: readonly Chunk[]
  readonly byteLength: number
}

/** What a `records` field takes: nothing is copied, each part becomes a chunk of its own. */
export type RecordsInput = Chunk | readonly Chunk[]

/**
 * Buffer's native writes, which skip the argument handling of `write` and are missing in its public types.
 */
interface NativeWrites {
  utf8Write(text: string, offset: number, size: number): number
  base64urlWrite(text: string, offset: number, size: number): number
}

const SLAB_BYTES = 64 * 1024
/** A slab with less than this left is not worth passing on. */
const SLAB_REST_BYTES = 1024
/** Byte fields above this become a chunk of their own. */
const COPY_MAX_BYTES = 1024
/** Texts up to this are written here; longer ones by native code. */
const SHORT_TEXT_CHARACTERS = 48
const MAX_STRING_BYTES = 0x7fff

/** Slabs kept for the next writers: one for each that is open at the same time, nested ones included. */
const SPARE_SLABS = 4

interface Slab {
  readonly buffer: Buffer
  readonly position: number
}

const spareSlabs: Slab[] = []

/** What a finished writer holds instead of memory that belongs to the next one. */
const FINISHED = Buffer.alloc(0)

export class Writer {
  /** The memory being filled; compiled encoders write to it directly, after `reserve`. */
  buffer: Buffer
  /** Where the next byte goes in `buffer`. */
  position: number
  private start: number
  private readonly chunks: Chunk[] = []
  private chunkBytes = 0
  private frameBuffer: Buffer | null = null
  private framePosition = 0

  constructor() {
    const spare = spareSlabs.pop()
    this.buffer = spare?.buffer ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
    this.position = this.start = spare?.position ?? 0
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.chunkBytes + this.position - this.start
  }

  /** Makes room for `size` bytes at `position`. `buffer` and `position` may be others afterwards. */
  reserve(size: number): void {
    if (this.buffer.length - this.position >= size) return
    this.closeChunk()
    this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, size))
    this.position = this.start = 0
  }

  /** Leaves four bytes for the size of what follows; `finish` fills them in. */
  openFrame(): void {
    this.reserve(4)
    this.frameBuffer = this.buffer
    this.framePosition = this.position
    this.position += 4
  }

  /** Ends the message. The writer must not be used again. */
  finish(): Encoded {
    this.closeChunk()
    this.frameBuffer?.writeInt32BE(this.chunkBytes - 4, this.framePosition)
    const { buffer, position } = this
    if (buffer.length - position >= SLAB_REST_BYTES && spareSlabs.length < SPARE_SLABS) {
      spareSlabs.push({ buffer, position })
    }
    this.buffer = FINISHED
    return { chunks: this.chunks, byteLength: this.chunkBytes }
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    this.reserve(1)
    this.position = this.buffer.writeInt8(value, this.position)
  }

  int16(value: number): void {
    this.reserve(2)
    this.position = this.buffer.writeInt16BE(value, this.position)
  }

  uint16(value: number): void {
    this.reserve(2)
    this.position = this.buffer.writeUInt16BE(value, this.position)
  }

  int32(value: number): void {
    this.reserve(4)
    this.position = this.buffer.writeInt32BE(value, this.position)
  }

  uint32(value: number): void {
    this.reserve(4)
    this.position = this.buffer.writeUInt32BE(value, this.position)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) refuse(`an int64 must be a safe integer, not ${value}`)
    this.reserve(8)
    this.buffer.writeInt32BE(Math.floor(value / 4294967296), this.position)
    this.position = this.buffer.writeUInt32BE(value >>> 0, this.position + 4)
  }

  float64(value: number): void {
    this.reserve(8)
    this.position = this.buffer.writeDoubleBE(value, this.position)
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(value: number): void {
    this.reserve(5)
    let rest = value
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.position++] = rest
  }

  /** A zigzag varint of 32 bits. */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** A zigzag varint of 64 bits for safe integers. */
  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) refuse(`a varlong must be a safe integer, not ${value}`)
    if (value >= -0x40000000 && value <= 0x3fffffff) {
      this.varint(value)
      return
    }
    this.reserve(10)
    const wide = BigInt(value)
    let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
    for (; rest > 0x7fn; rest >>= 7n) this.buffer[this.position++] = Number(rest & 0x7fn) | 0x80
    this.buffer[this.position++] = Number(rest)
  }

  /** A uuid of 22 base64url characters as sixteen bytes. */
  uuid(value: string): void {
    this.reserve(16)
    const size =
      value.length === 22
        ? (this.buffer as Buffer & NativeWrites).base64urlWrite(value, this.position, 16)
        : 0
    if (size !== 16) refuse(`a uuid must have 22 characters of base64url, not '${value}'`)
    this.position += 16
  }

  /** A text with an int16 length. */
  string(value: string): void {
    const size = value.length
    if (size <= SHORT_TEXT_CHARACTERS) {
      this.reserve(2 + size)
      const start = this.position
      this.buffer[start] = 0
      this.buffer[start + 1] = size
      if (this.ascii(value, start + 2)) return
    }
    const bytes = textBytes(value)
    this.reserve(2 + bytes)
    this.position = this.buffer.writeInt16BE(bytes, this.position)
    this.position += (this.buffer as Buffer & NativeWrites).utf8Write(value, this.position, bytes)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  /** A text with a uvarint length. */
  compactString(value: string): void {
    const size = value.length
    if (size <= SHORT_TEXT_CHARACTERS) {
      this.reserve(1 + size)
      const start = this.position
      this.buffer[start] = size + 1
      if (this.ascii(value, start + 1)) return
    }
    const bytes = textBytes(value)
    this.uvarint(bytes + 1)
    this.reserve(bytes)
    this.position += (this.buffer as Buffer & NativeWrites).utf8Write(value, this.position, bytes)
  }

  nullableCompactString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  /** Bytes with an int32 length; null is -1. */
  nullableBytes(value: Uint8Array | null): void {
    this.int32(value === null ? -1 : value.length)
    if (value !== null) this.raw(value)
  }

  /** Bytes with a uvarint length; null is 0. */
  nullableCompactBytes(value: Uint8Array | null): void {
    this.uvarint(value === null ? 0 : value.length + 1)
    if (value !== null) this.raw(value)
  }

  /** Bytes without a length: copied when few, a chunk of their own when many. */
  raw(value: Uint8Array): void {
    if (value.length > COPY_MAX_BYTES) {
      this.chunk(value)
      return
    }
    this.reserve(value.length)
    this.buffer.set(value, this.position)
    this.position += value.length
  }

  /** A part as it is, never copied. */
  chunk(value: Chunk): void {
    if (value.byteLength === 0) return
    this.closeChunk()
    this.chunks.push(value)
    this.chunkBytes += value.byteLength
  }

  /** Record batches with an int32 length; null is -1. */
  records(value: RecordsInput | null): void {
    this.int32(value === null ? -1 : recordsBytes(value))
    if (value !== null) this.chunksOf(value)
  }

  /** Record batches with a uvarint length; null is 0. */
  compactRecords(value: RecordsInput | null): void {
    this.uvarint(value === null ? 0 : recordsBytes(value) + 1)
    if (value !== null) this.chunksOf(value)
  }

  /** A tagged field: its number, its size and what `write` puts into a writer of its own. */
  tagged(tag: number, write: (inner: Writer) => void): void {
    const inner = new Writer()
    write(inner)
    const { chunks, byteLength } = inner.finish()
    this.uvarint(tag)
    this.uvarint(byteLength)
    for (const chunk of chunks) {
      if (chunk instanceof Uint8Array) this.raw(chunk)
      else this.chunk(chunk)
    }
  }

  private ascii(value: string, at: number): boolean {
    const buffer = this.buffer
    const size = value.length
    for (let index = 0; index < size; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[at + index] = code
    }
    this.position = at + size
    return true
  }

  private chunksOf(value: RecordsInput): void {
    for (const part of isParts(value) ? value : [value]) this.chunk(part)
  }

  private closeChunk(): void {
    if (this.position === this.start) return
    this.chunks.push(this.buffer.subarray(this.start, this.position))
    this.chunkBytes += this.position - this.start
    this.start = this.position
  }
}

/**
 * The bytes of a finished message in one piece: for tests and small messages. Fails for payloads, whose bytes
 * are not here.
 */
export function flatten(encoded: Encoded): Buffer {
  return Buffer.concat(
    encoded.chunks.map((chunk) => {
      assert(chunk instanceof Uint8Array, 'only chunks that are in memory can be flattened')
      return chunk
    }),
    encoded.byteLength,
  )
}

function isParts(value: RecordsInput): value is readonly Chunk[] {
  return Array.isArray(value)
}

function recordsBytes(value: RecordsInput): number {
  if (!isParts(value)) return value.byteLength
  let total = 0
  for (const part of value) total += part.byteLength
  return total
}

/** Characters of a message about an error: however many bytes each has, they fit into a text. */
const MAX_MESSAGE_CHARACTERS = 4096

/** What an answer says about an error may quote names of any length: it is cut, where a name would be wrong if it were. */
export function clippedMessage(message: string | null): string | null {
  if (message === null || message.length <= MAX_MESSAGE_CHARACTERS) return message
  return `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…`
}

function textBytes(value: string): number {
  const bytes = Buffer.byteLength(value)
  if (bytes > MAX_STRING_BYTES) refuse(`a text has at most ${MAX_STRING_BYTES} bytes, this one has ${bytes}`)
  return bytes
}

/** A programmer error; the text is only put together when there is one. */
function refuse(problem: string): never {
  throw new AssertionError(`invariant broken: ${problem}`)
}
