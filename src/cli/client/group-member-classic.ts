// A member of a classic group: JoinGroup, SyncGroup, heartbeats, LeaveGroup; as the leader it shares the partitions out.
// Promises eager rebalances (everything given up before a join) unless every assignor on offer is cooperative: then what the
// member has is read on while the join waits for the others (KIP-429).
// Leaves how partitions are shared to group-assignors.ts.
import { heartbeat } from '../../wire/apis/heartbeat.ts'
import { type JoinGroupResponse, joinGroup } from '../../wire/apis/join-group.ts'
import { leaveGroup } from '../../wire/apis/leave-group.ts'
import { syncGroup } from '../../wire/apis/sync-group.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { check, isRetriable } from './failure.ts'
import { groupedByTopic, partitionName, type TopicPartition } from './group-admin.ts'
import { classicAssignors, type Subscriber } from './group-assignors.ts'
import { GroupMember, type GroupMemberOptions, type PartitionHolder } from './group-member.ts'

const PROTOCOL_TYPE = 'consumer'
/** LeaveGroup names members in a list from this version on (KIP-345). */
const LEAVE_BATCH_VERSION = 3

export class ClassicMember extends GroupMember {
  private readonly isCooperative: boolean
  /** Undefined: nothing calls for a join. */
  private joinBecause: string | undefined = 'the member is new'
  /** The join that waits for the other members, and what came of the last one. */
  private joining: Promise<void> | undefined
  private outcome: { readonly assigned: readonly TopicPartition[] } | { readonly failure: Error } | undefined
  private heartbeatsSinceSync = 0
  /** What the shares were made of, if the member is the leader. */
  private sharedCounts: ReadonlyMap<string, number> | undefined
  private lookedMs = 0

  constructor(cluster: Cluster, options: GroupMemberOptions, holder: PartitionHolder) {
    super(cluster, options, holder)
    this.isCooperative = options.assignors.every((name) => classicAssignors.get(name)!.isCooperative)
  }

  override get isSettled(): boolean {
    const isIn = this.epoch >= 0 && this.joinBecause === undefined && this.joining === undefined
    return isIn && (this.owned.length > 0 || this.heartbeatsSinceSync > 0)
  }

  protected override get hasDuty(): boolean {
    return this.outcome !== undefined || (this.joinBecause !== undefined && this.joining === undefined)
  }

  /** While a join is under way, what goes along its connection would wait with it. */
  protected override get isAside(): boolean {
    return this.joining !== undefined
  }

  protected override async fulfil(): Promise<void> {
    if (this.outcome === undefined) await this.beginJoin(this.joinBecause!)
    const { outcome } = this
    if (outcome === undefined) return
    this.outcome = undefined
    if ('failure' in outcome) {
      const { failure } = outcome
      if (!(failure instanceof KafkaError && this.takeRefusal(failure))) throw failure
      await this.backOff()
      return
    }
    this.joinBecause = undefined
    this.heartbeatsSinceSync = 0
    this.beatLater()
    await this.take(outcome.assigned)
  }

  /** Waits for the join only if there is nothing to be read meanwhile. */
  private async beginJoin(reason: string): Promise<void> {
    if (!this.isCooperative && this.owned.length > 0) {
      const revoked = this.owned
      await this.holder.revoked(revoked)
      this.owned = []
    }
    this.joining = this.join(reason)
      .then((joined) => this.sync(joined))
      .then(
        (assigned) => {
          this.outcome = { assigned }
        },
        (failure: Error) => {
          this.outcome = { failure }
        },
      )
      .finally(() => {
        this.joining = undefined
        this.holder.wake()
      })
    if (this.owned.length === 0) await this.unlessStopped(this.joining)
  }

  /** Takes up what was assigned; a cooperative member gives up first what was not, and joins again so that others get it. */
  private async take(assigned: readonly TopicPartition[]): Promise<void> {
    const names = new Set(assigned.map(partitionName))
    const before = new Set(this.owned.map(partitionName))
    const revoked = this.owned.filter((partition) => !names.has(partitionName(partition)))
    if (revoked.length > 0) {
      await this.holder.revoked(revoked)
      this.joinBecause ??= `gave up ${revoked.map(partitionName).join(', ')}`.slice(0, 200)
    }
    const added = assigned.filter((partition) => !before.has(partitionName(partition)))
    this.owned = assigned
    if (added.length > 0) await this.holder.assigned(added)
  }

  private async join(reason: string): Promise<JoinGroupResponse> {
    const { groupId, instanceId, assignors, sessionTimeoutMs, rebalanceTimeoutMs } = this.options
    const { requestTimeoutMs } = this.cluster.options
    const connection = await this.cluster.coordinator(groupId)
    const answer = await connection.request(
      joinGroup,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.memberId,
        groupInstanceId: instanceId,
        protocolType: PROTOCOL_TYPE,
        protocols: assignors.map((name) => ({ name, metadata: this.subscription() })),
        reason,
      },
      { timeoutMs: rebalanceTimeoutMs + requestTimeoutMs },
    )
    if (answer.errorCode === errors.MEMBER_ID_REQUIRED.code) {
      this.memberId = answer.memberId
      return this.join(reason)
    }
    check(answer.errorCode, null, `group ${groupId}`)
    this.memberId = answer.memberId
    this.epoch = answer.generationId
    return answer
  }

  private subscription(): Buffer {
    const ownedPartitions = [...groupedByTopic(this.owned)].map(([topic, rows]) => ({
      topic,
      partitions: rows.map(({ partition }) => partition),
    }))
    return encodeSubscription({ topics: this.options.topics, ownedPartitions, generationId: this.epoch })
  }

  private async sync(joined: JoinGroupResponse): Promise<TopicPartition[]> {
    const { groupId, instanceId, rebalanceTimeoutMs } = this.options
    const isLeader = joined.leader === joined.memberId
    this.sharedCounts = undefined
    const assignments = isLeader && !joined.skipAssignment ? await this.share(joined) : []
    const connection = await this.cluster.coordinator(groupId)
    const answer = await connection.request(
      syncGroup,
      {
        groupId,
        generationId: joined.generationId,
        memberId: joined.memberId,
        groupInstanceId: instanceId,
        protocolType: PROTOCOL_TYPE,
        protocolName: joined.protocolName,
        assignments,
      },
      { timeoutMs: rebalanceTimeoutMs + this.cluster.options.requestTimeoutMs },
    )
    check(answer.errorCode, null, `group ${groupId}`)
    return decodeAssignment(answer.assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  }

  private async share(joined: JoinGroupResponse) {
    const subscribers = joined.members.map(({ memberId, groupInstanceId, metadata }): Subscriber => {
      const { topics, ownedPartitions, generationId } = decodeSubscription(metadata)
      const owned = ownedPartitions.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      )
      return { memberId, groupInstanceId, topics, owned, generation: generationId }
    })
    const counts = await this.partitionCounts([...new Set(subscribers.flatMap(({ topics }) => topics))])
    this.sharedCounts = counts
    this.lookedMs = this.cluster.options.clock.monotonicMs()
    const { assign } = classicAssignors.get(joined.protocolName ?? '')!
    return [...assign(subscribers, counts)].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment({
        assignedPartitions: [...groupedByTopic(partitions)].map(([topic, rows]) => ({
          topic,
          partitions: rows.map(({ partition }) => partition),
        })),
      }),
    }))
  }

  /** Topics that are not there are left out. */
  private async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const answer = await this.cluster.refresh(topics)
    const present = answer.topics.filter(({ errorCode }) => errorCode === errors.NONE.code)
    return new Map(present.map(({ name, partitions }) => [name!, partitions.length]))
  }

  protected override takeRefusal(error: KafkaError): boolean {
    if (error.error === errors.REBALANCE_IN_PROGRESS) {
      this.joinBecause ??= 'the group is rebalancing'
      this.holder.wake()
      return true
    }
    if (error.error === errors.UNKNOWN_MEMBER_ID) this.memberId = ''
    return super.takeRefusal(error)
  }

  protected override expel(reason: string): void {
    this.joinBecause ??= reason
    super.expel(reason)
  }

  private beatLater(): void {
    this.after(this.options.heartbeatIntervalMs, () => void this.beat())
  }

  private async beat(): Promise<void> {
    if (this.epoch < 0 || this.joining !== undefined) return
    const { groupId, instanceId } = this.options
    const generationId = this.epoch
    try {
      const connection = await this.cluster.coordinator(groupId)
      const answer = await connection.request(heartbeat, {
        groupId,
        generationId,
        memberId: this.memberId,
        groupInstanceId: instanceId,
      })
      check(answer.errorCode, null, `group ${groupId}`)
      this.heartbeatsSinceSync++
      if (this.joinBecause === undefined) await this.lookForPartitions()
    } catch (error) {
      this.takeFailedBeat(error as Error, generationId)
    }
    if (this.epoch === generationId && this.joining === undefined) this.beatLater()
  }

  private takeFailedBeat(error: Error, generationId: number): void {
    // The next beat finds the coordinator, or the next one.
    if (isRetriable(error)) this.cluster.forgetCoordinator(this.options.groupId)
    else if (this.epoch !== generationId || this.isStopped) return
    else if (!(error instanceof KafkaError && this.takeRefusal(error))) this.fail(error)
  }

  /** The leader has the group share out again when a topic has grown, come or gone. */
  private async lookForPartitions(): Promise<void> {
    const nowMs = this.cluster.options.clock.monotonicMs()
    const shared = this.sharedCounts
    if (shared === undefined || nowMs - this.lookedMs < this.options.metadataAgeMs) return
    this.lookedMs = nowMs
    const counts = await this.partitionCounts([...new Set([...shared.keys(), ...this.options.topics])])
    const changed = [...counts].find(([topic, count]) => shared.get(topic) !== count)
    if (changed === undefined && counts.size === shared.size) return
    this.joinBecause ??=
      changed === undefined ? 'a topic is gone' : `topic ${changed[0]} has ${changed[1]} partitions now`
    this.holder.wake()
  }

  /** A static member stays in the group for as long as its session lasts, so that it can come back (KIP-345). */
  protected override async sayGoodbye(connection: Connection, timeoutMs: number): Promise<void> {
    const { groupId, instanceId } = this.options
    if (instanceId !== null) return
    const isBatch = (connection.versionOf(leaveGroup) ?? 0) >= LEAVE_BATCH_VERSION
    const { memberId } = this
    const members = [{ memberId, groupInstanceId: null, reason: 'the consumer was closed' }]
    const request = isBatch ? { groupId, members } : { groupId, memberId }
    await connection.request(leaveGroup, request, { timeoutMs })
  }
}
