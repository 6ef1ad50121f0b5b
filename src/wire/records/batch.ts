// A view over the header of a record batch, at a position in some bytes: format v2, and as far as a log that
// Apache Kafka wrote long ago needs it, the message formats v0 and v1.
// Promises no allocation; fields are read and set where they lie. Leaves the records inside to record.ts.
//
//   0 baseOffset int64 | 8 batchLength int32 (bytes after this field) | 12 partitionLeaderEpoch int32 | 16 magic int8 = 2
//   | 17 crc uint32 (CRC-32C from 21 to the end) | 21 attributes int16 | 23 lastOffsetDelta int32 | 27 baseTimestamp int64
//   | 35 maxTimestamp int64 | 43 producerId int64 | 51 producerEpoch int16 | 53 baseSequence int32 | 57 recordsCount int32
//   | 61 records
//   attributes: codec (3 bits) | 3 LogAppendTime | 4 transactional | 5 control | 6 delete horizon (KIP-534)
//
//   v0, v1: 0 offset int64 | 8 size int32 | 12 crc uint32 (CRC-32 from 16) | 16 magic int8 | 17 attributes int8 | v1: 18 timestamp int64 | ...
import { crc32 } from '@node-rs/crc32'
import { crc32c } from '../crc32c.ts'

/** Bytes of a v2 header; the records follow. */
export const HEADER_BYTES = 61
/** Bytes before the part that batchLength counts. */
export const LENGTH_OVERHEAD_BYTES = 12
/** Bytes that tell offset, length, epoch and format of any batch. */
export const PREFIX_BYTES = 17
export const MAGIC = 2
export const NO_PRODUCER_ID = -1
export const NO_SEQUENCE = -1
export const NO_TIMESTAMP = -1

/** The smallest batchLength of each format; anything less is damage. */
const SMALLEST_LENGTHS = [14, 22, HEADER_BYTES - LENGTH_OVERHEAD_BYTES] as const

const CODEC_BITS = 0x07
const LOG_APPEND_TIME_BIT = 0x08
const TRANSACTIONAL_BIT = 0x10
const CONTROL_BIT = 0x20
const DELETE_HORIZON_BIT = 0x40
const MEANINGFUL_BITS = 0x7f

const field = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
  legacyCrc: 12,
  legacyAttributes: 17,
  legacyTimestamp: 18,
} as const

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** Exact up to 2^53 on either side, rounded beyond. */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 2 ** 32 + (readInt32(bytes, at + 4) >>> 0)
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32)
  writeInt32(bytes, at, high)
  writeInt32(bytes, at + 4, value - high * 2 ** 32)
}

export function magic(bytes: Uint8Array, position: number): number {
  return (bytes[position + field.magic]! << 24) >> 24
}

/** Offset of the first record. Of a v0 or v1 message set, which does not tell it, the offset of the last. */
export function baseOffset(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + field.baseOffset)
}

export function setBaseOffset(bytes: Uint8Array, position: number, offset: number): void {
  writeInt64(bytes, position + field.baseOffset, offset)
}

/** Bytes of the whole batch, as its length field claims. */
export function sizeInBytes(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + field.batchLength) + LENGTH_OVERHEAD_BYTES
}

/** -1 from producers, and in the old formats. */
export function partitionLeaderEpoch(bytes: Uint8Array, position: number): number {
  if (magic(bytes, position) < MAGIC) return -1
  return readInt32(bytes, position + field.partitionLeaderEpoch)
}

export function setPartitionLeaderEpoch(bytes: Uint8Array, position: number, epoch: number): void {
  writeInt32(bytes, position + field.partitionLeaderEpoch, epoch)
}

/** Only the low byte has a meaning. */
export function attributes(bytes: Uint8Array, position: number): number {
  const at = magic(bytes, position) < MAGIC ? field.legacyAttributes : field.attributes + 1
  return bytes[position + at]!
}

/** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 are not defined. */
export function codecOf(bytes: Uint8Array, position: number): number {
  return attributes(bytes, position) & CODEC_BITS
}

export function isLogAppendTime(bytes: Uint8Array, position: number): boolean {
  return (attributes(bytes, position) & LOG_APPEND_TIME_BIT) !== 0
}

/** Sets or clears the bit, and clears those without a meaning, as Kafka 4.3 does; the CRC has to be written anew. */
export function setLogAppendTime(bytes: Uint8Array, position: number, isSet: boolean): void {
  const at = position + field.attributes + 1
  bytes[at] = (isSet ? bytes[at]! | LOG_APPEND_TIME_BIT : bytes[at]! & ~LOG_APPEND_TIME_BIT) & MEANINGFUL_BITS
  bytes[at - 1] = 0
}

export function isTransactional(bytes: Uint8Array, position: number): boolean {
  return magic(bytes, position) >= MAGIC && (attributes(bytes, position) & TRANSACTIONAL_BIT) !== 0
}

export function isControl(bytes: Uint8Array, position: number): boolean {
  return magic(bytes, position) >= MAGIC && (attributes(bytes, position) & CONTROL_BIT) !== 0
}

export function hasDeleteHorizon(bytes: Uint8Array, position: number): boolean {
  return magic(bytes, position) >= MAGIC && (attributes(bytes, position) & DELETE_HORIZON_BIT) !== 0
}

export function lastOffsetDelta(bytes: Uint8Array, position: number): number {
  return magic(bytes, position) < MAGIC ? 0 : readInt32(bytes, position + field.lastOffsetDelta)
}

/** Offset of the last record, kept even when compaction removed that record. */
export function lastOffset(bytes: Uint8Array, position: number): number {
  return baseOffset(bytes, position) + lastOffsetDelta(bytes, position)
}

/** Timestamp of the first record (or the delete horizon); needs more than the prefix, as all below. */
export function baseTimestamp(bytes: Uint8Array, position: number): number {
  const format = magic(bytes, position)
  if (format === 0) return NO_TIMESTAMP
  return readInt64(bytes, position + (format === 1 ? field.legacyTimestamp : field.baseTimestamp))
}

export function maxTimestamp(bytes: Uint8Array, position: number): number {
  const format = magic(bytes, position)
  if (format === 0) return NO_TIMESTAMP
  return readInt64(bytes, position + (format === 1 ? field.legacyTimestamp : field.maxTimestamp))
}

/** The CRC has to be written anew. */
export function setMaxTimestamp(bytes: Uint8Array, position: number, timestamp: number): void {
  writeInt64(bytes, position + field.maxTimestamp, timestamp)
}

export function producerId(bytes: Uint8Array, position: number): number {
  return magic(bytes, position) < MAGIC ? NO_PRODUCER_ID : readInt64(bytes, position + field.producerId)
}

export function producerEpoch(bytes: Uint8Array, position: number): number {
  if (magic(bytes, position) < MAGIC) return -1
  return readInt32(bytes, position + field.producerEpoch) >> 16
}

export function baseSequence(bytes: Uint8Array, position: number): number {
  return magic(bytes, position) < MAGIC ? NO_SEQUENCE : readInt32(bytes, position + field.baseSequence)
}

/** Sequence of the last record; sequences go from 2147483647 on to 0. -1 without a sequence. */
export function lastSequence(bytes: Uint8Array, position: number): number {
  const first = baseSequence(bytes, position)
  if (first === NO_SEQUENCE) return NO_SEQUENCE
  return incrementSequence(first, lastOffsetDelta(bytes, position))
}

/** `sequence + increment` in the ring of 0 to 2147483647. */
export function incrementSequence(sequence: number, increment: number): number {
  return (sequence + increment) % 2 ** 31
}

/** 0 only in batches that compaction emptied. Of the old formats, which do not tell it, 1. */
export function recordsCount(bytes: Uint8Array, position: number): number {
  return magic(bytes, position) < MAGIC ? 1 : readInt32(bytes, position + field.recordsCount)
}

export function crc(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + (magic(bytes, position) < MAGIC ? field.legacyCrc : field.crc)) >>> 0
}

/** Computes and sets the CRC of a v2 batch. */
export function writeCrc(bytes: Uint8Array, position: number): void {
  const end = position + sizeInBytes(bytes, position)
  writeInt32(bytes, position + field.crc, crc32c(bytes, position + field.attributes, end))
}

/** Whether the batch, all of which must be in `bytes`, is what was written. */
export function hasValidCrc(bytes: Uint8Array, position: number): boolean {
  const end = position + sizeInBytes(bytes, position)
  const computed =
    magic(bytes, position) < MAGIC
      ? crc32(bytes.subarray(position + field.magic, end))
      : crc32c(bytes, position + field.attributes, end)
  return computed === crc(bytes, position)
}

/**
 * Whether the 17 bytes at `position` can start a batch: a known format and a length that it allows. Says why not;
 * undefined when they can.
 */
export function damageOf(bytes: Uint8Array, position: number): string | undefined {
  const format = magic(bytes, position)
  const smallest = SMALLEST_LENGTHS[format]
  if (smallest === undefined) return `unknown format ${format}`
  const length = readInt32(bytes, position + field.batchLength)
  return length < smallest ? `batch length ${length}` : undefined
}
