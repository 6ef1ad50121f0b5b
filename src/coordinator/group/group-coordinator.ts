// The groups that this broker coordinates: finds the shard that a group belongs to and has it do what was asked.
// Promises Kafka's error when the group is not here, is being loaded, or has no name; and `__consumer_offsets` when somebody
// first asks where a group is. Leaves what groups do to the state machine, and answers' shapes to the handlers.
import type { Controller } from '../../cluster/controller.ts'
import { type ClusterImage, emptyImage, type ImageDelta, NO_CONFIGS, NO_LEADER } from '../../cluster/image.ts'
import type { ImageSubscriber } from '../../cluster/view.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { resolveGroupConfig } from '../../config/group-config.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Random } from '../../lib/random.ts'
import type { Replicas } from '../../partition/replicas.ts'
import type { HeartbeatRequest } from '../../wire/apis/heartbeat.ts'
import type { LeaveGroupRequest } from '../../wire/apis/leave-group.ts'
import type { OffsetDeleteRequest } from '../../wire/apis/offset-delete.ts'
import type { SyncGroupRequest } from '../../wire/apis/sync-group.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import { InternalTopic } from '../internal-topic.ts'
import type { Command } from '../shard.ts'
import { Shards } from '../shards.ts'
import type { DescribedClassicGroup } from './classic/describe.ts'
import type { HeartbeatAnswer } from './classic/heartbeat.ts'
import type { ClassicJoin } from './classic/join.ts'
import type { LeaveGroupAnswer } from './classic/leave.ts'
import type { JoinGroupAnswer, SyncGroupAnswer } from './classic/member.ts'
import type {
  HeartbeatAnswer as ConsumerHeartbeatAnswer,
  HeartbeatRequest as ConsumerHeartbeatRequest,
} from './consumer/request.ts'
import type { GroupSurroundings } from './group.ts'
import { type DescribedConsumerGroup, GroupMachine, type ListedGroup } from './group-machine.ts'
import type { OffsetCommitAnswer, OffsetsToCommit } from './offsets/commit.ts'
import type { GroupDeletion, OffsetDeleteAnswer } from './offsets/delete.ts'
import type { FetchedTopic, OffsetsToFetch } from './offsets/fetch.ts'
import type { GroupRecord } from './records.ts'
import { type TimedEvent, Timelines } from './timeline.ts'
import { TopicPatterns } from './topic-patterns.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'

export interface GroupCoordinatorOptions {
  readonly replicas: Pick<Replicas, 'find'>
  readonly controller: Pick<Controller, 'createTopics'>
  readonly config: () => BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export class GroupCoordinator implements ImageSubscriber {
  private readonly shards: Shards<GroupRecord, GroupMachine>
  private readonly topic: InternalTopic
  private readonly timelines: Timelines
  private readonly patterns: TopicPatterns
  private image: ClusterImage = emptyImage('')

  constructor(options: GroupCoordinatorOptions) {
    const { replicas, controller, config, clock, random, logger } = options
    this.timelines = new Timelines(clock)
    this.patterns = new TopicPatterns({ clock })
    const surroundings: GroupSurroundings = {
      config,
      groupConfig: (groupId) =>
        resolveGroupConfig(config(), this.image.groupConfigs.get(groupId) ?? NO_CONFIGS),
      image: () => this.image,
      random,
      patterns: this.patterns,
      note: (groupId, event) => this.timelines.note(groupId, event),
    }
    this.shards = new Shards({
      topic: OFFSETS_TOPIC,
      replicas,
      makeMachine: () =>
        new GroupMachine(surroundings, (problem) =>
          logger.error('a damaged record of groups was passed over', { topic: OFFSETS_TOPIC, problem }),
        ),
      clock,
      logger,
      loadBufferBytes: () => config().offsetsLoadBufferSize,
      commitTimeoutMs: () => config().offsetsCommitTimeoutMs,
    })
    this.topic = new InternalTopic({
      topic: () => offsetsTopic(config()),
      image: () => this.image,
      controller,
      logger,
    })
  }

  apply(image: ClusterImage, { deleted }: ImageDelta): void {
    this.image = image
    this.shards.apply(image)
    if (deleted.length > 0) this.shards.runEverywhere((machine, step) => machine.topicsDeleted(deleted, step))
  }

  close(): void {
    this.shards.close()
    this.patterns.close()
  }

  /** The broker that coordinates a group. @throws KafkaError (rejected) COORDINATOR_NOT_AVAILABLE */
  async findCoordinator(groupId: string): Promise<number> {
    await this.topic.ensure()
    const index = this.shards.indexOf(groupId) ?? -1
    const leader = this.image.topics.get(OFFSETS_TOPIC)?.partitions[index]?.leader
    if (leader !== undefined && leader !== NO_LEADER) return leader
    throw new KafkaError(
      errors.COORDINATOR_NOT_AVAILABLE,
      `No broker leads the partition of group ${groupId}.`,
    )
  }

  joinGroup(request: ClassicJoin): Promise<JoinGroupAnswer> {
    return this.runNamed(request.groupId, (machine, step) => machine.joinGroup(request, step))
  }

  syncGroup(request: SyncGroupRequest): Promise<SyncGroupAnswer> {
    return this.runNamed(request.groupId, (machine, step) => machine.syncGroup(request, step))
  }

  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    return this.runNamed(request.groupId, (machine, step) => machine.heartbeat(request, step))
  }

  leaveGroup(request: LeaveGroupRequest): Promise<LeaveGroupAnswer> {
    return this.runNamed(request.groupId, (machine, step) => machine.leaveGroup(request, step))
  }

  consumerGroupHeartbeat(request: ConsumerHeartbeatRequest): Promise<ConsumerHeartbeatAnswer> {
    return this.shards.run(request.groupId, (machine, step) => machine.consumerGroupHeartbeat(request, step))
  }

  consumerGroupDescribe(groupId: string): Promise<DescribedConsumerGroup> {
    return this.runNamed(groupId, (machine) => machine.describeConsumerGroup(groupId))
  }

  /** Committing and fetching have always been served for the group without a name, too. */
  offsetCommit(request: OffsetsToCommit): Promise<OffsetCommitAnswer> {
    return this.shards.run(request.groupId, (machine, step) => machine.commitOffsets(request, step))
  }

  offsetFetch(request: OffsetsToFetch): Promise<FetchedTopic[]> {
    return this.shards.run(request.groupId, (machine) => machine.fetchOffsets(request))
  }

  offsetDelete(request: OffsetDeleteRequest): Promise<OffsetDeleteAnswer> {
    return this.runNamed(request.groupId, (machine, step) => machine.deleteOffsets(request, step))
  }

  deleteGroup(groupId: string): Promise<GroupDeletion> {
    return this.shards.run(groupId, (machine, step) => machine.deleteGroup(groupId, step))
  }

  /** Undefined when there is no such group of the classic protocol. */
  describeClassicGroup(groupId: string): Promise<DescribedClassicGroup | undefined> {
    return this.shards.run(groupId, (machine) => machine.describeClassicGroup(groupId))
  }

  /** Every group of this broker. @throws KafkaError (rejected) COORDINATOR_LOAD_IN_PROGRESS while a part is not there yet */
  async listGroups(): Promise<ListedGroup[]> {
    const parts = Array.from(this.shards.all(), (shard) => shard.run((machine) => machine.listGroups()))
    return (await Promise.all(parts)).flat()
  }

  /** What happened to a group, oldest first. @throws KafkaError NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE */
  timeline(groupId: string): Promise<readonly TimedEvent[]> {
    return this.runNamed(groupId, () => this.timelines.of(groupId))
  }

  private runNamed<Answer>(
    groupId: string,
    command: Command<GroupMachine, GroupRecord, Answer>,
  ): Promise<Answer> {
    if (groupId === '')
      return Promise.reject(new KafkaError(errors.INVALID_GROUP_ID, 'The group id is empty.'))
    return this.shards.run(groupId, command)
  }
}

/** The topic as Kafka makes it. */
function offsetsTopic(config: BrokerConfig) {
  return {
    name: OFFSETS_TOPIC,
    numPartitions: config.offsetsTopicNumPartitions,
    replicationFactor: config.offsetsTopicReplicationFactor,
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
    ],
  }
}
