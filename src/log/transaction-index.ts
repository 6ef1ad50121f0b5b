// The aborted transactions whose ABORT marker lies in a segment, for read_committed fetches.
// Promises the bytes of Apache Kafka's .txnindex files, which exist only where there is something to say. Leaves
// finding out that a transaction was aborted to the producer state.
//
//   entry, 34 bytes:  int16 version = 0 | int64 producerId | int64 firstOffset | int64 lastOffset (of the marker)
//                     | int64 lastStableOffset right after the marker
import type { Files } from '../lib/files/files.ts'
import { readInt64, writeInt64 } from '../wire/records/batch.ts'

export const TRANSACTION_ENTRY_BYTES = 34

export interface AbortedTransactionEntry {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the ABORT marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export class TransactionIndex {
  path: string
  private readonly files: Files
  private entries: AbortedTransactionEntry[] | undefined
  private persisted = 0

  /** `isPresent` says whether there is a file; without one it is not looked for. */
  constructor(files: Files, path: string, isPresent: boolean) {
    this.files = files
    this.path = path
    if (!isPresent) this.entries = []
  }

  /** In the order of their markers. Throws on a damaged file. */
  all(): readonly AbortedTransactionEntry[] {
    return this.table()
  }

  get count(): number {
    return this.table().length
  }

  append(entry: AbortedTransactionEntry): void {
    this.table().push(entry)
  }

  get hasUnwritten(): boolean {
    return this.entries !== undefined && this.entries.length > this.persisted
  }

  /** Writes what was appended since the last time. */
  write(): void {
    const table = this.table()
    if (this.persisted === table.length) return
    const handle = this.files.openSync(this.path, 'create')
    try {
      handle.writeSync(entriesToBytes(table.slice(this.persisted)), this.persisted * TRANSACTION_ENTRY_BYTES)
      this.persisted = table.length
    } finally {
      handle.closeSync()
    }
  }

  /** Keeps the first `count` entries, in the file, too. */
  truncate(count: number): void {
    const table = this.table()
    table.length = Math.min(table.length, count)
    if (this.persisted <= count && this.files.sizeSync(this.path) === undefined) return
    this.persisted = Math.min(this.persisted, count)
    if (count === 0) {
      this.files.unlinkSync(this.path)
      return
    }
    const handle = this.files.openSync(this.path, 'write')
    try {
      handle.truncateSync(this.persisted * TRANSACTION_ENTRY_BYTES)
    } finally {
      handle.closeSync()
    }
  }

  /** Drops everything, readable or not. */
  clear(): void {
    const mayBePresent = this.entries === undefined || this.persisted > 0
    this.entries = []
    this.persisted = 0
    if (mayBePresent) this.files.unlinkSync(this.path)
  }

  /** Why the file cannot be used; undefined when it can. */
  damage(): string | undefined {
    try {
      this.table()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  private table(): AbortedTransactionEntry[] {
    if (this.entries === undefined) {
      this.entries = parseTransactionIndex(this.files.readFileSync(this.path))
      this.persisted = this.entries.length
    }
    return this.entries
  }
}

function entriesToBytes(entries: readonly AbortedTransactionEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * TRANSACTION_ENTRY_BYTES)
  entries.forEach((entry, i) => {
    const at = i * TRANSACTION_ENTRY_BYTES
    writeInt64(bytes, at + 2, entry.producerId)
    writeInt64(bytes, at + 10, entry.firstOffset)
    writeInt64(bytes, at + 18, entry.lastOffset)
    writeInt64(bytes, at + 26, entry.lastStableOffset)
  })
  return bytes
}

function parseTransactionIndex(bytes: Buffer): AbortedTransactionEntry[] {
  const entries: AbortedTransactionEntry[] = []
  if (bytes.byteLength % TRANSACTION_ENTRY_BYTES !== 0) {
    throw new Error(`${bytes.byteLength} bytes are not a multiple of ${TRANSACTION_ENTRY_BYTES}`)
  }
  for (let at = 0; at + TRANSACTION_ENTRY_BYTES <= bytes.byteLength; at += TRANSACTION_ENTRY_BYTES) {
    const version = bytes.readInt16BE(at)
    const entry = {
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    }
    const previous = entries.at(-1)?.lastOffset ?? -1
    if (version !== 0 || entry.lastOffset <= previous) {
      throw new Error(`entry ${entries.length} does not follow on the one before it`)
    }
    entries.push(entry)
  }
  return entries
}
