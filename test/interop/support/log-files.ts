// Reads the batch headers of a segment file, so that a test can see what a client's batches look like on disk.
// Promises nothing about records inside; promises to stop at the first bytes that are no batch and to count them.
// Written against the format alone, so that a mistake in our own reader cannot hide itself.
//
//   0 baseOffset int64 | 8 batchLength int32 | 12 partitionLeaderEpoch int32 | 16 magic int8 | 17 crc uint32 | 21 attributes int16
//   23 lastOffsetDelta int32 | 27 baseTimestamp | 35 maxTimestamp | 43 producerId int64 | 51 producerEpoch int16 | 53 baseSequence | 57 count
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export interface BatchHeader {
  /** Path of the segment file, and where in it the batch begins. */
  readonly file: string
  readonly position: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeInBytes: number
  readonly leaderEpoch: number
  readonly codec: string
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly producerId: number
  readonly recordsCount: number
}

/** The batches of one partition in all its segments, in order, and the bytes after the last whole one. */
export function batchesOf(partitionDirectory: string): { batches: BatchHeader[]; tornBytes: number } {
  const segments = readdirSync(partitionDirectory)
    .filter((name) => name.endsWith('.log'))
    .sort()
  const batches: BatchHeader[] = []
  let tornBytes = 0
  for (const segment of segments) {
    const file = join(partitionDirectory, segment)
    const bytes = readFileSync(file)
    let at = 0
    while (at + 61 <= bytes.length) {
      const sizeInBytes = 12 + bytes.readInt32BE(at + 8)
      if (sizeInBytes < 61 || at + sizeInBytes > bytes.length || bytes[at + 16] !== 2) break
      const attributes = bytes.readInt16BE(at + 21)
      const baseOffset = Number(bytes.readBigInt64BE(at))
      batches.push({
        file,
        position: at,
        baseOffset,
        lastOffset: baseOffset + bytes.readInt32BE(at + 23),
        sizeInBytes,
        leaderEpoch: bytes.readInt32BE(at + 12),
        codec: codecNames[attributes & 7] ?? `unknown codec ${attributes & 7}`,
        isTransactional: (attributes & 16) !== 0,
        isControl: (attributes & 32) !== 0,
        producerId: Number(bytes.readBigInt64BE(at + 43)),
        recordsCount: bytes.readInt32BE(at + 57),
      })
      at += sizeInBytes
    }
    tornBytes += bytes.length - at
  }
  return { batches, tornBytes }
}
