// What can be decided about the cluster's metadata: topics, partitions, dynamic configs, blocks of producer ids.
// Promises that a call resolves only after its decision is durable and this broker has applied it.
// Leaves deciding to store-controller.ts; this is what the layers above know of it.
import type { ErrorCode } from '../wire/errors.ts'
import type { PartitionImage, TopicImage } from './image.ts'

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
}

export interface TopicToCreate {
  readonly name: string
  /** -1 asks for the broker's `num.partitions`. */
  readonly numPartitions: number
  /** -1 asks for the broker's `default.replication.factor`. */
  readonly replicationFactor: number
  /** Replicas chosen by hand; then both counts must be -1. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly ConfigEntry[]
}

/** What came of one item of a request. `error` is errors.NONE on success; `message` says what was wrong. */
export interface Outcome {
  readonly error: ErrorCode
  readonly message: string | null
}

export interface CreateTopicOutcome extends Outcome {
  readonly name: string
  /** The topic as it was created (or would have been, when only validating); null on error. */
  readonly topic: TopicImage | null
}

/** By name or by id: exactly one is not null. */
export interface TopicToDelete {
  readonly name: string | null
  readonly topicId: string | null
}

export interface DeleteTopicOutcome extends Outcome {
  readonly name: string | null
  readonly topicId: string | null
}

export interface PartitionsToCreate {
  readonly name: string
  /** How many there are to be afterwards. */
  readonly count: number
  /** Replicas of the new partitions only, in order; null lets the controller place them. */
  readonly assignments: readonly (readonly number[])[] | null
}

export interface CreatePartitionsOutcome extends Outcome {
  readonly name: string
}

/**
 * `type` 2 is a topic, 4 a broker, 32 a group (Kafka's ConfigResource.Type); a broker's name is its id, or '' for all
 * brokers.
 */
export interface ConfigResource {
  readonly type: number
  readonly name: string
}

export const configOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface IncrementalConfigChange extends ConfigResource {
  readonly operations: readonly {
    readonly name: string
    readonly operation: number
    readonly value: string | null
  }[]
}

/** The complete set of what differs from the defaults: what is not named returns to its default. */
export interface FullConfigChange extends ConfigResource {
  readonly configs: readonly ConfigEntry[]
}

export interface ConfigOutcome extends Outcome, ConfigResource {}

export interface ProducerIdBlock {
  readonly first: number
  readonly count: number
}

export interface Controller {
  createTopics(
    topics: readonly TopicToCreate[],
    options: { validateOnly: boolean },
  ): Promise<CreateTopicOutcome[]>
  /** For a client that asked for topics that are not there: with defaults, and no error when one exists by now. */
  autoCreateTopics(names: readonly string[]): Promise<CreateTopicOutcome[]>
  /** Resolves when the topics' partitions are gone from this broker, too. */
  deleteTopics(topics: readonly TopicToDelete[]): Promise<DeleteTopicOutcome[]>
  createPartitions(
    topics: readonly PartitionsToCreate[],
    options: { validateOnly: boolean },
  ): Promise<CreatePartitionsOutcome[]>
  incrementalAlterConfigs(
    changes: readonly IncrementalConfigChange[],
    options: { validateOnly: boolean },
  ): Promise<ConfigOutcome[]>
  alterConfigs(
    changes: readonly FullConfigChange[],
    options: { validateOnly: boolean },
  ): Promise<ConfigOutcome[]>
  /** A block of ids that nobody was given or ever will be; durable before it resolves. */
  allocateProducerIds(): Promise<ProducerIdBlock>
  /** Partitions that move to other brokers: none, on a single node. */
  reassigning(): readonly { readonly topic: TopicImage; readonly partition: PartitionImage }[]
  close(): Promise<void>
}
