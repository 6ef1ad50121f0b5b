// LZ4 frames for record batches.
// Promises to write what Java reads (independent blocks of 64 KiB, no checksums, no content size) and to read what
// any client writes: linked blocks, block checksums, content sizes, several frames. Leaves single blocks to `lz4-napi`.
// A frame's content checksum is skipped unverified, as Java does: the batch's CRC-32C already covers these bytes.
//
//   frame:       04 22 4d 18 | FLG | BD | [content size int64] | HC | block* | 00 00 00 00 | [content checksum int32]
//   FLG:         version 01 (2 bits) | independent | block checksums | content size | content checksum | 0 | dictionary id
//   BD:          0 | largest block: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB (3 bits) | 0000
//   HC:          second byte of xxHash32 over FLG .. content size
//   block:       length int32 (bit 31: stored as it is) | bytes | [xxHash32 of the bytes]      all little-endian
import { corrupt, guarded, tooLarge } from './failure.ts'
import { loadLibrary } from './library.ts'
import { xxhash32 } from './xxhash32.ts'

type Lz4 = typeof import('lz4-napi')

const name = 'lz4'
const MAGIC = 0x184d2204
const BLOCK_BYTES = 64 * 1024
/** Magic, FLG 0x60, BD 0x40 and their checksum: the same for every frame we write. */
const FRAME_HEADER = Buffer.from('04224d18604082', 'hex')
const END_MARK = Buffer.alloc(4)
const STORED = 0x80000000
/** How far back a linked block may refer. */
const WINDOW_BYTES = 64 * 1024
/** The block functions of lz4-napi put the uncompressed length in front, little-endian. */
const LENGTH_PREFIX_BYTES = 4

let loaded: Lz4 | undefined

/** The native library, loaded when the first batch asks for it. */
function lz4(): Lz4 {
  return (loaded ??= loadLibrary(name, 'lz4-napi') as Lz4)
}

/** There is one level only: Java's 1-17 choose between ways of searching, not between formats. */
export function compress(bytes: Uint8Array): Buffer {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Buffer[] = [FRAME_HEADER]
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = input.subarray(at, at + BLOCK_BYTES)
    const packed = lz4().compressSync(block).subarray(LENGTH_PREFIX_BYTES)
    const isStored = packed.length >= block.length
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32LE(isStored ? block.length + STORED : packed.length)
    parts.push(length, isStored ? block : packed)
  }
  parts.push(END_MARK)
  return Buffer.concat(parts)
}

export function decompress(bytes: Uint8Array, maxBytes: number): Buffer {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const output = new Output(Math.min(maxBytes, Math.max(BLOCK_BYTES, input.length * 4)), maxBytes)
  let at = 0
  do {
    const frame = readFrameHeader(input, at)
    at = readBlocks(input, frame, output)
  } while (at < input.length)
  return output.bytes()
}

interface Frame {
  readonly blocksAt: number
  readonly maxBlockBytes: number
  readonly isLinked: boolean
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
}

function readFrameHeader(input: Buffer, at: number): Frame {
  if (input.length - at < FRAME_HEADER.length) throw corrupt(name, 'the frame header is cut off')
  if (input.readUInt32LE(at) !== MAGIC) throw corrupt(name, `no frame begins at byte ${at}`)
  const flags = input[at + 4]!
  const blockDescriptor = input[at + 5]!
  if (flags >> 6 !== 1) throw corrupt(name, `frame version ${flags >> 6} where 1 is known`)
  if ((flags & 0x02) !== 0 || (blockDescriptor & 0x8f) !== 0) throw corrupt(name, 'a reserved bit is set')
  if ((flags & 0x01) !== 0) throw corrupt(name, 'the frame needs a dictionary')
  const sizeCode = blockDescriptor >> 4
  if (sizeCode < 4) throw corrupt(name, `block size code ${sizeCode} where 4 to 7 are known`)
  const checksumAt = at + 6 + ((flags & 0x08) !== 0 ? 8 : 0)
  if (checksumAt >= input.length) throw corrupt(name, 'the frame header is cut off')
  const checksum = (xxhash32(input, at + 4, checksumAt) >>> 8) & 0xff
  if (input[checksumAt] !== checksum) throw corrupt(name, 'the frame header does not match its checksum')
  return {
    blocksAt: checksumAt + 1,
    maxBlockBytes: 2 ** (8 + 2 * sizeCode),
    isLinked: (flags & 0x20) === 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 0x04) !== 0,
  }
}

/** Appends a frame's blocks to `output`; answers where the frame ends. */
function readBlocks(input: Buffer, frame: Frame, output: Output): number {
  let at = frame.blocksAt
  const frameStart = output.length
  for (;;) {
    if (input.length - at < 4) throw corrupt(name, 'the frame has no end mark')
    const word = input.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const isStored = word >= STORED
    const length = isStored ? word - STORED : word
    if (length > frame.maxBlockBytes)
      throw corrupt(name, `a block of ${length} bytes is above the frame's limit`)
    const end = at + length
    if (end + (frame.hasBlockChecksums ? 4 : 0) > input.length) throw corrupt(name, 'a block is cut off')
    if (frame.hasBlockChecksums && xxhash32(input, at, end) !== input.readUInt32LE(end)) {
      throw corrupt(name, 'a block does not match its checksum')
    }
    const block = input.subarray(at, end)
    if (isStored) output.append(block)
    else output.append(uncompressBlock(block, frame, output, frameStart))
    at = end + (frame.hasBlockChecksums ? 4 : 0)
  }
  if (!frame.hasContentChecksum) return at
  if (input.length - at < 4) throw corrupt(name, 'the content checksum is cut off')
  return at + 4
}

function uncompressBlock(block: Buffer, frame: Frame, output: Output, frameStart: number): Buffer {
  const prefixed = Buffer.allocUnsafe(LENGTH_PREFIX_BYTES + block.length)
  prefixed.writeUInt32LE(frame.maxBlockBytes)
  block.copy(prefixed, LENGTH_PREFIX_BYTES)
  const dictionary = frame.isLinked ? output.tail(frameStart, WINDOW_BYTES) : undefined
  return guarded(name, () => lz4().uncompressSync(prefixed, dictionary))
}

/** Bytes that grow as blocks arrive, up to a bound. */
class Output {
  length = 0
  private buffer: Buffer
  private readonly maxBytes: number

  constructor(initialBytes: number, maxBytes: number) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
    this.maxBytes = maxBytes
  }

  append(bytes: Buffer): void {
    const needed = this.length + bytes.length
    if (needed > this.maxBytes) throw tooLarge(name, this.maxBytes)
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.maxBytes, Math.max(needed, this.buffer.length * 2)))
      this.buffer.copy(larger, 0, 0, this.length)
      this.buffer = larger
    }
    bytes.copy(this.buffer, this.length)
    this.length = needed
  }

  /** The last `maxLength` bytes at most, none of them before `start`; nothing when there are none. */
  tail(start: number, maxLength: number): Buffer | undefined {
    const from = Math.max(start, this.length - maxLength)
    return from === this.length ? undefined : this.buffer.subarray(from, this.length)
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }
}
