// Snappy for record batches: the xerial stream that Java writes, and the bare block that other clients may send.
// Promises to write xerial (every client reads it) and to read both; leaves the blocks themselves to the `snappy` package.
//
//   xerial:  82 53 4e 41 50 50 59 00 | version int32 = 1 | compatible version int32 = 1 | chunk*
//   chunk:   length int32 | one snappy block of that length
//   block:   uncompressed length, unsigned varint (at most 32 bits) | ...
import { corrupt, guarded, tooLarge } from './failure.ts'
import { loadLibrary } from './library.ts'

type Snappy = typeof import('snappy')

const name = 'snappy'
const MAGIC = Buffer.from('82534e4150505900', 'hex')
const HEADER_BYTES = 16
/** What Java's stream puts into one block. */
const BLOCK_BYTES = 32 * 1024
/** Copying the output into V8's memory takes a quarter of the time that handing over the library's own does. */
const INTO_V8 = { copyOutputData: true }

let loaded: Snappy | undefined

/** The native library, loaded when the first batch asks for it. */
function snappy(): Snappy {
  return (loaded ??= loadLibrary(name, 'snappy') as Snappy)
}

export function compress(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = snappy().compressSync(bytes.subarray(at, at + BLOCK_BYTES), INTO_V8)
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export function decompress(bytes: Uint8Array, maxBytes: number): Buffer {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (input.length < MAGIC.length || input.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) {
    if (uncompressedLength(input) > maxBytes) throw tooLarge(name, maxBytes)
    return uncompressBlock(input)
  }
  const chunks = xerialChunks(input)
  let total = 0
  for (const chunk of chunks) {
    total += uncompressedLength(chunk)
    if (total > maxBytes) throw tooLarge(name, maxBytes)
  }
  if (chunks.length === 1) return uncompressBlock(chunks[0]!)
  const output = Buffer.allocUnsafe(total)
  let at = 0
  for (const chunk of chunks) at += uncompressBlock(chunk).copy(output, at)
  if (at !== total) throw corrupt(name, `chunks hold ${at} bytes but announce ${total}`)
  return output
}

function xerialChunks(input: Buffer): Buffer[] {
  if (input.length < HEADER_BYTES) throw corrupt(name, 'the xerial header is cut off')
  const chunks: Buffer[] = []
  let at = HEADER_BYTES
  while (at < input.length) {
    if (input.length - at < 4) throw corrupt(name, 'a chunk length is cut off')
    const length = input.readInt32BE(at)
    at += 4
    if (length < 0 || length > input.length - at) {
      throw corrupt(name, `a chunk of ${length} bytes where ${input.length - at} are left`)
    }
    chunks.push(input.subarray(at, at + length))
    at += length
  }
  return chunks
}

/** The length a block announces, read before anything is allocated for it. */
function uncompressedLength(block: Buffer): number {
  let length = 0
  for (let i = 0; i < 5; i++) {
    if (i >= block.length) throw corrupt(name, 'a block ends inside its length')
    const byte = block[i]!
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw corrupt(name, 'a block announces a length beyond 32 bits')
}

function uncompressBlock(block: Buffer): Buffer {
  return guarded(name, () => snappy().uncompressSync(block, INTO_V8) as Buffer)
}
