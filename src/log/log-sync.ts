// Forcing a log to the device: group commit, one fdatasync under way per log, everybody who asks meanwhile goes with
// the next one.
// Promises that a sync covers all that was written before it was asked for, and that a failed one is never tried again
// on the same pages: the disk is given up. Leaves when to sync to the caller.
import { type Deferred, deferred } from '../lib/deferred.ts'
import { errorCode, syncFile } from '../lib/files/files.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { LogState } from './log-state.ts'

export class LogSync {
  lastSyncMs: number
  private readonly state: LogState
  private isRunning = false
  private isParentSynced = false
  private waiting: Deferred<void> | undefined
  /** End of the log after the deepest truncation since the running sync began. */
  private truncatedTo = Number.POSITIVE_INFINITY

  constructor(state: LogState) {
    this.state = state
    this.lastSyncMs = state.environment.clock.wallMs()
  }

  /** Resolves when everything written before the call is on the device; rejects when the disk is given up. */
  sync(): Promise<void> {
    const { state } = this
    if (state.failure !== undefined) return Promise.reject(state.failure)
    if (state.isClosed) return Promise.reject(closedError(state.directory))
    if (!this.isRunning && state.isSynced) return Promise.resolve()
    this.waiting ??= deferred()
    const { promise } = this.waiting
    if (!this.isRunning) void this.run()
    return promise
  }

  /** The log was cut: a sync that is under way must not count for what comes after `offset`. */
  truncated(offset: number): void {
    this.truncatedTo = Math.min(this.truncatedTo, offset)
  }

  private async run(): Promise<void> {
    this.isRunning = true
    for (let group = this.waiting; group !== undefined; group = this.waiting) {
      this.waiting = undefined
      try {
        await this.syncOnce()
        group.resolve()
      } catch (error) {
        // What is closed may be gone from its place: that says nothing about the disk.
        if (!this.state.isClosed) this.state.fail(error)
        group.reject(error)
        break
      }
    }
    this.isRunning = false
    if (this.state.failure === undefined && !this.state.isClosed) return
    this.waiting?.reject(this.state.failure ?? closedError(this.state.directory))
    this.waiting = undefined
  }

  private async syncOnce(): Promise<void> {
    const { state } = this
    const { environment, segments } = state
    const target = state.writtenEndOffset
    this.truncatedTo = Number.POSITIVE_INFINITY
    for (const segment of [...segments.all()]) {
      if (segment.isDirty && !segment.isGone) await segment.sync()
    }
    if (state.isClosed) throw closedError(state.directory)
    const hasEpochs = await this.syncEpochs()
    if (state.isClosed) throw closedError(state.directory)
    if (state.hasNewNames) await this.syncNames()
    if (state.isClosed) throw closedError(state.directory)
    this.lastSyncMs = environment.clock.wallMs()
    if (!hasEpochs) return
    state.syncedEndOffset = Math.max(state.syncedEndOffset, Math.min(target, this.truncatedTo))
  }

  private async syncNames(): Promise<void> {
    const { state } = this
    const { environment, directory } = state
    state.hasNewNames = false
    await environment.files.syncDirectory(directory)
    if (!this.isParentSynced) await environment.syncParent(directory)
    this.isParentSynced = true
  }

  /**
   * Forces the epoch file to the device, under its name: if power is lost between the two, there may be one without its
   * contents, which the next start takes from the batches. Returns false when there is no room for the file: the batches
   * are safe, but the recovery point has to stay, so that a recovery finds the epochs in them.
   */
  private async syncEpochs(): Promise<boolean> {
    const { state } = this
    if (state.areEpochsDurable && !state.epochs.isDirty) return true
    try {
      state.writeEpochs()
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC' && errorCode(error) !== 'EDQUOT') throw error
      return false
    }
    state.areEpochsDurable = true // unless it is written again meanwhile
    try {
      await syncFile(state.environment.files, state.epochsPath)
    } catch (error) {
      state.areEpochsDurable = false
      throw error
    }
    return true
  }
}

function closedError(directory: string): KafkaError {
  return new KafkaError(errors.KAFKA_STORAGE_ERROR, `the log ${directory} was closed or deleted meanwhile`)
}
