// Records that client programs write and read: plain ones as JSON, and the one that belongs to a number.
// Promises the same numbered records and the same digest as records.go and records.mjs, computed here for the comparison.
import { createHash, type Hash } from 'node:crypto'

/** Bytes are base64; null stays null. */
export interface ProgramRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
  readonly timestamp?: number
}

export interface ReadRecord extends ProgramRecord {
  readonly offset: number
  readonly timestamp: number
  /** Where the client shows them. */
  readonly codec?: string
  readonly leaderEpoch?: number
  readonly timestampType?: number
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

/** The time that tests give their records times after. */
export const startMs = 1_700_000_000_000

/** Records without keys, `startMs` plus these times. */
export const recordsAt = (...times: number[]): ProgramRecord[] =>
  times.map((time) => ({ key: null, value: base64(`at ${time}`), headers: [], timestamp: startMs + time }))

interface NumberedRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [string, Uint8Array])[]
}

/** The record of a number: its SHA-256 decides length and content; some have no key, no value or headers. */
function numberedRecord(number: number): NumberedRecord {
  const digest = createHash('sha256').update(`record-${number}`).digest()
  const length = digest.readUInt16BE(0) % 300
  const value = Buffer.alloc(length)
  for (let at = 0; at < length; at += digest.length) digest.copy(value, at)
  return {
    key: number % 7 === 0 ? null : Buffer.from(digest.toString('hex', 0, 8)),
    value: number % 13 === 0 ? null : value,
    headers:
      number % 5 === 0
        ? [
            ['number', Buffer.from(String(number))],
            ['number', Buffer.alloc(0)],
            ['ünïcode', digest.subarray(0, 4)],
          ]
        : [],
  }
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function addPart(hash: Hash, bytes: Uint8Array | null): void {
  hash.update(int32(bytes === null ? -1 : bytes.length))
  if (bytes !== null) hash.update(bytes)
}

export interface PartitionDigest {
  readonly partition: number
  readonly count: number
  readonly digest: string
  /** The first offset that did not follow the one before it, -1 if none. */
  readonly firstGap: number
}

/** What reading the numbered records 0..count-1 must give, number n being in partition n modulo `partitions`. */
export function expectedDigests(count: number, partitions: number): PartitionDigest[] {
  const hashes = Array.from({ length: partitions }, () => createHash('sha256'))
  const counts = new Array<number>(partitions).fill(0)
  for (let number = 0; number < count; number += 1) {
    const partition = number % partitions
    const hash = hashes[partition]!
    const { key, value, headers } = numberedRecord(number)
    counts[partition]! += 1
    addPart(hash, key)
    addPart(hash, value)
    hash.update(int32(headers.length))
    for (const [name, bytes] of headers) {
      addPart(hash, Buffer.from(name))
      addPart(hash, bytes)
    }
  }
  return hashes.map((hash, partition) => ({
    partition,
    count: counts[partition]!,
    digest: hash.digest('hex'),
    firstGap: -1,
  }))
}

const varintLength = (value: number): number => {
  let length = 1
  for (let rest = value * 2; rest >= 128; rest = Math.floor(rest / 128)) length += 1
  return length
}

/**
 * The value length that makes an uncompressed batch of one record without key and headers exactly `batchBytes` long.
 * Batch header 61 bytes; record: length varint, attributes, timestamp delta, offset delta, null key, value length, value, no headers.
 */
export function valueLengthForBatch(batchBytes: number): number {
  for (let length = batchBytes - 61; length > 0; length -= 1) {
    const body = 5 + varintLength(length) + length
    if (61 + varintLength(body) + body === batchBytes) return length
  }
  throw new Error(`no record makes a batch of ${batchBytes} bytes`)
}
