// The producers of one log: who may append what next, which batches are repetitions, which transactions are open.
// Promises the rules of Apache Kafka 4.3 (KIP-98, KIP-360) and an exact way back when a write fails. Leaves snapshots
// on disk to producer-snapshot.ts and the index of aborted transactions to the log.
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { RecordReader } from '../wire/records/record.ts'
import { type BatchIdentity, ProducerEntry } from './producer-entry.ts'

/** A transaction that a marker has just ended. */
export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

interface Undo {
  readonly producerId: number
  readonly before: ProducerEntry | undefined
}

const ABORT = 0
const COMMIT = 1

export class ProducerState {
  private entries = new Map<number, ProducerEntry>()
  /** First offsets of open transactions, and of ended ones whose marker may still be lost. */
  private readonly open = new Set<number>()
  private readonly ended = new Map<number, number>()
  private journal: Undo[] | undefined

  get size(): number {
    return this.entries.size
  }

  all(): IterableIterator<ProducerEntry> {
    return this.entries.values()
  }

  get(producerId: number): ProducerEntry | undefined {
    return this.entries.get(producerId)
  }

  /**
   * Whether the client's batch at `position` may be appended: undefined if so, the original if it is a repetition.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE
   */
  checkFromClient(bytes: Uint8Array, position: number): BatchIdentity | undefined {
    const producerId = batch.producerId(bytes, position)
    const entry = this.entries.get(producerId)
    const epoch = batch.producerEpoch(bytes, position)
    if (entry === undefined) {
      if (epoch < NO_EPOCH) {
        throw new KafkaError(
          errors.INVALID_PRODUCER_EPOCH,
          `producer ${producerId} comes with epoch ${epoch}`,
        )
      }
      return undefined // any first sequence is accepted from an unknown producer
    }
    const firstSequence = batch.baseSequence(bytes, position)
    const original = entry.find(epoch, firstSequence, batch.lastSequence(bytes, position))
    if (original !== undefined) return original
    checkEpoch(entry, epoch)
    checkSequence(entry, epoch, firstSequence)
    if (entry.transactionStart >= 0 && !batch.isTransactional(bytes, position)) {
      throw new KafkaError(
        errors.INVALID_TXN_STATE,
        `producer ${producerId} has an open transaction, but sent a batch outside of it`,
      )
    }
    return undefined
  }

  /**
   * Whether the coordinator's batch at `position`, a marker, may be appended.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED
   */
  checkMarker(bytes: Uint8Array, position: number): void {
    const entry = this.entries.get(batch.producerId(bytes, position))
    if (entry === undefined) return
    checkEpoch(entry, batch.producerEpoch(bytes, position))
    const marker = readMarker(bytes, position)
    if (marker !== undefined && marker.coordinatorEpoch < entry.coordinatorEpoch) {
      throw new KafkaError(
        errors.TRANSACTION_COORDINATOR_FENCED,
        `coordinator epoch ${marker.coordinatorEpoch} is older than ${entry.coordinatorEpoch}`,
      )
    }
  }

  /** Takes note of the batch at `position`, which has its offsets and a producer id. Checks nothing. */
  append(bytes: Uint8Array, position: number): CompletedTransaction | undefined {
    if (batch.isControl(bytes, position)) return this.appendMarker(bytes, position)
    const producerId = batch.producerId(bytes, position)
    const entry = this.entries.get(producerId) ?? ProducerEntry.none(producerId)
    const offsetDelta = batch.lastOffsetDelta(bytes, position)
    const firstOffset = batch.baseOffset(bytes, position)
    const starts = entry.transactionStart < 0 && batch.isTransactional(bytes, position)
    const identity = {
      lastSequence: batch.lastSequence(bytes, position),
      lastOffset: firstOffset + offsetDelta,
      offsetDelta,
      timestamp: batch.maxTimestamp(bytes, position),
    }
    const transactionStart = starts ? firstOffset : entry.transactionStart
    this.set(entry.withBatch(batch.producerEpoch(bytes, position), identity, transactionStart))
    return undefined
  }

  private appendMarker(bytes: Uint8Array, position: number): CompletedTransaction | undefined {
    const marker = readMarker(bytes, position)
    if (marker === undefined) return undefined
    const producerId = batch.producerId(bytes, position)
    const entry = this.entries.get(producerId) ?? ProducerEntry.none(producerId)
    const epoch = batch.producerEpoch(bytes, position)
    const lastOffset = batch.lastOffset(bytes, position)
    this.set(entry.withMarker(epoch, marker.coordinatorEpoch, batch.maxTimestamp(bytes, position)))
    if (entry.transactionStart < 0) return undefined
    this.ended.set(entry.transactionStart, lastOffset)
    return { producerId, firstOffset: entry.transactionStart, lastOffset, isAborted: marker.isAborted }
  }

  /** The last stable offset right after `completed`, for the index of aborted transactions. */
  stableOffsetAfter(completed: CompletedTransaction): number {
    let first = completed.lastOffset + 1
    for (const offset of this.open) first = Math.min(first, offset)
    return first
  }

  /** Start of the oldest transaction that is open, or that ended at or above the high watermark; infinity when none. */
  firstUnstableOffset(highWatermark: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const offset of this.open) first = Math.min(first, offset)
    for (const [firstOffset, lastOffset] of this.ended) {
      if (lastOffset < highWatermark) this.ended.delete(firstOffset)
      else first = Math.min(first, firstOffset)
    }
    return first
  }

  /** Forgets producers silent for `expirationMs`, unless they have an open transaction. */
  expire(nowMs: number, expirationMs: number): void {
    for (const entry of this.entries.values()) {
      if (isExpired(entry, nowMs, expirationMs)) this.entries.delete(entry.producerId)
    }
  }

  /** Takes over what a snapshot tells. */
  load(entry: ProducerEntry): void {
    this.set(entry)
  }

  clear(): void {
    this.entries.clear()
    this.open.clear()
    this.ended.clear()
    this.journal = undefined
  }

  /** From here on `undo` leads back to this state, until `commit`. */
  begin(): void {
    this.journal ??= []
  }

  commit(): void {
    this.journal = undefined
  }

  undo(): void {
    const journal = this.journal ?? []
    this.journal = undefined
    for (const { producerId, before } of journal.reverse()) {
      const after = this.entries.get(producerId)
      if (after !== undefined && after.transactionStart >= 0) this.open.delete(after.transactionStart)
      if (before === undefined) {
        this.entries.delete(producerId)
        continue
      }
      this.entries.set(producerId, before)
      if (before.transactionStart >= 0) {
        this.open.add(before.transactionStart)
        this.ended.delete(before.transactionStart)
      }
    }
  }

  private set(entry: ProducerEntry): void {
    const before = this.entries.get(entry.producerId)
    this.journal?.push({ producerId: entry.producerId, before })
    this.entries.set(entry.producerId, entry)
    const start = before?.transactionStart ?? -1
    if (start === entry.transactionStart) return
    if (start >= 0) this.open.delete(start)
    if (entry.transactionStart >= 0) this.open.add(entry.transactionStart)
  }
}

export function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.transactionStart < 0 && nowMs - entry.lastTimestamp >= expirationMs
}

/** What an unknown producer counts as having. */
const NO_EPOCH = -1

function checkEpoch(entry: ProducerEntry, epoch: number): void {
  if (epoch >= entry.epoch) return
  throw new KafkaError(
    errors.INVALID_PRODUCER_EPOCH,
    `producer ${entry.producerId} comes with epoch ${epoch}, but epoch ${entry.epoch} has been seen`,
  )
}

function checkSequence(entry: ProducerEntry, epoch: number, firstSequence: number): void {
  if (epoch !== entry.epoch) {
    if (firstSequence === 0) return
    throw new KafkaError(
      errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `producer ${entry.producerId} starts epoch ${epoch} at sequence ${firstSequence}; it has to start at 0`,
    )
  }
  const expected = batch.incrementSequence(entry.lastSequence, 1)
  if (firstSequence === expected) return
  throw new KafkaError(
    errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `producer ${entry.producerId}, epoch ${epoch}: sequence ${firstSequence} came where ${expected} was due`,
  )
}

/** What a marker's record says; undefined for control batches that end no transaction. */
function readMarker(
  bytes: Uint8Array,
  position: number,
): { isAborted: boolean; coordinatorEpoch: number } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const reader = new RecordReader(buffer, position)
  if (!reader.next()) return undefined
  const [key, value] = [reader.key(), reader.value()]
  if (key === null || key.byteLength < 4 || value === null || value.byteLength < 6) return undefined
  const type = key.readInt16BE(2)
  if (type !== ABORT && type !== COMMIT) return undefined
  return { isAborted: type === ABORT, coordinatorEpoch: value.readInt32BE(2) }
}
