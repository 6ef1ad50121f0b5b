// What an operator asks of a cluster: topics, their configuration, their offsets.
// Promises KafkaError with the broker's own words, and one call per question. Leaves showing answers to the commands.
import { createPartitions } from '../../wire/apis/create-partitions.ts'
import { createTopics } from '../../wire/apis/create-topics.ts'
import { deleteTopics } from '../../wire/apis/delete-topics.ts'
import { describeConfigs } from '../../wire/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../../wire/apis/incremental-alter-configs.ts'
import { listOffsets } from '../../wire/apis/list-offsets.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { check, NoSuchTopicError } from './failure.ts'

/** Resource type of a topic in the config APIs. */
const TOPIC_RESOURCE = 2
/** Operations of IncrementalAlterConfigs (KIP-339). */
const SET = 0
const DELETE = 1
/** Where a value comes from: set on this topic. */
const TOPIC_CONFIG_SOURCE = 1
/** The last version of DeleteTopics that takes names in a plain list; later ones take names or ids. */
const DELETE_BY_NAME_VERSION = 5

/** Special timestamps of ListOffsets. */
export const LATEST = -1
export const EARLIEST = -2

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  /** Set on the topic itself, rather than a default. */
  readonly isOverridden: boolean
}

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** All topics, by name. */
export async function listTopics(cluster: Cluster): Promise<TopicMetadata[]> {
  const answer = await cluster.retrying(() => cluster.refresh(null))
  return [...answer.topics].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
}

/** @throws NoSuchTopicError for the first that is not there */
export async function describeTopics(cluster: Cluster, names: readonly string[]): Promise<TopicMetadata[]> {
  const answer = await cluster.retrying(() => cluster.refresh(names))
  return names.map((name) => {
    const topic = answer.topics.find((row) => row.name === name)
    if (topic === undefined || topic.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION.code) {
      throw new NoSuchTopicError(name)
    }
    check(topic.errorCode, null, `topic ${name}`)
    return topic
  })
}

export async function createTopic(cluster: Cluster, topic: NewTopic, validateOnly: boolean) {
  const answer = await cluster.askController(createTopics, {
    topics: [
      {
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        configs: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: cluster.options.callTimeoutMs,
    validateOnly,
  })
  const row = answer.topics[0]
  check(row?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, row?.errorMessage)
  cluster.forget(topic.name)
  return row!
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  const answer = await cluster.askController(
    deleteTopics,
    { topicNames: [name], timeoutMs: cluster.options.callTimeoutMs },
    { maxVersion: DELETE_BY_NAME_VERSION },
  )
  const row = answer.responses[0]
  if (row?.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION.code) throw new NoSuchTopicError(name)
  check(row?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, row?.errorMessage, `topic ${name}`)
  cluster.forget(name)
}

/** Raises the number of partitions to `count`. */
export async function addPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  const answer = await cluster.askController(createPartitions, {
    topics: [{ name, count, assignments: null }],
    timeoutMs: cluster.options.callTimeoutMs,
    validateOnly: false,
  })
  const row = answer.results[0]
  if (row?.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION.code) throw new NoSuchTopicError(name)
  check(row?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, row?.errorMessage)
  cluster.forget(name)
}

export async function topicConfigs(
  cluster: Cluster,
  names: readonly string[],
): Promise<Map<string, ConfigEntry[]>> {
  const answer = await cluster.askAny(describeConfigs, {
    resources: names.map((resourceName) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configurationKeys: null,
    })),
  })
  const byTopic = new Map<string, ConfigEntry[]>()
  for (const result of answer.results) {
    check(result.errorCode, result.errorMessage, `topic ${result.resourceName}`)
    const entries = result.configs.map(({ name, value, configSource }) => ({
      name,
      value,
      isOverridden: configSource === TOPIC_CONFIG_SOURCE,
    }))
    byTopic.set(result.resourceName, entries)
  }
  return byTopic
}

/** Sets and unsets topic configs; those not named stay as they are. */
export async function alterTopicConfigs(
  cluster: Cluster,
  topic: string,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Promise<void> {
  const configs = [
    ...Object.entries(set).map(([name, value]) => ({ name, configOperation: SET, value })),
    ...remove.map((name) => ({ name, configOperation: DELETE, value: null })),
  ]
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }]
  const answer = await cluster.askController(incrementalAlterConfigs, { resources, validateOnly: false })
  const row = answer.responses[0]
  if (row?.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION.code) throw new NoSuchTopicError(topic)
  check(row?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, row?.errorMessage)
}

export interface OffsetAt {
  readonly offset: number
  readonly timestamp: number
}

/** For each partition the offset that belongs to `timestamp`: a time in ms, or LATEST or EARLIEST. -1 where none does. */
export async function offsetsFor(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
  isolationLevel = 0,
): Promise<Map<number, OffsetAt>> {
  return cluster.retrying(async () => {
    const known = await cluster.topic(topic)
    const byLeader = new Map<number, number[]>()
    for (const index of partitions) {
      const leader = leaderOf(cluster, known, index)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), index])
    }
    const found = new Map<number, OffsetAt>()
    const ask = async (leader: number, indexes: readonly number[]) => {
      const connection = await cluster.node(leader)
      const answer = await connection.request(listOffsets, {
        replicaId: -1,
        isolationLevel,
        topics: [
          { name: topic, partitions: indexes.map((partitionIndex) => ({ partitionIndex, timestamp })) },
        ],
        timeoutMs: cluster.options.requestTimeoutMs,
      })
      for (const row of answer.topics[0]?.partitions ?? []) {
        if (row.errorCode !== errors.NONE.code) cluster.forget(topic)
        check(row.errorCode, null, `${topic}-${row.partitionIndex}`)
        found.set(row.partitionIndex, { offset: row.offset, timestamp: row.timestamp })
      }
    }
    await Promise.all([...byLeader].map(([leader, indexes]) => ask(leader, indexes)))
    return found
  })
}

/** The id of the broker that leads a partition. @throws KafkaError when there is no such partition, or no leader now */
export function leaderOf(cluster: Cluster, topic: TopicMetadata, index: number): number {
  const partition = topic.partitions.find((row) => row.partitionIndex === index)
  const about = `${topic.name}-${index}`
  if (partition === undefined) {
    throw new KafkaError(
      errors.INVALID_PARTITIONS,
      `${about} does not exist: topic ${topic.name} has partitions 0 to ${topic.partitions.length - 1}`,
    )
  }
  if (partition.leaderId < 0) {
    cluster.forget(topic.name ?? '')
    throw new KafkaError(errors.LEADER_NOT_AVAILABLE, `${about} has no leader at the moment`)
  }
  return partition.leaderId
}
