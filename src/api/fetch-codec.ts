// Which codecs the batches of an answer use, for clients too old to know zstd (KIP-110).
// Promises to look at headers only. Called for Fetch below version 10; leaves everybody else's path alone.
import type { FileRange } from '../log/log.ts'
import * as batch from '../wire/records/batch.ts'
import { codecs } from '../wire/records/compression/index.ts'

/** Up to and including the attributes, where the codec stands. */
const BYTES_TO_ATTRIBUTES = 23

/** Whether any whole batch in `parts` is compressed with zstd. */
export function holdsZstd(parts: readonly (Uint8Array | FileRange)[]): boolean {
  return parts.some((part) => {
    const header = Buffer.alloc(BYTES_TO_ATTRIBUTES)
    for (let at = 0; at + BYTES_TO_ATTRIBUTES <= part.byteLength; ) {
      if (part instanceof Uint8Array) header.set(part.subarray(at, at + BYTES_TO_ATTRIBUTES))
      else part.readSync(header, at)
      const isCurrent = batch.magic(header, 0) === batch.MAGIC
      if (isCurrent && batch.codecOf(header, 0) === codecs.zstd) return true
      at += batch.sizeInBytes(header, 0)
    }
    return false
  })
}
