// The metadata store of a cluster that lives in one process: all entries in memory, every transaction in a file of ours.
// Promises that a transaction is on the device before it resolves, that a torn write is cut and reported, and that damage
// anywhere else refuses to start. On a full disk transactions that create something are refused with StoreFullError, others
// go on in space that was reserved ahead. A failed sync or any other failed write ends all sessions: never retried.
// Leaves the bytes to embedded-log.ts, and keeping other processes out of the directory to whoever opens it.
//
// Plain files in a log directory (Apache Kafka's tools step over files there, but refuse directories they do not know):
//   odradek-metadata.log        transactions since the snapshot
//   odradek-metadata.snapshot   the tree at some transaction; absent until the log has grown
import { type Deferred, deferred } from '../lib/deferred.ts'
import { errorCode, type FileHandle, type Files } from '../lib/files/files.ts'
import type { Logger } from '../lib/logger.ts'
import {
  CorruptMetadataError,
  changeBytes,
  encodeBatch,
  encodeSnapshot,
  type LoggedTransaction,
  readLog,
  readSnapshot,
} from './embedded-log.ts'
import { EmbeddedSession, type SessionHost } from './embedded-session.ts'
import { EmbeddedTree } from './embedded-tree.ts'
import {
  type Entry,
  type MetadataStore,
  SessionLost,
  StoreFullError,
  type StoreOperation,
  type TransactionResult,
} from './store.ts'

const LOG_NAME = 'odradek-metadata.log'
const SNAPSHOT_NAME = 'odradek-metadata.snapshot'

/** A batch is one write and one sync: transactions that waited for the one before leave together. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
/** Space is reserved in such steps, and again when less than half a step is left. */
const RESERVE_BYTES = 128 * 1024
const SNAPSHOT_PIECE_BYTES = 1024 * 1024
/** The log is replaced by a snapshot when it is this large and twice the size of the last snapshot. */
const LEAST_LOG_BYTES = 4 * 1024 * 1024

export interface EmbeddedStoreOptions {
  readonly files: Files
  readonly directory: string
  readonly logger: Logger
  /** Bytes of log after which a snapshot is taken; for tests. */
  readonly leastLogBytes?: number
}

interface Waiting {
  readonly session: EmbeddedSession
  readonly operations: readonly StoreOperation[]
  readonly outcome: Deferred<TransactionResult>
}

export class EmbeddedStore implements SessionHost {
  /** Bytes of a torn write that were cut when the store was opened. */
  readonly cutBytes: number
  private readonly options: EmbeddedStoreOptions
  private readonly tree: EmbeddedTree
  private readonly log: FileHandle
  private readonly sessions = new Set<EmbeddedSession>()
  private queue: Waiting[] = []
  private flushing: Promise<void> | null = null
  private logEnd: number
  private reservedEnd: number
  private snapshotBytes: number
  private sessionCount = 0
  private failure: Error | null = null

  /** The one of `directories` that has a store; undefined when none has. Throws CorruptMetadataError when several have. */
  static find(files: Files, directories: readonly string[]): string | undefined {
    const [found, other] = directories.filter(
      (directory) =>
        files.existsSync(`${directory}/${LOG_NAME}`) || files.existsSync(`${directory}/${SNAPSHOT_NAME}`),
    )
    if (other === undefined) return found
    throw new CorruptMetadataError(
      `both ${found} and ${other} have metadata (odradek-metadata.*); take the files that are out of date away`,
    )
  }

  /** Reads what is there. Throws CorruptMetadataError, or the system's error when a file cannot be read. */
  static open(options: EmbeddedStoreOptions): EmbeddedStore {
    const { files, directory } = options
    const tree = new EmbeddedTree()
    files.unlinkSync(`${directory}/${SNAPSHOT_NAME}.tmp`)
    const snapshotPath = `${directory}/${SNAPSHOT_NAME}`
    const snapshotBytes = files.sizeSync(snapshotPath)
    if (snapshotBytes !== undefined) {
      const { stamp, entries } = readSnapshot(files.readFileSync(snapshotPath), snapshotPath)
      tree.load(stamp, entries)
    }
    return new EmbeddedStore(options, tree, snapshotBytes ?? 0)
  }

  private constructor(options: EmbeddedStoreOptions, tree: EmbeddedTree, snapshotBytes: number) {
    const path = `${options.directory}/${LOG_NAME}`
    this.options = options
    this.tree = tree
    this.snapshotBytes = snapshotBytes
    const isNew = !options.files.existsSync(path)
    this.log = options.files.openSync(path, 'create')
    const contents = readLog(options.files.readFileSync(path), path)
    replay(tree, contents.transactions, path)
    tree.dropEphemerals()
    this.cutBytes = contents.tornBytes
    this.logEnd = contents.end
    this.reservedEnd = this.log.size()
    if (contents.tornBytes > 0) {
      options.logger.warn('cut a torn write off the end of the metadata log', {
        path,
        cutBytes: contents.tornBytes,
      })
      // Nothing of it may stay: after the next, shorter write the rest of it could be taken for damage.
      this.log.writeSync(Buffer.alloc(this.reservedEnd - this.logEnd), this.logEnd)
      this.log.syncSync()
    }
    if (isNew) options.files.syncDirectorySync(options.directory)
  }

  /** A session of its own, as if from another process. */
  connect(): MetadataStore {
    const session = new EmbeddedSession(this, `embedded-${++this.sessionCount}`)
    if (this.failure !== null) session.lose()
    else this.sessions.add(session)
    return session
  }

  /** Ends all sessions, waits for what is under way, and closes the file. */
  async close(): Promise<void> {
    await Promise.all([...this.sessions].map((session) => session.close()))
    await this.flushing
    this.failure ??= new SessionLost('the metadata store is closed')
    this.log.closeSync()
  }

  // --- for sessions ---

  get(path: string): Entry | null {
    return this.tree.get(path)
  }

  list(directory: string): Entry[] {
    return this.tree.list(directory)
  }

  submit(session: EmbeddedSession, operations: readonly StoreOperation[]): Promise<TransactionResult> {
    if (this.failure !== null) return Promise.reject(this.failure)
    const outcome = deferred<TransactionResult>()
    this.queue.push({ session, operations, outcome })
    this.flushing ??= this.flush()
    return outcome.promise
  }

  ownedBy(session: EmbeddedSession): Entry[] {
    return this.tree.ownedBy(session.id)
  }

  forget(session: EmbeddedSession): void {
    this.sessions.delete(session)
  }

  // --- writing ---

  private async flush(): Promise<void> {
    // Let everything that is submitted in this turn travel in the first batch.
    await null
    while (this.queue.length > 0) {
      await this.flushBatch()
      if (this.failure === null && this.isSnapshotDue()) await this.snapshot()
    }
    this.flushing = null
  }

  private async flushBatch(): Promise<void> {
    const draft = this.tree.draft()
    const settled: (() => void)[] = []
    const waiting: Waiting[] = []
    const logged: LoggedTransaction[] = []
    for (let bytes = 0; this.queue.length > 0 && bytes < MAX_BATCH_BYTES; ) {
      const next = this.queue.shift()!
      // What is new must leave the reserve to deletions and changes.
      if (next.operations.some(isLastingCreation) && !this.reserve(bytes + bytesOf(next.operations))) {
        next.outcome.reject(storeFull(this.options.directory))
        continue
      }
      const { result, changes } = this.tree.attempt(draft, next.operations, next.session.id)
      waiting.push(next)
      settled.push(() => next.outcome.resolve(result))
      if (changes.length === 0) continue
      logged.push({ stamp: draft.stamp, changes })
      for (const change of changes) bytes += changeBytes(change)
    }
    const problem = logged.length === 0 ? null : await this.write(encodeBatch(logged))
    if (problem !== null) {
      for (const { outcome } of waiting) outcome.reject(problem)
      return
    }
    this.tree.adopt(draft)
    if (draft.changed.size > 0) for (const session of [...this.sessions]) session.notify(draft.changed.keys())
    for (const settle of settled) settle()
  }

  /** Returns what kept the batch from being durable; then nothing of it happened, and unless the disk was full the store is dead. */
  private async write(batch: Buffer): Promise<Error | null> {
    this.reserve(batch.length)
    try {
      this.log.writeSync(batch, this.logEnd)
    } catch (error) {
      return isFull(error) && this.erase() ? storeFull(this.options.directory) : this.fail(error)
    }
    try {
      await this.log.datasync()
    } catch (error) {
      return this.fail(error)
    }
    this.logEnd += batch.length
    this.reservedEnd = Math.max(this.reservedEnd, this.logEnd)
    return null
  }

  /** Takes back the part of a batch that was written before the disk was full. */
  private erase(): boolean {
    try {
      this.reservedEnd = this.log.size()
      this.log.writeSync(Buffer.alloc(this.reservedEnd - this.logEnd), this.logEnd)
      return true
    } catch {
      return false
    }
  }

  /** Sees to it that there is space for a batch and more beyond the end of the log. False when the disk is full. */
  private reserve(batchBytes: number): boolean {
    if (this.reservedEnd - this.logEnd >= batchBytes + RESERVE_BYTES / 2) return true
    const missing = this.logEnd + batchBytes + RESERVE_BYTES - this.reservedEnd
    try {
      this.log.writeSync(Buffer.alloc(missing), this.reservedEnd)
      this.reservedEnd += missing
      return true
    } catch (error) {
      // What was written of it is zeros, and counts as reserved.
      this.reservedEnd = this.log.size()
      return !isFull(error)
    }
  }

  private isSnapshotDue(): boolean {
    const least = this.options.leastLogBytes ?? LEAST_LOG_BYTES
    return this.logEnd >= Math.max(least, 2 * this.snapshotBytes)
  }

  /** Writes the tree beside the old snapshot, puts it in its place and empties the log. Nothing else is written meanwhile. */
  private async snapshot(): Promise<void> {
    const { files, directory } = this.options
    const path = `${directory}/${SNAPSHOT_NAME}`
    try {
      this.snapshotBytes = await this.writeSnapshot(`${path}.tmp`)
      files.renameSync(`${path}.tmp`, path)
      await files.syncDirectory(directory)
    } catch (error) {
      // The log goes on growing and is as good as before; the next attempt comes with the next transaction.
      this.options.logger.warn('could not write a snapshot of the metadata', { path, error: String(error) })
      return
    }
    try {
      this.log.truncateSync(0)
      this.logEnd = 0
      this.reservedEnd = 0
      this.reserve(0)
      await this.log.datasync()
    } catch (error) {
      this.fail(error)
    }
  }

  private async writeSnapshot(path: string): Promise<number> {
    const entries = this.tree.lasting()
    this.options.files.unlinkSync(path)
    const file = this.options.files.openSync(path, 'create')
    let end = 0
    try {
      for (const piece of encodeSnapshot(this.tree.stamp, entries.length, entries, SNAPSHOT_PIECE_BYTES)) {
        file.writeSync(piece, end)
        end += piece.length
        await file.datasync()
      }
    } finally {
      file.closeSync()
    }
    return end
  }

  /** A write or a sync failed: what is on the device is unknown, and stays so. */
  private fail(error: unknown): Error {
    const reason = error instanceof Error ? error.message : String(error)
    this.failure = new SessionLost(`the metadata log in ${this.options.directory} failed: ${reason}`)
    this.options.logger.error('the metadata log failed, no decision can be made any more', { reason })
    for (const waiting of this.queue.splice(0)) waiting.outcome.reject(this.failure)
    for (const session of [...this.sessions]) session.lose()
    return this.failure
  }
}

/** No room on the device, or none of it left for this user. */
function isFull(error: unknown): boolean {
  return errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT'
}

function storeFull(directory: string): StoreFullError {
  return new StoreFullError(`no space left for metadata in ${directory}: free some, or delete topics`)
}

/** Ephemeral entries are let through: a broker must be able to start on a full disk, so that topics can be deleted. */
function isLastingCreation(operation: StoreOperation): boolean {
  return operation.kind === 'create' && operation.ephemeral !== true
}

/** Bytes that the operations take in the log, near enough. */
function bytesOf(operations: readonly StoreOperation[]): number {
  let bytes = 0
  for (const operation of operations) {
    bytes += operation.path.length + 32 + ('value' in operation ? operation.value.byteLength : 0)
  }
  return bytes
}

function replay(tree: EmbeddedTree, transactions: readonly LoggedTransaction[], path: string): void {
  for (const transaction of transactions) {
    // A crash after a snapshot and before the log was emptied leaves transactions that the snapshot holds.
    if (transaction.stamp <= tree.stamp) continue
    if (transaction.stamp !== tree.stamp + 1) {
      throw new CorruptMetadataError(
        `${path} goes on at transaction ${transaction.stamp}, but transaction ${tree.stamp + 1} is missing: ` +
          `log and snapshot (${SNAPSHOT_NAME}) do not belong together`,
      )
    }
    tree.replay(transaction)
  }
}
