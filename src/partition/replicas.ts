// The partitions of this broker, kept in step with the cluster image: opened, created, updated, dropped.
// Promises that when an image has been applied its partitions exist here and those that are gone are gone from the disk's
// names too; data that the image does not know is set aside, never deleted. Leaves one partition to partition.ts.
import { type ClusterImage, emptyImage, type ImageDelta, type TopicImage } from '../cluster/image.ts'
import type { ImageSubscriber } from '../cluster/view.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import { AssertionError } from '../lib/assert.ts'
import { errorCode } from '../lib/files/files.ts'
import type { Logger } from '../lib/logger.ts'
import type { Log } from '../log/log.ts'
import type { LogDirectory, PartitionDirectory } from '../log/log-directory.ts'
import { keyOf } from '../log/offset-checkpoint.ts'
import { Partition, type PartitionEnvironment } from './partition.ts'

export interface ReplicasOptions extends PartitionEnvironment {
  readonly directories: readonly LogDirectory[]
  /** A topic's effective settings; the same object for the same settings. */
  readonly topicConfig: (topic: TopicImage) => TopicConfig
}

/** One log directory as DescribeLogDirs tells of it. */
export interface LogDirectoryReport {
  readonly path: string
  readonly isOffline: boolean
  /** Bytes of the volume, and what is free on it; -1 when unknown. */
  readonly totalBytes: number
  readonly freeBytes: number
  readonly replicas: readonly {
    readonly topic: string
    readonly index: number
    readonly sizeInBytes: number
  }[]
}

interface Place {
  readonly directory: LogDirectory
  readonly found: PartitionDirectory
}

interface Replica {
  readonly partition: Partition
  readonly directory: LogDirectory
}

export class Replicas implements ImageSubscriber {
  private readonly options: ReplicasOptions
  private readonly logger: Logger
  private readonly byTopic = new Map<string, (Replica | undefined)[]>()
  /** Partitions whose log could not be opened, with the reason. They are tried again when their topic changes. */
  private readonly offline = new Map<string, string>()
  private readonly replicaCounts = new Map<LogDirectory, number>()
  /** What was on disk at the start and has not been claimed yet. Several of one name are of different topics. */
  private readonly unclaimed: Map<string, Place[]>
  /** Where partitions were begun whose logs could not be made: they must not lie in two directories. */
  private readonly begun = new Map<string, LogDirectory>()
  /** Partitions from before this start that must lie in a directory which is not there. */
  private readonly missing = new Set<string>()
  /** Paths of such directories. */
  private lost: readonly string[] = []
  /** Partitions from before this start that were nowhere, and begin empty. */
  private begunAnew: string[] = []
  private isStarting = true
  private image: ClusterImage = emptyImage('')

  constructor(options: ReplicasOptions) {
    this.options = options
    this.logger = options.logger
    this.unclaimed = this.findOnDisk()
  }

  /**
   * Log directories that were there before, to be told before the first image is applied: partitions that lie nowhere else
   * stay offline, so that nobody goes on without what is in them.
   */
  directoriesLost(paths: readonly string[]): void {
    this.lost = paths
  }

  /** True when a partition is offline because its directory is not there. */
  get hasMissing(): boolean {
    return this.missing.size > 0
  }

  /** The partition, when it has a replica here. */
  find(topic: string, index: number): Partition | undefined {
    return this.byTopic.get(topic)?.[index]?.partition
  }

  /** Why a partition that has a replica here cannot be used; undefined when it can. */
  offlineReason(topic: string, index: number): string | undefined {
    return this.offline.get(keyOf(topic, index))
  }

  *all(): Iterable<Partition> {
    for (const replicas of this.byTopic.values()) {
      for (const replica of replicas) if (replica !== undefined) yield replica.partition
    }
  }

  /** The partitions that lie in one log directory. */
  *of(directory: LogDirectory): Iterable<Partition> {
    for (const replicas of this.byTopic.values()) {
      for (const replica of replicas) if (replica?.directory === directory) yield replica.partition
    }
  }

  /** Everything that has a directory on disk; for adopting what no metadata knows. */
  found(): readonly PartitionDirectory[] {
    return [...this.unclaimed.values()].flat().map(({ found }) => found)
  }

  /** Resolves when what was dropped stays away: a topic of the same name must never be given its records. */
  apply(image: ClusterImage, delta: ImageDelta): void | Promise<void> {
    this.image = image
    for (const topic of delta.deleted) this.drop(topic)
    for (const topic of delta.created) this.bring(topic)
    for (const { after } of delta.changed) this.bring(after)
    // Settings of the broker are defaults of every topic.
    if (delta.brokerConfigsChanged) this.refreshConfigs()
    if (this.isStarting) this.endOfStart()
    if (delta.deleted.length > 0) return this.keepRenames()
  }

  /** Lets every topic take up its settings again. */
  refreshConfigs(): void {
    for (const topic of this.image.topics.values()) this.bring(topic)
  }

  /**
   * What was on disk at the start and belongs to no topic is renamed out of the way: kept, not served. Called once, when
   * the first image has been applied.
   */
  async setAsideStrays(): Promise<void> {
    for (const [key, places] of this.unclaimed) {
      if (!this.offline.has(key)) for (const place of [...places]) this.setAside(key, place)
    }
    await this.keepRenames()
  }

  async logDirectories(): Promise<LogDirectoryReport[]> {
    return Promise.all(this.options.directories.map((directory) => this.report(directory)))
  }

  /** Tries again to open what could not be opened: a full disk may have room by now. */
  reopenOffline(): void {
    if (this.offline.size === 0) return
    for (const topic of this.image.topics.values()) {
      if (topic.partitions.some(({ index }) => this.offline.has(keyOf(topic.name, index)))) this.bring(topic)
    }
  }

  /** The disk under a log directory has failed: whoever waits for a partition there is told. */
  directoryFailed(path: string): void {
    for (const directory of this.options.directories) {
      if (directory.path !== path) continue
      for (const partition of this.of(directory)) partition.fetchWaits.endAll()
    }
  }

  /** Ends every wait and writes what is queued. Directories are closed by their owner. */
  close(): void {
    for (const partition of this.all()) partition.close()
  }

  private bring(topic: TopicImage): void {
    const config = this.options.topicConfig(topic)
    let replicas = this.byTopic.get(topic.name)
    if (replicas === undefined) this.byTopic.set(topic.name, (replicas = []))
    for (const image of topic.partitions) {
      const known = replicas[image.index]
      if (known !== undefined) known.partition.update(image, config)
      else if (image.replicas.includes(this.options.nodeId)) {
        replicas[image.index] = this.tryOpen(topic, image.index, config)
      }
    }
  }

  /** One log that cannot be opened must not keep the others from being served. */
  private tryOpen(topic: TopicImage, index: number, config: TopicConfig): Replica | undefined {
    const key = keyOf(topic.name, index)
    try {
      const replica = this.open(topic, index, config)
      this.offline.delete(key)
      return replica
    } catch (error) {
      if (error instanceof AssertionError) throw error
      const reason = (error as Error).message
      if (this.offline.get(key) !== reason) {
        this.logger.error('a partition is offline: its log cannot be opened', {
          topic: topic.name,
          partition: index,
          reason,
        })
      }
      this.offline.set(key, reason)
      return undefined
    }
  }

  private open(topic: TopicImage, index: number, config: TopicConfig): Replica {
    const key = keyOf(topic.name, index)
    const place = this.claim(topic, index)
    if (place === undefined && this.isStarting) this.noteAbsent(key)
    if (place === undefined && this.missing.has(key)) {
      throw new Error(
        `it is in none of log.dirs, and ${this.lost.join(', ')} had data and is not there any more: ` +
          'start again with it, or delete the topic',
      )
    }
    const directory = place?.directory ?? this.begun.get(key) ?? this.emptiestDirectory()
    if (place === undefined) this.begun.set(key, directory)
    const log: Log =
      place === undefined
        ? directory.createLog(topic.name, index, topic.id, config)
        : directory.openLog(place.found, config)
    if (place !== undefined) this.claimed(key, place)
    this.begun.delete(key)
    this.replicaCounts.set(directory, (this.replicaCounts.get(directory) ?? 0) + 1)
    const identity = { topic: topic.name, topicId: topic.id, index, isInternal: topic.internal }
    const highWatermark = directory.highWatermark(topic.name, index)
    const image = topic.partitions[index]
    const partition = new Partition(identity, log, image, config, highWatermark, this.options)
    return { partition, directory }
  }

  /** A partition that the metadata knows has no directory: that lies elsewhere, or a crash came before it was made. */
  private noteAbsent(key: string): void {
    if (this.lost.length > 0) this.missing.add(key)
    else this.begunAnew.push(key)
  }

  private endOfStart(): void {
    this.isStarting = false
    if (this.begunAnew.length > 0) {
      this.logger.warn('partitions of the metadata were not on the disk, and begin empty', {
        count: this.begunAnew.length,
        partitions: this.begunAnew.slice(0, 10).join(', '),
      })
    }
    this.begunAnew = []
  }

  /** The partition's directory from before this start, if there is one and it is this topic's. */
  private claim(topic: TopicImage, index: number): Place | undefined {
    const key = keyOf(topic.name, index)
    const own = this.placeOf(key, topic.id)
    for (const place of [...(this.unclaimed.get(key) ?? [])]) {
      if (place === own) continue
      const path = place.directory.setAside(topic.name, index)
      this.claimed(key, place)
      this.logger.warn('a partition of an older topic with the same name was set aside', { path })
    }
    if (own !== undefined && own.found.topicId === undefined) {
      own.directory.writeTopicId(topic.name, index, topic.id)
    }
    return own
  }

  /** The directory that says it is this topic's, else the one that does not say whose it is. */
  private placeOf(key: string, topicId: string): Place | undefined {
    const places = this.unclaimed.get(key)
    return (
      places?.find(({ found }) => found.topicId === topicId) ??
      places?.find(({ found }) => found.topicId === undefined)
    )
  }

  private claimed(key: string, place: Place): void {
    const left = this.unclaimed.get(key)?.filter((other) => other !== place) ?? []
    if (left.length === 0) this.unclaimed.delete(key)
    else this.unclaimed.set(key, left)
  }

  private drop(topic: TopicImage): void {
    const replicas = this.byTopic.get(topic.name)
    this.byTopic.delete(topic.name)
    for (const { index } of topic.partitions) this.dropOffline(topic, index)
    for (const replica of replicas ?? []) {
      if (replica === undefined) continue
      const { partition, directory } = replica
      partition.close()
      this.replicaCounts.set(directory, (this.replicaCounts.get(directory) ?? 1) - 1)
      this.remove(topic, partition.identity.index, directory)
    }
  }

  /** Drops a partition that could not be opened. */
  private dropOffline(topic: TopicImage, index: number): void {
    const key = keyOf(topic.name, index)
    this.missing.delete(key)
    if (!this.offline.delete(key)) return
    const directory = this.placeOf(key, topic.id)?.directory ?? this.begun.get(key)
    this.begun.delete(key)
    if (directory !== undefined) this.remove(topic, index, directory)
  }

  /** Removes a partition's directory. One that stays is remembered: its id keeps a later topic of the same name from it. */
  private remove(topic: TopicImage, index: number, directory: LogDirectory): void {
    const key = keyOf(topic.name, index)
    try {
      directory.deleteLog(topic.name, index)
      const places = this.unclaimed.get(key) ?? []
      for (const place of places) if (place.directory === directory) this.claimed(key, place)
    } catch (error) {
      // Its directory was never made: the disk was full.
      if (errorCode(error) === 'ENOENT') return
      const reason = (error as Error).message
      const others = (this.unclaimed.get(key) ?? []).filter((place) => place.directory !== directory)
      const found = { topic: topic.name, partition: index, topicId: topic.id }
      this.unclaimed.set(key, [...others, { directory, found }])
      this.logger.error('a deleted partition could not be removed from the disk', {
        topic: topic.name,
        partition: index,
        reason,
      })
    }
  }

  private async keepRenames(): Promise<void> {
    await Promise.all(this.options.directories.map((directory) => directory.keepRenames()))
  }

  private setAside(key: string, place: Place): void {
    const { directory, found } = place
    const { topic, partition } = found
    try {
      const path = directory.setAside(topic, partition)
      this.claimed(key, place)
      this.logger.warn('a partition that is not in the metadata was set aside: it is kept, but not served', {
        topic,
        partition,
        path,
      })
    } catch (error) {
      const reason = (error as Error).message
      this.logger.error('a partition that is not in the metadata could not be set aside', {
        topic,
        partition,
        reason,
      })
    }
  }

  /**
   * Throws when a partition lies in two directories: nobody but the operator knows which of them is the true one. Those of
   * two topics do: a loss of power may bring back what was deleted, when its name has been given to another topic.
   */
  private findOnDisk(): Map<string, Place[]> {
    const places = new Map<string, Place[]>()
    for (const directory of this.options.directories) {
      for (const found of directory.partitions()) {
        const key = keyOf(found.topic, found.partition)
        const known = places.get(key) ?? []
        const other = known.find((place) => place.found.topicId === found.topicId)
        if (other !== undefined) {
          throw new Error(
            `${key} lies both in ${other.directory.path} and in ${directory.path}; take the one that is out of date away`,
          )
        }
        places.set(key, [...known, { directory, found }])
      }
    }
    return places
  }

  private emptiestDirectory(): LogDirectory {
    const usable = this.options.directories.filter(({ failure }) => failure === undefined)
    const candidates = usable.length > 0 ? usable : this.options.directories
    return candidates.reduce((best, other) =>
      (this.replicaCounts.get(other) ?? 0) < (this.replicaCounts.get(best) ?? 0) ? other : best,
    )
  }

  private async report(directory: LogDirectory): Promise<LogDirectoryReport> {
    const isOffline = directory.failure !== undefined
    const space = isOffline ? undefined : await directory.space()
    return {
      path: directory.path,
      isOffline,
      totalBytes: space?.totalBytes ?? -1,
      freeBytes: space?.freeBytes ?? -1,
      replicas: [...this.of(directory)].map(({ identity, log }) => ({
        topic: identity.topic,
        index: identity.index,
        sizeInBytes: log.byteLength,
      })),
    }
  }
}
