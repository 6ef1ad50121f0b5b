// A broker put together: the only file that knows all layers, in the order in which they start and stop.
// Promises that it is either fully started or not at all, that requests are answered only when everything below is ready,
// and that after `close` nothing of it is left: no handle, no lock, no timer. Leaves the work to the layers.
//
//   sockets bound -> log directories locked -> metadata read -> logs opened -> registered -> requests answered
import type { BrokerContext } from './api/context.ts'
import { Dispatcher } from './api/dispatch.ts'
import type { TopicImage } from './cluster/image.ts'
import { type LocalCluster, openLocalCluster } from './cluster/local-cluster.ts'
import { ProducerIds } from './cluster/producer-ids.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { applyDynamic } from './config/dynamic-broker-config.ts'
import { connectionLimit, type ListenerConfig, listenerSettings } from './config/listeners.ts'
import { resolveTopicConfig, type TopicConfig } from './config/topic-config.ts'
import { GroupCoordinator } from './coordinator/group/group-coordinator.ts'
import { AssertionError } from './lib/assert.ts'
import type { Clock } from './lib/clock.ts'
import { deferred } from './lib/deferred.ts'
import type { Files } from './lib/files/files.ts'
import type { Logger } from './lib/logger.ts'
import type { Network } from './lib/network.ts'
import type { Random } from './lib/random.ts'
import { type LogEnvironment, logEnvironment } from './log/environment.ts'
import { LogDirectory, readMetaProperties } from './log/log-directory.ts'
import type { ConnectionInfo, Reply } from './net/connection.ts'
import type { Frame } from './net/frames.ts'
import { Listeners } from './net/listeners.ts'
import { AppendQueue } from './partition/append-queue.ts'
import { FetchSessions } from './partition/fetch-session.ts'
import { Housekeeping, highWatermarks } from './partition/housekeeping.ts'
import { Replicas } from './partition/replicas.ts'

export interface BrokerParts {
  readonly config: BrokerConfig
  /** What was set, as text: the static layer of DescribeConfigs. */
  readonly staticEntries: ReadonlyMap<string, string>
  readonly files: Files
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export class Broker {
  private readonly parts: BrokerParts
  private readonly listenerConfigs: readonly ListenerConfig[]
  private readonly listeners: Listeners
  private readonly received = { bytesCopied: 0 }
  private ports: ReadonlyMap<string, number> = new Map()
  private directories: LogDirectory[] = []
  private replicas: Replicas | undefined
  private cluster: LocalCluster | undefined
  private groupCoordinator: GroupCoordinator | undefined
  private housekeeping: Housekeeping | undefined
  private dispatcher: Dispatcher | undefined
  private environment: LogEnvironment | undefined
  /** The settings in force: what was altered while running, over `parts.config`. */
  private config: BrokerConfig
  private readonly topicConfigs = new Map<TopicImage['configs'], TopicConfig>()
  private closing: Promise<void> | undefined
  private readonly end = deferred<Error | undefined>()

  private constructor(parts: BrokerParts) {
    this.parts = parts
    this.config = parts.config
    this.listenerConfigs = listenerSettings(parts.config).listeners
    this.listeners = this.makeListeners()
  }

  /** Throws ListenError, DirectoryLockedError, MetaPropertiesError or another error that says what is in the way. */
  static async start(parts: BrokerParts): Promise<Broker> {
    const broker = new Broker(parts)
    try {
      await broker.open()
      return broker
    } catch (error) {
      await (broker.closing ?? broker.release(false))
      throw error
    }
  }

  /** `host:port` of every listener, for `bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.listenerConfigs
      .map(({ name, host, advertisedHost, advertisedPort }) => {
        const shown = advertisedHost ?? (host === '' ? 'localhost' : host)
        return `${shown.includes(':') ? `[${shown}]` : shown}:${advertisedPort ?? this.ports.get(name)}`
      })
      .join(',')
  }

  /** The port of the first listener. */
  get port(): number {
    return this.ports.get(this.listenerConfigs[0].name)!
  }

  /**
   * Bytes copied within this process, for measuring: out of the receive buffer, and into the memory of the logs. On the
   * way out nothing is copied: the socket is given views of that memory, or slices that were read from a file.
   */
  get copies(): { readonly received: number; readonly appended: number; readonly readFromFiles: number } {
    return {
      received: this.received.bytesCopied,
      appended: this.environment?.counter.bytesCopied ?? 0,
      readFromFiles: this.listeners.bytesRead,
    }
  }

  /** Resolves when the broker has stopped: with undefined after `close`, with the reason when it had to stop by itself. */
  get stopped(): Promise<Error | undefined> {
    return this.end.promise
  }

  /** Stops in order: no more requests, everything written and synced, files and ports free. Harmless when repeated. */
  close(): Promise<void> {
    this.closing ??= this.release(true).finally(() => this.end.resolve(undefined))
    return this.closing
  }

  /** A broker that cannot know any more what the cluster has decided must not go on answering. */
  private fail(reason: Error): void {
    if (this.closing !== undefined) return
    this.parts.logger.error('the broker stops', { reason: reason.message })
    this.closing = this.release(false)
      .catch((error: Error) => this.parts.logger.error('stopping was incomplete', { reason: error.message }))
      .finally(() => this.end.resolve(reason))
  }

  private async open(): Promise<void> {
    const { parts } = this
    this.ports = await this.listeners.listen()
    const clusterId = this.findClusterId()
    this.environment = this.makeLogEnvironment()
    for (const path of parts.config.logDirs) {
      this.directories.push(
        new LogDirectory(this.environment, { path, clusterId, nodeId: parts.config.nodeId }),
      )
    }
    const replicas = this.makeReplicas()
    this.replicas = replicas
    const cluster = await this.joinCluster(clusterId, replicas)
    this.cluster = cluster
    const failure = new Error('the metadata store failed: its disk is full or broken')
    cluster.session.on((event) => {
      if (event === 'lost') this.fail(failure)
    })
    replicas.directoriesLost(cluster.directories.lost)
    cluster.view.subscribe({
      apply: (_, delta) => {
        if (delta.brokerConfigsChanged) this.takeUpConfigs(cluster)
      },
    })
    cluster.view.subscribe(replicas)
    const groupCoordinator = this.makeGroupCoordinator(cluster, replicas)
    this.groupCoordinator = groupCoordinator
    cluster.view.subscribe(groupCoordinator)
    await cluster.view.applied()
    await replicas.setAsideStrays()
    await cluster.directories
      .note(replicas.hasMissing)
      .catch(({ message }: Error) =>
        parts.logger.warn('the log directories could not be noted down', { reason: message }),
      )
    // Everything before may have taken its time: a store that failed meanwhile, or before anybody listened, is the end.
    if (cluster.session.validUntilMs() < parts.clock.monotonicMs()) throw failure
    this.dispatcher = new Dispatcher(this.makeContext(cluster, replicas, groupCoordinator))
    this.housekeeping = new Housekeeping({
      config: () => this.config,
      clock: parts.clock,
      logger: parts.logger,
      replicas,
      directories: this.directories,
    })
    this.housekeeping.start()
    this.listeners.serve()
  }

  private async release(isOrderly: boolean): Promise<void> {
    this.housekeeping?.close()
    await this.listeners.close()
    const { replicas, cluster } = this
    this.groupCoordinator?.close()
    replicas?.close()
    const epoch = cluster?.membership.epoch ?? -1
    const { logger } = this.parts
    const disordered = (what: string) => (error: Error) =>
      logger.error('the stop is not in order: the next start will look through what was written', {
        what,
        reason: error.message,
      })
    await cluster?.close().catch(disordered('metadata'))
    for (const directory of this.directories.splice(0)) {
      const offsets = replicas === undefined ? [] : highWatermarks(replicas, directory)
      await directory.close(offsets, epoch, isOrderly).catch(disordered(directory.path))
    }
  }

  private makeListeners(): Listeners {
    const { config, network, clock, logger } = this.parts
    const inForce = () => this.config
    return new Listeners(
      {
        addresses: this.listenerConfigs,
        limits: {
          maxRequestBytes: config.socketRequestMaxBytes,
          maxInFlightRequests: config.odradekConnectionInflightRequests,
          maxPendingBytes: config.odradekConnectionOutputBytes,
        },
        get maxConnections() {
          return inForce().maxConnections
        },
        maxConnectionsFrom: (ip) => connectionLimit(inForce())(ip),
        maxIdleMs: config.connectionsMaxIdleMs,
        backlog: config.socketListenBacklogSize,
      },
      {
        network,
        clock,
        logger,
        handle: (frame, connection) => this.handle(frame, connection),
        counter: this.received,
      },
    )
  }

  /** The bytes of a range of a log are only known to the log and the socket: to the codec they are a length. */
  private handle(frame: Frame, connection: ConnectionInfo): Reply | undefined | Promise<Reply | undefined> {
    try {
      const outcome = this.dispatcher!.dispatch(frame, connection)
      if (outcome instanceof Promise) outcome.catch(endProcessOnBug)
      return outcome as Reply | undefined | Promise<Reply | undefined>
    } catch (error) {
      endProcessOnBug(error)
      throw error
    }
  }

  /** A data directory knows its cluster; without one a cluster begins here. */
  private findClusterId(): string {
    const { files, random, config } = this.parts
    for (const path of config.logDirs) {
      const known = readMetaProperties(files, path)?.clusterId
      if (known !== undefined) return known
    }
    return random.bytes(16).toString('base64url')
  }

  private makeLogEnvironment(): LogEnvironment {
    const { files, clock, random, logger, config } = this.parts
    return logEnvironment({
      files,
      clock,
      random,
      tailMemoryBytes: config.odradekLogTailMemoryBytes,
      producerIdExpirationMs: config.producerIdExpirationMs,
      report: ({ action, ...report }) => logger.warn(`log ${action}`, report),
      directoryFailed: (directory, error) => {
        logger.error('a log directory is offline until the next start: its disk failed', {
          directory,
          reason: (error as Error).message,
        })
        this.replicas?.directoryFailed(directory)
      },
    })
  }

  private makeReplicas(): Replicas {
    const { config, clock, logger } = this.parts
    return new Replicas({
      nodeId: config.nodeId,
      clock,
      logger,
      appendQueue: new AppendQueue(clock),
      directories: this.directories,
      topicConfig: (topic) => this.topicConfig(topic),
    })
  }

  private joinCluster(clusterId: string, replicas: Replicas): Promise<LocalCluster> {
    const { config, files, random, logger, staticEntries } = this.parts
    return openLocalCluster({
      files,
      logDirectories: new Map(this.directories.map(({ directoryId, path }) => [directoryId, path])),
      clusterId,
      broker: {
        id: config.nodeId,
        rack: config.brokerRack,
        endpoints: this.listenerConfigs.map((listener) => ({
          listenerName: listener.name,
          // Empty: a client is told the address that it dialled.
          host: listener.advertisedHost ?? listener.host,
          port: listener.advertisedPort ?? this.ports.get(listener.name)!,
          securityProtocol: listener.securityProtocol,
        })),
      },
      config: () => this.config,
      staticEntries,
      found: () =>
        replicas.found().map(({ topic, partition, topicId }) => ({
          topic,
          partition,
          topicId: topicId ?? null,
          latestLeaderEpoch: -1,
        })),
      wasUnclean: this.directories.some(({ wasClean }) => !wasClean),
      random,
      logger,
    })
  }

  private makeGroupCoordinator(cluster: LocalCluster, replicas: Replicas): GroupCoordinator {
    const { clock, random, logger } = this.parts
    return new GroupCoordinator({
      replicas,
      controller: cluster.controller,
      config: () => this.config,
      clock,
      random,
      logger,
    })
  }

  private makeContext(
    cluster: LocalCluster,
    replicas: Replicas,
    groupCoordinator: GroupCoordinator,
  ): BrokerContext {
    const { config, clock, random, logger, staticEntries } = this.parts
    return {
      nodeId: config.nodeId,
      config: () => this.config,
      staticEntries,
      cluster: cluster.view,
      controller: cluster.controller,
      replicas,
      fetchSessions: new FetchSessions(config.maxIncrementalFetchSessionCacheSlots, clock, random),
      producerIds: new ProducerIds(cluster.controller),
      groupCoordinator,
      clock,
      logger,
    }
  }

  private takeUpConfigs(cluster: LocalCluster): void {
    const { staticEntries, config, logger } = this.parts
    const { brokerConfigs } = cluster.view.decided()
    this.config = applyDynamic(
      staticEntries,
      brokerConfigs.default,
      brokerConfigs.byId.get(config.nodeId) ?? new Map(),
      ({ key, message }) => logger.warn('a stored broker setting has no effect', { key, reason: message }),
    )
    this.topicConfigs.clear()
    this.listeners.limitsChanged()
  }

  private topicConfig(topic: TopicImage): TopicConfig {
    let config = this.topicConfigs.get(topic.configs)
    if (config === undefined) {
      // One entry for each set of overrides alive; cleared before it could outgrow the topics by much.
      if (this.topicConfigs.size > 10_000) this.topicConfigs.clear()
      config = resolveTopicConfig(this.config, topic.configs)
      this.topicConfigs.set(topic.configs, config)
    }
    return config
  }
}

/** A broken invariant must not go on serving: it ends the process with its stack. */
function endProcessOnBug(error: unknown): void {
  if (!(error instanceof AssertionError)) return
  queueMicrotask(() => {
    throw error
  })
}
