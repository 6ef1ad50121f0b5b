// A member of a group of the new protocol (KIP-848): one heartbeat loop does everything, and the broker shares out.
// Promises to report what it holds only after the holder has given up and taken up. The broker sets the pace of heartbeats.

import type { Random } from '../../lib/random.ts'
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../../wire/apis/consumer-group-heartbeat.ts'
import { KafkaError } from '../../wire/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { check, isRetriable } from './failure.ts'
import { groupedByTopic, partitionName, type TopicPartition } from './group-admin.ts'
import { GroupMember, type GroupMemberOptions, type PartitionHolder } from './group-member.ts'

/** Member epochs with a meaning: wants to join, leaves, leaves for a while (static members). */
const JOINING = 0
const LEAVING = -1
const LEAVING_FOR_A_WHILE = -2
const UUID_BYTES = 16
/** Until the member has been given something it asks more often than it has to. */
const EAGER_INTERVAL_MS = 500
const EAGER_BEATS = 8

export class ConsumerMember extends GroupMember {
  /** What the broker wants the member to have, when that is not what it has. */
  private target: readonly TopicPartition[] | undefined
  /** What was taken up last, or is being taken up. */
  private aim: readonly TopicPartition[] = []
  private intervalMs = EAGER_INTERVAL_MS
  private beats = 0
  /** Everything is told again: at first, and when it is not known what the broker has heard. */
  private isTellingAll = true
  private beating: Promise<void> | undefined
  private readonly topicIds = new Map<string, string>()

  constructor(cluster: Cluster, options: GroupMemberOptions, holder: PartitionHolder, random: Random) {
    super(cluster, options, holder)
    // Members name themselves (KIP-1082), for all of their life.
    this.memberId = random.bytes(UUID_BYTES).toString('base64url')
  }

  override get isSettled(): boolean {
    return this.epoch > 0 && this.target === undefined && (this.owned.length > 0 || this.beats >= EAGER_BEATS)
  }

  protected override get hasDuty(): boolean {
    return this.epoch < 0 || this.target !== undefined
  }

  protected override async fulfil(): Promise<void> {
    if (this.epoch < 0) await this.join()
    const { target } = this
    if (target === undefined) return
    this.target = undefined
    this.aim = target
    const names = new Set(target.map(partitionName))
    const before = new Set(this.owned.map(partitionName))
    const revoked = this.owned.filter((partition) => !names.has(partitionName(partition)))
    if (revoked.length > 0) await this.holder.revoked(revoked)
    const added = target.filter((partition) => !before.has(partitionName(partition)))
    this.owned = target
    if (added.length > 0) await this.holder.assigned(added)
    // The broker waits for this before it gives what was given up to somebody else.
    if (this.lostBecause === undefined) await this.unlessStopped(this.report())
  }

  private async join(): Promise<void> {
    this.epoch = JOINING
    this.isTellingAll = true
    this.beats = 0
    this.target = undefined
    this.aim = []
    try {
      await this.unlessStopped(this.beat())
    } finally {
      if (this.epoch === JOINING) this.epoch = -1
    }
    if (this.epoch < 0) await this.backOff()
  }

  private async report(): Promise<void> {
    await this.beating
    this.isTellingAll = true
    await this.beat()
  }

  /** One heartbeat at a time. Failures that pass are left to the next one, except at the join. */
  private beat(): Promise<void> {
    this.beating ??= this.exchange().finally(() => {
      this.beating = undefined
      if (this.epoch > 0) this.after(this.intervalMs, () => void this.beat().catch(() => {}))
    })
    return this.beating
  }

  private async exchange(): Promise<void> {
    const { groupId } = this.options
    const isJoining = this.epoch === JOINING
    const isTellingAll = this.isTellingAll
    try {
      const connection = await this.cluster.coordinator(groupId)
      const answer = await connection.request(consumerGroupHeartbeat, this.request(isTellingAll))
      check(answer.errorCode, answer.errorMessage, `group ${groupId}`)
      this.isTellingAll = false
      await this.take(answer)
    } catch (error) {
      this.isTellingAll = true
      if (error instanceof KafkaError && this.takeRefusal(error)) return
      if (!isRetriable(error)) return this.fail(error as Error)
      this.cluster.forgetCoordinator(groupId)
      if (isJoining) throw error
    }
  }

  private request(isTellingAll: boolean) {
    const { groupId, instanceId, topics, assignors, rebalanceTimeoutMs } = this.options
    const basics = { groupId, memberId: this.memberId, memberEpoch: this.epoch, instanceId }
    if (!isTellingAll) return basics
    const topicPartitions = [...groupedByTopic(this.owned)].map(([topic, rows]) => ({
      topicId: this.topicIds.get(topic)!,
      partitions: rows.map(({ partition }) => partition),
    }))
    const serverAssignor = assignors[0] ?? null
    return { ...basics, rebalanceTimeoutMs, subscribedTopicNames: topics, serverAssignor, topicPartitions }
  }

  private async take(answer: ConsumerGroupHeartbeatResponse): Promise<void> {
    if (this.isStopped) return
    this.memberId = answer.memberId ?? this.memberId
    this.epoch = answer.memberEpoch
    this.beats++
    const isWaiting = this.owned.length === 0 && this.beats < EAGER_BEATS
    this.intervalMs = isWaiting
      ? Math.min(answer.heartbeatIntervalMs, EAGER_INTERVAL_MS)
      : answer.heartbeatIntervalMs
    if (answer.assignment === null) return
    const target = await this.named(answer.assignment.topicPartitions)
    const isChanged =
      target.length !== this.aim.length ||
      target.some((one) => !this.aim.some((other) => partitionName(one) === partitionName(other)))
    this.target = isChanged ? target : undefined
    if (isChanged) this.holder.wake()
  }

  /** The broker tells ids; names are looked up. A topic that nobody can name is as good as gone. */
  private async named(
    rows: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
  ): Promise<TopicPartition[]> {
    if (rows.some(({ topicId }) => this.cluster.nameOf(topicId) === undefined)) {
      await this.cluster.refresh(this.options.topics)
    }
    return rows.flatMap(({ topicId, partitions }) => {
      const topic = this.cluster.nameOf(topicId)
      if (topic === undefined) return []
      this.topicIds.set(topic, topicId)
      return partitions.map((partition) => ({ topic, partition }))
    })
  }

  protected override async sayGoodbye(connection: Connection, timeoutMs: number): Promise<void> {
    const { groupId, instanceId } = this.options
    const memberEpoch = instanceId === null ? LEAVING : LEAVING_FOR_A_WHILE
    const { memberId } = this
    await connection.request(
      consumerGroupHeartbeat,
      { groupId, memberId, memberEpoch, instanceId },
      { timeoutMs },
    )
  }
}
