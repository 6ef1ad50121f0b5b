// Finding records by their time: the first at or after a timestamp, and the one with the largest (KIP-79, KIP-734).
// Promises the exact record, opening the one batch that holds it; a batch that unfolds to more than it may, or whose header
// says what its records do not, is told by its first offset. Of batches in the formats v0 and v1 only the last offset is
// told. Leaves special timestamps and visibility to the partition.
import { errors, KafkaError } from '../wire/errors.ts'
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

/** What batches may unfold to for one request; less the more it has asked for. */
export interface SearchRoom {
  bytes: number
}

const MOST_FOR_A_REQUEST_BYTES = 256 * 1024 * 1024
const MOST_UNFOLDED_BYTES = 64 * 1024 * 1024
/** A batch of many megabytes may unfold to so many times its size. */
const UNFOLDING = 16

export function searchRoom(): SearchRoom {
  return { bytes: MOST_FOR_A_REQUEST_BYTES }
}

/** The first record, from the log's start on, with a timestamp >= `timestamp`; undefined when there is none. */
export function offsetForTimestamp(
  state: LogState,
  reader: LogReader,
  timestamp: number,
  room: SearchRoom,
): TimestampOffset | undefined {
  for (const segment of state.segments.all()) {
    if (segment.maxTimestamp < timestamp) continue
    const scanOffset = Math.max(state.startOffset, segment.baseOffset + segment.times.scanStart(timestamp))
    const found = search(state, reader, segment, scanOffset, timestamp, room)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first of the records with the largest timestamp; undefined in a log without timestamps. */
export function offsetOfMaxTimestamp(
  state: LogState,
  reader: LogReader,
  room: SearchRoom,
): TimestampOffset | undefined {
  let latest: Segment | undefined
  for (const segment of state.segments.all()) {
    if (segment.maxTimestamp > (latest?.maxTimestamp ?? -1)) latest = segment
  }
  if (latest === undefined) return undefined
  return search(state, reader, latest, latest.offsetOfMaxTimestamp, latest.maxTimestamp, room)
}

function search(
  state: LogState,
  reader: LogReader,
  segment: Segment,
  scanOffset: number,
  timestamp: number,
  room: SearchRoom,
): TimestampOffset | undefined {
  const scan = reader.scan(segment, reader.positionOf(segment, scanOffset), segment.writtenSize)
  while (scan.next()) {
    if (batch.maxTimestamp(scan.bytes, scan.at) < timestamp) continue
    const found = searchBatch(segment, scan, timestamp, state.startOffset, room)
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
  room: SearchRoom,
): TimestampOffset | undefined {
  const leaderEpoch = batch.partitionLeaderEpoch(scan.bytes, scan.at)
  if (batch.magic(scan.bytes, scan.at) < batch.MAGIC) {
    const found = batch.maxTimestamp(scan.bytes, scan.at)
    const offset = batch.lastOffset(scan.bytes, scan.at)
    return offset < startOffset ? undefined : { timestamp: found, offset, leaderEpoch }
  }
  const baseOffset = batch.baseOffset(scan.bytes, scan.at)
  const offset = Math.max(baseOffset, startOffset)
  const byHeader = { timestamp: batch.maxTimestamp(scan.bytes, scan.at), offset, leaderEpoch }
  const records = room.bytes > 0 ? open(segment, scan, room) : undefined
  if (records === undefined) return byHeader
  while (records.next()) {
    if (records.timestamp >= timestamp && records.offset >= startOffset) {
      return { timestamp: records.timestamp, offset: records.offset, leaderEpoch }
    }
  }
  // Its header lies. To look on would be to open one liar after the other.
  return baseOffset >= startOffset ? byHeader : undefined
}

/** Undefined when the batch would unfold to too much. */
function open(segment: Segment, scan: BatchScan, room: SearchRoom): RecordReader | undefined {
  const bytes = Buffer.allocUnsafe(scan.size)
  segment.readWritten(bytes, scan.position)
  const most = Math.max(MOST_UNFOLDED_BYTES, UNFOLDING * scan.size)
  try {
    const records = new RecordReader(bytes, 0, most)
    room.bytes -= records.bytes.byteLength
    return records
  } catch (error) {
    if (!(error instanceof KafkaError) || error.error !== errors.MESSAGE_TOO_LARGE) throw error
    room.bytes -= most
    return undefined
  }
}
