// What a fetch brought of one partition: whole batches as bytes, and which of their records a consumer gets to see.
// Promises lazy reading: nothing is decompressed before its records are asked for. Checks each batch's CRC.
// Leaves fetching to consumer.ts.
import { errors, KafkaError } from '../../wire/errors.ts'
import * as batch from '../../wire/records/batch.ts'
import { type Record, RecordReader } from '../../wire/records/record.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Type of a control record: the second int16 of its key. */
const ABORT = 0

export class FetchedPartition {
  readonly topic: string
  readonly index: number
  /** Where reading goes on: behind the last whole batch. */
  readonly nextOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
  private readonly bytes: Buffer
  private readonly end: number
  private readonly fetchOffset: number
  private readonly aborted: readonly AbortedTransaction[] | null

  constructor(
    partition: { topic: string; index: number; fetchOffset: number },
    row: {
      records: Uint8Array | null
      highWatermark: number
      logStartOffset: number
      abortedTransactions: readonly AbortedTransaction[] | null
    },
  ) {
    const records = row.records ?? Buffer.alloc(0)
    this.topic = partition.topic
    this.index = partition.index
    this.fetchOffset = partition.fetchOffset
    this.highWatermark = row.highWatermark
    this.logStartOffset = row.logStartOffset
    this.aborted = row.abortedTransactions
    this.bytes = Buffer.from(records.buffer, records.byteOffset, records.byteLength)
    let nextOffset = partition.fetchOffset
    let at = 0
    for (let size = this.wholeSize(at); size > 0; size = this.wholeSize(at)) {
      nextOffset = Math.max(nextOffset, batch.lastOffset(this.bytes, at) + 1)
      at += size
    }
    this.end = at
    this.nextOffset = nextOffset
  }

  /** Bytes of whole batches. */
  get byteLength(): number {
    return this.end
  }

  /** Records of whole batches that are not before the fetch offset, by the headers alone: what `records` gives without aborts. */
  countRecords(): number {
    let count = 0
    for (let at = 0; at < this.end; at += batch.sizeInBytes(this.bytes, at)) {
      if (batch.isControl(this.bytes, at)) continue
      const isWhole = batch.baseOffset(this.bytes, at) >= this.fetchOffset
      if (isWhole) count += batch.recordsCount(this.bytes, at)
      else for (const record of this.read(at)) if (record.offset >= this.fetchOffset) count++
    }
    return count
  }

  /** Checks the checksum of every batch. @throws KafkaError CORRUPT_MESSAGE */
  verify(): void {
    for (let at = 0; at < this.end; at += batch.sizeInBytes(this.bytes, at)) this.verifyBatch(at)
  }

  /** The records, in order; without control records and, when the broker told of aborts, without aborted ones. */
  *records(): Generator<Record, void, undefined> {
    const pending = [...(this.aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
    const abortedProducers = new Set<number>()
    for (let at = 0; at < this.end; at += batch.sizeInBytes(this.bytes, at)) {
      const lastOffset = batch.lastOffset(this.bytes, at)
      while (pending.length > 0 && pending[0]!.firstOffset <= lastOffset) {
        abortedProducers.add(pending.shift()!.producerId)
      }
      const producerId = batch.producerId(this.bytes, at)
      if (batch.isControl(this.bytes, at)) {
        if (abortedProducers.has(producerId) && this.isAbort(at)) abortedProducers.delete(producerId)
        continue
      }
      if (batch.isTransactional(this.bytes, at) && abortedProducers.has(producerId)) continue
      this.verifyBatch(at)
      for (const record of this.read(at)) if (record.offset >= this.fetchOffset) yield record
    }
  }

  /** The size of the batch at `at` when all of it is there, else 0: a fetch may end in the middle of one. */
  private wholeSize(at: number): number {
    if (this.bytes.length - at < batch.HEADER_BYTES) return 0
    const damage = batch.damageOf(this.bytes, at)
    if (damage !== undefined)
      throw new KafkaError(errors.CORRUPT_MESSAGE, `${this.topic}-${this.index}: ${damage}`)
    const size = batch.sizeInBytes(this.bytes, at)
    return size <= this.bytes.length - at ? size : 0
  }

  private verifyBatch(at: number): void {
    if (batch.hasValidCrc(this.bytes, at)) return
    const where = `${this.topic}-${this.index} at offset ${batch.baseOffset(this.bytes, at)}`
    throw new KafkaError(errors.CORRUPT_MESSAGE, `${where}: the batch does not match its checksum`)
  }

  private *read(at: number): Generator<Record, void, undefined> {
    const reader = new RecordReader(this.bytes, at)
    while (reader.next()) yield reader.record()
  }

  private isAbort(at: number): boolean {
    const reader = new RecordReader(this.bytes, at)
    if (!reader.next()) return false
    const key = reader.key()
    return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT
  }
}
