// What one log consists of, shared by the parts that append, write, read, sync and trim it.
// Promises nothing by itself: each field says who changes it. Leaves behaviour to log.ts and the parts beside it.
import { join } from 'node:path'
import { writeAtomically } from '../lib/files/files.ts'
import { type AppendRules, appendRules } from './append-check.ts'
import { formatEpochCheckpoint } from './checkpoint.ts'
import type { LogEnvironment } from './environment.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { snapshotToBytes } from './producer-snapshot.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import { Tail } from './tail.ts'

export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint'

/** A start looks through so much for producers in less time than a stop takes to write that there are none. */
const SOON_SCANNED_BYTES = 64 * 1024

/** What the loader found or made on the disk. */
export interface LoadedLog {
  readonly segments: Segments
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly epochs: LeaderEpochs
  readonly startOffset: number
  readonly endOffset: number
  readonly syncedEndOffset: number
  /** Index files and snapshot are up to date, and all names are on the device: the log was closed in order. */
  readonly isComplete: boolean
}

export class LogState {
  readonly environment: LogEnvironment
  readonly directory: string
  readonly segments: Segments
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly epochs: LeaderEpochs
  readonly tail: Tail
  startOffset: number
  /** Next offset to give out; moved by appends, moved back by a failed write. */
  endOffset: number
  /** End of what is in the files. */
  writtenEndOffset: number
  /** End of what has been forced to the device. */
  syncedEndOffset: number
  /** Set once when the disk cannot be trusted any more; nothing is appended after that. */
  failure: unknown
  config: LogConfig
  rules: AppendRules
  /** Segments that are not appended to any more and whose indexes have to be written. */
  ended: readonly Segment[] = []
  /** The epoch file is on the device as it is. */
  areEpochsDurable: boolean
  /** Closed or deleted: its files may have gone to another place. */
  isClosed = false
  /** Names in the directory have changed since it was last synced. */
  hasNewNames: boolean
  /** What closing in order writes is on the disk already, as the log has not changed since it was opened. */
  isComplete: boolean

  constructor(environment: LogEnvironment, directory: string, config: LogConfig, loaded: LoadedLog) {
    this.environment = environment
    this.directory = directory
    this.segments = loaded.segments
    this.producers = loaded.producers
    this.snapshots = loaded.snapshots
    this.epochs = loaded.epochs
    this.startOffset = loaded.startOffset
    this.endOffset = loaded.endOffset
    this.writtenEndOffset = loaded.endOffset
    this.syncedEndOffset = loaded.syncedEndOffset
    this.hasNewNames = !loaded.isComplete
    this.isComplete = loaded.isComplete
    this.areEpochsDurable = loaded.isComplete
    this.tail = new Tail(environment.tailMemory, environment.counter)
    this.config = config
    this.rules = appendRules(config)
  }

  /** Makes an empty segment and its file. It is not in the list yet. */
  newSegment(baseOffset: number): Segment {
    const { environment, config } = this
    const jitterMs = config.segmentJitterMs > 0 ? environment.random.below(config.segmentJitterMs) : 0
    const present = { transactionIndex: false }
    const segment = new Segment(environment, this.directory, baseOffset, 0, present, jitterMs)
    segment.create(config)
    this.hasNewNames = true
    return segment
  }

  get epochsPath(): string {
    return join(this.directory, EPOCH_CHECKPOINT)
  }

  /** Whether all that was written is on the device, with the names and the epochs that belong to it. */
  get isSynced(): boolean {
    if (this.syncedEndOffset < this.writtenEndOffset || this.hasNewNames) return false
    return this.areEpochsDurable && !this.epochs.isDirty
  }

  /** Brings the epoch file up to date; on the device it is after the next sync. */
  writeEpochs(): void {
    if (!this.epochs.isDirty) return
    writeAtomically(this.environment.files, this.epochsPath, formatEpochCheckpoint(this.epochs.all()), false)
    this.epochs.isDirty = false
    this.areEpochsDurable = false
    this.hasNewNames = true
  }

  /**
   * Writes the indexes of segments that have ended, also of those where that failed before: a full disk leaves none
   * behind that is written in part, and a missing one is made anew when it is needed.
   */
  sealEnded(): void {
    for (const segment of this.ended) if (!segment.isGone) segment.seal()
    this.ended = []
  }

  /** Drops snapshots that retention has made useless. One at or above the first segment is left, or made. */
  dropSnapshotsBefore(baseOffset: number): void {
    const { snapshots, environment, directory } = this
    const newest = snapshots.newest ?? 0
    snapshots.remove((offset) => offset < baseOffset && offset !== newest)
    if (newest >= baseOffset) return
    // A disk without room has kept the usual ones from being written. Whoever has written since is found by a scan.
    const before = [...this.producers.all()].filter(
      ({ batches }) => (batches.at(-1)?.lastOffset ?? -1) < baseOffset,
    )
    try {
      snapshots.write(baseOffset, snapshotToBytes(before, before.length))
    } catch (error) {
      const reason = `no snapshot of producers: ${(error as Error).message}`
      environment.report({ path: directory, reason, action: 'dropped', bytesCut: 0 })
    }
  }

  /** Writes what the next start would otherwise have to scan the log for. */
  complete(): void {
    const { segments, snapshots, producers, endOffset } = this
    this.sealEnded()
    if (segments.active.size > 0) segments.active.writeIndexes()
    segments.active.trim()
    const isSoonScanned = producers.size === 0 && segments.byteLength <= SOON_SCANNED_BYTES
    if ((snapshots.newest ?? 0) < endOffset && !isSoonScanned) snapshots.take(endOffset, producers)
    this.isComplete = true
  }

  /** The disk cannot be trusted any more: says so once, to whoever takes the directory offline. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return
    this.failure = error ?? new Error('unknown failure')
    this.environment.directoryFailed(this.directory, error)
  }
}
