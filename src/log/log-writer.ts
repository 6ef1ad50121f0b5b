// The way of a batch into a log: from the queue to the files, or back out of everything if that fails.
// Promises one gathered write per segment and turn, and after a failed write a log as if nothing had been queued.
// Leaves checks and offsets to log.ts, and forcing to the device to log-sync.ts.
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import type { EpochStart } from './checkpoint.ts'
import type { LogState } from './log-state.ts'
import { snapshotToBytes } from './producer-snapshot.ts'
import type { BatchEnd, Segment, SegmentMark } from './segment.ts'

/** A write failed (full disk, broken disk): everything queued since the last successful write is undone. */
export class LogWriteError extends KafkaError {
  /** The end of the log now: appends at or beyond it did not happen. */
  readonly endOffset: number

  constructor(path: string, endOffset: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(errors.KAFKA_STORAGE_ERROR, `cannot write to ${path}: ${reason}`)
    this.cause = cause
    this.endOffset = endOffset
  }
}

/** The state to go back to. */
interface Savepoint {
  readonly segmentIndex: number
  readonly segment: SegmentMark
  readonly epochs: readonly EpochStart[]
}

interface PendingSnapshot {
  readonly offset: number
  readonly bytes: Buffer
}

export class LogWriter {
  queuedBytes = 0
  /** How often everything queued had to be undone. */
  failures = 0
  private readonly state: LogState
  private savepoint: Savepoint | undefined
  private snapshots: PendingSnapshot[] = []
  private readonly end = { lastOffset: 0, maxTimestamp: 0, byteLength: 0 }

  constructor(state: LogState) {
    this.state = state
  }

  get hasQueued(): boolean {
    return this.savepoint !== undefined
  }

  /**
   * Queues one batch that has its offsets and epoch, and moves everything that depends on it.
   * @throws KafkaError KAFKA_STORAGE_ERROR when a new segment cannot be made; nothing is changed then
   */
  queue(bytes: Buffer, retain: boolean, nowMs: number): void {
    const { state, end } = this
    end.lastOffset = batch.lastOffset(bytes, 0)
    end.maxTimestamp = batch.maxTimestamp(bytes, 0)
    end.byteLength = bytes.byteLength
    const baseOffset = batch.baseOffset(bytes, 0)
    const mustRoll = state.segments.active.mustRollFor(end, state.config, nowMs)
    const next = mustRoll ? this.nextSegment(baseOffset) : undefined
    this.begin()
    if (next !== undefined) this.addSegment(next)
    const segment = state.segments.active
    state.tail.append(bytes, retain, segment.baseOffset, segment.size)
    state.epochs.noteBatch(batch.partitionLeaderEpoch(bytes, 0), baseOffset)
    if (batch.producerId(bytes, 0) >= 0) this.noteProducer(bytes, segment)
    segment.append(end as BatchEnd, state.config.indexIntervalBytes)
    state.endOffset = end.lastOffset + 1
    this.queuedBytes += end.byteLength
  }

  private noteProducer(bytes: Buffer, segment: Segment): void {
    const { producers } = this.state
    const completed = producers.append(bytes, 0)
    if (completed === undefined || !completed.isAborted) return
    const lastStableOffset = producers.stableOffsetAfter(completed)
    segment.transactions.append({ ...completed, lastStableOffset })
  }

  /** Ends the active segment at the end of the log. Nothing may be queued. */
  roll(): void {
    this.begin()
    this.addSegment(this.nextSegment(this.state.endOffset))
    this.write()
  }

  private nextSegment(baseOffset: number): Segment {
    try {
      return this.state.newSegment(baseOffset)
    } catch (error) {
      throw new LogWriteError(this.state.directory, this.state.endOffset, error)
    }
  }

  private addSegment(segment: Segment): void {
    const { producers, segments } = this.state
    this.snapshots.push({
      offset: segment.baseOffset,
      bytes: snapshotToBytes(producers.all(), producers.size),
    })
    segments.add(segment)
  }

  private begin(): void {
    if (this.savepoint !== undefined) return
    const { segments, epochs, producers } = this.state
    this.state.isComplete = false
    this.savepoint = {
      segmentIndex: segments.count - 1,
      segment: segments.active.mark(),
      epochs: epochs.all(),
    }
    producers.begin()
  }

  /**
   * Writes what is queued. Returns true when a segment was completed by it, which then has to be synced.
   * @throws LogWriteError after undoing everything queued
   */
  write(): boolean {
    const { savepoint, state } = this
    if (savepoint === undefined) return false
    const { segments } = state
    try {
      let from = savepoint.segment.size
      for (let i = savepoint.segmentIndex; i < segments.count; i++) {
        this.writeSegment(segments.at(i)!, from)
        from = 0
      }
    } catch (error) {
      this.undo(savepoint)
      throw new LogWriteError(segments.active.file.path, state.endOffset, error)
    }
    for (let i = savepoint.segmentIndex; i < segments.count; i++) {
      segments.at(i)!.writtenSize = segments.at(i)!.size
    }
    this.savepoint = undefined
    this.queuedBytes = 0
    state.writtenEndOffset = state.endOffset
    state.producers.commit()
    state.tail.written(segments.active.baseOffset, segments.active.size)
    const hasEnded = segments.count - 1 > savepoint.segmentIndex
    if (hasEnded) state.ended = [...state.ended, ...segments.all().slice(savepoint.segmentIndex, -1)]
    this.finishFiles()
    return hasEnded
  }

  private writeSegment(segment: Segment, from: number): void {
    if (segment.size > from) {
      const { parts } = this.state.tail.views(segment.baseOffset, from, segment.size)
      segment.file.handle().writevSync(parts, from)
      segment.isDirty = true
    }
    if (segment.transactions.hasUnwritten) segment.transactions.write()
  }

  /** Writes what can be made again from the batches: a failure here is reported and made good at a recovery. */
  private finishFiles(): void {
    const { snapshots, environment, directory } = this.state
    try {
      if (this.state.ended.length > 0) this.state.sealEnded()
      for (const { offset, bytes } of this.snapshots) snapshots.write(offset, bytes)
      this.state.writeEpochs()
    } catch (error) {
      const reason = `cannot be written: ${error instanceof Error ? error.message : String(error)}`
      environment.report({ path: directory, reason, action: 'dropped', bytesCut: 0 })
    }
    this.snapshots = []
  }

  private undo(savepoint: Savepoint): void {
    this.failures++
    const { state } = this
    const { segments, tail, producers, epochs } = state
    this.savepoint = undefined
    this.snapshots = []
    this.queuedBytes = 0
    state.endOffset = state.writtenEndOffset
    producers.undo()
    epochs.restore(savepoint.epochs)
    const segment = segments.at(savepoint.segmentIndex)!
    tail.truncate(segment.baseOffset, savepoint.segment.size)
    try {
      for (const added of segments.takeFrom(savepoint.segmentIndex + 1)) {
        added.close()
        state.environment.files.unlinkSync(added.file.path)
      }
      segment.backTo(savepoint.segment)
    } catch (error) {
      // What was written in part cannot be taken back: the next start has to cut it.
      state.fail(error)
    }
  }
}
