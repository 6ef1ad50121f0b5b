// Bytes of a segment's file for a synchronous walk over its batches.
// Promises one system call per window and no allocation for batches of ordinary size. Leaves memory (the tail) to the
// reader, which asks it first.
import type { ByteSource } from './batch-scan.ts'
import type { LogFile } from './log-file.ts'

/** A walk over headers touches one batch or a few: small reads. */
const HEADERS_WINDOW_BYTES = 4096
/** A walk over whole batches goes on for long: large reads. */
const BATCHES_WINDOW_BYTES = 256 * 1024

/** Walks are synchronous and do not nest with others of their kind, so that all share two windows. */
let headersWindow: Buffer | undefined
let batchesWindow: Buffer | undefined

/** Reads headers of the batches in the first `size` bytes of the file. */
export function fileSource(file: LogFile, size: number): ByteSource {
  headersWindow ??= Buffer.allocUnsafeSlow(HEADERS_WINDOW_BYTES)
  const window = headersWindow
  return (position, needed) => readWindow(file, window, position, needed, size)
}

/** Reads whole batches in the first `size` bytes of the file. */
export function batchesSource(file: LogFile, size: number): ByteSource {
  batchesWindow ??= Buffer.allocUnsafeSlow(BATCHES_WINDOW_BYTES)
  const window = batchesWindow
  return (position, needed) => readWindow(file, window, position, needed, size)
}

function readWindow(file: LogFile, window: Buffer, position: number, needed: number, size: number): Buffer {
  const memory = needed <= window.byteLength ? window : Buffer.allocUnsafeSlow(needed)
  const wanted = Math.max(0, Math.min(memory.byteLength, size - position))
  const count = file.handle().readSync(memory.subarray(0, wanted), position)
  return memory.subarray(0, count)
}
