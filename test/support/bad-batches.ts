// Batches with one thing wrong each, made out of good ones.
// Promises that the checksum fits unless it is the thing that is wrong. Leaves what a broker says to them to the tests.
import * as batch from '../../src/wire/records/batch.ts'
import { batchOf } from './calls.ts'

const at = { length: 8, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23, recordsCount: 57 } as const

const { HEADER_BYTES } = batch

/** A copy of `bytes`, changed by `change` and given a checksum that fits. */
export function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  batch.writeCrc(copy, 0)
  return copy
}

/** What a record says of its parts, which are a key of 1 byte, a value of 3, one header of 1 and 2, and `behind`. */
export interface RecordLengths {
  readonly record?: number
  readonly key?: number
  readonly value?: number
  readonly headers?: number
  readonly headerKey?: number
  readonly headerValue?: number
  /** How many bytes follow the last part within the record. */
  readonly behind?: number
}

/** A batch of two records of which the first tells lengths that need not be those of its parts. */
export function lengthsSaid(said: RecordLengths, timestamp = Date.now()): Buffer {
  const part = (bytes: string, length = bytes.length) =>
    Buffer.concat([varint(length), Buffer.from(length < -1 ? '' : bytes)])
  const parts = Buffer.concat([
    // attributes, timestamp delta 0, offset delta 0
    Buffer.from([0, 0, 0]),
    part('k', said.key),
    part('val', said.value),
    varint(said.headers ?? 1),
    part('h', said.headerKey),
    part('hv', said.headerValue),
    Buffer.alloc(said.behind ?? 0),
  ])
  // attributes, timestamp delta 1, offset delta 1, a key of no bytes, null value, no headers
  const second = Buffer.from([12, 0, 2, 2, 0, 1, 0])
  const records = Buffer.concat([varint(said.record ?? parts.length), parts, second])
  const bytes = Buffer.concat([batchOf(['', ''], { timestamp }).subarray(0, HEADER_BYTES), records])
  bytes.writeInt32BE(bytes.length - 12, at.length)
  return changed(bytes, () => {})
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** Lengths inside a record that cannot be: Kafka 4.3 answers each with INVALID_RECORD. */
export const wrongLengths: readonly (readonly [name: string, said: RecordLengths])[] = [
  ['a record length one too small', { record: 14 }],
  ['a record length one too large', { record: 16 }],
  ['a key length one too large', { key: 2 }],
  ['a value length one too small', { value: 2 }],
  ['a value length one too large', { value: 4 }],
  ['a value length beyond the batch', { value: 100_000 }],
  ['a null value with bytes', { value: -1 }],
  ['a header count one too small', { headers: 0 }],
  ['a header count one too large', { headers: 2 }],
  ['a negative header count', { headers: -1 }],
  ['a header count beyond the batch', { headers: 2 ** 30 }],
  ['a header key length one too large', { headerKey: 2 }],
  ['a header without a key', { headerKey: -1 }],
  ['a header key length beyond the batch', { headerKey: 100_000 }],
  ['a header value length one too small', { headerValue: 1 }],
  ['a header value length one too large', { headerValue: 3 }],
  ['a byte behind the last header', { behind: 1 }],
]

/** Lengths below -1, with no bytes behind them: Kafka 4.3 takes them for -1, null; we refuse them. */
export const veryNegativeLengths: readonly (readonly [name: string, said: RecordLengths])[] = [
  ['a key length of -2', { key: -2 }],
  ['a value length of -2', { value: -2 }],
  ['a header value length of -2', { headerValue: -2 }],
]

const good = (): Buffer => batchOf(['one', 'two'])

export const badBatches = {
  baseOffset: () => changed(good(), (bytes) => batch.setBaseOffset(bytes, 0, 5)),
  wrongCrc() {
    const bytes = good()
    bytes[at.crc]! ^= 0x01
    return bytes
  },
  flippedByte() {
    const bytes = good()
    bytes[bytes.length - 3]! ^= 0x10
    return bytes
  },
  magic: (value: number) => changed(good(), (bytes) => bytes.writeInt8(value, at.magic)),
  twoBatches: () => Buffer.concat([good(), good()]),
  empty: () => Buffer.alloc(0),
  cut: () => good().subarray(0, 70),
  cutHeader: () => good().subarray(0, 40),
  trailing: () => Buffer.concat([good(), Buffer.from('extra')]),
  length: (value: number) => {
    const bytes = good()
    bytes.writeInt32BE(value, at.length)
    return bytes
  },
  count: (value: number) => changed(good(), (bytes) => bytes.writeInt32BE(value, at.recordsCount)),
  lastOffsetDelta: (value: number) =>
    changed(good(), (bytes) => bytes.writeInt32BE(value, at.lastOffsetDelta)),
  /** Count and last offset delta agree with each other, but not with the records. */
  moreThanThere: () =>
    changed(good(), (bytes) => {
      bytes.writeInt32BE(5, at.recordsCount)
      bytes.writeInt32BE(4, at.lastOffsetDelta)
    }),
  attribute: (bits: number) =>
    changed(good(), (bytes) => bytes.writeInt16BE(bytes.readInt16BE(at.attributes) | bits, at.attributes)),
} as const
