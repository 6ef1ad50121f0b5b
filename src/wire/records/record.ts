// The records inside a batch of format v2, read one after the other.
// Promises views instead of copies, no work for parts nobody asks for beyond finding where they end, and KafkaError
// (INVALID_RECORD) for every breach of the layout. Leaves the batch's checksum and header rules to batch.ts and the log.
//
//   record:  length varint | attributes int8 | timestampDelta varlong | offsetDelta varint
//            | keyLength varint (-1: null) | key | valueLength varint (-1: null) | value | headersCount varint | header*
//   header:  keyLength varint | key in UTF-8 | valueLength varint (-1: null) | value
import { errors, KafkaError } from '../errors.ts'
import * as header from './batch.ts'
import { codecs, decompress } from './compression/index.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** All headers of a record as they lie in it, whose places were checked. */
export interface EncodedHeaders {
  readonly count: number
  readonly bytes: Buffer
}

/** A record as a client knows it. Key, values and headers are views over the batch's (decompressed) bytes. */
export interface Record {
  readonly offset: number
  /** Milliseconds since the epoch; -1 when the producer gave none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** What a batch may unfold to when the caller names no bound: as much as the largest request. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 100 * 1024 * 1024

/** A position among records. `next()` moves on; the fields tell where the current record's parts lie in `bytes`. */
export class RecordReader {
  /** The records' bytes, decompressed. */
  readonly bytes: Buffer
  offset = -1
  offsetDelta = -1
  /** Milliseconds since the epoch: the producer's, or the broker's when the batch says LogAppendTime. */
  timestamp = -1
  keyStart = 0
  /** -1 when the key is null. */
  keyLength = -1
  valueStart = 0
  /** -1 when the value is null. */
  valueLength = -1
  headersCount = 0
  private headersStart = 0
  private at: number
  private readonly first: number
  private readonly end: number
  private index = -1
  private readonly count: number
  private readonly baseOffset: number
  private readonly baseTimestamp: number
  private readonly appendTimestamp: number | undefined

  /** Opens the batch at `position`; a compressed one is decompressed here, to at most `maxBytes`. */
  constructor(batch: Buffer, position = 0, maxBytes = DEFAULT_MAX_DECOMPRESSED_BYTES) {
    const end = position + header.sizeInBytes(batch, position)
    this.baseOffset = header.baseOffset(batch, position)
    this.baseTimestamp = header.baseTimestamp(batch, position)
    const isAppendTime = header.isLogAppendTime(batch, position)
    this.appendTimestamp = isAppendTime ? header.maxTimestamp(batch, position) : undefined
    this.count = header.recordsCount(batch, position)
    const start = position + header.HEADER_BYTES
    const format = header.magic(batch, position)
    if (format !== header.MAGIC) throw this.broken(`its format is v${format}, only v2 is read`)
    if (this.count < 0) throw this.broken(`negative record count ${this.count}`)
    if (end < start || end > batch.length)
      throw this.broken(`its length does not fit: it would end at byte ${end}`)
    const codec = header.codecOf(batch, position)
    if (codec === codecs.none || this.count === 0) {
      this.bytes = batch
      this.at = start
      this.end = end
    } else {
      this.bytes = decompress(codec, batch.subarray(start, end), maxBytes)
      this.at = 0
      this.end = this.bytes.length
    }
    this.first = this.at
  }

  /** Goes back to before the first record. */
  restart(): void {
    this.at = this.first
    this.index = -1
  }

  /** Moves to the next record; false behind the last one, when every byte of the batch has been accounted for. */
  next(): boolean {
    this.index++
    if (this.index >= this.count) {
      if (this.at !== this.end) throw this.broken(`${this.end - this.at} bytes follow the last record`)
      return false
    }
    const length = this.varint(this.end)
    const start = this.at
    const end = start + length
    if (length < 0 || end > this.end)
      throw this.broken(`record length ${length}, but ${this.end - start} bytes are left`)
    if (length === 0) throw this.broken('record length 0')
    this.at++ // attributes: none are defined
    const timestampDelta = this.varlong(end)
    this.timestamp = this.appendTimestamp ?? this.baseTimestamp + timestampDelta
    this.offsetDelta = this.varint(end)
    this.offset = this.baseOffset + this.offsetDelta
    this.keyLength = this.part(end, 'key')
    this.keyStart = this.at - Math.max(0, this.keyLength)
    this.valueLength = this.part(end, 'value')
    this.valueStart = this.at - Math.max(0, this.valueLength)
    this.headersCount = this.varint(end)
    if (this.headersCount < 0) throw this.broken(`negative header count ${this.headersCount}`)
    if (this.headersCount > end - this.at) {
      throw this.broken(`${this.headersCount} headers in ${end - this.at} bytes`)
    }
    this.headersStart = this.at
    for (let i = 0; i < this.headersCount; i++) this.skipHeader(end)
    if (this.at !== end) throw this.broken(`its parts end ${end - this.at} bytes before its length`)
    return true
  }

  key(): Buffer | null {
    if (this.keyLength < 0) return null
    return this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength)
  }

  value(): Buffer | null {
    if (this.valueLength < 0) return null
    return this.bytes.subarray(this.valueStart, this.valueStart + this.valueLength)
  }

  headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    const behind = this.at
    this.at = this.headersStart
    for (let i = 0; i < this.headersCount; i++) {
      const keyLength = this.part(behind, 'header key')
      const key = this.bytes.toString('utf8', this.at - keyLength, this.at)
      const valueLength = this.part(behind, 'header value')
      headers.push({
        key,
        value: valueLength < 0 ? null : this.bytes.subarray(this.at - valueLength, this.at),
      })
    }
    return headers
  }

  /** The same without looking into them: there may be millions. Undefined for none. */
  encodedHeaders(): EncodedHeaders | undefined {
    if (this.headersCount === 0) return undefined
    return { count: this.headersCount, bytes: this.bytes.subarray(this.headersStart, this.at) }
  }

  record(): Record {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.key(),
      value: this.value(),
      headers: this.headersCount === 0 ? NO_HEADERS : this.headers(),
    }
  }

  /** Reads a length, checks and skips as many bytes; answers the length, -1 for null. */
  private part(end: number, what: string): number {
    const length = this.varint(end)
    if (length < -1) throw this.broken(`${what} length ${length}`)
    if (length > end - this.at)
      throw this.broken(`${what} length ${length}, but ${end - this.at} bytes are left`)
    if (length > 0) this.at += length
    return length
  }

  private skipHeader(end: number): void {
    if (this.part(end, 'header key') < 0) throw this.broken('negative header key length')
    this.part(end, 'header value')
  }

  private varint(end: number): number {
    const bytes = this.bytes
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.at >= end) throw this.broken('it ends inside a varint')
      const byte = bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw this.broken('a varint of more than 5 bytes')
  }

  private varlong(end: number): number {
    const bytes = this.bytes
    if (this.at >= end) throw this.broken('it ends inside a varint')
    const first = bytes[this.at++]!
    let magnitude = (first & 0x7f) >>> 1
    if (first >= 0x80) {
      let scale = 64
      for (let i = 1; ; i++, scale *= 128) {
        if (i === 10) throw this.broken('a varint of more than 10 bytes')
        if (this.at >= end) throw this.broken('it ends inside a varint')
        const byte = bytes[this.at++]!
        magnitude += (byte & 0x7f) * scale
        if (byte < 0x80) break
      }
      if (magnitude > Number.MAX_SAFE_INTEGER) magnitude = Number.MAX_SAFE_INTEGER
    }
    return (first & 1) === 0 ? magnitude : -magnitude - 1
  }

  private broken(reason: string): KafkaError {
    const where = this.index < 0 ? '' : `record ${this.index} of `
    return new KafkaError(errors.INVALID_RECORD, `${where}the batch at offset ${this.baseOffset}: ${reason}`)
  }
}

const NO_HEADERS: readonly RecordHeader[] = []

/**
 * The records of the batch at `position`, lazily. The batch's header must be whole; its checksum is not looked at.
 * @throws KafkaError INVALID_RECORD for a broken layout; for a compressed batch also what `decompress` throws.
 */
export function* records(batch: Buffer, position = 0, maxBytes?: number): Generator<Record, void, undefined> {
  const reader = new RecordReader(batch, position, maxBytes)
  while (reader.next()) yield reader.record()
}
