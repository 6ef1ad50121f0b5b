// What a producer holds for one partition: the batch being filled, those waiting, those sent and not yet answered.
// Promises their order, and that a retried batch is never overtaken by a later one of the same partition (KIP-98 sequences).
// Leaves when and where to send to producer.ts.

import { BatchBuilder, largestRecordSize, type RecordToWrite } from '../../wire/records/build.ts'
import type { Codec } from '../../wire/records/compression/index.ts'

/** Called once for each record: with the error, or with the record's offset (-1 when the broker does not tell). */
export type Outcome = (error: Error | undefined, offset: number) => void

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface BatchLimits {
  readonly batchBytes: number
  readonly compression: Codec
  readonly compressionLevel?: number | undefined
}

const MAX_SEQUENCE = 2 ** 31

export class PendingBatch {
  readonly builder: BatchBuilder
  readonly outcomes: Outcome[] = []
  /** Position among all batches of the partition. */
  readonly order: number
  readonly createdMs: number
  attempts = 0
  /** Why the latest attempt has to be repeated. */
  lastFailure: Error | undefined
  private built: Buffer | undefined

  constructor(builder: BatchBuilder, order: number, createdMs: number) {
    this.builder = builder
    this.order = order
    this.createdMs = createdMs
  }

  /** The finished bytes, the same at every attempt. */
  bytes(): Buffer {
    return (this.built ??= this.builder.build())
  }

  settle(error: Error | undefined, baseOffset: number): void {
    for (const [i, outcome] of this.outcomes.entries()) {
      outcome(error, error !== undefined || baseOffset < 0 ? -1 : baseOffset + i)
    }
  }
}

export class PartitionQueue {
  readonly topic: string
  readonly index: number
  readonly ready: PendingBatch[] = []
  readonly inFlight: PendingBatch[] = []
  /** Monotonic time before which a retry would come too early. */
  notBeforeMs = 0
  private filling: PendingBatch | undefined
  private isRetrying = false
  private order = 0
  private nextSequence = 0
  private readonly limits: BatchLimits
  private readonly identity: ProducerIdentity | undefined

  constructor(topic: string, index: number, limits: BatchLimits, identity: ProducerIdentity | undefined) {
    this.topic = topic
    this.index = index
    this.limits = limits
    this.identity = identity
  }

  get isEmpty(): boolean {
    return this.filling === undefined && this.ready.length === 0 && this.inFlight.length === 0
  }

  /** When the batch being filled was begun; undefined when there is none. */
  get fillingSinceMs(): number | undefined {
    return this.filling?.createdMs
  }

  /** Adds a record; true when this completed a batch (the one before, or this one). */
  append(record: RecordToWrite, outcome: Outcome, nowMs: number): boolean {
    const size = largestRecordSize(record)
    let completed = false
    if (this.filling !== undefined && this.filling.builder.sizeInBytes + size > this.limits.batchBytes) {
      this.closeFilling()
      completed = true
    }
    this.filling ??= this.begin(size, nowMs)
    this.filling.builder.append(record)
    this.filling.outcomes.push(outcome)
    if (this.filling.builder.sizeInBytes >= this.limits.batchBytes) {
      this.closeFilling()
      completed = true
    }
    return completed
  }

  /** The batch being filled takes its place among those ready to go. */
  closeFilling(): void {
    const batch = this.filling
    if (batch === undefined) return
    this.filling = undefined
    this.nextSequence = (this.nextSequence + batch.builder.recordsCount) % MAX_SEQUENCE
    this.ready.push(batch)
  }

  /** Whether a batch may leave now: one that is complete, or with `isDue` the one being filled. */
  maySend(nowMs: number, isDue: boolean): boolean {
    if (this.ready.length === 0 && !(isDue && this.filling !== undefined)) return false
    if (nowMs < this.notBeforeMs) return false
    return !this.isRetrying || this.inFlight.length === 0
  }

  /** Bytes, before compression, of the batch that `take` would give. */
  get nextBytes(): number {
    return (this.ready[0] ?? this.filling)?.builder.sizeInBytes ?? 0
  }

  /** Moves the next batch among those in flight. The one being filled goes on being filled until it is its turn. */
  take(): PendingBatch {
    if (this.ready.length === 0) this.closeFilling()
    const batch = this.ready.shift()!
    batch.attempts++
    this.inFlight.push(batch)
    return batch
  }

  /** The batch was answered for good. */
  finish(batch: PendingBatch): void {
    this.remove(batch)
    if (this.isRetrying && (this.ready[0]?.attempts ?? 0) === 0) this.isRetrying = false
  }

  /** The batch goes back to its place, to be sent again alone. */
  retry(batch: PendingBatch, notBeforeMs: number): void {
    this.remove(batch)
    const at = this.ready.findIndex((other) => other.order > batch.order)
    this.ready.splice(at < 0 ? this.ready.length : at, 0, batch)
    this.isRetrying = true
    this.notBeforeMs = Math.max(this.notBeforeMs, notBeforeMs)
  }

  /** Whether a batch before this one is still without an answer: then OUT_OF_ORDER_SEQUENCE_NUMBER only follows from that. */
  hasEarlier(batch: PendingBatch): boolean {
    return [...this.ready, ...this.inFlight].some((other) => other.order < batch.order)
  }

  /** Everything not in flight, which is given up. */
  drain(): PendingBatch[] {
    this.closeFilling()
    return this.ready.splice(0)
  }

  private begin(firstRecordBytes: number, nowMs: number): PendingBatch {
    const { compression, compressionLevel, batchBytes } = this.limits
    const options = {
      compression,
      compressionLevel,
      ...(this.identity === undefined ? {} : { ...this.identity, baseSequence: this.nextSequence }),
    }
    // A record that fills most of a batch gets memory of the right size at once.
    const initialBytes = Math.min(Math.max(1024, firstRecordBytes * 4), batchBytes + firstRecordBytes)
    return new PendingBatch(new BatchBuilder(options, initialBytes), this.order++, nowMs)
  }

  private remove(batch: PendingBatch): void {
    const at = this.inFlight.indexOf(batch)
    if (at >= 0) this.inFlight.splice(at, 1)
  }
}
