// Finding records by their time: the first at or after a timestamp, and the one with the largest (KIP-79, KIP-734).
// Promises the exact record, opening the one batch that holds it. Of batches in the formats v0 and v1 only the last
// offset is told. Leaves special timestamps and visibility to the partition.
import * as batch from '../wire/records/batch.ts'
import { RecordReader } from '../wire/records/record.ts'
import type { BatchScan } from './batch-scan.ts'
import type { LogReader } from './log-reader.ts'
import type { LogState } from './log-state.ts'
import type { Segment } from './segment.ts'

export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

/** The first record, from the log's start on, with a timestamp >= `timestamp`; undefined when there is none. */
export function offsetForTimestamp(
  state: LogState,
  reader: LogReader,
  timestamp: number,
): TimestampOffset | undefined {
  for (const segment of state.segments.all()) {
    if (segment.maxTimestamp < timestamp) continue
    const scanOffset = Math.max(state.startOffset, segment.baseOffset + segment.times.scanStart(timestamp))
    const found = search(state, reader, segment, scanOffset, timestamp)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first of the records with the largest timestamp; undefined in a log without timestamps. */
export function offsetOfMaxTimestamp(state: LogState, reader: LogReader): TimestampOffset | undefined {
  let latest: Segment | undefined
  for (const segment of state.segments.all()) {
    if (segment.maxTimestamp > (latest?.maxTimestamp ?? -1)) latest = segment
  }
  if (latest === undefined) return undefined
  return search(state, reader, latest, latest.offsetOfMaxTimestamp, latest.maxTimestamp)
}

function search(
  state: LogState,
  reader: LogReader,
  segment: Segment,
  scanOffset: number,
  timestamp: number,
): TimestampOffset | undefined {
  const scan = reader.scan(segment, reader.positionOf(segment, scanOffset), segment.writtenSize)
  while (scan.next()) {
    if (batch.maxTimestamp(scan.bytes, scan.at) < timestamp) continue
    const found = searchBatch(segment, scan, timestamp, state.startOffset)
    if (found !== undefined) return found
  }
  reader.checkUndamaged(segment, scan)
  return undefined
}

function searchBatch(
  segment: Segment,
  scan: BatchScan,
  timestamp: number,
  startOffset: number,
): TimestampOffset | undefined {
  const leaderEpoch = batch.partitionLeaderEpoch(scan.bytes, scan.at)
  if (batch.magic(scan.bytes, scan.at) < batch.MAGIC) {
    const found = batch.maxTimestamp(scan.bytes, scan.at)
    const offset = batch.lastOffset(scan.bytes, scan.at)
    return offset < startOffset ? undefined : { timestamp: found, offset, leaderEpoch }
  }
  const bytes = Buffer.allocUnsafe(scan.size)
  segment.readWritten(bytes, scan.position)
  const records = new RecordReader(bytes)
  while (records.next()) {
    if (records.timestamp >= timestamp && records.offset >= startOffset) {
      return { timestamp: records.timestamp, offset: records.offset, leaderEpoch }
    }
  }
  return undefined
}
