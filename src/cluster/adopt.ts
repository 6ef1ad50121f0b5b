// What to make of a data directory that our metadata store knows nothing of: written by Apache Kafka, or by us before the
// metadata was lost.
// Promises that a topic keeps its id and, as far as Kafka's metadata log tells them, its settings: a compacted topic never
// becomes one that deletes. What Kafka had deleted is not brought back. Leaves registering to the controller, and directories
// that nobody adopts (kept, and not served) to partition/.
import { validateDynamicBrokerConfig } from '../config/dynamic-broker-config.ts'
import { validateGroupConfig } from '../config/group-config.ts'
import { validateTopicConfig } from '../config/topic-config.ts'
import type { Files } from '../lib/files/files.ts'
import type { Logger } from '../lib/logger.ts'
import type { Random } from '../lib/random.ts'
import { KafkaError } from '../wire/errors.ts'
import { resourceType } from './config-decisions.ts'
import { newPartition } from './election.ts'
import type { ConfigMap, TopicImage } from './image.ts'
import { readKraftLog } from './kraft-log.ts'
import type { KraftState } from './kraft-records.ts'
import { DEFAULT_BROKER } from './layout.ts'
import { MAX_PARTITIONS_PER_REQUEST, newTopicId } from './topic-decisions.ts'
import { CLUSTER_METADATA_TOPIC, isInternalTopic, topicNameProblem } from './topic-names.ts'

/** A partition directory. */
export interface FoundPartition {
  readonly topic: string
  readonly partition: number
  /** From partition.metadata; absent when the directory has none (before Kafka 2.8). */
  readonly topicId?: string | null | undefined
}

export interface Adoptable {
  readonly topics: readonly TopicImage[]
  /** Settings that were altered while Kafka ran: for all brokers, and for this one. */
  readonly brokerConfigs: ReadonlyMap<number | typeof DEFAULT_BROKER, ConfigMap>
  readonly groupConfigs: ReadonlyMap<string, ConfigMap>
  /** The first producer id that nobody was given. */
  readonly nextProducerId: number
}

export interface AdoptionContext {
  readonly files: Files
  readonly logDirectories: readonly string[]
  readonly nodeId: number
  readonly random: Random
  readonly logger: Logger
}

interface FoundTopic {
  readonly name: string
  readonly topicId: string | null
  readonly partitions: readonly FoundPartition[]
}

/** What the internal topics need in order to work, when no metadata tells their settings (Apache Kafka 4.3). */
const internalConfigs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  __consumer_offsets: {
    'cleanup.policy': 'compact',
    'compression.type': 'producer',
    'segment.bytes': '104857600',
  },
  __transaction_state: {
    'cleanup.policy': 'compact',
    'compression.type': 'uncompressed',
    'segment.bytes': '104857600',
  },
  __share_group_state: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'segment.bytes': '104857600' },
}

export function adoptable(context: AdoptionContext, found: readonly FoundPartition[]): Adoptable {
  const { files, logDirectories, logger } = context
  const kraft = found.length === 0 ? null : readKraftLog(files, logDirectories)
  const topics: TopicImage[] = []
  for (const topic of byTopic(found, kraft, logger)) {
    if (kraft !== null && kraft.topicsById.get(topic.topicId ?? '')?.name !== topic.name) {
      logger.warn('left a topic alone that Kafka had deleted', { topic: topic.name, topicId: topic.topicId })
    } else if (highestIndex(topic) >= MAX_PARTITIONS_PER_REQUEST + topic.partitions.length) {
      logger.warn('left a topic alone whose partition numbers make no sense', { topic: topic.name })
    } else topics.push(adopt(topic, kraft, context))
  }
  if (topics.length > 0) {
    const source = kraft === null ? 'their directories; settings are the defaults' : "Kafka's metadata log"
    logger.info('adopted topics', { topics: topics.length, from: source })
  }
  return {
    topics,
    brokerConfigs: brokerConfigs(kraft, context),
    groupConfigs: groupConfigs(kraft, context),
    nextProducerId: kraft?.nextProducerId ?? (found.length === 0 ? 0 : farProducerId(context.random)),
  }
}

/**
 * Where producer ids begin when nobody knows how many were given, but logs may know producers by them: at a random block,
 * too far from any other for the two to meet. A producer that got another's id would have its records taken for repeated.
 */
function farProducerId(random: Random): number {
  return (random.bytes(5).readUIntBE(0, 5) + 1) * 1000
}

/** Partitions of one topic share an id; directories with another id are of a topic that was deleted. */
function byTopic(found: readonly FoundPartition[], kraft: KraftState | null, logger: Logger): FoundTopic[] {
  const names = new Map<string, FoundPartition[]>()
  for (const partition of found) {
    if (partition.topic === CLUSTER_METADATA_TOPIC || topicNameProblem(partition.topic) !== null) continue
    const partitions = names.get(partition.topic) ?? []
    names.set(partition.topic, partitions)
    partitions.push(partition)
  }
  return Array.from(names, ([name, all]) => {
    const topicId = chooseId(all, kraft)
    const partitions = all.filter((partition) => (partition.topicId ?? null) === topicId)
    if (partitions.length < all.length) {
      const strays = all
        .filter((partition) => !partitions.includes(partition))
        .map(({ partition }) => partition)
      logger.warn('left partitions of an older topic of the same name alone', {
        topic: name,
        partitions: strays,
      })
    }
    return { name, topicId, partitions }
  })
}

function highestIndex({ partitions }: FoundTopic): number {
  return partitions.reduce((highest, { partition }) => Math.max(highest, partition), -1)
}

function chooseId(partitions: readonly FoundPartition[], kraft: KraftState | null): string | null {
  const counts = new Map<string | null, number>()
  for (const { topicId = null } of partitions) counts.set(topicId, (counts.get(topicId) ?? 0) + 1)
  const ids = [...counts].sort(([, one], [, other]) => other - one).map(([id]) => id)
  return ids.find((id) => id !== null && kraft?.topicsById.has(id)) ?? ids[0]!
}

function adopt(
  { name, topicId, partitions }: FoundTopic,
  kraft: KraftState | null,
  context: AdoptionContext,
): TopicImage {
  const { nodeId, random } = context
  const known = kraft?.topicsById.get(topicId ?? '')
  const epochs = new Map(known?.leaderEpochs)
  for (const { partition } of partitions) {
    const latest = latestLeaderEpoch(context, `${name}-${partition}`)
    epochs.set(partition, Math.max(latest, epochs.get(partition) ?? -1))
  }
  const count = Math.max(...epochs.keys()) + 1
  const missing = count - partitions.length
  if (missing > 0)
    context.logger.warn('an adopted topic has partitions that are not on this disk: they begin empty', {
      topic: name,
      missing,
    })
  return {
    name,
    id: topicId ?? newTopicId(random),
    internal: isInternalTopic(name),
    // Leading anew is an election: its epoch must be new to the log.
    partitions: Array.from({ length: count }, (_, index) =>
      newPartition(index, [nodeId], (epochs.get(index) ?? -1) + 1),
    ),
    configs: configsOf(name, kraft, context.logger),
  }
}

function configsOf(name: string, kraft: KraftState | null, logger: Logger): ConfigMap {
  const inherent = kraft === null ? (internalConfigs[name] ?? {}) : {}
  const known = kraft?.configs.get(`${resourceType.topic}/${name}`) ?? Object.entries(inherent)
  return accepted(known, validateTopicConfig, logger.child({ topic: name }))
}

function brokerConfigs(
  kraft: KraftState | null,
  { nodeId, logger }: AdoptionContext,
): Adoptable['brokerConfigs'] {
  const adopted = new Map<number | typeof DEFAULT_BROKER, ConfigMap>()
  const adoptFrom = (broker: number | typeof DEFAULT_BROKER, name: string, scope: 'cluster' | 'broker') => {
    const known = kraft?.configs.get(`${resourceType.broker}/${name}`) ?? []
    const configs = accepted(
      known,
      (wanted) => validateDynamicBrokerConfig(wanted, scope),
      logger.child({ broker }),
    )
    if (configs.size > 0) adopted.set(broker, configs)
  }
  adoptFrom(DEFAULT_BROKER, '', 'cluster')
  adoptFrom(nodeId, `${nodeId}`, 'broker')
  return adopted
}

function groupConfigs(kraft: KraftState | null, { logger }: AdoptionContext): Adoptable['groupConfigs'] {
  const adopted = new Map<string, ConfigMap>()
  const prefix = `${resourceType.group}/`
  for (const [resource, known] of kraft?.configs ?? []) {
    if (!resource.startsWith(prefix)) continue
    const group = resource.slice(prefix.length)
    const configs = accepted(known, validateGroupConfig, logger.child({ group }))
    if (group !== '' && configs.size > 0) adopted.set(group, configs)
  }
  return adopted
}

/**
 * The newest epoch that a partition's log has records of, by its leader-epoch-checkpoint: a version, a count, and lines of
 * `epoch startOffset`. -1 when it has none; whether the file is sound is for the log to say.
 */
function latestLeaderEpoch({ files, logDirectories }: AdoptionContext, directory: string): number {
  const paths = logDirectories.map((path) => `${path}/${directory}/leader-epoch-checkpoint`)
  const path = paths.find((path) => files.existsSync(path))
  if (path === undefined) return -1
  const [, , ...entries] = files.readFileSync(path).toString('latin1').trim().split('\n')
  const epoch = Number(entries.at(-1)?.split(' ')[0])
  return Number.isSafeInteger(epoch) ? epoch : -1
}

/** Settings that this broker does not accept are left out, and said. */
function accepted(
  known: Iterable<readonly [string, string]>,
  validate: (configs: ReadonlyMap<string, string>) => void,
  logger: Logger,
): ConfigMap {
  const configs = new Map<string, string>()
  for (const [key, value] of known) {
    try {
      validate(new Map([...configs, [key, value]]))
      configs.set(key, value)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      logger.warn("left out a setting from Kafka's metadata log", { key, value, reason: error.message })
    }
  }
  return configs
}
