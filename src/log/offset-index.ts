// Where in a segment a batch lies: a sparse, sorted table from offset to file position, pairs of relative offset and position.
// Promises the bytes of Apache Kafka's .index files at exact size, and a look-up by binary search. Leaves the scan from
// an entry to the batch to the reader, and rebuilding a damaged table to recovery.
//
//   entry, 8 bytes:  int32 last offset of a batch - base offset of the segment | int32 position of that batch
import { IndexTable } from './index-table.ts'

export const OFFSET_ENTRY_BYTES = 8
const SMALLEST_CAPACITY = 16

/** What stands in an index file, or why it cannot be used. */
export type Loaded<Entries> = { readonly entries: Entries } | { readonly damage: string }

export class OffsetIndex extends IndexTable<Int32Array> {
  /** The caller keeps both growing. */
  append(relativeOffset: number, position: number): void {
    let table = this.table()
    if (this.used * 2 === table.length) {
      const larger = new Int32Array(Math.max(SMALLEST_CAPACITY, table.length * 2))
      larger.set(table)
      this.entries = table = larger
    }
    table[this.used * 2] = relativeOffset
    table[this.used * 2 + 1] = position
    this.used++
  }

  offsetAt(slot: number): number {
    return this.table()[slot * 2]!
  }

  positionAt(slot: number): number {
    return this.table()[slot * 2 + 1]!
  }

  /** The last slot whose offset is at most `relativeOffset`, -1 when there is none. */
  slotForOffset(relativeOffset: number): number {
    return this.lastAtMost(0, relativeOffset)
  }

  /** The last slot whose position is at most `position`, -1 when there is none. */
  slotForPosition(position: number): number {
    return this.lastAtMost(1, position)
  }

  /** The pairs, without spare room. */
  contents(): Int32Array {
    return this.table().slice(0, this.used * 2)
  }

  toBytes(): Buffer {
    const table = this.table()
    const bytes = Buffer.allocUnsafe(this.used * OFFSET_ENTRY_BYTES)
    for (let i = 0; i < this.used * 2; i++) bytes.writeInt32BE(table[i]!, i * 4)
    return bytes
  }

  protected override byteLengthOf(entries: Int32Array): number {
    return entries.byteLength
  }

  protected override countOf(entries: Int32Array): number {
    return entries.length / 2
  }

  private lastAtMost(column: 0 | 1, target: number): number {
    const table = this.consulted()
    let low = 0
    let high = this.used - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (table[middle * 2 + column]! <= target) low = middle + 1
      else high = middle - 1
    }
    return high
  }
}

/**
 * Reads the contents of an .index file. Zeros at its end are what Apache Kafka preallocates and are dropped.
 * `segmentBytes` is the size of the log file that the positions have to lie in.
 */
export function parseOffsetIndex(bytes: Buffer, segmentBytes: number): Loaded<Int32Array> {
  if (bytes.byteLength % OFFSET_ENTRY_BYTES !== 0) {
    return { damage: `${bytes.byteLength} bytes are not a multiple of ${OFFSET_ENTRY_BYTES}` }
  }
  const entries = new Int32Array(bytes.byteLength / 4)
  let filled = 0
  for (; filled < entries.length; filled += 2) {
    const relativeOffset = bytes.readInt32BE(filled * 4)
    const position = bytes.readInt32BE(filled * 4 + 4)
    if (relativeOffset === 0 && position === 0) break
    const isAfterLast =
      filled === 0
        ? relativeOffset >= 0 && position >= 0
        : relativeOffset > entries[filled - 2]! && position > entries[filled - 1]!
    if (!isAfterLast || position >= segmentBytes) {
      return {
        damage: `entry ${filled / 2} (${relativeOffset}, ${position}) does not follow on the one before it`,
      }
    }
    entries[filled] = relativeOffset
    entries[filled + 1] = position
  }
  for (let i = filled * 4; i < bytes.byteLength; i++) {
    if (bytes[i] !== 0) return { damage: `entries after an empty one, at byte ${i}` }
  }
  return { entries: entries.slice(0, filled) }
}
