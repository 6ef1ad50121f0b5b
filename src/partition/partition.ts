// One partition on this broker: a log, who leads it, and how far it is committed.
// Promises that readers see nothing that is not written (and synced, where asked) and that the high watermark never
// goes back. Leaves bytes to the log, decisions about leaders to the controller, and codes to the handlers.

import type { PartitionImage } from '../cluster/image.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Clock } from '../lib/clock.ts'
import { type Deferred, deferred } from '../lib/deferred.ts'
import type { Logger } from '../lib/logger.ts'
import type { Unfolding } from '../log/append-check.ts'
import type {
  AbortedTransaction,
  AppendOrigin,
  AppendResult,
  EpochEndOffset,
  FileRange,
  Log,
  ReadResult,
} from '../log/log.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { AppendQueue, Writable } from './append-queue.ts'
import { CommitWaits, FetchWaits } from './waits.ts'

/** acks = -1: answered when all in-sync replicas have the records. */
export const ACKS_ALL = -1

export interface PartitionIdentity {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  /** The topic is kept by the broker itself. */
  readonly isInternal: boolean
}

export interface PartitionEnvironment {
  readonly nodeId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly appendQueue: AppendQueue
}

export interface PartitionAppendOptions {
  readonly origin: AppendOrigin
  readonly acks: number
  /** The memory of the records is never written to again. */
  readonly retain: boolean
  /** Shared by all batches of a request. */
  readonly unfolding?: Unfolding
}

export interface PartitionAppend {
  readonly result: AppendResult
  /** Resolves when the records are in the file (and on the device where flush.messages asks for it). */
  readonly written: Promise<void>
}

/** Who may see what: consumers up to the high watermark or the last stable offset. */
export type Isolation = 'read_uncommitted' | 'read_committed'

export interface PartitionReadOptions {
  readonly isolation: Isolation
  /** The reader's idea of the current leader epoch, -1 for none (KIP-320). */
  readonly currentLeaderEpoch: number
  /** Epoch of the last record the reader has, -1 for none (KIP-595). */
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
  readonly minOneBatch: boolean
  /** How much of it may be views of memory. */
  readonly maxMemoryBytes?: number
}

export interface PartitionRead {
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly parts: readonly (Uint8Array | FileRange)[]
  readonly byteLength: number
  /** What there would be without `maxBytes`, to the end of the segment. */
  readonly availableBytes: number
  /** There is more in later segments. */
  readonly isContinued: boolean
  /** Null for read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /** Set when the reader's history is not ours: where it ends. */
  readonly divergingEpoch: EpochEndOffset | undefined
}

const NOTHING: readonly never[] = []

export class Partition implements Writable {
  readonly identity: PartitionIdentity
  readonly log: Log
  readonly fetchWaits = new FetchWaits()
  private readonly environment: PartitionEnvironment
  private readonly commitWaits: CommitWaits
  private image: PartitionImage
  private config: TopicConfig
  private committedOffset: number
  /** Settled by the write that the queued appends wait for. */
  private pendingWrite: Deferred | undefined
  /** Settled by the sync that covers everything written so far, while it is under way. */
  private pendingSync: Promise<void> | undefined
  /** Bytes ever appended, written, and made known to waiting fetches. */
  private appendedBytes = 0
  private writtenBytes = 0
  private announcedBytes = 0
  /** As the log had it when the first of the queued appends was made. */
  private writeFailures = 0
  private isClosed = false

  /** `highWatermark` is the checkpointed one: where the log was known to be committed before this start. */
  constructor(
    identity: PartitionIdentity,
    log: Log,
    image: PartitionImage,
    config: TopicConfig,
    highWatermark: number,
    environment: PartitionEnvironment,
  ) {
    this.identity = identity
    this.log = log
    this.image = image
    this.config = config
    this.environment = environment
    this.commitWaits = new CommitWaits(environment.clock)
    this.committedOffset = Math.min(Math.max(highWatermark, log.startOffset), log.writtenEndOffset)
    if (this.isLeader) this.becomeLeader()
  }

  get isLeader(): boolean {
    return this.image.leader === this.environment.nodeId && !this.isClosed
  }

  get isInternal(): boolean {
    return this.identity.isInternal
  }

  /** Whether records may be deleted by offset: not from a topic that is only compacted. */
  get isDeletable(): boolean {
    const { cleanupPolicy } = this.config
    return cleanupPolicy.includes('delete') || !cleanupPolicy.includes('compact')
  }

  get leader(): number {
    return this.image.leader
  }

  get leaderEpoch(): number {
    return this.image.leaderEpoch
  }

  /** Everything below is committed: every in-sync replica has it. */
  get highWatermark(): number {
    return this.committedOffset
  }

  /** Everything below is decided: no open transaction reaches below it. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.committedOffset)
  }

  /** Takes up what the controller decided. */
  update(image: PartitionImage, config: TopicConfig): void {
    const before = this.image
    this.image = image
    if (config !== this.config) this.log.updateConfig(config)
    this.config = config
    if (image.leader !== this.environment.nodeId) {
      this.fetchWaits.endAll()
      this.commitWaits.endAll()
    } else if (before.leader !== image.leader || before.leaderEpoch !== image.leaderEpoch) {
      this.becomeLeader()
    }
  }

  /**
   * Throws KafkaError unless this broker leads, on a disk that works, and the client's idea of the leader epoch is ours
   * (KIP-320).
   */
  checkLeader(currentLeaderEpoch: number): void {
    if (!this.isLeader) throw new KafkaError(errors.NOT_LEADER_OR_FOLLOWER)
    if (this.log.failure !== undefined) {
      throw new KafkaError(errors.KAFKA_STORAGE_ERROR, `the disk of ${this.log.directory} has failed`)
    }
    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.image.leaderEpoch) return
    throw new KafkaError(
      currentLeaderEpoch < this.image.leaderEpoch ? errors.FENCED_LEADER_EPOCH : errors.UNKNOWN_LEADER_EPOCH,
    )
  }

  /**
   * Appends one batch. All that decides order happens before this returns; the write follows at the end of the turn.
   * Throws KafkaError and leaves the log as it was.
   */
  append(records: Buffer, options: PartitionAppendOptions): PartitionAppend {
    if (!this.isLeader) throw new KafkaError(errors.NOT_LEADER_OR_FOLLOWER)
    if (options.acks === ACKS_ALL) this.checkInSyncReplicas()
    const result = this.log.append(records, {
      origin: options.origin,
      leaderEpoch: this.image.leaderEpoch,
      retain: options.retain,
      unfolding: options.unfolding,
    })
    this.appendedBytes += result.byteLength
    return { result, written: this.writtenSoon() }
  }

  /** Resolves true when the high watermark has passed `offset`, false when that took longer than `timeoutMs`. */
  committed(offset: number, timeoutMs: number): Promise<boolean> | true {
    if (this.committedOffset > offset) return true
    if (this.isClosed) return Promise.resolve(false)
    return this.commitWaits.wait(offset, timeoutMs)
  }

  /** Called by the append queue. */
  writeQueued(): void {
    const pending = this.pendingWrite
    if (pending === undefined) return
    this.pendingWrite = undefined
    try {
      this.log.writeQueued()
      // Others make the log write as well, such as retention: then the failure was theirs to see.
      if (this.log.writeFailures !== this.writeFailures)
        throw new Error('a write of all that was queued failed')
    } catch (error) {
      this.reportFailedWrite(error)
      this.appendedBytes = this.writtenBytes
      pending.reject(new KafkaError(errors.KAFKA_STORAGE_ERROR, (error as Error).message))
      return
    }
    const { writtenEndOffset } = this.log
    const writtenBytes = this.appendedBytes
    this.writtenBytes = writtenBytes
    if (!this.log.isSyncDue()) {
      this.advance(writtenEndOffset, writtenBytes)
      pending.resolve()
      return
    }
    const { promise } = pending
    this.pendingSync = promise
    this.log.sync().then(
      () => {
        if (this.pendingSync === promise) this.pendingSync = undefined
        this.advance(writtenEndOffset, writtenBytes)
        pending.resolve()
      },
      (error: Error) => pending.reject(new KafkaError(errors.KAFKA_STORAGE_ERROR, error.message)),
    )
  }

  /** Reads whole batches for a consumer. Throws KafkaError. Ranges of files among the parts must be released. */
  read(fetchOffset: number, options: PartitionReadOptions): PartitionRead {
    this.checkLeader(options.currentLeaderEpoch)
    const divergingEpoch = this.divergence(fetchOffset, options.lastFetchedEpoch)
    const isCommittedOnly = options.isolation === 'read_committed'
    const lastStableOffset = this.lastStableOffset
    const limitOffset = isCommittedOnly ? lastStableOffset : this.committedOffset
    const { startOffset, writtenEndOffset } = this.log
    // A reader whose history ended earlier than its offset is told where, not that the offset is wrong.
    if (fetchOffset < startOffset || (fetchOffset > writtenEndOffset && divergingEpoch === undefined)) {
      throw new KafkaError(
        errors.OFFSET_OUT_OF_RANGE,
        `offset ${fetchOffset} is outside the log, which has ${startOffset} to ${writtenEndOffset}`,
      )
    }
    const found: ReadResult | undefined =
      divergingEpoch === undefined && fetchOffset < limitOffset
        ? this.log.read(fetchOffset, {
            maxBytes: options.maxBytes,
            limitOffset,
            minOneBatch: options.minOneBatch,
            maxMemoryBytes: options.maxMemoryBytes,
          })
        : undefined
    return {
      highWatermark: this.committedOffset,
      lastStableOffset,
      logStartOffset: startOffset,
      parts: found?.parts ?? NOTHING,
      byteLength: found?.byteLength ?? 0,
      availableBytes: found?.availableBytes ?? 0,
      isContinued: found?.isContinued ?? false,
      abortedTransactions:
        isCommittedOnly && divergingEpoch === undefined
          ? found === undefined
            ? NOTHING
            : this.log.abortedTransactions(fetchOffset, Math.max(found.nextOffset, fetchOffset + 1))
          : null,
      divergingEpoch,
    }
  }

  /** Moves the log start up to `offset`, -1 meaning the high watermark (KIP-107). Returns the new log start. */
  deleteRecords(offset: number): number {
    this.checkLeader(-1)
    const target = offset === -1 ? this.committedOffset : offset
    if (target < 0 || target > this.committedOffset) {
      throw new KafkaError(
        errors.OFFSET_OUT_OF_RANGE,
        `records can be deleted up to the high watermark ${this.committedOffset}, not up to ${offset}`,
      )
    }
    if (target > this.log.startOffset) this.log.deleteRecordsTo(target)
    return this.log.startOffset
  }

  /** Ends all waits; nothing may be appended or read afterwards. What is queued is written first. */
  close(): void {
    this.writeQueued()
    this.isClosed = true
    this.fetchWaits.endAll()
    this.commitWaits.endAll()
  }

  private becomeLeader(): void {
    this.log.assignEpochStart(this.image.leaderEpoch)
    this.advance(this.log.writtenEndOffset, this.writtenBytes)
  }

  private checkInSyncReplicas(): void {
    // A partition cannot have more in-sync replicas than replicas: one replica satisfies any min.insync.replicas.
    const needed = Math.min(this.config.minInsyncReplicas, this.image.replicas.length)
    if (this.image.isr.length < needed) {
      throw new KafkaError(
        errors.NOT_ENOUGH_REPLICAS,
        `${this.image.isr.length} replicas are in sync, min.insync.replicas asks for ${needed}`,
      )
    }
  }

  private writtenSoon(): Promise<void> {
    const { appendQueue } = this.environment
    if (this.pendingWrite === undefined) {
      // A repetition of what is written is as safe as the original, not safer.
      if (!this.log.hasQueued) return this.pendingSync ?? Promise.resolve()
      this.pendingWrite = deferred()
      this.writeFailures = this.log.writeFailures
      // With acks = 0 nobody waits: a failure is reported, not thrown.
      this.pendingWrite.promise.catch(() => {})
      appendQueue.add(this)
    }
    const { promise } = this.pendingWrite
    if (appendQueue.isLarge(this.log.queuedBytes)) this.writeQueued()
    return promise
  }

  /** This broker is the only in-sync replica: what it has written is committed. */
  private advance(endOffset: number, writtenBytes: number): void {
    if (endOffset <= this.committedOffset) return
    this.committedOffset = endOffset
    const byteLength = writtenBytes - this.announcedBytes
    this.announcedBytes = writtenBytes
    this.commitWaits.advanced(endOffset)
    this.fetchWaits.bytesArrived(byteLength)
  }

  private divergence(fetchOffset: number, lastFetchedEpoch: number): EpochEndOffset | undefined {
    if (lastFetchedEpoch < 0) return undefined
    const ours = this.log.endOffsetForEpoch(lastFetchedEpoch)
    if (ours.endOffset < 0) {
      throw new KafkaError(
        errors.OFFSET_OUT_OF_RANGE,
        `no records of leader epoch ${lastFetchedEpoch} are here`,
      )
    }
    const isSame = ours.leaderEpoch === lastFetchedEpoch && fetchOffset <= ours.endOffset
    return isSame ? undefined : ours
  }

  private reportFailedWrite(error: unknown): void {
    const { topic, index } = this.identity
    this.environment.logger.error('records were refused: the write failed', {
      topic,
      partition: index,
      reason: (error as Error).message,
    })
  }
}
