// Puts at the end of a dead broker's segment what a crash in the middle of a write leaves there.
// Promises the number of bytes after the last whole, valid batch, which is what the broker must cut and report.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchesOf } from '../support/log-files.ts'

/** `short`: the first part of a batch. `corrupt`: a whole batch with a wrong byte, so that only its CRC tells. */
export type TornTail = 'short' | 'corrupt'

/** Appends a damaged copy of the last batch; returns the bytes that are now too many. */
export function tearTail(partitionDirectory: string, how: TornTail): number {
  const { batches, tornBytes } = batchesOf(partitionDirectory)
  if (tornBytes > 0) return tornBytes
  const last = batches.at(-1)
  if (last === undefined) throw new Error(`no batch in ${partitionDirectory}`)
  const copy = readFileSync(last.file).subarray(last.position, last.position + last.sizeInBytes)
  copy.writeBigInt64BE(BigInt(last.lastOffset + 1), 0)
  copy[copy.length - 1]! ^= 0xff
  const tail = how === 'short' ? copy.subarray(0, Math.floor(copy.length / 2)) : copy
  // The newest segment may still be empty: then the torn batch is its first.
  const newest = readdirSync(partitionDirectory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1)!
  appendFileSync(join(partitionDirectory, newest), tail)
  return tail.length
}
