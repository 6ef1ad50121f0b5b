// The cluster as one broker sees it at one moment: brokers, topics, partitions, dynamic configs. Immutable.
// Promises that a change of one topic shares everything else with the image before it, so that comparing two images
// is comparing references. Leaves deciding to the controller, and reading the store to view.ts.

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** Where clients of one listener reach a broker: the advertised address. */
export interface Endpoint {
  readonly listenerName: string
  /** Empty: the address that the client dialled. */
  readonly host: string
  /** 0: the port that the client dialled. */
  readonly port: number
  readonly securityProtocol: SecurityProtocol
}

export interface BrokerRegistration {
  readonly id: number
  /** Grows with every registration, cluster-wide: a restarted broker is another broker (KIP-841). */
  readonly epoch: number
  readonly rack: string | null
  readonly endpoints: readonly Endpoint[]
}

/** No broker leads the partition. */
export const NO_LEADER = -1

export interface PartitionImage {
  readonly index: number
  /** In order of preference: the first is the preferred leader. */
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** A broker id, or NO_LEADER. */
  readonly leader: number
  /** Grows with every election. */
  readonly leaderEpoch: number
  /** Grows with every change of this partition. */
  readonly partitionEpoch: number
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

/** Settings that differ from their defaults, name to value as text. */
export type ConfigMap = ReadonlyMap<string, string>

export interface TopicImage {
  readonly name: string
  /** 22 characters of base64url. */
  readonly id: string
  /** Kept by the broker itself (`__consumer_offsets` and its kind). */
  readonly internal: boolean
  /** Position equals `index`. */
  readonly partitions: readonly PartitionImage[]
  readonly configs: ConfigMap
}

/** Broker settings that were altered while brokers ran: for all of them, and for single ones. */
export interface BrokerConfigs {
  readonly default: ConfigMap
  readonly byId: ReadonlyMap<number, ConfigMap>
}

export interface ClusterImage {
  readonly clusterId: string
  /** The broker that decides, or -1 when none does. */
  readonly controllerId: number
  readonly brokers: ReadonlyMap<number, BrokerRegistration>
  readonly topics: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  readonly brokerConfigs: BrokerConfigs
  /** Settings of groups, of those that have any of their own. */
  readonly groupConfigs: ReadonlyMap<string, ConfigMap>
  /** Counts the images of this process, from 0. */
  readonly version: number
}

/** What differs from one image to a later one. Undefined and empty mean "nothing". */
export interface ImageChanges {
  /** New topics and new states of known ones, matched by id. */
  readonly topics?: readonly TopicImage[]
  readonly deletedTopicIds?: readonly string[]
  readonly brokers?: readonly BrokerRegistration[]
  readonly deletedBrokers?: readonly number[]
  readonly controllerId?: number
  readonly defaultBrokerConfigs?: ConfigMap
  readonly brokerConfigs?: ReadonlyMap<number, ConfigMap>
  /** By group id; an empty map when the group has none of its own any more. */
  readonly groupConfigs?: ReadonlyMap<string, ConfigMap>
}

/** How a subscriber learns what to do: both ends of a step, topic by topic. */
export interface ImageDelta {
  readonly created: readonly TopicImage[]
  readonly changed: readonly { readonly before: TopicImage; readonly after: TopicImage }[]
  readonly deleted: readonly TopicImage[]
  readonly brokersChanged: boolean
  readonly brokerConfigsChanged: boolean
}

export const NO_CONFIGS: ConfigMap = new Map()

export function emptyImage(clusterId: string): ClusterImage {
  return {
    clusterId,
    controllerId: -1,
    brokers: new Map(),
    topics: new Map(),
    topicsById: new Map(),
    brokerConfigs: { default: NO_CONFIGS, byId: new Map() },
    groupConfigs: new Map(),
    version: 0,
  }
}

/** The next image. Costs one shallow copy of each map that changes, never of what the maps hold. */
export function advance(image: ClusterImage, changes: ImageChanges): ClusterImage {
  const topicsChange = (changes.topics?.length ?? 0) + (changes.deletedTopicIds?.length ?? 0) > 0
  const { topics, topicsById } = topicsChange ? advanceTopics(image, changes) : image
  return {
    clusterId: image.clusterId,
    controllerId: changes.controllerId ?? image.controllerId,
    brokers: advanceBrokers(image.brokers, changes),
    topics,
    topicsById,
    brokerConfigs: advanceBrokerConfigs(image.brokerConfigs, changes),
    groupConfigs: advanceGroupConfigs(image.groupConfigs, changes),
    version: image.version + 1,
  }
}

function advanceTopics(image: ClusterImage, changes: ImageChanges) {
  const topics = new Map(image.topics)
  const topicsById = new Map(image.topicsById)
  for (const id of changes.deletedTopicIds ?? []) {
    const deleted = topicsById.get(id)
    if (deleted === undefined) continue
    topicsById.delete(id)
    // A topic of the same name may have been created since: only the one with this id goes.
    if (topics.get(deleted.name)?.id === id) topics.delete(deleted.name)
  }
  for (const topic of changes.topics ?? []) {
    topics.set(topic.name, topic)
    topicsById.set(topic.id, topic)
  }
  return { topics, topicsById }
}

function advanceBrokers(brokers: ClusterImage['brokers'], changes: ImageChanges): ClusterImage['brokers'] {
  if ((changes.brokers?.length ?? 0) + (changes.deletedBrokers?.length ?? 0) === 0) return brokers
  const next = new Map(brokers)
  for (const id of changes.deletedBrokers ?? []) next.delete(id)
  for (const broker of changes.brokers ?? []) next.set(broker.id, broker)
  return next
}

function advanceBrokerConfigs(configs: BrokerConfigs, changes: ImageChanges): BrokerConfigs {
  if (changes.defaultBrokerConfigs === undefined && changes.brokerConfigs === undefined) return configs
  return {
    default: changes.defaultBrokerConfigs ?? configs.default,
    byId:
      changes.brokerConfigs === undefined
        ? configs.byId
        : new Map([...configs.byId, ...changes.brokerConfigs]),
  }
}

function advanceGroupConfigs(
  configs: ClusterImage['groupConfigs'],
  { groupConfigs }: ImageChanges,
): ClusterImage['groupConfigs'] {
  if (groupConfigs === undefined) return configs
  const next = new Map([...configs, ...groupConfigs])
  for (const [groupId, { size }] of groupConfigs) if (size === 0) next.delete(groupId)
  return next
}

/** What a subscriber that stands at `before` must do to stand at `after`. A topic that was deleted and made anew counts as both. */
export function difference(before: ClusterImage, after: ClusterImage): ImageDelta {
  const created: TopicImage[] = []
  const changed: { before: TopicImage; after: TopicImage }[] = []
  const deleted: TopicImage[] = []
  if (before.topicsById !== after.topicsById) {
    for (const topic of after.topicsById.values()) {
      const known = before.topicsById.get(topic.id)
      if (known === undefined) created.push(topic)
      else if (known !== topic) changed.push({ before: known, after: topic })
    }
    for (const topic of before.topicsById.values()) {
      if (!after.topicsById.has(topic.id)) deleted.push(topic)
    }
  }
  return {
    created,
    changed,
    deleted,
    brokersChanged: before.brokers !== after.brokers,
    brokerConfigsChanged: before.brokerConfigs !== after.brokerConfigs,
  }
}

/** The partition, or undefined when the image has no such topic or index. */
export function partitionOf(image: ClusterImage, topic: string, index: number): PartitionImage | undefined {
  return image.topics.get(topic)?.partitions[index]
}
