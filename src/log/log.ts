// One partition's log: the batches in their order, the files they lie in and what is known about them.
// Promises that an append is decided synchronously and undone completely if it cannot be written, and that reads
// find whole batches in O(log n). Knows no topic, no leader and no high watermark except as numbers handed in.
import { assert } from '../lib/assert.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { appendRules, checkFromClient, checkFromCoordinator, type Unfolding } from './append-check.ts'
import type { LogEnvironment } from './environment.ts'
import type { EpochEndOffset } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { loadLog, type OpenOptions } from './log-loader.ts'
import { LogReader, type ReadOptions, type ReadResult } from './log-reader.ts'
import { offsetForTimestamp, offsetOfMaxTimestamp, searchRoom, type TimestampOffset } from './log-search.ts'
import { LogState } from './log-state.ts'
import { LogSync } from './log-sync.ts'
import { LogWriter } from './log-writer.ts'
import { type ActiveProducer, activeProducer } from './producer-entry.ts'
import { countDeletable } from './retention.ts'
import { truncateFullyAndStartAt, truncateTo } from './truncation.ts'

export { type RecordError, RecordsError } from './append-check.ts'
export type { LogConfig } from './log-config.ts'
export type { FileRange } from './log-file.ts'
export { LogWriteError } from './log-writer.ts'
export type { ActiveProducer, EpochEndOffset, OpenOptions, ReadOptions, ReadResult, TimestampOffset }

/**
 * Where appended bytes come from.
 * `client`: everything is checked. `coordinator`: control batches and any timestamp are allowed.
 */
export type AppendOrigin = 'client' | 'coordinator'

export interface AppendOptions {
  readonly origin: AppendOrigin
  /** Epoch of the leader that appends; stamped into the batch. */
  readonly leaderEpoch: number
  /** The log may keep the memory: nobody writes to it again. Otherwise it copies. In both cases the batch may be changed. */
  readonly retain: boolean
  readonly unfolding?: Unfolding | undefined
}

export interface AppendResult {
  /** Offset of the first record; of the original batch when `duplicate`. */
  readonly baseOffset: number
  readonly lastOffset: number
  /** Broker's time when the topic uses LogAppendTime (max timestamp of the original when `duplicate`), else -1. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** The batch was here already (idempotent producer, KIP-98): nothing was appended. It may still be queued. */
  readonly duplicate: boolean
  /** Bytes added to the log. */
  readonly byteLength: number
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export class Log {
  private readonly state: LogState
  private readonly writer: LogWriter
  private readonly reader: LogReader
  private readonly syncs: LogSync

  private constructor(state: LogState) {
    this.state = state
    this.writer = new LogWriter(state)
    this.reader = new LogReader(state)
    this.syncs = new LogSync(state)
  }

  /** Opens the log in an existing directory, repairing it if need be, or begins a new one there. */
  static open(environment: LogEnvironment, options: OpenOptions): Log {
    const loaded = loadLog(environment, options)
    return new Log(new LogState(environment, options.directory, options.config, loaded))
  }

  get directory(): string {
    return this.state.directory
  }

  get config(): LogConfig {
    return this.state.config
  }

  /** First offset that may be read; may lie inside a batch. */
  get startOffset(): number {
    return this.state.startOffset
  }

  /** Base offset of the first segment: what the log start falls back to without a checkpoint. */
  get firstSegmentOffset(): number {
    return this.state.segments.first.baseOffset
  }

  /** Offset of the next record. Counts what is queued. */
  get endOffset(): number {
    return this.state.endOffset
  }

  /** End of what is in the files: readers and high watermark stay below it. */
  get writtenEndOffset(): number {
    return this.state.writtenEndOffset
  }

  /** End of what has been forced to the device: the recovery point. */
  get syncedEndOffset(): number {
    return this.state.syncedEndOffset
  }

  /** Bytes in the segments. */
  get byteLength(): number {
    return this.state.segments.byteLength
  }

  get segmentCount(): number {
    return this.state.segments.count
  }

  /** Whether `writeQueued` has something to do; the caller calls it once in each turn of the event loop. */
  get hasQueued(): boolean {
    return this.writer.hasQueued
  }

  get queuedBytes(): number {
    return this.writer.queuedBytes
  }

  /** How often a write has failed: what was queued before the latest failure did not happen. */
  get writeFailures(): number {
    return this.writer.failures
  }

  /** Epoch of the last batch or epoch start; -1 when there is none. */
  get latestEpoch(): number {
    return this.state.epochs.latest
  }

  /** Set once the disk cannot be trusted any more: nothing is appended after that. */
  get failure(): unknown {
    return this.state.failure
  }

  /**
   * Appends one batch: checks it, gives it its offsets, queues it. Throws KafkaError (RecordsError with the
   * records at fault) and leaves the log as it was. A duplicate may be of a batch that is still queued.
   */
  append(records: Buffer, options: AppendOptions): AppendResult {
    const { state } = this
    this.checkUsable()
    const nowMs = state.environment.clock.wallMs()
    const isFromClient = options.origin === 'client'
    const bytes = isFromClient
      ? checkFromClient(records, state.rules, nowMs, options.unfolding)
      : checkFromCoordinator(records, state.rules, nowMs)
    if (batch.producerId(bytes, 0) >= 0) {
      if (batch.isControl(bytes, 0)) state.producers.checkMarker(bytes, 0)
      else if (isFromClient) {
        const original = state.producers.checkFromClient(bytes, 0)
        if (original !== undefined) {
          return {
            baseOffset: original.lastOffset - original.offsetDelta,
            lastOffset: original.lastOffset,
            logAppendTimeMs: original.timestamp,
            logStartOffset: state.startOffset,
            duplicate: true,
            byteLength: 0,
          }
        }
      }
    }
    const baseOffset = state.endOffset
    batch.setBaseOffset(bytes, 0, baseOffset)
    batch.setPartitionLeaderEpoch(bytes, 0, options.leaderEpoch)
    const isNewMemory = bytes !== records && bytes.buffer !== records.buffer
    this.writer.queue(bytes, options.retain || isNewMemory, nowMs)
    return {
      baseOffset,
      lastOffset: state.endOffset - 1,
      logAppendTimeMs: state.rules.isLogAppendTime ? nowMs : -1,
      logStartOffset: state.startOffset,
      duplicate: false,
      byteLength: bytes.byteLength,
    }
  }

  /**
   * Appends batches that a leader numbered: offsets and epochs are kept, a cut batch at the end is dropped.
   * @throws KafkaError CORRUPT_MESSAGE, and OFFSET_OUT_OF_RANGE when a batch does not follow on the log's end;
   *   batches before it stay queued
   */
  appendAsFollower(records: Buffer, retain: boolean): void {
    this.checkUsable()
    const nowMs = this.state.environment.clock.wallMs()
    for (let position = 0; position + batch.PREFIX_BYTES <= records.byteLength; ) {
      const size = batch.sizeInBytes(records, position)
      const damage = batch.damageOf(records, position)
      if (damage === undefined && position + size > records.byteLength) return
      if (damage !== undefined || !batch.hasValidCrc(records, position)) {
        const reason = damage ?? 'the checksum does not fit'
        throw new KafkaError(errors.CORRUPT_MESSAGE, `byte ${position} of a leader's answer: ${reason}`)
      }
      if (batch.baseOffset(records, position) < this.state.endOffset) {
        throw new KafkaError(
          errors.OFFSET_OUT_OF_RANGE,
          `offset ${batch.baseOffset(records, position)} came where ${this.state.endOffset} was due`,
        )
      }
      this.writer.queue(records.subarray(position, position + size), retain, nowMs)
      position += size
    }
  }

  /** Writes what is queued with one system call per file. Throws LogWriteError after undoing all of it. */
  writeQueued(): void {
    if (this.writer.write()) this.sync().catch(() => {}) // a failure takes the directory offline by itself
  }

  /** Resolves when everything written before the call is on the device. Callers in the same moment share one sync. */
  sync(): Promise<void> {
    return this.syncs.sync()
  }

  /** Whether flush.messages or flush.ms ask for a sync. */
  isSyncDue(): boolean {
    const { config, writtenEndOffset, syncedEndOffset, environment } = this.state
    if (writtenEndOffset <= syncedEndOffset) return false
    if (writtenEndOffset - syncedEndOffset >= config.flushMessages) return true
    return environment.clock.wallMs() - this.syncs.lastSyncMs >= config.flushMs
  }

  /** Throws KafkaError OFFSET_OUT_OF_RANGE below `startOffset` or beyond `writtenEndOffset`. */
  read(startOffset: number, options: ReadOptions): ReadResult {
    return this.reader.read(startOffset, options)
  }

  /** Transactions aborted within [startOffset, endOffset), for a read_committed fetch. */
  abortedTransactions(startOffset: number, endOffset: number): AbortedTransaction[] {
    const { segments } = this.state
    const found: AbortedTransaction[] = []
    for (let i = segments.indexFor(startOffset); i < segments.count; i++) {
      for (const entry of segments.at(i)!.transactions.all()) {
        if (entry.lastOffset >= startOffset && entry.firstOffset < endOffset) {
          found.push({ producerId: entry.producerId, firstOffset: entry.firstOffset })
        }
        if (entry.lastStableOffset >= endOffset) return sorted(found)
      }
    }
    return sorted(found)
  }

  /** Start of the oldest transaction that is open or ended at or above the high watermark; the high watermark itself if none. */
  lastStableOffset(highWatermark: number): number {
    const first = this.state.producers.firstUnstableOffset(highWatermark)
    return Math.max(Math.min(first, highWatermark), Math.min(this.state.startOffset, highWatermark))
  }

  /** First record with a timestamp >= `timestamp`, undefined when there is none. */
  offsetForTimestamp(timestamp: number, room = searchRoom()): TimestampOffset | undefined {
    return offsetForTimestamp(this.state, this.reader, timestamp, room)
  }

  /** The record with the largest timestamp (KIP-734), undefined in an empty log. */
  offsetOfMaxTimestamp(room = searchRoom()): TimestampOffset | undefined {
    return offsetOfMaxTimestamp(this.state, this.reader, room)
  }

  /** KIP-101/279; -1/-1 when the epoch is unknown. */
  endOffsetForEpoch(epoch: number): EpochEndOffset {
    return this.state.epochs.endOffsetFor(epoch, this.state.writtenEndOffset)
  }

  /** The epoch under which `offset` was written; undefined when not known. */
  epochOf(offset: number): number | undefined {
    return this.state.epochs.epochOf(offset)
  }

  /** Notes that `epoch` starts at the end of the log: this replica became leader. */
  assignEpochStart(epoch: number): void {
    if (epoch > this.state.epochs.latest) this.state.epochs.assign(epoch, this.state.endOffset)
  }

  activeProducers(): ActiveProducer[] {
    return [...this.state.producers.all()].map(activeProducer)
  }

  /** Whether the producer has an open transaction here; decides if a transactional batch needs verification (KIP-890). */
  hasOpenTransaction(producerId: number): boolean {
    return (this.state.producers.get(producerId)?.transactionStart ?? -1) >= 0
  }

  /** Moves the log start up (DeleteRecords, KIP-107); whole segments below it go at the next retention. */
  deleteRecordsTo(offset: number): void {
    const { state } = this
    if (offset > state.writtenEndOffset) {
      throw new KafkaError(
        errors.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is beyond the end of the log, ${state.writtenEndOffset}`,
      )
    }
    if (offset <= state.startOffset) return
    state.startOffset = offset
    state.epochs.truncateFromStart(offset)
  }

  /** Drops everything at and beyond `offset`; decided when this returns, the promise is about removing files. */
  truncateTo(offset: number): Promise<void> {
    this.writeQueued()
    if (offset >= this.state.endOffset) return Promise.resolve()
    this.syncs.truncated(offset)
    if (offset < this.state.segments.first.baseOffset) return this.truncateFullyAndStartAt(offset)
    this.state.startOffset = Math.min(this.state.startOffset, offset)
    return truncateTo(this.state, this.reader, offset)
  }

  /** Drops everything and starts anew at `offset`; decided when this returns, the promise is about removing files. */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    this.writeQueued()
    this.syncs.truncated(offset)
    return truncateFullyAndStartAt(this.state, this.reader, offset)
  }

  /** Applies size, time and log start retention to segments below the high watermark; returns their number. */
  deleteOldSegments(highWatermark: number): number {
    const { state } = this
    const count = countDeletable(state, highWatermark)
    if (count === 0) return 0
    this.writeQueued()
    if (count === state.segments.count) this.roll()
    const removed = state.segments.takeFirst(count)
    const { baseOffset } = state.segments.first
    state.startOffset = Math.max(state.startOffset, baseOffset)
    state.epochs.truncateFromStart(state.startOffset)
    state.tail.dropBefore(baseOffset)
    state.dropSnapshotsBefore(baseOffset)
    const failed = (error: unknown): void => state.fail(error)
    for (const segment of removed) segment.remove().catch(failed)
    return count
  }

  /** Ends the active segment; the next append goes to a new one. */
  roll(): void {
    this.writeQueued()
    if (this.state.segments.active.size === 0) return
    this.writer.roll()
    this.sync().catch(() => {})
  }

  /** Forgets producers that have been silent for `producer.id.expiration.ms`: that of the start unless given. */
  expireProducers(expirationMs = this.state.environment.producerIdExpirationMs): void {
    const { environment, producers } = this.state
    producers.expire(environment.clock.wallMs(), expirationMs)
  }

  updateConfig(config: LogConfig): void {
    this.state.config = config
    this.state.rules = appendRules(config)
  }

  /** Writes what the next start would otherwise have to find out, snapshots and indexes included. */
  complete(): void {
    this.writeQueued()
    if (!this.state.isComplete) this.state.complete()
  }

  /** Completes and syncs everything, so that the next start need not scan. */
  async closeCleanly(): Promise<void> {
    this.complete()
    await this.sync()
    // Throws when the sync had to do without, as there was no room.
    this.state.writeEpochs()
    this.abandon()
  }

  /** The disk has failed under another log of the same directory: this one is not trusted with it any longer. */
  giveUp(error: unknown): void {
    this.state.failure ??= error
  }

  /** Closes files and forgets memory without writing anything. Harmless when repeated. */
  abandon(): void {
    this.state.isClosed = true
    this.state.tail.clear()
    for (const segment of this.state.segments.all()) segment.close()
  }

  private checkUsable(): void {
    assert(this.state.segments.count > 0, 'a log has a segment to append to')
    if (this.state.failure === undefined) return
    throw new KafkaError(errors.KAFKA_STORAGE_ERROR, `the disk of ${this.directory} has failed`)
  }
}

function sorted(transactions: AbortedTransaction[]): AbortedTransaction[] {
  return transactions.sort((a, b) => a.firstOffset - b.firstOffset)
}
