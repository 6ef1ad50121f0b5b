// What CreateTopics, DeleteTopics and CreatePartitions come to, given an image: pure but for chance.
// Promises Apache Kafka 4.3's outcome for every wrong request, in messages that name the numbers, and that one wrong item
// never spoils the others. Leaves writing what was decided to controller.ts.
import type { BrokerConfig } from '../config/broker-config.ts'
import { validateTopicConfig } from '../config/topic-config.ts'
import type { Random } from '../lib/random.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { PartitionsToCreate, TopicToCreate, TopicToDelete } from './controller.ts'
import { newPartition } from './election.ts'
import type { BrokerRegistration, ClusterImage, PartitionImage, TopicImage } from './image.ts'
import { placeReplicas } from './placement.ts'
import { CLUSTER_METADATA_TOPIC, collisionKey, isInternalTopic, topicNameProblem } from './topic-names.ts'

/** Partitions that one request may create, as in Apache Kafka 4.3. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000
const LONGEST_CONFIG_VALUE = 32_767
const RESERVED_TOPIC_IDS = 100

export interface DecisionGround {
  readonly image: ClusterImage
  readonly config: BrokerConfig
  readonly random: Random
}

export interface Decision<Item, Result> {
  readonly item: Item
  readonly outcome: Result | KafkaError
}

/** Runs `decide` for each item; an item's KafkaError becomes its outcome. */
export function decideEach<Item, Result>(
  items: Iterable<Item>,
  decide: (item: Item) => Result,
): Decision<Item, Result>[] {
  return [...items].map((item) => {
    try {
      return { item, outcome: decide(item) }
    } catch (error) {
      if (error instanceof KafkaError) return { item, outcome: error }
      throw error
    }
  })
}

/** Items by key in order of their first appearance, and the keys that appear more than once. */
function unique<Item>(items: readonly Item[], key: (item: Item) => string) {
  const byKey = new Map<string, Item>()
  const repeated = new Set<string>()
  for (const item of items) {
    if (byKey.has(key(item))) repeated.add(key(item))
    else byKey.set(key(item), item)
  }
  return { items: byKey.values(), repeated }
}

export function newTopicId(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    const id = bytes.toString('base64url')
    // Kafka keeps the smallest ids for itself, and avoids a leading '-' because it looks like an option on a command line.
    const isReserved = bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < RESERVED_TOPIC_IDS
    if (!isReserved && !id.startsWith('-')) return id
  }
}

// --- CreateTopics ---

export function decideTopics(
  requests: readonly TopicToCreate[],
  ground: DecisionGround,
): Decision<TopicToCreate, TopicImage>[] {
  const { items, repeated } = unique(requests, ({ name }) => name)
  const tooMany = excess(requests, ground)
  const rivals = collidable(requests, ground.image)
  return decideEach(items, (request) => {
    if (repeated.has(request.name)) {
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Topic '${request.name}' is named more than once in the request.`,
      )
    }
    if (tooMany !== null) throw tooMany
    const topic = decideTopic(request, ground, rivals)
    rivals.set(collisionKey(topic.name), topic.name)
    return topic
  })
}

function excess(requests: readonly TopicToCreate[], { config }: DecisionGround): KafkaError | null {
  let total = 0
  for (const { assignments, numPartitions } of requests) {
    if (assignments.length > 0) total += assignments.length
    else if (numPartitions === -1) total += config.numPartitions
    else total += Math.max(0, numPartitions)
  }
  if (total <= MAX_PARTITIONS_PER_REQUEST) return null
  const message = `The request would create ${total} partitions, at most ${MAX_PARTITIONS_PER_REQUEST} are allowed.`
  return new KafkaError(errors.POLICY_VIOLATION, message)
}

function decideTopic(
  request: TopicToCreate,
  ground: DecisionGround,
  rivals: ReadonlyMap<string, string>,
): TopicImage {
  const { name } = request
  checkName(name, ground.image, rivals)
  const replicas = request.assignments.length > 0 ? byHand(request, ground) : placed(request, ground)
  const configs = new Map(request.configs.map((config) => [config.name, config.value]))
  checkSizes(configs)
  validateTopicConfig(configs, ground.config)
  return {
    name,
    id: newTopicId(ground.random),
    internal: isInternalTopic(name),
    partitions: replicas.map((brokerIds, index) => newPartition(index, brokerIds)),
    configs: configs as ReadonlyMap<string, string>,
  }
}

/** As in Apache Kafka 4.3: a list that is appended to again and again must not grow without end. */
export function checkSizes(configs: ReadonlyMap<string, string | null>): void {
  for (const [name, value] of configs) {
    if (value === null || value.length <= LONGEST_CONFIG_VALUE) continue
    const message = `${name}: a value has at most ${LONGEST_CONFIG_VALUE} characters; this one has ${value.length}`
    throw new KafkaError(errors.INVALID_CONFIG, message)
  }
}

function checkName(name: string, image: ClusterImage, rivals: ReadonlyMap<string, string>): void {
  const problem = topicNameProblem(name)
  if (problem !== null) throw new KafkaError(errors.INVALID_TOPIC_EXCEPTION, problem)
  if (name === CLUSTER_METADATA_TOPIC) {
    throw new KafkaError(errors.INVALID_REQUEST, `Topic '${name}' cannot be created: the name is reserved.`)
  }
  if (image.topics.has(name))
    throw new KafkaError(errors.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const rival = rivals.get(collisionKey(name))
  if (rival !== undefined) {
    throw new KafkaError(
      errors.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic '${rival}': names must differ in more than '.' and '_'.`,
    )
  }
}

/** Names by what they collide in. Looked through once for a request: it may ask for as many topics as there are. */
function collidable(requests: readonly TopicToCreate[], { topics }: ClusterImage): Map<string, string> {
  const names = new Map<string, string>()
  if (!requests.some(({ name }) => collisionKey(name).includes('_'))) return names
  for (const name of topics.keys()) names.set(collisionKey(name), name)
  return names
}

function placed(request: TopicToCreate, ground: DecisionGround): readonly number[][] {
  const { config, image, random } = ground
  const { numPartitions, replicationFactor } = request
  if (numPartitions < -1 || numPartitions === 0) {
    throw new KafkaError(
      errors.INVALID_PARTITIONS,
      `Number of partitions is ${numPartitions}; it must be at least 1, or -1 for the broker's default.`,
    )
  }
  if (replicationFactor < -1 || replicationFactor === 0) {
    throw new KafkaError(
      errors.INVALID_REPLICATION_FACTOR,
      `Replication factor is ${replicationFactor}; it must be at least 1, or -1 for the broker's default.`,
    )
  }
  const partitions = numPartitions === -1 ? config.numPartitions : numPartitions
  const wanted = replicationFactor === -1 ? config.defaultReplicationFactor : replicationFactor
  return placeReplicas(brokersFor(image, wanted), partitions, wanted, random)
}

function brokersFor(image: ClusterImage, replicationFactor: number): BrokerRegistration[] {
  const brokers = [...image.brokers.values()]
  if (replicationFactor > brokers.length) {
    throw new KafkaError(
      errors.INVALID_REPLICATION_FACTOR,
      `Replication factor ${replicationFactor} is larger than the number of brokers: ${brokers.length} registered.`,
    )
  }
  return brokers
}

function byHand(request: TopicToCreate, { image }: DecisionGround): readonly (readonly number[])[] {
  const { assignments, numPartitions, replicationFactor } = request
  if (numPartitions !== -1 || replicationFactor !== -1) {
    throw new KafkaError(
      errors.INVALID_REQUEST,
      'With replicas assigned by hand, number of partitions and replication factor must both be -1; ' +
        `they are ${numPartitions} and ${replicationFactor}.`,
    )
  }
  const byIndex = new Map<number, readonly number[]>()
  for (const { partitionIndex, brokerIds } of assignments) {
    if (byIndex.has(partitionIndex)) throw badAssignment(`Partition ${partitionIndex} is assigned twice.`)
    byIndex.set(partitionIndex, brokerIds)
  }
  return Array.from({ length: byIndex.size }, (_, index) => {
    const brokerIds = byIndex.get(index)
    if (brokerIds === undefined) {
      throw badAssignment(
        `Partition ${index} has no assignment: partitions must be numbered from 0 to ${byIndex.size - 1} without gaps.`,
      )
    }
    checkReplicas(brokerIds, index, byIndex.get(0)!.length, image)
    return brokerIds
  })
}

function checkReplicas(
  brokerIds: readonly number[],
  index: number,
  expected: number,
  image: ClusterImage,
): void {
  if (brokerIds.length === 0) throw badAssignment(`Partition ${index} is assigned to no broker.`)
  if (new Set(brokerIds).size !== brokerIds.length) {
    throw badAssignment(`Partition ${index} names a broker twice: ${brokerIds.join(', ')}.`)
  }
  const stranger = brokerIds.find((id) => !image.brokers.has(id))
  if (stranger !== undefined) {
    const known = [...image.brokers.keys()].join(', ')
    throw badAssignment(
      `Partition ${index} is assigned to broker ${stranger}, which is not registered; known: ${known}.`,
    )
  }
  if (brokerIds.length !== expected) {
    throw badAssignment(
      `Partition ${index} has ${brokerIds.length} replica(s), other partitions have ${expected}.`,
    )
  }
}

function badAssignment(message: string): KafkaError {
  return new KafkaError(errors.INVALID_REPLICA_ASSIGNMENT, message)
}

// --- DeleteTopics ---

export function decideDeletions(
  requests: readonly TopicToDelete[],
  { image, config }: DecisionGround,
): Decision<TopicToDelete, TopicImage>[] {
  const { items, repeated } = unique(requests, ({ name, topicId }) => `${name ?? ''}/${topicId ?? ''}`)
  const chosen = new Map<string, number>()
  for (const request of requests) {
    const id = find(request, image)?.id
    if (id !== undefined) chosen.set(id, (chosen.get(id) ?? 0) + 1)
  }
  return decideEach(items, (request) => {
    const { name, topicId } = request
    if (!config.deleteTopicEnable) {
      throw new KafkaError(
        errors.TOPIC_DELETION_DISABLED,
        'Topics cannot be deleted: delete.topic.enable is false.',
      )
    }
    if (name !== null && topicId !== null) {
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Topic '${name}' is named by name and by id; use one of them.`,
      )
    }
    if (name === null && topicId === null) {
      throw new KafkaError(errors.INVALID_REQUEST, 'A topic is given neither by name nor by id.')
    }
    const topic = find(request, image)
    if (
      repeated.has(`${name ?? ''}/${topicId ?? ''}`) ||
      (topic !== undefined && chosen.get(topic.id)! > 1)
    ) {
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Topic '${name ?? topicId}' is named more than once in the request.`,
      )
    }
    if (topic !== undefined) return topic
    if (name !== null) throw unknownTopic(name)
    throw new KafkaError(errors.UNKNOWN_TOPIC_ID, `There is no topic with id ${topicId}.`)
  })
}

function find({ name, topicId }: TopicToDelete, image: ClusterImage): TopicImage | undefined {
  return name !== null ? image.topics.get(name) : image.topicsById.get(topicId ?? '')
}

export function unknownTopic(name: string): KafkaError {
  return new KafkaError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
}

// --- CreatePartitions ---

/** The topics as they are to be. */
export function decidePartitions(
  requests: readonly PartitionsToCreate[],
  ground: DecisionGround,
): Decision<PartitionsToCreate, TopicImage>[] {
  const { items, repeated } = unique(requests, ({ name }) => name)
  let added = 0
  return decideEach(items, (request) => {
    if (repeated.has(request.name)) {
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Topic '${request.name}' is named more than once in the request.`,
      )
    }
    const topic = ground.image.topics.get(request.name)
    if (topic === undefined) throw unknownTopic(request.name)
    checkCount(request, topic)
    if (isInternalTopic(topic.name)) throw cannotGrow(topic)
    added += request.count - topic.partitions.length
    if (added > MAX_PARTITIONS_PER_REQUEST) {
      throw new KafkaError(
        errors.POLICY_VIOLATION,
        `The request would create ${added} partitions, at most ${MAX_PARTITIONS_PER_REQUEST} are allowed.`,
      )
    }
    return { ...topic, partitions: [...topic.partitions, ...newPartitions(request, topic, ground)] }
  })
}

/** Apache Kafka 4.3 grows it, and with its next start looks for every group, offsets included, in another partition. */
function cannotGrow({ name, partitions }: TopicImage): KafkaError {
  return new KafkaError(
    errors.INVALID_REQUEST,
    `Topic '${name}' keeps its ${partitions.length} partition(s): what is in them would not be found among more.`,
  )
}

function checkCount({ name, count }: PartitionsToCreate, topic: TopicImage): void {
  const existing = topic.partitions.length
  if (
    topic.partitions.some(
      ({ addingReplicas, removingReplicas }) => addingReplicas.length + removingReplicas.length,
    )
  ) {
    throw new KafkaError(
      errors.REASSIGNMENT_IN_PROGRESS,
      `Partitions of topic '${name}' are moving to other brokers.`,
    )
  }
  if (count > existing) return
  const message =
    count === existing
      ? `Topic '${name}' already has ${existing} partition(s).`
      : `Topic '${name}' has ${existing} partition(s), more than the requested ${count}; partitions cannot be removed.`
  throw new KafkaError(errors.INVALID_PARTITIONS, message)
}

function newPartitions(
  { count, assignments }: PartitionsToCreate,
  topic: TopicImage,
  { image, random }: DecisionGround,
): PartitionImage[] {
  const existing = topic.partitions.length
  const replicationFactor = topic.partitions[0]!.replicas.length
  if (assignments === null) {
    const brokers = brokersFor(image, replicationFactor)
    const replicas = placeReplicas(brokers, count - existing, replicationFactor, random, existing)
    return replicas.map((brokerIds, offset) => newPartition(existing + offset, brokerIds))
  }
  if (assignments.length !== count - existing) {
    throw badAssignment(
      `${count - existing} partition(s) are to be added, but ${assignments.length} assignment(s) are given.`,
    )
  }
  return assignments.map((brokerIds, offset) => {
    checkReplicas(brokerIds, existing + offset, replicationFactor, image)
    return newPartition(existing + offset, brokerIds)
  })
}
