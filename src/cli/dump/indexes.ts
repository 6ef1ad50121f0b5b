// Dumps what lies beside a segment: .index, .timeindex, .txnindex and .snapshot.
// Promises to stop at the zeroes of a preallocated index, and to check order, checksums and, where the segment is there,
// that an index entry leads to the batch it names. Leaves the segment itself to log-segment.ts.
//
//   .index      relative offset int32 | position int32
//   .timeindex  timestamp int64 | relative offset int32
//   .txnindex   version int16 = 0 | producerId int64 | firstOffset int64 | lastOffset int64 | lastStableOffset int64
//   .snapshot   version int16 = 1 | crc uint32 (CRC-32C of the rest) | count int32 | entry*
//   entry       producerId int64 | epoch int16 | lastSequence int32 | lastOffset int64 | offsetDelta int32 | timestamp int64
//               | coordinatorEpoch int32 | currentTxnFirstOffset int64
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { crc32c } from '../../wire/crc32c.ts'
import * as batch from '../../wire/records/batch.ts'
import { readInt64 } from '../../wire/records/batch.ts'
import { timeText } from '../record-text.ts'
import { FileWindow } from './file-window.ts'
import type { Dump, DumpRow } from './row.ts'

const INDEX_ENTRY_BYTES = 8
const TIME_INDEX_ENTRY_BYTES = 12
const TRANSACTION_ENTRY_BYTES = 34
const SNAPSHOT_HEADER_BYTES = 10
const SNAPSHOT_ENTRY_BYTES = 46
const SNAPSHOT_VERSION = 1

export function* dumpOffsetIndex(path: string): Dump {
  const baseOffset = baseOffsetOf(path)
  const segment = path.replace(/\.index$/, '.log')
  const log = existsSync(segment) ? new FileWindow(segment) : undefined
  let last = { offset: -1, position: -1 }
  try {
    yield* entries(path, INDEX_ENTRY_BYTES, (bytes, at) => {
      const entry = { offset: baseOffset + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) }
      const grows = entry.offset > last.offset && entry.position > last.position
      const problem = grows ? misleading(log, entry) : 'entries do not grow'
      last = entry
      return row({ kind: 'index', ...entry }, `offset ${entry.offset}  position ${entry.position}`, problem)
    })
  } finally {
    log?.close()
  }
}

/** What is wrong with where an entry leads. */
function misleading(
  log: FileWindow | undefined,
  entry: { offset: number; position: number },
): string | undefined {
  if (log === undefined) return undefined
  const bytes = log.bytes(entry.position, batch.HEADER_BYTES)
  if (bytes.length < batch.HEADER_BYTES) return 'leads behind the end of the segment'
  const found = batch.lastOffset(bytes, 0)
  return found === entry.offset ? undefined : `leads to a batch that ends at offset ${found}`
}

export function* dumpTimeIndex(path: string): Dump {
  const baseOffset = baseOffsetOf(path)
  let last = { timestamp: Number.NEGATIVE_INFINITY, offset: -1 }
  yield* entries(path, TIME_INDEX_ENTRY_BYTES, (bytes, at) => {
    const entry = { timestamp: readInt64(bytes, at), offset: baseOffset + bytes.readInt32BE(at + 8) }
    const problem =
      entry.timestamp > last.timestamp && entry.offset >= last.offset ? undefined : 'entries do not grow'
    last = entry
    return row(
      { kind: 'timeindex', ...entry },
      `${timeText(entry.timestamp)}  offset ${entry.offset}`,
      problem,
    )
  })
}

export function* dumpTransactionIndex(path: string): Dump {
  const bytes = readFileSync(path)
  for (let at = 0; at + TRANSACTION_ENTRY_BYTES <= bytes.length; at += TRANSACTION_ENTRY_BYTES) {
    const version = bytes.readInt16BE(at)
    const fields = {
      kind: 'aborted-transaction',
      version,
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    }
    const text = `aborted: producer ${fields.producerId}  offsets ${fields.firstOffset}-${fields.lastOffset}  last stable offset ${fields.lastStableOffset}`
    yield row(fields, text, version === 0 ? undefined : `version ${version} is not known`)
  }
  yield* rest(bytes.length % TRANSACTION_ENTRY_BYTES)
}

export function* dumpSnapshot(path: string): Dump {
  const bytes = readFileSync(path)
  if (bytes.length < SNAPSHOT_HEADER_BYTES) {
    yield row({ kind: 'snapshot' }, `${bytes.length} bytes`, 'too short for a producer snapshot')
    return
  }
  const version = bytes.readInt16BE(0)
  const crc = bytes.readUInt32BE(2)
  const count = bytes.readInt32BE(6)
  const crcIsValid = crc32c(bytes, 6) === crc
  const expected = SNAPSHOT_HEADER_BYTES + count * SNAPSHOT_ENTRY_BYTES
  const problem = snapshotProblem(version, crcIsValid, bytes.length, expected)
  const check = crcIsValid ? 'crc ok' : 'CRC WRONG'
  yield row(
    { kind: 'snapshot', offset: baseOffsetOf(path), version, crc, crcIsValid, count },
    `producers before offset ${baseOffsetOf(path)}: ${count}  version ${version}  ${check}`,
    problem,
  )
  const end = Math.min(expected, bytes.length)
  for (let at = SNAPSHOT_HEADER_BYTES; at + SNAPSHOT_ENTRY_BYTES <= end; at += SNAPSHOT_ENTRY_BYTES) {
    yield producerRow(bytes, at)
  }
}

function snapshotProblem(
  version: number,
  crcIsValid: boolean,
  size: number,
  expected: number,
): string | undefined {
  if (version !== SNAPSHOT_VERSION) return `version ${version} is not known`
  if (!crcIsValid) return 'the snapshot does not match its checksum'
  return size === expected ? undefined : `${size} bytes where ${expected} were expected`
}

function producerRow(bytes: Buffer, at: number): DumpRow {
  const firstOffset = readInt64(bytes, at + 38)
  const fields = {
    kind: 'producer',
    producerId: readInt64(bytes, at),
    producerEpoch: bytes.readInt16BE(at + 8),
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset: readInt64(bytes, at + 14),
    offsetDelta: bytes.readInt32BE(at + 22),
    lastTimestamp: readInt64(bytes, at + 26),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    currentTransactionFirstOffset: firstOffset < 0 ? null : firstOffset,
  }
  const open = firstOffset < 0 ? '' : `  open transaction from ${firstOffset}`
  return {
    fields,
    text: `  producer ${fields.producerId}/${fields.producerEpoch}  last sequence ${fields.lastSequence}  last offset ${fields.lastOffset}  ${timeText(fields.lastTimestamp)}${open}`,
  }
}

/** Entries of a fixed size up to the first that is all zeroes (but for the very first). */
function* entries(path: string, size: number, read: (bytes: Buffer, at: number) => DumpRow): Dump {
  const bytes = readFileSync(path)
  for (let at = 0; at + size <= bytes.length; at += size) {
    const isZero = bytes.subarray(at, at + size).every((byte) => byte === 0)
    if (isZero) {
      const left = bytes.length - at
      yield row({ kind: 'unused', bytes: left }, `${left} bytes unused`)
      return
    }
    yield read(bytes, at)
  }
  yield* rest(bytes.length % size)
}

function* rest(bytes: number): Dump {
  if (bytes > 0) yield row({ kind: 'tail', bytes }, `${bytes} bytes`, 'the last entry is cut off')
}

function row(fields: DumpRow['fields'], text: string, problem?: string): DumpRow {
  return {
    fields,
    text: problem === undefined ? text : `${text}  ${problem.toUpperCase()}`,
    problem: problem && `${text}: ${problem}`,
  }
}

/** The 20 digits that such a file is named by. */
function baseOffsetOf(path: string): number {
  const digits = /^(\d{20})\./.exec(basename(path))
  return digits === null ? 0 : Number(digits[1])
}
