// One entry of log.dirs: a directory with the logs of many partitions, and what is known about all of them.
// Promises that one broker at a time uses it, that it belongs to this broker and cluster, and that a clean stop is told
// from any other. Leaves which partitions there should be to the partition layer, and timers to the broker.
//
//   .lock   .kafka_cleanshutdown   meta.properties
//   recovery-point-offset-checkpoint   replication-offset-checkpoint   log-start-offset-checkpoint
//   topic-0/   topic-1/   topic-2.<32 hex>-delete/
import { join } from 'node:path'
import { type DirectoryLock, type Space, writeAtomically } from '../lib/files/files.ts'
import {
  CheckpointError,
  formatPartitionMetadata,
  type PartitionOffset,
  parsePartitionMetadata,
} from './checkpoint.ts'
import type { LogEnvironment } from './environment.ts'
import { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { MetaPropertiesError, readMetaProperties, writeMetaProperties } from './meta-properties.ts'
import { NamesSync } from './names-sync.ts'
import { keyOf, OffsetCheckpoint } from './offset-checkpoint.ts'

export { CheckpointError } from './checkpoint.ts'
export { type MetaProperties, MetaPropertiesError, readMetaProperties } from './meta-properties.ts'

const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const HIGH_WATERMARKS = 'replication-offset-checkpoint'
const START_OFFSETS = 'log-start-offset-checkpoint'
const PARTITION_METADATA = 'partition.metadata'
/** Numbers as brokers write them: what somebody called topic-00 is not partition 0. */
const PARTITION_DIRECTORY = /^([a-zA-Z0-9._-]+)-(0|[1-9]\d{0,9})$/
const METADATA_TOPIC = '__cluster_metadata'
const LEFT_ALONE = /\.[0-9a-f]{32}-(delete|future|stray)$/
const MAX_NAME_LENGTH = 255
/** Logs closed at the same time: enough to keep the device busy with syncs. */
const CLOSED_AT_ONCE = 32

export interface LogDirectoryOptions {
  readonly path: string
  readonly clusterId: string
  readonly nodeId: number
}

/** A partition's directory. */
export interface PartitionDirectory {
  readonly topic: string
  readonly partition: number
  /** Undefined when the directory does not say: partition.metadata is missing, empty or damaged. */
  readonly topicId: string | undefined
}

export class LogDirectory {
  readonly path: string
  /** The directory's own id, a uuid (KIP-858). */
  readonly directoryId: string
  /** The last stop was in order. */
  readonly wasClean: boolean
  /** Set once the disk has failed: the directory is offline. */
  failure: unknown
  private readonly environment: LogEnvironment
  private readonly names: NamesSync
  private readonly lock: DirectoryLock
  private readonly logs = new Map<string, PartitionDirectory & { readonly log: Log }>()
  /** No log was opened: a start that came to nothing leaves the directory as it was. */
  private isUntouched = true
  private readonly recoveryPoints: OffsetCheckpoint
  private readonly startOffsets: OffsetCheckpoint
  private readonly highWatermarks: OffsetCheckpoint
  /** Partitions whose directories were renamed, as long as a loss of power may undo that; numbered in order. */
  private readonly renamed = new Map<string, number>()
  private renames = 0
  /** Checkpoints are written one after the other. */
  private lastCheckpoint: Promise<void> = Promise.resolve()

  /**
   * Takes the directory, which is made when absent.
   * @throws DirectoryLockedError when another broker has it; MetaPropertiesError when it is another broker's or cluster's
   */
  constructor(environment: LogEnvironment, options: LogDirectoryOptions) {
    const { files } = environment
    this.path = options.path
    this.names = new NamesSync(() => files.syncDirectory(this.path))
    this.environment = {
      ...environment,
      syncParent: () => this.names.sync(),
      directoryFailed: (_, error) => {
        if (this.failure !== undefined) return
        this.failure = error
        for (const { log } of this.logs.values()) log.giveUp(error)
        environment.directoryFailed(this.path, error)
      },
    }
    files.makeDirectorySync(this.path)
    this.lock = files.lockDirectorySync(this.path)
    try {
      this.directoryId = this.identify(options)
      const cleanShutdown = join(this.path, CLEAN_SHUTDOWN)
      this.wasClean = files.existsSync(cleanShutdown)
      // From here on a stop is unclean until the end says otherwise.
      files.unlinkSync(cleanShutdown)
      if (this.wasClean) files.syncDirectorySync(this.path)
      this.recoveryPoints = this.readCheckpoint(RECOVERY_POINTS)
      this.startOffsets = this.readCheckpoint(START_OFFSETS)
      this.highWatermarks = this.readCheckpoint(HIGH_WATERMARKS)
    } catch (error) {
      this.lock.release()
      throw error
    }
  }

  /** The partitions that have a directory here. Directories on their way out are removed meanwhile. */
  partitions(): PartitionDirectory[] {
    const found: PartitionDirectory[] = []
    for (const { name, isDirectory } of this.environment.files.listSync(this.path)) {
      if (!isDirectory) continue
      if (LEFT_ALONE.test(name)) {
        if (name.endsWith('-delete')) this.remove(join(this.path, name))
        continue
      }
      const [, topic, partition] = PARTITION_DIRECTORY.exec(name) ?? []
      if (topic === undefined || topic === METADATA_TOPIC) continue
      found.push({ topic, partition: Number(partition), topicId: this.topicIdOf(name) })
    }
    const keys = new Set(found.map(({ topic, partition }) => keyOf(topic, partition)))
    for (const checkpoint of this.checkpoints) checkpoint.keepOnly(keys)
    return found
  }

  /** Opens the log of a partition that has a directory, repairing it if need be. */
  openLog(directory: PartitionDirectory, config: LogConfig): Log {
    const key = keyOf(directory.topic, directory.partition)
    this.isUntouched = false
    const log = Log.open(this.environment, {
      directory: join(this.path, key),
      config,
      isClean: this.wasClean,
      recoveryPoint: this.recoveryPoints.offsetOf(key) ?? 0,
      startOffset: this.startOffsets.offsetOf(key) ?? 0,
    })
    this.logs.set(key, { ...directory, log })
    return log
  }

  /** Makes the directory and the log of a new partition. */
  createLog(topic: string, partition: number, topicId: string, config: LogConfig): Log {
    const key = keyOf(topic, partition)
    const path = join(this.path, key)
    // What an earlier partition of this name has left in the checkpoints is not about this one.
    for (const checkpoint of this.checkpoints) checkpoint.clear(key)
    if (this.renamed.has(key)) {
      this.environment.files.syncDirectorySync(this.path)
      this.renamed.clear()
    }
    this.environment.files.makeDirectorySync(path)
    this.names.changed()
    this.writeTopicId(topic, partition, topicId)
    return this.openLog({ topic, partition, topicId }, config)
  }

  /** Notes the topic's id in a partition's directory that does not say it. */
  writeTopicId(topic: string, partition: number, topicId: string): void {
    const path = join(this.path, keyOf(topic, partition), PARTITION_METADATA)
    writeAtomically(this.environment.files, path, formatPartitionMetadata(topicId), false)
  }

  /** Drops a partition: at once for the broker, and off the event loop from the disk. */
  deleteLog(topic: string, partition: number): void {
    const key = keyOf(topic, partition)
    const { files, random } = this.environment
    this.logs.get(key)?.log.abandon()
    this.logs.delete(key)
    const suffix = `-${partition}.${random.bytes(16).toString('hex')}-delete`
    const renamed = join(this.path, `${topic.slice(0, MAX_NAME_LENGTH - suffix.length)}${suffix}`)
    files.renameSync(join(this.path, key), renamed)
    this.forget(key)
    this.remove(renamed)
  }

  /**
   * Renames a partition's directory out of the way, as Kafka does with one that is in no metadata: what is in it is kept
   * and never looked at again. Its log must not be open. Returns the new path.
   */
  setAside(topic: string, partition: number): string {
    const { files, random } = this.environment
    const suffix = `-${partition}.${random.bytes(16).toString('hex')}-stray`
    const renamed = join(this.path, `${topic.slice(0, MAX_NAME_LENGTH - suffix.length)}${suffix}`)
    files.renameSync(join(this.path, keyOf(topic, partition)), renamed)
    this.forget(keyOf(topic, partition))
    return renamed
  }

  /** Resolves when no loss of power brings back what was dropped or set aside. A disk that cannot do that goes offline. */
  async keepRenames(): Promise<void> {
    if (this.renamed.size === 0 || this.failure !== undefined) return
    const before = this.renames
    try {
      await this.environment.files.syncDirectory(this.path)
      this.renamesSynced(before)
    } catch (error) {
      this.environment.directoryFailed(this.path, error)
    }
  }

  /** Where the log of a partition was known to be committed when that was last written down; 0 when it was not. */
  highWatermark(topic: string, partition: number): number {
    return this.highWatermarks.offsetOf(keyOf(topic, partition)) ?? 0
  }

  /** Logs that are open, for DescribeLogDirs. */
  openLogs(): Iterable<PartitionDirectory & { readonly log: Log }> {
    return this.logs.values()
  }

  space(): Promise<Space> {
    return this.environment.files.space(this.path)
  }

  /** Writes down how much of each log is on the device: where a recovery would begin. */
  checkpointRecoveryPoints(): Promise<void> {
    return this.checkpoint(this.recoveryPoints, () => this.currentRecoveryPoints())
  }

  /** Writes down where those logs begin that do not begin with their first segment. */
  checkpointStartOffsets(): Promise<void> {
    return this.checkpoint(this.startOffsets, () => this.currentStartOffsets())
  }

  /** Writes down how far each partition of this directory is committed. */
  checkpointHighWatermarks(highWatermarks: readonly PartitionOffset[]): Promise<void> {
    return this.checkpoint(this.highWatermarks, () => highWatermarks)
  }

  /**
   * Ends in order: everything is written and on the device, and the next start need not look for damage. With a failed
   * disk, or `isClean` false, it just lets go. So it does when something cannot be written, but then it rejects.
   */
  async close(highWatermarks: readonly PartitionOffset[], brokerEpoch = -1, isClean = true): Promise<void> {
    try {
      await this.lastCheckpoint.catch(() => {})
      if (this.failure !== undefined) return
      if (isClean) await this.closeInOrder(highWatermarks, brokerEpoch)
      else if (this.wasClean && this.isUntouched) this.writeMarker(brokerEpoch)
    } finally {
      for (const { log } of this.logs.values()) log.abandon()
      this.logs.clear()
      this.lock.release()
    }
  }

  private async closeInOrder(highWatermarks: readonly PartitionOffset[], brokerEpoch: number): Promise<void> {
    const failures: unknown[] = []
    const waiting = [...this.logs.values()]
    // The files of all logs first: a journal commits them together then, and the syncs that follow find little to do.
    for (const { log } of waiting) {
      try {
        log.complete()
      } catch (error) {
        failures.push(error)
      }
    }
    const closeNext = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        await next.log.closeCleanly().catch((error) => failures.push(error))
      }
    }
    await Promise.all(Array.from({ length: CLOSED_AT_ONCE }, closeNext))
    // Only now, when nothing goes on any more.
    if (failures.length > 0) throw failures[0]
    this.recoveryPoints.writeNow(this.currentRecoveryPoints(), this.isOpen)
    this.startOffsets.writeNow(this.currentStartOffsets(), this.isOpen)
    this.highWatermarks.writeNow(highWatermarks, this.isOpen)
    this.checkAllLookedThrough()
    this.writeMarker(brokerEpoch)
  }

  private writeMarker(brokerEpoch: number): void {
    const marker = Buffer.from(JSON.stringify({ version: 0, brokerEpoch }))
    writeAtomically(this.environment.files, join(this.path, CLEAN_SHUTDOWN), marker)
  }

  /** After a crash a log that could not be opened has not been repaired: the next start must not take it for whole. */
  private checkAllLookedThrough(): void {
    if (this.wasClean) return
    for (const { name, isDirectory } of this.environment.files.listSync(this.path)) {
      if (!isDirectory || this.logs.has(name) || LEFT_ALONE.test(name)) continue
      const [, topic] = PARTITION_DIRECTORY.exec(name) ?? []
      if (topic === undefined || topic === METADATA_TOPIC) continue
      throw new Error(`${join(this.path, name)} could not be opened since the last crash`)
    }
  }

  private currentRecoveryPoints(): PartitionOffset[] {
    return this.offsets((log) => log.syncedEndOffset)
  }

  private currentStartOffsets(): PartitionOffset[] {
    return this.offsets((log) => (log.startOffset > log.firstSegmentOffset ? log.startOffset : undefined))
  }

  private offsets(offsetOf: (log: Log) => number | undefined): PartitionOffset[] {
    const entries: PartitionOffset[] = []
    for (const { topic, partition, log } of this.logs.values()) {
      const offset = offsetOf(log)
      if (offset !== undefined) entries.push({ topic, partition, offset })
    }
    return entries
  }

  private get checkpoints(): readonly OffsetCheckpoint[] {
    return [this.recoveryPoints, this.startOffsets, this.highWatermarks]
  }

  private readonly isOpen = (key: string): boolean => this.logs.has(key)

  private forget(key: string): void {
    this.renamed.set(key, ++this.renames)
    for (const checkpoint of this.checkpoints) checkpoint.forget(key)
  }

  private renamesSynced(upTo: number): void {
    for (const [key, rename] of this.renamed) if (rename <= upTo) this.renamed.delete(key)
  }

  private checkpoint(checkpoint: OffsetCheckpoint, offsets: () => readonly PartitionOffset[]): Promise<void> {
    const write = async (): Promise<void> => {
      const before = this.renames
      await checkpoint.write(offsets, this.isOpen)
      // It has made the names in this directory durable, too.
      this.renamesSynced(before)
    }
    const written = this.lastCheckpoint.catch(() => {}).then(write)
    this.lastCheckpoint = written
    return written
  }

  /** A damaged checkpoint costs time, not data: all logs are looked through instead. */
  private readCheckpoint(name: string): OffsetCheckpoint {
    const checkpoint = new OffsetCheckpoint(this.environment.files, join(this.path, name))
    try {
      checkpoint.read()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.environment.report({ path: checkpoint.path, reason, action: 'dropped', bytesCut: 0 })
    }
    return checkpoint
  }

  /** Checks whose directory this is, and makes it ours if it is nobody's. Returns its id. */
  private identify({ path, clusterId, nodeId }: LogDirectoryOptions): string {
    const { files } = this.environment
    const present = readMetaProperties(files, path)
    const refuse = (key: string, found: unknown, wanted: unknown): MetaPropertiesError =>
      new MetaPropertiesError(
        `${join(path, 'meta.properties')} says ${key}=${found}, but this broker has ${key}=${wanted}: ` +
          'the directory belongs to another broker; give this one a directory of its own',
      )
    if (present?.clusterId !== undefined && present.clusterId !== clusterId) {
      throw refuse('cluster.id', present.clusterId, clusterId)
    }
    if (present?.nodeId !== undefined && present.nodeId !== nodeId) {
      throw refuse('node.id', present.nodeId, nodeId)
    }
    const directoryId = present?.directoryId ?? this.newDirectoryId()
    if (present?.directoryId === undefined || present.clusterId === undefined) {
      writeMetaProperties(files, path, { clusterId, nodeId, directoryId })
    }
    return directoryId
  }

  /** A random uuid that command lines do not take for an option. */
  private newDirectoryId(): string {
    let id = '-'
    while (id.startsWith('-')) id = this.environment.random.bytes(16).toString('base64url')
    return id
  }

  private topicIdOf(directoryName: string): string | undefined {
    const { files } = this.environment
    const path = join(this.path, directoryName, PARTITION_METADATA)
    const size = files.sizeSync(path)
    if (size === undefined || size === 0) return undefined
    try {
      return parsePartitionMetadata(files.readFileSync(path).toString(), path)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      this.environment.report({ path, reason: error.message, action: 'dropped', bytesCut: 0 })
      return undefined
    }
  }

  private remove(path: string): void {
    this.environment.files.remove(path).catch((error: Error) => {
      // It is tried again at the next start.
      this.environment.report({ path, reason: error.message, action: 'dropped', bytesCut: 0 })
    })
  }
}
