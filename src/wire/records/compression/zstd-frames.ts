// Walks zstd frames (RFC 8878) without decompressing: are they whole, and what is the most they can unfold to?
// Promises an upper bound that is tight to within 128 KiB per frame, so that memory can be sized before a decoder runs.
// Leaves the content of compressed blocks to the decoder.
//
//   frame:       28 b5 2f fd | descriptor | [window] | [dictionary id 0-4] | [content size 0-8] | block* | [checksum int32]
//   descriptor:  content size flag (2 bits) | single segment | 0 | reserved | checksum | dictionary id flag (2 bits)
//   block:       int24: size << 3 | type (0 raw, 1 one byte repeated, 2 compressed) << 1 | last      little-endian
//   skippable:   5? 2a 4d 18 | length int32 | bytes
import { corrupt } from './failure.ts'

const name = 'zstd'
const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const LARGEST_BLOCK_BYTES = 128 * 1024
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]
const RAW = 0
const REPEATED = 1
const COMPRESSED = 2

export interface ZstdFrame {
  readonly start: number
  readonly end: number
  /** The most bytes it can decompress to. */
  readonly maxBytes: number
}

/** The frames of `input`, skippable ones left out. Throws when one is broken or cut off, or when there is none at all. */
export function framesOf(input: Buffer): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  let at = 0
  do {
    need(input, at, 8)
    const magic = input.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + input.readUInt32LE(at + 4)
      need(input, at, 0)
      continue
    }
    if (magic !== MAGIC) throw corrupt(name, `no frame begins at byte ${at}`)
    const frame = readFrame(input, at + 4)
    frames.push({ start: at, ...frame })
    at = frame.end
  } while (at < input.length)
  return frames
}

function readFrame(input: Buffer, start: number): { end: number; maxBytes: number } {
  const descriptor = input[start]!
  if ((descriptor & 0x08) !== 0) throw corrupt(name, 'a reserved bit is set')
  const isSingleSegment = (descriptor & 0x20) !== 0
  let at = start + 1
  let windowBytes = Number.POSITIVE_INFINITY
  if (!isSingleSegment) {
    need(input, at, 1)
    const window = input[at++]!
    windowBytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8)
  }
  at += DICTIONARY_ID_BYTES[descriptor & 3]!
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag
  need(input, at, sizeBytes)
  const contentBytes = sizeBytes === 0 ? undefined : readContentSize(input, at, sizeBytes)
  const maxBlockBytes = Math.min(LARGEST_BLOCK_BYTES, isSingleSegment ? contentBytes! : windowBytes)
  const blocks = walkBlocks(input, at + sizeBytes, maxBlockBytes)
  const end = blocks.end + ((descriptor & 0x04) !== 0 ? 4 : 0)
  need(input, end, 0)
  return { end, maxBytes: Math.min(blocks.maxBytes, contentBytes ?? blocks.maxBytes) }
}

function readContentSize(input: Buffer, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return input[at]!
  if (sizeBytes === 2) return input.readUInt16LE(at) + 256
  if (sizeBytes === 4) return input.readUInt32LE(at)
  return input.readUInt32LE(at) + input.readUInt32LE(at + 4) * 2 ** 32
}

function walkBlocks(input: Buffer, start: number, maxBlockBytes: number): { end: number; maxBytes: number } {
  let at = start
  let maxBytes = 0
  for (let isLast = false; !isLast; ) {
    need(input, at, 3)
    const header = input.readUIntLE(at, 3)
    at += 3
    isLast = (header & 1) === 1
    const type = (header >> 1) & 3
    const size = header >> 3
    if (type > COMPRESSED) throw corrupt(name, 'a block of a reserved type')
    if (type === RAW || type === REPEATED) maxBytes += size
    else maxBytes += maxBlockBytes
    at += type === REPEATED ? 1 : size
    need(input, at, 0)
  }
  return { end: at, maxBytes }
}

function need(input: Buffer, at: number, length: number): void {
  if (at + length > input.length) throw corrupt(name, 'the data is cut off')
}
