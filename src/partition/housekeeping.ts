// What has to be done to logs from time to time: retention, syncs by age, checkpoints, forgetting silent producers.
// Promises the intervals of Kafka's settings, and that a failure is told and tried again at the next turn.
// Leaves how each is done to log/.
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { Replicas } from './replicas.ts'

export interface HousekeepingOptions {
  readonly config: () => BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly replicas: Replicas
  readonly directories: readonly LogDirectory[]
}

/** How exactly flush.ms is kept for a log that nobody appends to. */
const SYNC_CHECK_INTERVAL_MS = 1000
/** How soon a partition is served whose log could not be opened, once it can. */
const REOPEN_INTERVAL_MS = 1000

export class Housekeeping {
  private readonly options: HousekeepingOptions
  private readonly timers = new Map<string, Timer>()
  private isClosed = false

  constructor(options: HousekeepingOptions) {
    this.options = options
  }

  start(): void {
    this.every(
      'retention',
      (config) => config.logRetentionCheckIntervalMs,
      () => this.deleteOldSegments(),
    )
    this.every(
      'partitions that are offline',
      () => REOPEN_INTERVAL_MS,
      () => this.options.replicas.reopenOffline(),
    )
    this.every(
      'sync by age',
      () => SYNC_CHECK_INTERVAL_MS,
      () => this.syncByAge(),
    )
    this.every(
      'recovery points',
      (config) => config.logFlushOffsetCheckpointIntervalMs,
      () => this.eachDirectory((directory) => directory.checkpointRecoveryPoints()),
    )
    this.every(
      'log starts',
      (config) => config.logFlushStartOffsetCheckpointIntervalMs,
      () => this.eachDirectory((directory) => directory.checkpointStartOffsets()),
    )
    this.every(
      'high watermarks',
      (config) => config.replicaHighWatermarkCheckpointIntervalMs,
      () =>
        this.eachDirectory((directory) =>
          directory.checkpointHighWatermarks(highWatermarks(this.options.replicas, directory)),
        ),
    )
    this.every(
      'silent producers',
      (config) => config.producerIdExpirationCheckIntervalMs,
      () => {
        const { producerIdExpirationMs } = this.options.config()
        for (const { log } of this.options.replicas.all()) log.expireProducers(producerIdExpirationMs)
      },
    )
  }

  close(): void {
    this.isClosed = true
    for (const timer of this.timers.values()) timer.cancel()
  }

  private every(
    name: string,
    intervalMs: (config: BrokerConfig) => number,
    work: () => void | Promise<void>,
  ): void {
    const next = () => {
      if (this.isClosed) return
      this.timers.set(name, this.options.clock.schedule(intervalMs(this.options.config()), run))
    }
    const run = async () => {
      try {
        await work()
      } catch (error) {
        this.options.logger.error(`housekeeping failed: ${name}`, { reason: (error as Error).message })
      }
      next()
    }
    next()
  }

  private deleteOldSegments(): void {
    for (const { log, highWatermark } of this.options.replicas.all()) log.deleteOldSegments(highWatermark)
  }

  private async syncByAge(): Promise<void> {
    for (const { log } of this.options.replicas.all()) if (log.isSyncDue()) await log.sync()
  }

  private async eachDirectory(work: (directory: LogDirectory) => Promise<void>): Promise<void> {
    for (const directory of this.options.directories)
      if (directory.failure === undefined) await work(directory)
  }
}

/** How far the partitions of a directory are committed, for its checkpoint. */
export function highWatermarks(replicas: Replicas, directory: LogDirectory) {
  return [...replicas.of(directory)].map(({ identity, highWatermark }) => ({
    topic: identity.topic,
    partition: identity.index,
    offset: highWatermark,
  }))
}
