// Makes batches of format v2 out of records: for producers, for the broker's own records, and for rewriting.
// Promises a valid header and CRC-32C, one growing buffer and, without compression, no second copy of the records.
// Leaves reading to record.ts and the layout of the header, drawn there, to batch.ts.
import { assert } from '../../lib/assert.ts'
import { HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC, writeCrc, writeInt64 } from './batch.ts'
import { type Codec, codecs, compress } from './compression/index.ts'
import type { EncodedHeaders, RecordHeader } from './record.ts'
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts'

const INITIAL_BYTES = 1024
const LOG_APPEND_TIME_BIT = 0x08
const TRANSACTIONAL_BIT = 0x10
const CONTROL_BIT = 0x20
const DELETE_HORIZON_BIT = 0x40

export interface RecordToWrite {
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: number
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly HeaderToWrite[]
  /** In the place of `headers`: as they were read. */
  readonly encodedHeaders?: EncodedHeaders | undefined
  /** Distance from the batch's base offset; one more than the record before it when absent. */
  readonly offsetDelta?: number
}

export interface HeaderToWrite extends Omit<RecordHeader, 'value'> {
  readonly value: Uint8Array | null
}

export interface BatchOptions {
  readonly compression?: Codec
  /** The codec's own level; its default when absent. */
  readonly compressionLevel?: number
  /** 0, what producers must send, when absent. */
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Set by a broker: all records then have this time (LogAppendTime). */
  readonly appendTimestamp?: number
  /** Set by the cleaner (KIP-534): when tombstones of this batch may go. Takes the place of the base timestamp. */
  readonly deleteHorizonMs?: number
  /** Kept by the cleaner when the last records were removed; the last record's when absent. */
  readonly lastOffsetDelta?: number
  /** Kept by the cleaner in a batch without records; the records' own when absent. */
  readonly maxTimestamp?: number
}

/** A batch in the making: records are appended one by one, and `build` puts the header before them. */
export class BatchBuilder {
  recordsCount = 0
  private readonly options: BatchOptions
  private buffer: Buffer
  private end = HEADER_BYTES
  private baseTimestamp: number
  private maxTimestamp = -1
  private lastOffsetDelta = -1

  constructor(options: BatchOptions = {}, initialBytes = INITIAL_BYTES) {
    this.options = options
    this.buffer = Buffer.allocUnsafe(Math.max(HEADER_BYTES, initialBytes))
    this.baseTimestamp = options.deleteHorizonMs ?? -1
  }

  /** The size of the batch so far, before compression. */
  get sizeInBytes(): number {
    return this.end
  }

  append(record: RecordToWrite): void {
    if (this.recordsCount === 0 && this.options.deleteHorizonMs === undefined)
      this.baseTimestamp = record.timestamp
    const offsetDelta = record.offsetDelta ?? this.lastOffsetDelta + 1
    assert(offsetDelta > this.lastOffsetDelta, 'offsets grow within a batch')
    const timestampDelta = record.timestamp - this.baseTimestamp
    const length = bodySize(record, timestampDelta, offsetDelta)
    this.reserve(varintSize(length) + length)
    this.end = writeRecord(this.buffer, this.end, record, length, timestampDelta, offsetDelta)
    this.lastOffsetDelta = offsetDelta
    this.maxTimestamp = Math.max(this.maxTimestamp, record.timestamp)
    this.recordsCount++
  }

  /** The finished batch. An uncompressed one is a view over the builder's own memory: do not append after this. */
  build(): Buffer {
    const codec = this.recordsCount === 0 ? codecs.none : (this.options.compression ?? codecs.none)
    if (codec === codecs.none) return this.finish(this.buffer.subarray(0, this.end), codec)
    const packed = compress(
      codec,
      this.buffer.subarray(HEADER_BYTES, this.end),
      this.options.compressionLevel,
    )
    const batch = Buffer.allocUnsafe(HEADER_BYTES + packed.length)
    packed.copy(batch, HEADER_BYTES)
    return this.finish(batch, codec)
  }

  private finish(batch: Buffer, codec: Codec): Buffer {
    const options = this.options
    writeInt64(batch, 0, options.baseOffset ?? 0)
    batch.writeInt32BE(batch.length - LENGTH_OVERHEAD_BYTES, 8)
    batch.writeInt32BE(options.partitionLeaderEpoch ?? -1, 12)
    batch[16] = MAGIC
    batch.writeInt16BE(this.attributes(codec), 21)
    batch.writeInt32BE(options.lastOffsetDelta ?? this.lastOffsetDelta, 23)
    writeInt64(batch, 27, this.baseTimestamp)
    writeInt64(batch, 35, options.appendTimestamp ?? options.maxTimestamp ?? this.maxTimestamp)
    writeInt64(batch, 43, options.producerId ?? -1)
    batch.writeInt16BE(options.producerEpoch ?? -1, 51)
    batch.writeInt32BE(options.baseSequence ?? -1, 53)
    batch.writeInt32BE(this.recordsCount, 57)
    writeCrc(batch, 0)
    return batch
  }

  private attributes(codec: Codec): number {
    const options = this.options
    let attributes: number = codec
    if (options.appendTimestamp !== undefined) attributes |= LOG_APPEND_TIME_BIT
    if (options.transactional === true) attributes |= TRANSACTIONAL_BIT
    if (options.control === true) attributes |= CONTROL_BIT
    if (options.deleteHorizonMs !== undefined) attributes |= DELETE_HORIZON_BIT
    return attributes
  }

  private reserve(length: number): void {
    const needed = this.end + length
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.end)
    this.buffer = larger
  }
}

/** The bytes that `record` adds to a batch before compression, at most (21 bytes of overhead, more with headers). */
export function largestRecordSize(record: RecordToWrite): number {
  const body = bodySize(record, Number.MIN_SAFE_INTEGER, -(2 ** 31))
  return varintSize(body) + body
}

function bodySize(record: RecordToWrite, timestampDelta: number, offsetDelta: number): number {
  let size = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta)
  size += partSize(record.key) + partSize(record.value)
  const { headers, encodedHeaders } = record
  if (encodedHeaders !== undefined) {
    return size + varintSize(encodedHeaders.count) + encodedHeaders.bytes.length
  }
  if (headers === undefined) return size + 1
  size += varintSize(headers.length)
  for (const header of headers) {
    const keyLength = Buffer.byteLength(header.key)
    size += varintSize(keyLength) + keyLength + partSize(header.value)
  }
  return size
}

function partSize(part: Uint8Array | null | undefined): number {
  return part === null || part === undefined ? 1 : varintSize(part.length) + part.length
}

function writeRecord(
  buffer: Buffer,
  start: number,
  record: RecordToWrite,
  length: number,
  timestampDelta: number,
  offsetDelta: number,
): number {
  let at = writeVarint(buffer, start, length)
  buffer[at++] = 0
  at = writeVarlong(buffer, at, timestampDelta)
  at = writeVarint(buffer, at, offsetDelta)
  at = writePart(buffer, at, record.key)
  at = writePart(buffer, at, record.value)
  return writeHeaders(buffer, at, record)
}

function writeHeaders(
  buffer: Buffer,
  start: number,
  { headers = [], encodedHeaders }: RecordToWrite,
): number {
  if (encodedHeaders !== undefined) {
    const at = writeVarint(buffer, start, encodedHeaders.count)
    buffer.set(encodedHeaders.bytes, at)
    return at + encodedHeaders.bytes.length
  }
  let at = writeVarint(buffer, start, headers.length)
  for (const header of headers) {
    at = writeVarint(buffer, at, Buffer.byteLength(header.key))
    at += buffer.write(header.key, at, 'utf8')
    at = writePart(buffer, at, header.value)
  }
  return at
}

function writePart(buffer: Buffer, at: number, part: Uint8Array | null | undefined): number {
  if (part === null || part === undefined) return writeVarint(buffer, at, -1)
  const start = writeVarint(buffer, at, part.length)
  buffer.set(part, start)
  return start + part.length
}

/** A whole batch of `records`, which may be empty only for the cleaner's sake. */
export function buildBatch(options: BatchOptions & { readonly records: readonly RecordToWrite[] }): Buffer {
  const builder = new BatchBuilder(options)
  for (const record of options.records) builder.append(record)
  return builder.build()
}

export interface EndTransactionMarker {
  readonly isCommit: boolean
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

/** The control batch, 78 bytes, that ends a transaction on one partition (KIP-98). */
export function buildEndTransactionMarker(marker: EndTransactionMarker): Buffer {
  const key = Buffer.alloc(4) // version int16 = 0 | type int16: 0 abort, 1 commit
  key.writeInt16BE(marker.isCommit ? 1 : 0, 2)
  const value = Buffer.alloc(6) // version int16 = 0 | coordinatorEpoch int32
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  return buildBatch({
    records: [{ timestamp: marker.timestamp, key, value }],
    baseOffset: marker.baseOffset,
    partitionLeaderEpoch: marker.partitionLeaderEpoch,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactional: true,
    control: true,
  })
}
