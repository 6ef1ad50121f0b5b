// What has to be done to logs from time to time: retention, syncs by age, checkpoints, forgetting silent producers.
// Promises the intervals of Kafka's settings, that a failure is told and tried again at the next turn, and that one log
// or directory in trouble does not keep the others from their turn.
// Leaves how each is done to log/.
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { Partition } from './partition.ts'
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
      () => this.eachPartition(({ log, highWatermark }) => void log.deleteOldSegments(highWatermark)),
    )
    this.every(
      'partitions that are offline',
      () => REOPEN_INTERVAL_MS,
      () => this.options.replicas.reopenOffline(),
    )
    this.every(
      'sync by age',
      () => SYNC_CHECK_INTERVAL_MS,
      () =>
        this.eachPartition(async ({ log }) => {
          if (log.isSyncDue()) await log.sync()
        }),
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

  private eachPartition(work: (partition: Partition) => void | Promise<void>): Promise<void> {
    return each(this.options.replicas.all(), ({ log }) => log.failure === undefined, work)
  }

  private eachDirectory(work: (directory: LogDirectory) => Promise<void>): Promise<void> {
    return each(this.options.directories, ({ failure }) => failure === undefined, work)
  }
}

/** Does `work` with each of the `items` that works, whatever becomes of the others; rejects with what failed first. */
async function each<Item>(
  items: Iterable<Item>,
  works: (item: Item) => boolean,
  work: (item: Item) => void | Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (const item of items) {
    try {
      if (!works(item)) continue
      const done = work(item)
      if (done !== undefined) await done
    } catch (error) {
      // What broke the disk has been told when it did.
      if (works(item)) failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** How far the partitions of a directory are committed, for its checkpoint. */
export function highWatermarks(replicas: Replicas, directory: LogDirectory) {
  return [...replicas.of(directory)].map(({ identity, highWatermark }) => ({
    topic: identity.topic,
    partition: identity.index,
    offset: highWatermark,
  }))
}
