// A member of a consumer group (KIP-848): what it told the coordinator, and what it was given. Immutable.
// Promises that a member and the records it is made of are the same thing in two forms.
// Leaves changes of what it is given to reconcile.ts, and memberships to consumer-group.ts.
import type {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  GroupRecordOf,
} from '../records.ts'
import { type HeldPartitions, heldPartitions, NO_PARTITIONS, recordedPartitions } from './partitions.ts'

/** Where a member stands on its way to its target, with the numbers of the records. */
export const memberStates = {
  /** Has its target, as of its epoch. */
  STABLE: 0,
  /** Has been told to give up partitions and has not done so yet: stays at its epoch. */
  UNREVOKED_PARTITIONS: 1,
  /** Is at the epoch of the target, and waits for partitions that others still hold. */
  UNRELEASED_PARTITIONS: 2,
  /** A state of later versions. */
  UNKNOWN: 127,
} as const

export type MemberState = (typeof memberStates)[keyof typeof memberStates]

/** A heartbeat with this epoch joins or joins again. */
export const JOIN_EPOCH = 0
/** A heartbeat with this epoch leaves. */
export const LEAVE_EPOCH = -1
/** A static member is on leave and may come back within its session. */
export const STATIC_LEAVE_EPOCH = -2

export interface ClassicProtocol {
  readonly name: string
  /** A subscription of the embedded consumer protocol. */
  readonly metadata: Buffer
}

/** What a member that speaks the classic protocol has besides. */
export interface ClassicMember {
  readonly sessionTimeoutMs: number
  /** Never empty; the first is the one it is answered with. */
  readonly supportedProtocols: readonly ClassicProtocol[]
}

export interface ConsumerMember {
  readonly memberId: string
  readonly memberEpoch: number
  /** Accepted from a member that missed the answer with its present epoch. */
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  /** Without duplicates, ascending. */
  readonly subscribedTopicNames: readonly string[]
  /** Empty: none. */
  readonly subscribedTopicRegex: string
  readonly serverAssignor: string | null
  readonly assigned: HeldPartitions
  /** Partitions it has been told to give up: still its own until it says that they are not. */
  readonly pendingRevocation: HeldPartitions
  /** Null for those who speak the consumer protocol. */
  readonly classic: ClassicMember | null
}

/** A member that has told nothing yet. */
export function emptyMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: memberStates.STABLE,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    assigned: NO_PARTITIONS,
    pendingRevocation: NO_PARTITIONS,
    classic: null,
  }
}

/** The member with a subscription as members hold it. */
export function topicNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

/** Whether the member is where the target of `assignmentEpoch` wants it to be. */
export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === memberStates.STABLE && member.memberEpoch === assignmentEpoch
}

/** Whether two states of a member tell the same about it, what it holds left aside. */
export function sameMetadata(left: ConsumerMember, right: ConsumerMember): boolean {
  return (
    left.instanceId === right.instanceId &&
    left.rackId === right.rackId &&
    left.rebalanceTimeoutMs === right.rebalanceTimeoutMs &&
    left.clientId === right.clientId &&
    left.clientHost === right.clientHost &&
    left.subscribedTopicRegex === right.subscribedTopicRegex &&
    left.serverAssignor === right.serverAssignor &&
    sameNames(left.subscribedTopicNames, right.subscribedTopicNames) &&
    sameClassic(left.classic, right.classic)
  )
}

export function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left === right || (left.length === right.length && left.every((name, i) => name === right[i]))
}

function sameClassic(left: ClassicMember | null, right: ClassicMember | null): boolean {
  if (left === null || right === null) return left === right
  return (
    left.sessionTimeoutMs === right.sessionTimeoutMs &&
    left.supportedProtocols.length === right.supportedProtocols.length &&
    left.supportedProtocols.every(({ name, metadata }, i) => {
      const other = right.supportedProtocols[i]!
      return name === other.name && metadata.equals(other.metadata)
    })
  )
}

export function metadataRecord(groupId: string, member: ConsumerMember): ConsumerGroupMemberMetadataRecord {
  return {
    type: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  }
}

type ValueOf<Type extends 'ConsumerGroupMemberMetadata' | 'ConsumerGroupCurrentMemberAssignment'> =
  NonNullable<GroupRecordOf<Type>['value']>

export function withMetadata(
  member: ConsumerMember,
  value: ValueOf<'ConsumerGroupMemberMetadata'>,
): ConsumerMember {
  const classic = value.classicMemberMetadata
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: topicNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: classic === null || classic.supportedProtocols.length === 0 ? null : classic,
  }
}

export function assignmentRecord(
  groupId: string,
  member: ConsumerMember,
): ConsumerGroupCurrentMemberAssignmentRecord {
  return {
    type: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: recordedPartitions(member.assigned),
      partitionsPendingRevocation: recordedPartitions(member.pendingRevocation),
    },
  }
}

const knownStates: ReadonlySet<number> = new Set(Object.values(memberStates))

export function withAssignment(
  member: ConsumerMember,
  value: ValueOf<'ConsumerGroupCurrentMemberAssignment'>,
): ConsumerMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: knownStates.has(value.state) ? (value.state as MemberState) : memberStates.UNKNOWN,
    assigned: heldPartitions(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: heldPartitions(value.partitionsPendingRevocation, value.memberEpoch),
  }
}

/** What the tombstone of its assignment leaves of a member. */
export function withoutAssignment(member: ConsumerMember): ConsumerMember {
  return {
    ...member,
    memberEpoch: LEAVE_EPOCH,
    previousMemberEpoch: LEAVE_EPOCH,
    assigned: NO_PARTITIONS,
    pendingRevocation: NO_PARTITIONS,
  }
}
