// One partition's log: the batches in their order, the files they lie in and what is known about them.
// Promises that an append is decided synchronously and undone completely if it cannot be written, and that reads
// find whole batches in O(log n). Knows no topic, no leader and no high watermark except as numbers handed in.
import type { LogConfig } from './log-config.ts'

/**
 * Where appended bytes come from.
 * `client`: everything is checked. `coordinator`: control batches and any timestamp are allowed.
 */
export type AppendOrigin = 'client' | 'coordinator'

export interface AppendOptions {
  readonly origin: AppendOrigin
  /** Epoch of the leader that appends; stamped into the batch. */
  readonly leaderEpoch: number
  /**
   * True: the caller gives the memory away and will never write to it again, so the log may keep it.
   * False: the bytes are copied once, if kept. In both cases the batch may be changed in place.
   */
  readonly retain: boolean
}

export interface AppendResult {
  /** Offset of the first record; of the original batch when `duplicate`. */
  readonly baseOffset: number
  readonly lastOffset: number
  /** Broker's time when the topic uses LogAppendTime (max timestamp of the original when `duplicate`), else -1. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** The batch was here already (idempotent producer, KIP-98): nothing was appended. */
  readonly duplicate: boolean
  /** Bytes added to the log. */
  readonly byteLength: number
}

/** A range of a segment's file that will be read later, in slices. Holds the file open until released. */
export interface FileRange {
  readonly byteLength: number
  /** Fills `target` from `offsetInRange` on; returns the bytes read, never beyond the range. */
  read(target: Uint8Array, offsetInRange: number): Promise<number>
  readSync(target: Uint8Array, offsetInRange: number): number
  /** Must be called exactly once, read or not. */
  release(): void
}

export interface ReadResult {
  /** Whole batches, the first of which contains the offset asked for. Empty when there is nothing below the limit. */
  readonly parts: readonly (Uint8Array | FileRange)[]
  readonly byteLength: number
  /** Every record of `parts` lies below this offset: where the next sequential read starts. */
  readonly nextOffset: number
}

export interface ReadOptions {
  readonly maxBytes: number
  /** First offset that must not be returned: high watermark, last stable offset or log end. */
  readonly limitOffset: number
  /** Return the first batch even when it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean
}

export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

export interface EpochEndOffset {
  readonly leaderEpoch: number
  readonly endOffset: number
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTransactionStartOffset: number
}

/** A write failed (full disk, broken disk): everything queued since the last successful write is undone. */
export class LogWriteError extends Error {
  override readonly name = 'LogWriteError'
  /** The end of the log now: appends at or beyond it did not happen. */
  readonly endOffset: number

  constructor(path: string, endOffset: number, cause: unknown) {
    super(`cannot write to ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.endOffset = endOffset
  }
}

const later = (): never => {
  throw new Error('not written yet')
}

export class Log {
  readonly directory: string
  config: LogConfig

  constructor(directory: string, config: LogConfig) {
    this.directory = directory
    this.config = config
  }

  /** First offset that may be read; may lie inside a batch. */
  get startOffset(): number {
    return later()
  }

  /** Offset of the next record. Counts what is queued. */
  get endOffset(): number {
    return later()
  }

  /** End of what is in the files: readers and high watermark stay below it. */
  get writtenEndOffset(): number {
    return later()
  }

  /** End of what has been forced to the device: the recovery point. */
  get syncedEndOffset(): number {
    return later()
  }

  /** Bytes in the segments. */
  get byteLength(): number {
    return later()
  }

  /** Whether `writeQueued` has something to do; the caller calls it once in each turn of the event loop. */
  get hasQueued(): boolean {
    return later()
  }

  get queuedBytes(): number {
    return later()
  }

  /** Epoch of the last batch or epoch start; -1 when there is none. */
  get latestEpoch(): number {
    return later()
  }

  /**
   * Appends one batch: checks it, gives it its offsets, queues it. Throws KafkaError (RecordsError with the
   * records at fault) and leaves the log as it was. A duplicate may be of a batch that is still queued.
   */
  append(_records: Buffer, _options: AppendOptions): AppendResult {
    return later()
  }

  /** Appends batches that a leader numbered: offsets and epochs are kept. */
  appendAsFollower(_records: Buffer, _retain: boolean): void {
    later()
  }

  /** Writes what is queued with one system call per file. Throws LogWriteError after undoing all of it. */
  writeQueued(): void {
    later()
  }

  /** Resolves when everything written before the call is on the device. Callers in the same moment share one sync. */
  sync(): Promise<void> {
    return later()
  }

  /** Whether flush.messages or flush.ms ask for a sync. */
  isSyncDue(): boolean {
    return later()
  }

  /** Throws KafkaError OFFSET_OUT_OF_RANGE below `startOffset` or beyond `writtenEndOffset`. */
  read(_startOffset: number, _options: ReadOptions): ReadResult {
    return later()
  }

  /** Transactions aborted within [startOffset, endOffset), for a read_committed fetch. */
  abortedTransactions(_startOffset: number, _endOffset: number): AbortedTransaction[] {
    return later()
  }

  /** Start of the oldest transaction that is open or ended at or above the high watermark; the high watermark itself if none. */
  lastStableOffset(_highWatermark: number): number {
    return later()
  }

  /** First record with a timestamp >= `timestamp`, undefined when there is none. */
  offsetForTimestamp(_timestamp: number): TimestampOffset | undefined {
    return later()
  }

  /** The record with the largest timestamp (KIP-734), undefined in an empty log. */
  offsetOfMaxTimestamp(): TimestampOffset | undefined {
    return later()
  }

  /** KIP-101/279; -1/-1 when the epoch is unknown. */
  endOffsetForEpoch(_epoch: number): EpochEndOffset {
    return later()
  }

  /** The epoch under which `offset` was written; undefined when not known. */
  epochOf(_offset: number): number | undefined {
    return later()
  }

  /** Notes that `epoch` starts at the end of the log: this replica became leader. */
  assignEpochStart(_epoch: number): void {
    later()
  }

  activeProducers(): ActiveProducer[] {
    return later()
  }

  /** Moves the log start up (DeleteRecords, KIP-107); whole segments below it go at the next retention. */
  deleteRecordsTo(_offset: number): void {
    later()
  }

  /** Drops everything at and beyond `offset`. */
  truncateTo(_offset: number): void {
    later()
  }

  /** Drops everything and starts anew at `offset`. */
  truncateFullyAndStartAt(_offset: number): void {
    later()
  }

  /** Applies size, time and log start retention to segments below the high watermark; returns their number. */
  deleteOldSegments(_highWatermark: number): number {
    return later()
  }

  /** Forgets producers that have been silent for `producer.id.expiration.ms`. */
  expireProducers(): void {
    later()
  }

  updateConfig(_config: LogConfig): void {
    later()
  }

  /** Writes and syncs everything, snapshots and indexes included, so that the next start need not scan. */
  closeCleanly(): Promise<void> {
    return later()
  }

  /** Closes files and forgets memory without writing anything. */
  abandon(): void {
    later()
  }
}
