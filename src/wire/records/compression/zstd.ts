// zstd for record batches: Node's own where it has it (22.15 and later), else the reference library as WebAssembly.
// Promises the same answers from both: several frames read as one, truncated or trailing bytes refused, output bounded.
// Leaves the walk over frames to zstd-frames.ts.
import * as zlib from 'node:zlib'
import { corrupt, tooLarge } from './failure.ts'
import { framesOf, type ZstdFrame } from './zstd-frames.ts'
import { compressInWasm, decompressInWasm } from './zstd-wasm.ts'

const name = 'zstd'
/** Kafka's default of `compression.zstd.level`. */
const DEFAULT_LEVEL = 3
const LARGEST_CHUNK_BYTES = 1024 * 1024
const SMALLEST_CHUNK_BYTES = 64

/** What newer Nodes have in zlib; the types that this project builds with are older. */
interface NativeZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params: Record<number, number> }): Buffer
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): Buffer
  constants: { ZSTD_c_compressionLevel: number }
}

const native = 'zstdDecompressSync' in zlib ? (zlib as unknown as NativeZstd) : undefined

/** `level` -131072 (fast) to 22 (small), as `compression.zstd.level`. */
export function compress(bytes: Uint8Array, level = DEFAULT_LEVEL): Buffer {
  if (native === undefined) return compressInWasm(bytes, level)
  return native.zstdCompressSync(bytes, { params: { [native.constants.ZSTD_c_compressionLevel]: level } })
}

export function decompress(bytes: Uint8Array, maxBytes: number): Buffer {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames = framesOf(input)
  if (frames.length === 1) return decompressFrame(input, frames[0]!, maxBytes, maxBytes)
  // Node's own decoder stops behind the first frame.
  const outputs: Buffer[] = []
  let leftBytes = maxBytes
  for (const frame of frames) {
    const output = decompressFrame(input, frame, leftBytes, maxBytes)
    outputs.push(output)
    leftBytes -= output.length
  }
  return Buffer.concat(outputs)
}

/** `leftBytes` are left of the `maxBytes` for all frames. */
function decompressFrame(input: Buffer, frame: ZstdFrame, leftBytes: number, maxBytes: number): Buffer {
  const bytes = input.subarray(frame.start, frame.end)
  const capacity = Math.min(leftBytes, frame.maxBytes)
  const output =
    native === undefined ? decompressInWasm(bytes, capacity) : decompressNatively(bytes, capacity)
  if (output !== undefined) return output
  // A frame that holds more than it announced is broken; one that was only not allowed to unfold is too large.
  if (capacity < leftBytes) throw corrupt(name, 'a frame holds more than it announces')
  throw tooLarge(name, maxBytes)
}

/** Undefined when `capacity` bytes are not enough. */
function decompressNatively(input: Buffer, capacity: number): Buffer | undefined {
  const chunkSize = Math.max(SMALLEST_CHUNK_BYTES, Math.min(capacity, LARGEST_CHUNK_BYTES))
  try {
    return native!.zstdDecompressSync(input, { maxOutputLength: Math.max(1, capacity), chunkSize })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw corrupt(name, (error as Error).message)
  }
}
