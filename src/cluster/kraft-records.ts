// The records of Apache Kafka's metadata log (KRaft) that say which topics there are and what their settings are.
// Promises to read what Kafka 3.3 to 4.3 wrote; records of other types are passed over. Leaves files to kraft-log.ts.
//
//   record value   := frame version uvarint = 1 | type uvarint | record version uvarint | body
//
// The bodies are messages in flexible encoding (KIP-482); fields that nobody here needs are declared all the same, because
// they lie between those that are.
import { message } from '../wire/api.ts'
import { Reader } from '../wire/reader.ts'
import {
  array,
  defaultsTo,
  int8,
  int32,
  int64,
  nullable,
  since,
  string,
  tagged,
  uuid,
} from '../wire/schema.ts'

const FRAME_VERSION = 1

export const recordType = {
  topic: 2,
  partition: 3,
  config: 4,
  partitionChange: 5,
  removeTopic: 9,
  producerIds: 15,
  beginTransaction: 23,
  endTransaction: 24,
  abortTransaction: 25,
} as const

const topic = message('TopicRecord', {
  versions: [0, 0],
  flexible: 0,
  fields: { name: string, topicId: uuid },
})

const partition = message('PartitionRecord', {
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: defaultsTo(int32, -1),
    topicId: uuid,
    replicas: array(int32),
    isr: array(int32),
    removingReplicas: array(int32),
    addingReplicas: array(int32),
    leader: defaultsTo(int32, -1),
    leaderEpoch: defaultsTo(int32, -1),
    partitionEpoch: defaultsTo(int32, -1),
    directories: since(1, array(uuid)),
  },
})

/** No change of the leader. */
const SAME_LEADER = -2

const partitionChange = message('PartitionChangeRecord', {
  versions: [0, 2],
  flexible: 0,
  fields: {
    partitionId: defaultsTo(int32, -1),
    topicId: uuid,
    leader: tagged(1, defaultsTo(int32, SAME_LEADER)),
  },
})

const config = message('ConfigRecord', {
  versions: [0, 0],
  flexible: 0,
  fields: { resourceType: int8, resourceName: string, name: string, value: nullable(string) },
})

const removeTopic = message('RemoveTopicRecord', { versions: [0, 0], flexible: 0, fields: { topicId: uuid } })

const producerIds = message('ProducerIdsRecord', {
  versions: [0, 0],
  flexible: 0,
  fields: { brokerId: int32, brokerEpoch: int64, nextProducerId: int64 },
})

/** For tests, which write such logs. */
export const kraftMessages = { topic, partition, partitionChange, config, removeTopic, producerIds }

export interface KraftTopic {
  readonly id: string
  readonly name: string
  /** Leader epochs by partition index. */
  readonly leaderEpochs: Map<number, number>
}

/** What the records that were replayed so far come to. */
export class KraftState {
  readonly topicsById = new Map<string, KraftTopic>()
  /** Settings by resource: `<type>/<name>`. */
  readonly configs = new Map<string, Map<string, string>>()
  nextProducerId = 0

  /** Throws DecodeError for a record of a known type that is broken. */
  replay({ type, version, bytes, start, end }: KraftRecord): void {
    switch (type) {
      case recordType.topic: {
        const { name, topicId: id } = topic.decode(bytes, start, end, version)
        this.topicsById.set(id, { id, name, leaderEpochs: new Map() })
        return
      }
      case recordType.partition: {
        const { topicId, partitionId, leaderEpoch } = partition.decode(bytes, start, end, version)
        this.topicsById.get(topicId)?.leaderEpochs.set(partitionId, leaderEpoch)
        return
      }
      case recordType.partitionChange: {
        const { topicId, partitionId, leader } = partitionChange.decode(bytes, start, end, version)
        const epochs = this.topicsById.get(topicId)?.leaderEpochs
        if (leader !== SAME_LEADER) epochs?.set(partitionId, (epochs.get(partitionId) ?? -1) + 1)
        return
      }
      case recordType.config:
        this.setConfig(config.decode(bytes, start, end, version))
        return
      case recordType.removeTopic: {
        const { topicId } = removeTopic.decode(bytes, start, end, version)
        const removed = this.topicsById.get(topicId)
        this.topicsById.delete(topicId)
        if (removed !== undefined) this.configs.delete(`2/${removed.name}`)
        return
      }
      case recordType.producerIds:
        this.nextProducerId = producerIds.decode(bytes, start, end, version).nextProducerId
        return
    }
  }

  private setConfig(record: {
    resourceType: number
    resourceName: string
    name: string
    value: string | null
  }): void {
    const { resourceType, resourceName, name, value } = record
    const key = `${resourceType}/${resourceName}`
    const configs = this.configs.get(key) ?? new Map<string, string>()
    this.configs.set(key, configs)
    if (value === null) configs.delete(name)
    else configs.set(name, value)
  }
}

export interface KraftRecord {
  readonly type: number
  readonly version: number
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** Takes the frame off a record's value. Throws DecodeError, or Error for a frame of another version. */
export function readFrame(value: Buffer): KraftRecord {
  const reader = new Reader(value, 0, value.length, 'metadata record')
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION)
    throw new Error(`metadata record has frame version ${frameVersion}, not ${FRAME_VERSION}`)
  const type = reader.uvarint()
  const version = reader.uvarint()
  return { type, version, bytes: value, start: reader.position, end: value.length }
}
