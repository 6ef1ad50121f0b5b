// The groups of one partition of __consumer_offsets and the offsets they have committed: the state of a shard.
// Promises that each record and each request reaches the protocol that its group speaks. Leaves the protocols to classic/ and
// consumer/, offsets to offsets/, and when things happen to the shard.
import type { HeartbeatRequest } from '../../wire/apis/heartbeat.ts'
import type { LeaveGroupRequest } from '../../wire/apis/leave-group.ts'
import type { OffsetDeleteRequest } from '../../wire/apis/offset-delete.ts'
import type { SyncGroupRequest } from '../../wire/apis/sync-group.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import type { ReplayOrigin, StateMachine, Waiter } from '../step.ts'
import { ClassicGroup, emptyClassicGroup } from './classic/classic-group.ts'
import { type DescribedClassicGroup, describeClassicGroup } from './classic/describe.ts'
import { type HeartbeatAnswer, heartbeat } from './classic/heartbeat.ts'
import { type ClassicJoin, joinGroup } from './classic/join.ts'
import { type LeaveGroupAnswer, leaveGroup } from './classic/leave.ts'
import type { JoinGroupAnswer, SyncGroupAnswer } from './classic/member.ts'
import { groupLoaded as classicGroupLoaded, replayGroupMetadata } from './classic/replay.ts'
import { syncGroup } from './classic/sync.ts'
import { joinConsumerGroup } from './consumer/classic-join.ts'
import {
  heartbeatConsumerGroup,
  leaveConsumerGroupByRequest,
  syncConsumerGroup,
} from './consumer/classic-requests.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { describeConsumerGroup } from './consumer/describe.ts'
import { consumerGroupHeartbeat } from './consumer/heartbeat.ts'
import { replayConsumerGroup } from './consumer/replay.ts'
import type {
  HeartbeatAnswer as ConsumerHeartbeatAnswer,
  HeartbeatRequest as ConsumerHeartbeatRequest,
} from './consumer/request.ts'
import { consumerGroupLoaded } from './consumer/timers.ts'
import type { GroupStep, GroupSurroundings, GroupType } from './group.ts'
import { GroupTable } from './group-table.ts'
import { commitOffsets, type OffsetCommitAnswer, type OffsetsToCommit } from './offsets/commit.ts'
import {
  type DeletedTopic,
  deleteGroup,
  deleteOffsets,
  type GroupDeletion,
  type OffsetDeleteAnswer,
  topicsDeleted,
} from './offsets/delete.ts'
import { startOffsetExpiry } from './offsets/expire.ts'
import { type FetchedTopic, fetchOffsets, type OffsetsToFetch } from './offsets/fetch.ts'
import { OffsetStore } from './offsets/offset-store.ts'
import { replayOffsetCommit } from './offsets/state.ts'
import { type DamageReport, decodeRecord, encodeRecord, type GroupRecord } from './records.ts'

/** A group as ListGroups shows it. */
export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly groupState: string
  readonly groupType: GroupType
}

export type DescribedConsumerGroup = ReturnType<typeof describeConsumerGroup>

/** How many damaged records are reported each time a partition is loaded. */
const DAMAGE_REPORTS = 10

export class GroupMachine implements StateMachine<GroupRecord> {
  readonly groups = new GroupTable()
  readonly offsets = new OffsetStore()
  private readonly surroundings: GroupSurroundings
  private readonly onDamage: DamageReport
  private damagedRecords = 0

  /** `onDamage` is told of the first few records that were passed over because they cannot be read. */
  constructor(surroundings: GroupSurroundings, onDamage: DamageReport = () => {}) {
    this.surroundings = surroundings
    this.onDamage = onDamage
  }

  replay(record: GroupRecord, origin: ReplayOrigin): void {
    const { groups, surroundings } = this
    if (record.type === 'OffsetCommit') {
      const emptyGroup = (groupId: string) => emptyClassicGroup(groupId, origin.timestampMs, surroundings)
      replayOffsetCommit(this, record, origin, emptyGroup)
    } else if (record.type === 'GroupMetadata') {
      replayGroupMetadata(groups, record, surroundings)
    } else {
      replayConsumerGroup(groups, record, surroundings)
    }
  }

  endTransaction(producerId: number, isCommit: boolean): void {
    this.offsets.endTransaction(producerId, isCommit)
  }

  decode(key: Buffer, value: Buffer | null): GroupRecord | undefined {
    return decodeRecord(key, value, (problem) => {
      if (++this.damagedRecords <= DAMAGE_REPORTS) this.onDamage(problem)
    })
  }

  encode(record: GroupRecord): { readonly key: Buffer; readonly value: Buffer | null } {
    return encodeRecord(record)
  }

  loaded(step: GroupStep): void {
    for (const group of this.groups.all()) {
      if (group instanceof ClassicGroup) classicGroupLoaded(group, step)
      else if (group instanceof ConsumerGroup) consumerGroupLoaded(this.groups, group, step)
    }
    startOffsetExpiry(this, step, this.surroundings)
  }

  joinGroup(request: ClassicJoin, step: GroupStep): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
    const group = this.groups.get(request.groupId)
    // A consumer group without members becomes a classic one.
    return group instanceof ConsumerGroup && !group.isEmpty
      ? joinConsumerGroup(this.groups, group, request, step)
      : joinGroup(this.groups, request, step, this.surroundings)
  }

  /** @throws KafkaError UNKNOWN_MEMBER_ID when there is no such group, as the following three */
  syncGroup(request: SyncGroupRequest, step: GroupStep): SyncGroupAnswer | Waiter<SyncGroupAnswer> {
    const group = this.known(request.groupId)
    return group instanceof ClassicGroup
      ? syncGroup(group, request, step)
      : syncConsumerGroup(this.groups, group, request, step)
  }

  heartbeat(request: HeartbeatRequest, step: GroupStep): HeartbeatAnswer {
    const group = this.known(request.groupId)
    return group instanceof ClassicGroup
      ? heartbeat(group, request, step)
      : heartbeatConsumerGroup(this.groups, group, request, step)
  }

  leaveGroup(request: LeaveGroupRequest, step: GroupStep): LeaveGroupAnswer {
    const group = this.known(request.groupId)
    return group instanceof ClassicGroup
      ? leaveGroup(group, request, step)
      : leaveConsumerGroupByRequest(this.groups, group, request, step)
  }

  consumerGroupHeartbeat(request: ConsumerHeartbeatRequest, step: GroupStep): ConsumerHeartbeatAnswer {
    return consumerGroupHeartbeat(this.groups, request, step, this.surroundings)
  }

  commitOffsets(request: OffsetsToCommit, step: GroupStep): OffsetCommitAnswer {
    return commitOffsets(this, request, step, this.surroundings)
  }

  fetchOffsets(request: OffsetsToFetch): FetchedTopic[] {
    return fetchOffsets(this, request)
  }

  deleteOffsets(request: OffsetDeleteRequest, step: GroupStep): OffsetDeleteAnswer {
    return deleteOffsets(this, request, step)
  }

  deleteGroup(groupId: string, step: GroupStep): GroupDeletion | Waiter<GroupDeletion> {
    return deleteGroup(this, groupId, step, this.surroundings)
  }

  topicsDeleted(deleted: readonly DeletedTopic[], step: GroupStep): void {
    topicsDeleted(this, deleted, step, this.surroundings)
  }

  listGroups(): ListedGroup[] {
    return Array.from(this.groups.all(), ({ groupId, protocolType, stateName, type }) => ({
      groupId,
      protocolType,
      groupState: stateName,
      groupType: type,
    }))
  }

  /** Undefined when there is no such group of the classic protocol. */
  describeClassicGroup(groupId: string): DescribedClassicGroup | undefined {
    const group = this.groups.get(groupId)
    return group instanceof ClassicGroup ? describeClassicGroup(group) : undefined
  }

  /** GROUP_ID_NOT_FOUND for groups of the classic protocol, too. */
  describeConsumerGroup(groupId: string): DescribedConsumerGroup {
    return describeConsumerGroup(this.groups, groupId)
  }

  private known(groupId: string): ClassicGroup | ConsumerGroup {
    const group = this.groups.get(groupId)
    if (group instanceof ClassicGroup || group instanceof ConsumerGroup) return group
    throw new KafkaError(errors.UNKNOWN_MEMBER_ID, `There is no group ${groupId} with such a member.`)
  }
}
