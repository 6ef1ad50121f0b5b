// gzip (RFC 1952) for record batches, by node:zlib.
// Promises one member when writing, and that several members in a row are read as one stream, as Java does.
// Leaves the bound on the output's size to the caller; memory beyond it is never held.
import { gunzipSync, gzipSync } from 'node:zlib'
import { corrupt, tooLarge } from './failure.ts'

const name = 'gzip'
const SMALLEST_CHUNK_BYTES = 1024
const LARGEST_CHUNK_BYTES = 256 * 1024

/** `level` 1 (fast) to 9 (small); -1 or nothing for zlib's own default, as `compression.gzip.level`. */
export function compress(bytes: Uint8Array, level = -1): Buffer {
  return gzipSync(bytes, { level })
}

export function decompress(bytes: Uint8Array, maxBytes: number): Buffer {
  // Text shrinks about fourfold: a chunk of that size mostly saves zlib from joining several.
  const chunkSize = Math.min(LARGEST_CHUNK_BYTES, Math.max(SMALLEST_CHUNK_BYTES, bytes.length * 4))
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, maxBytes), chunkSize })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name, maxBytes)
    throw corrupt(name, (error as Error).message)
  }
}
