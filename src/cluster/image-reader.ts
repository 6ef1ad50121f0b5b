// Entries of the store turned into changes of the image.
// Promises that reading twice gives nothing the second time, that a topic is decoded only where it changed, and that what
// did not change is the same object as before. Leaves when to read to view.ts.
import {
  type BrokerRegistration,
  type ClusterImage,
  type ConfigMap,
  type ImageChanges,
  NO_CONFIGS,
  type PartitionImage,
  type TopicImage,
} from './image.ts'
import {
  chunkCount,
  DEFAULT_BROKER,
  decodeBroker,
  decodeChunk,
  decodeConfigs,
  decodeController,
  decodeTopicInfo,
  paths,
  type Subject,
  subjectOf,
} from './layout.ts'
import type { Entry, MetadataStore } from './store.ts'
import { isInternalTopic } from './topic-names.ts'

type Get = (path: string) => Promise<Entry | null>

interface KnownChunk {
  readonly version: string
  readonly partitions: readonly PartitionImage[]
}

interface KnownTopic {
  readonly topic: TopicImage
  readonly infoVersion: string
  readonly chunks: readonly KnownChunk[]
}

export class ImageReader {
  private readonly store: MetadataStore
  private readonly known = new Map<string, KnownTopic>()

  constructor(store: MetadataStore) {
    this.store = store
  }

  /** What has become of the subjects of these paths since `image`. */
  async readSome(changed: Iterable<string>, image: ClusterImage): Promise<ImageChanges> {
    const subjects = new Map<string, Subject>()
    for (const path of changed) {
      const subject = subjectOf(path)
      // One reading for all entries of a topic.
      subjects.set(subject.kind === 'topic' ? subject.topicId : path, subject)
    }
    return this.collect(subjects.values(), (path) => this.store.get(path), image)
  }

  /** What has become of everything since `image`. */
  async readAll(image: ClusterImage): Promise<ImageChanges> {
    const entries = new Map<string, Entry>()
    for (const entry of await this.store.list('/')) entries.set(entry.path, entry)
    const subjects = new Map<string, Subject>()
    const add = (path: string) => {
      const subject = subjectOf(path)
      subjects.set(subject.kind === 'topic' ? subject.topicId : path, subject)
    }
    // What has vanished is not in the list: it is asked for by what the image has.
    for (const id of image.topicsById.keys()) add(paths.topicInfo(id))
    for (const id of image.brokers.keys()) add(paths.broker(id))
    for (const id of image.brokerConfigs.byId.keys()) add(paths.brokerConfigs(id))
    for (const groupId of image.groupConfigs.keys()) add(paths.groupConfigs(groupId))
    for (const path of [paths.brokerConfigs(DEFAULT_BROKER), paths.controller, ...entries.keys()]) add(path)
    return this.collect(subjects.values(), async (path) => entries.get(path) ?? null, image)
  }

  private async collect(subjects: Iterable<Subject>, get: Get, image: ClusterImage): Promise<ImageChanges> {
    const changes = new ChangesCollector(image)
    try {
      for (const subject of subjects) await this.read(subject, get, changes)
    } catch (error) {
      // What was read before the error does not reach the image: nothing may count as known.
      this.known.clear()
      throw error
    }
    return changes.result()
  }

  private async read(subject: Subject, get: Get, changes: ChangesCollector): Promise<void> {
    switch (subject.kind) {
      case 'topic':
        return this.readTopic(subject.topicId, get, changes)
      case 'broker': {
        const entry = await get(paths.broker(subject.brokerId))
        return changes.broker(subject.brokerId, entry && decodeBroker(entry, subject.brokerId))
      }
      case 'broker-configs': {
        const entry = await get(paths.brokerConfigs(subject.brokerId))
        return changes.configs(subject.brokerId, entry === null ? NO_CONFIGS : decodeConfigs(entry))
      }
      case 'group-configs': {
        const entry = await get(paths.groupConfigs(subject.groupId))
        return changes.configsOfGroup(subject.groupId, entry === null ? NO_CONFIGS : decodeConfigs(entry))
      }
      case 'controller': {
        const entry = await get(paths.controller)
        return changes.controller(entry === null ? -1 : decodeController(entry).brokerId)
      }
      default:
        return
    }
  }

  private async readTopic(topicId: string, get: Get, changes: ChangesCollector): Promise<void> {
    const known = this.known.get(topicId)
    const infoEntry = await get(paths.topicInfo(topicId))
    if (infoEntry === null) {
      this.known.delete(topicId)
      return changes.deletedTopic(topicId)
    }
    const isInfoKnown = known?.infoVersion === infoEntry.version
    const info = decodeTopicInfo(infoEntry)
    const chunks: KnownChunk[] = []
    for (let index = 0; index < chunkCount(info.partitions); index++) {
      const entry = await get(paths.topicChunk(topicId, index))
      // Read in the middle of a change of several transactions: the rest has its own events.
      if (entry === null) return
      const before = known?.chunks[index]
      chunks.push(before?.version === entry.version ? before : readChunk(entry, index, before))
    }
    if (isInfoKnown && chunks.every((chunk, index) => chunk === known.chunks[index])) return
    const topic: TopicImage = {
      name: info.name,
      id: topicId,
      internal: isInternalTopic(info.name),
      partitions: chunks.flatMap((chunk) => chunk.partitions).slice(0, info.partitions),
      configs: isInfoKnown ? known.topic.configs : info.configs,
    }
    this.known.set(topicId, { topic, infoVersion: infoEntry.version, chunks })
    changes.topic(topic)
  }
}

/** Partitions whose epoch stands are the same objects as before. */
function readChunk(entry: Entry, index: number, before: KnownChunk | undefined): KnownChunk {
  const partitions = decodeChunk(entry, index).map((partition, position) => {
    const known = before?.partitions[position]
    return known?.partitionEpoch === partition.partitionEpoch ? known : partition
  })
  return { version: entry.version, partitions }
}

/** Collects what is really different from an image. */
class ChangesCollector {
  private readonly image: ClusterImage
  private readonly topics: TopicImage[] = []
  private readonly deletedTopicIds: string[] = []
  private readonly brokers: BrokerRegistration[] = []
  private readonly deletedBrokers: number[] = []
  private readonly brokerConfigs = new Map<number, ConfigMap>()
  private readonly groupConfigs = new Map<string, ConfigMap>()
  private defaultBrokerConfigs: ConfigMap | undefined
  private controllerId: number | undefined

  constructor(image: ClusterImage) {
    this.image = image
  }

  topic(topic: TopicImage): void {
    this.topics.push(topic)
  }

  deletedTopic(topicId: string): void {
    if (this.image.topicsById.has(topicId)) this.deletedTopicIds.push(topicId)
  }

  broker(id: number, broker: BrokerRegistration | null): void {
    const known = this.image.brokers.get(id)
    if (broker === null) {
      if (known !== undefined) this.deletedBrokers.push(id)
    } else if (JSON.stringify(known) !== JSON.stringify(broker)) this.brokers.push(broker)
  }

  configs(id: number | typeof DEFAULT_BROKER, configs: ConfigMap): void {
    const { brokerConfigs } = this.image
    const known = id === DEFAULT_BROKER ? brokerConfigs.default : (brokerConfigs.byId.get(id) ?? NO_CONFIGS)
    if (isSame(known, configs)) return
    if (id === DEFAULT_BROKER) this.defaultBrokerConfigs = configs
    else this.brokerConfigs.set(id, configs)
  }

  configsOfGroup(groupId: string, configs: ConfigMap): void {
    const known = this.image.groupConfigs.get(groupId) ?? NO_CONFIGS
    if (!isSame(known, configs)) this.groupConfigs.set(groupId, configs)
  }

  controller(id: number): void {
    if (id !== this.image.controllerId) this.controllerId = id
  }

  /** Has only the fields that something was collected for. */
  result(): ImageChanges {
    return {
      ...(this.topics.length > 0 && { topics: this.topics }),
      ...(this.deletedTopicIds.length > 0 && { deletedTopicIds: this.deletedTopicIds }),
      ...(this.brokers.length > 0 && { brokers: this.brokers }),
      ...(this.deletedBrokers.length > 0 && { deletedBrokers: this.deletedBrokers }),
      ...(this.brokerConfigs.size > 0 && { brokerConfigs: this.brokerConfigs }),
      ...(this.groupConfigs.size > 0 && { groupConfigs: this.groupConfigs }),
      ...(this.defaultBrokerConfigs !== undefined && { defaultBrokerConfigs: this.defaultBrokerConfigs }),
      ...(this.controllerId !== undefined && { controllerId: this.controllerId }),
    }
  }
}

function isSame(a: ConfigMap, b: ConfigMap): boolean {
  if (a.size !== b.size) return false
  for (const [name, value] of a) if (b.get(name) !== value) return false
  return true
}
