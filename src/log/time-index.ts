// When the batches of a segment were made: a sparse table of the largest timestamps so far.
// Promises the bytes of Apache Kafka's .timeindex files at exact size. Leaves the scan for the exact record to the reader.
//
//   entry, 12 bytes:  int64 largest timestamp of the segment so far | int32 last offset of the batch that has it - base
import { readInt64, writeInt64 } from '../wire/records/batch.ts'
import { IndexTable } from './index-table.ts'
import type { Loaded } from './offset-index.ts'

export const TIME_ENTRY_BYTES = 12
const SMALLEST_CAPACITY = 16

export interface TimeEntries {
  readonly timestamps: Float64Array
  readonly relativeOffsets: Int32Array
}

export class TimeIndex extends IndexTable<TimeEntries> {
  /** The last, which is the largest, timestamp; -1 when there is none. */
  get lastTimestamp(): number {
    const { timestamps } = this.table()
    return this.used === 0 ? -1 : timestamps[this.used - 1]!
  }

  /** The offset of the last entry, relative to the segment's base; 0 when there is none. */
  get lastRelativeOffset(): number {
    const { relativeOffsets } = this.table()
    return this.used === 0 ? 0 : relativeOffsets[this.used - 1]!
  }

  /** Adds an entry if its timestamp is larger than all before it. */
  appendIfLater(timestamp: number, relativeOffset: number): void {
    if (timestamp <= this.lastTimestamp) return
    let table = this.table()
    if (this.used === table.timestamps.length) {
      const capacity = Math.max(SMALLEST_CAPACITY, this.used * 2)
      const larger = { timestamps: new Float64Array(capacity), relativeOffsets: new Int32Array(capacity) }
      larger.timestamps.set(table.timestamps)
      larger.relativeOffsets.set(table.relativeOffsets)
      this.entries = table = larger
    }
    table.timestamps[this.used] = timestamp
    table.relativeOffsets[this.used] = relativeOffset
    this.used++
  }

  /** The relative offset from which on a scan finds the first timestamp >= `timestamp`: all before it are smaller. */
  scanStart(timestamp: number): number {
    const { timestamps, relativeOffsets } = this.consulted()
    let low = 0
    let high = this.used - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (timestamps[middle]! < timestamp) low = middle + 1
      else high = middle - 1
    }
    return high < 0 ? 0 : relativeOffsets[high]!
  }

  /** The number of entries with an offset below `relativeOffset`. */
  countBelow(relativeOffset: number): number {
    const { relativeOffsets } = this.table()
    let count = this.used
    while (count > 0 && relativeOffsets[count - 1]! >= relativeOffset) count--
    return count
  }

  /** The entries, without spare room. */
  contents(): TimeEntries {
    const { timestamps, relativeOffsets } = this.table()
    return {
      timestamps: timestamps.slice(0, this.used),
      relativeOffsets: relativeOffsets.slice(0, this.used),
    }
  }

  toBytes(): Buffer {
    const { timestamps, relativeOffsets } = this.table()
    const bytes = Buffer.allocUnsafe(this.used * TIME_ENTRY_BYTES)
    for (let i = 0; i < this.used; i++) {
      writeInt64(bytes, i * TIME_ENTRY_BYTES, timestamps[i]!)
      bytes.writeInt32BE(relativeOffsets[i]!, i * TIME_ENTRY_BYTES + 8)
    }
    return bytes
  }

  protected override byteLengthOf({ timestamps, relativeOffsets }: TimeEntries): number {
    return timestamps.byteLength + relativeOffsets.byteLength
  }

  protected override countOf({ timestamps }: TimeEntries): number {
    return timestamps.length
  }
}

/** Reads the contents of a .timeindex file. Zeros at its end are what Apache Kafka preallocates and are dropped. */
export function parseTimeIndex(bytes: Buffer): Loaded<TimeEntries> {
  if (bytes.byteLength % TIME_ENTRY_BYTES !== 0) {
    return { damage: `${bytes.byteLength} bytes are not a multiple of ${TIME_ENTRY_BYTES}` }
  }
  const capacity = bytes.byteLength / TIME_ENTRY_BYTES
  const timestamps = new Float64Array(capacity)
  const relativeOffsets = new Int32Array(capacity)
  let filled = 0
  for (; filled < capacity; filled++) {
    const timestamp = readInt64(bytes, filled * TIME_ENTRY_BYTES)
    const relativeOffset = bytes.readInt32BE(filled * TIME_ENTRY_BYTES + 8)
    if (timestamp === 0 && relativeOffset === 0 && isZero(bytes, filled * TIME_ENTRY_BYTES)) break
    const follows =
      filled === 0
        ? relativeOffset >= 0
        : timestamp > timestamps[filled - 1]! && relativeOffset >= relativeOffsets[filled - 1]!
    if (!follows) {
      return {
        damage: `entry ${filled} (${timestamp}, ${relativeOffset}) does not follow on the one before it`,
      }
    }
    timestamps[filled] = timestamp
    relativeOffsets[filled] = relativeOffset
  }
  return {
    entries: { timestamps: timestamps.slice(0, filled), relativeOffsets: relativeOffsets.slice(0, filled) },
  }
}

function isZero(bytes: Buffer, start: number): boolean {
  for (let i = start; i < bytes.byteLength; i++) if (bytes[i] !== 0) return false
  return true
}

export const noTimeEntries: TimeEntries = {
  timestamps: new Float64Array(0),
  relativeOffsets: new Int32Array(0),
}
