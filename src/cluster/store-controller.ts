// The controller over a metadata store: the only file that writes decisions.
// Promises one decision at a time, each on the ground of the one before; that a call resolves when its decision is durable
// and this broker has applied it (the leader exists, the files are gone); and that a broker which is no longer the
// controller cannot write. Leaves what follows from a request to topic-decisions.ts and config-decisions.ts, transactions
// to decision-log.ts, reading back to view.ts, and what is on disk to the subscribers of the view.

import type { BrokerConfig } from '../config/broker-config.ts'
import { assert } from '../lib/assert.ts'
import type { Logger } from '../lib/logger.ts'
import type { Random } from '../lib/random.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Adoptable } from './adopt.ts'
import { type DecidedConfigs, decideFullChanges, decideIncrementalChanges } from './config-decisions.ts'
import type {
  ConfigOutcome,
  ConfigResource,
  Controller,
  CreatePartitionsOutcome,
  CreateTopicOutcome,
  DeleteTopicOutcome,
  FullConfigChange,
  IncrementalConfigChange,
  Outcome,
  PartitionsToCreate,
  ProducerIdBlock,
  TopicToCreate,
  TopicToDelete,
} from './controller.ts'
import { DecisionLog, refusalFor, type WriteGroup } from './decision-log.ts'
import { elect } from './election.ts'
import type { TopicImage } from './image.ts'
import {
  decodeControllerEpoch,
  decodeNextProducerId,
  encodeController,
  encodeControllerEpoch,
  encodeMeta,
  encodeNextProducerId,
  paths,
  subjectOf,
} from './layout.ts'
import type { MetadataStore } from './store.ts'
import { type Decision, decideDeletions, decidePartitions, decideTopics } from './topic-decisions.ts'
import {
  changedChunkWrites,
  configWrites,
  deletedTopicWrites,
  grownTopicWrites,
  newTopicWrites,
} from './topic-writes.ts'
import type { ClusterView } from './view.ts'

/** Ids in one block, as in Apache Kafka 4.3. */
const PRODUCER_ID_BLOCK = 1000

export interface StoreControllerOptions {
  readonly store: MetadataStore
  /** Started, and following the same store. */
  readonly view: ClusterView
  readonly nodeId: number
  /** The broker settings in force now. */
  config(): BrokerConfig
  /** What the broker was started with. */
  readonly staticEntries: ReadonlyMap<string, string>
  readonly random: Random
  readonly logger: Logger
}

type Options = { readonly validateOnly: boolean }

export class StoreController implements Controller {
  private readonly options: StoreControllerOptions
  private readonly decisions: DecisionLog
  /** The decision under way, and those that wait for it. */
  private newest: Promise<unknown> = Promise.resolve()
  private isClosed = false

  /**
   * Makes this broker the controller: raises the controller epoch, completes what a predecessor left half done, and sees
   * to it that every partition has a leader that is alive. `renewLeaders` gives this broker's partitions a new leader
   * epoch, for a start after a crash. Throws when another broker is the controller.
   */
  static async start(
    options: StoreControllerOptions & { readonly renewLeaders: boolean },
  ): Promise<StoreController> {
    const decisions = await claim(options)
    const controller = new StoreController(options, decisions)
    await controller.decide(() => controller.takeOver(options.renewLeaders))
    return controller
  }

  private constructor(options: StoreControllerOptions, decisions: DecisionLog) {
    this.options = options
    this.decisions = decisions
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.newest
  }

  async createTopics(
    requests: readonly TopicToCreate[],
    { validateOnly }: Options,
  ): Promise<CreateTopicOutcome[]> {
    const decided = await this.decide(async () => {
      await this.namesFree(requests)
      const decided = decideTopics(requests, this.ground())
      return validateOnly ? decided : this.record(decided, newTopicWrites)
    })
    const applied = await this.applied(decided, !validateOnly)
    return applied.map(({ item, outcome }) => ({
      name: item.name,
      topic: outcome instanceof KafkaError ? null : outcome,
      ...result(outcome),
    }))
  }

  async autoCreateTopics(names: readonly string[]): Promise<CreateTopicOutcome[]> {
    const { view } = this.options
    const requests = [...new Set(names)].map((name) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    }))
    const outcomes = await this.createTopics(requests, { validateOnly: false })
    if (outcomes.some(({ error }) => error === errors.TOPIC_ALREADY_EXISTS)) await view.applied()
    return outcomes.map((outcome) => {
      if (outcome.error !== errors.TOPIC_ALREADY_EXISTS) return outcome
      const topic = view.image().topics.get(outcome.name) ?? null
      return { ...outcome, topic, error: errors.NONE, message: null }
    })
  }

  async deleteTopics(requests: readonly TopicToDelete[]): Promise<DeleteTopicOutcome[]> {
    const decided = await this.decide(() =>
      this.record(decideDeletions(requests, this.ground()), deletedTopicWrites),
    )
    const applied = await this.applied(decided, true)
    return applied.map(({ item, outcome }) => {
      // Answered with both, whichever of them the client knew.
      const topic = outcome instanceof KafkaError ? null : outcome
      return { name: topic?.name ?? item.name, topicId: topic?.id ?? item.topicId, ...result(outcome) }
    })
  }

  async createPartitions(
    requests: readonly PartitionsToCreate[],
    { validateOnly }: Options,
  ): Promise<CreatePartitionsOutcome[]> {
    const decided = await this.decide(async () => {
      const decided = decidePartitions(requests, this.ground())
      return validateOnly
        ? decided
        : this.record(decided, (topic) => grownTopicWrites(topic, this.knownPartitions(topic)))
    })
    const applied = await this.applied(decided, !validateOnly)
    return applied.map(({ item, outcome }) => ({ name: item.name, ...result(outcome) }))
  }

  incrementalAlterConfigs(
    changes: readonly IncrementalConfigChange[],
    options: Options,
  ): Promise<ConfigOutcome[]> {
    return this.changeConfigs(() => decideIncrementalChanges(changes, this.ground()), options)
  }

  alterConfigs(changes: readonly FullConfigChange[], options: Options): Promise<ConfigOutcome[]> {
    return this.changeConfigs(() => decideFullChanges(changes, this.ground()), options)
  }

  allocateProducerIds(): Promise<ProducerIdBlock> {
    return this.decide(async () => {
      const entry = await this.options.store.get(paths.producerIds)
      const first = entry === null ? 0 : decodeNextProducerId(entry)
      await this.mustWrite([
        { path: paths.producerIds, value: encodeNextProducerId(first + PRODUCER_ID_BLOCK) },
      ])
      return { first, count: PRODUCER_ID_BLOCK }
    })
  }

  reassigning(): ReturnType<Controller['reassigning']> {
    return [...this.options.view.image().topics.values()].flatMap((topic) =>
      topic.partitions
        .filter(({ addingReplicas, removingReplicas }) => addingReplicas.length + removingReplicas.length > 0)
        .map((partition) => ({ topic, partition })),
    )
  }

  /**
   * Registers what was found in a data directory that the store knows nothing of, and marks the store as this cluster's.
   * Topics that are known already (a crash in the middle of the first attempt) are left as they are.
   */
  adopt({ topics, brokerConfigs, groupConfigs, nextProducerId }: Adoptable): Promise<void> {
    return this.decide(async () => {
      const { store, view } = this.options
      const { topicsById, topics: byName, clusterId } = view.decided()
      const fresh = topics.filter(({ id, name }) => !topicsById.has(id) && !byName.has(name))
      const groups = fresh.map(newTopicWrites)
      for (const [broker, configs] of brokerConfigs) groups.push(configWrites({ broker, configs }))
      for (const [group, configs] of groupConfigs) groups.push(configWrites({ group, configs }))
      const ids = await store.get(paths.producerIds)
      if (ids === null && nextProducerId > 0) {
        groups.push([{ path: paths.producerIds, value: encodeNextProducerId(nextProducerId) }])
      }
      const problem = (await this.decisions.write(groups)).find((outcome) => outcome !== null)
      if (problem) throw problem
      await this.mustWrite([{ path: paths.meta, value: encodeMeta(clusterId) }])
      await view.refresh(groups.flatMap((group) => group.map(({ path }) => path)))
    })
  }

  // --- taking over ---

  private async takeOver(renewLeaders: boolean): Promise<void> {
    await this.dropLeftovers()
    const { view, nodeId } = this.options
    const image = view.decided()
    const isAlive = (id: number) => image.brokers.has(id)
    const groups: WriteGroup[] = []
    for (const topic of image.topics.values()) {
      const partitions = topic.partitions.map(
        (partition) => elect(partition, isAlive, renewLeaders && partition.leader === nodeId) ?? partition,
      )
      groups.push(...changedChunkWrites(topic, { ...topic, partitions }))
    }
    const problem = (await this.decisions.write(groups)).find((outcome) => outcome !== null)
    if (problem) throw problem
    await view.refresh(groups.flatMap((group) => group.map(({ path }) => path)))
  }

  /** Chunks without a topic are what a crash left of a creation or deletion that took several transactions. */
  private async dropLeftovers(): Promise<void> {
    const entries = await this.options.store.list('/topics')
    const topicIds = new Set<string>()
    const chunks: { topicId: string; path: string }[] = []
    for (const { path } of entries) {
      const subject = subjectOf(path)
      if (subject.kind !== 'topic') continue
      if (subject.chunk === null) topicIds.add(subject.topicId)
      else chunks.push({ topicId: subject.topicId, path })
    }
    const leftovers = chunks.filter(({ topicId }) => !topicIds.has(topicId))
    if (leftovers.length === 0) return
    this.options.logger.info('dropped what was left of unfinished topic changes', {
      entries: leftovers.length,
    })
    for (const { path } of leftovers) await this.mustWrite([{ path, value: null }])
  }

  // --- decisions ---

  private ground() {
    const { view, config, random, staticEntries } = this.options
    return { image: view.decided(), config: config(), random, staticEntries }
  }

  /** The name of a deleted topic is free when its partitions are gone, and no loss of power brings them back. */
  private async namesFree(requests: readonly TopicToCreate[]): Promise<void> {
    const { view } = this.options
    const isGoing = ({ name }: TopicToCreate) =>
      view.image().topics.has(name) && !view.decided().topics.has(name)
    // Whoever deleted it is told when that fails.
    if (requests.some(isGoing)) await view.applied().catch(() => {})
  }

  /** Runs `work` after all decisions before it, so that it sees what they came to. */
  private decide<T>(work: () => Promise<T>): Promise<T> {
    if (this.isClosed) {
      return Promise.reject(new KafkaError(errors.NOT_CONTROLLER, 'The broker is shutting down.'))
    }
    const done = this.newest.then(work).catch((error: unknown) => Promise.reject(refusalFor(error)))
    this.newest = done.catch(() => {})
    return done
  }

  /** Writes what was decided; an item that could not be written has the reason as its outcome. */
  private async record<Item, Result>(
    decided: readonly Decision<Item, Result>[],
    writesFor: (result: Result) => WriteGroup,
  ): Promise<Decision<Item, Result>[]> {
    const groups = decided.map(({ outcome }) => (outcome instanceof KafkaError ? [] : writesFor(outcome)))
    const written = await this.decisions.write(groups)
    const durable = groups.filter((_, position) => written[position] === null)
    const paths = durable.flatMap((group) => group.map(({ path }) => path))
    if (paths.length > 0) await this.options.view.refresh(paths)
    return decided.map(({ item, outcome }, position) => ({ item, outcome: written[position] ?? outcome }))
  }

  /** Waits until this broker has applied what was recorded. */
  private async applied<Item, Result>(
    decided: readonly Decision<Item, Result>[],
    isRecorded: boolean,
  ): Promise<readonly Decision<Item, Result>[]> {
    if (!isRecorded || decided.every(({ outcome }) => outcome instanceof KafkaError)) return decided
    try {
      await this.options.view.applied()
      return decided
    } catch (error) {
      const message = `The change is decided, but the broker could not apply it: ${String(error)}`
      const failure =
        error instanceof KafkaError ? error : new KafkaError(errors.UNKNOWN_SERVER_ERROR, message)
      return decided.map(({ item, outcome }) => ({
        item,
        outcome: outcome instanceof KafkaError ? outcome : failure,
      }))
    }
  }

  private async changeConfigs<Item extends ConfigResource>(
    decideChanges: () => Decision<Item, DecidedConfigs>[],
    { validateOnly }: Options,
  ): Promise<ConfigOutcome[]> {
    const decided = await this.decide(async () => {
      const decided = decideChanges()
      return validateOnly ? decided : this.record(decided, configWrites)
    })
    const applied = await this.applied(decided, !validateOnly)
    return applied.map(({ item, outcome }) => ({ type: item.type, name: item.name, ...result(outcome) }))
  }

  private knownPartitions({ id }: TopicImage): number {
    return this.options.view.decided().topicsById.get(id)!.partitions.length
  }

  private async mustWrite(group: WriteGroup): Promise<void> {
    const [problem] = await this.decisions.write([group])
    if (problem) throw problem
  }
}

/** Takes the controller's place in the store. */
async function claim({ store, view, nodeId }: StoreControllerOptions): Promise<DecisionLog> {
  const known = await store.get(paths.controllerEpoch)
  const epoch = known === null ? 1 : decodeControllerEpoch(known) + 1
  const value = encodeControllerEpoch(epoch)
  const path = paths.controllerEpoch
  try {
    const claimed = await store.transaction([
      known === null
        ? { kind: 'create', path, value }
        : { kind: 'put', path, value, expected: known.version },
      {
        kind: 'create',
        path: paths.controller,
        value: encodeController({ brokerId: nodeId, epoch }),
        ephemeral: true,
      },
    ])
    if (!claimed.ok) throw new KafkaError(errors.NOT_CONTROLLER, 'Another broker is the controller.')
    await view.refresh([paths.controller])
    const fence = claimed.entries[0]
    assert(fence, 'a successful transaction returns the entry it wrote')
    return new DecisionLog(store, { path, version: fence.version })
  } catch (error) {
    throw refusalFor(error)
  }
}

function result(outcome: unknown): Outcome {
  if (outcome instanceof KafkaError) return { error: outcome.error, message: outcome.message }
  return { error: errors.NONE, message: null }
}
