// SyncGroup, Heartbeat and LeaveGroup of members of the classic protocol in a consumer group (KIP-848). Promises that such a
// member hears REBALANCE_IN_PROGRESS whenever joining again would bring it further. Leaves JoinGroup to classic-join.ts.
import type { HeartbeatRequest } from '../../../wire/apis/heartbeat.ts'
import type { LeaveGroupRequest } from '../../../wire/apis/leave-group.ts'
import type { SyncGroupRequest } from '../../../wire/apis/sync-group.ts'
import { CONSUMER_PROTOCOL_TYPE, consumerProtocolVersion } from '../../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { HeartbeatAnswer } from '../classic/heartbeat.ts'
import type { LeaveGroupAnswer } from '../classic/leave.ts'
import type { SyncGroupAnswer } from '../classic/member.ts'
import type { GroupStep, Groups } from '../group.ts'
import { clientReason } from '../words.ts'
import { checkInstance, knownInstance } from './checks.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { encodeNamed } from './downgrade.ts'
import type { Scene } from './draft.ts'
import { type ClassicMember, type ConsumerMember, memberStates } from './member.ts'
import { assignmentOf, listPartitions } from './partitions.ts'
import { followTopics } from './progress.ts'
import { type Departure, removeMembers } from './removal.ts'
import { memberTimerKey } from './timer-keys.ts'
import { awaitJoin, startSession } from './timers.ts'

/**
 * A member fetches what it was assigned when it joined.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL
 */
export function syncConsumerGroup(
  groups: Groups,
  group: ConsumerGroup,
  request: SyncGroupRequest,
  step: GroupStep,
): SyncGroupAnswer {
  const scene = { groups, step, surroundings: group.surroundings }
  const member = memberOf(group, request)
  const [protocol] = member.classic.supportedProtocols
  checkProtocol(request, protocol!.name)
  // One that gives up partitions has joined already: first it has to learn which it keeps.
  if (group.assignmentEpoch > member.memberEpoch && member.state !== memberStates.UNREVOKED_PARTITIONS) {
    awaitJoin(scene, group, member)
    return { errorCode: errors.REBALANCE_IN_PROGRESS.code }
  }
  step.cancel(memberTimerKey('sync', group.groupId, member.memberId))
  startSession(scene, group.groupId, member)
  const assigned = assignmentOf(listPartitions(member.assigned))
  const version = consumerProtocolVersion(protocol!.metadata)
  return {
    errorCode: errors.NONE.code,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: protocol!.name,
    assignment: encodeNamed(assigned, group.surroundings.image(), version),
  }
}

/** @throws KafkaError INCONSISTENT_GROUP_PROTOCOL */
function checkProtocol({ protocolType, protocolName }: SyncGroupRequest, chosen: string): void {
  if (protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE) {
    throw new KafkaError(
      errors.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol type is ${CONSUMER_PROTOCOL_TYPE}, not ${protocolType}.`,
    )
  }
  if (protocolName !== null && protocolName !== chosen) {
    throw new KafkaError(
      errors.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol in the answer to JoinGroup was ${chosen}, not ${protocolName}.`,
    )
  }
}

/**
 * A member is heard of.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION
 */
export function heartbeatConsumerGroup(
  groups: Groups,
  group: ConsumerGroup,
  request: HeartbeatRequest,
  step: GroupStep,
): HeartbeatAnswer {
  const scene = { groups, step, surroundings: group.surroundings }
  const member = memberOf(group, request)
  startSession(scene, group.groupId, member)
  followTopics(scene, group)
  if (!wouldGetFurther(group, member)) return { errorCode: errors.NONE.code }
  awaitJoin(scene, group, member)
  return { errorCode: errors.REBALANCE_IN_PROGRESS.code }
}

/** There is a new target, or it has to give up partitions, or what it waits for is free. */
function wouldGetFurther(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.assignmentEpoch) return true
  if (member.state === memberStates.UNREVOKED_PARTITIONS) return true
  if (member.state !== memberStates.UNRELEASED_PARTITIONS) return false
  for (const [topicId, partitions] of group.targetOf(member.memberId)) {
    for (const partition of partitions) {
      const holder = group.holderOf(topicId, partition)
      if (holder !== undefined && holder !== member.memberId) return false
    }
  }
  return true
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION */
function memberOf(
  group: ConsumerGroup,
  request: Pick<SyncGroupRequest, 'memberId' | 'groupInstanceId' | 'generationId'>,
): ConsumerMember & { readonly classic: ClassicMember } {
  const { memberId, groupInstanceId, generationId } = request
  const member =
    groupInstanceId === null ? group.knownMember(memberId) : knownInstance(group, groupInstanceId)
  checkInstance(member, memberId)
  const { classic } = member
  if (classic === null) {
    throw new KafkaError(errors.UNKNOWN_MEMBER_ID, `Member '${memberId}' does not use the classic protocol.`)
  }
  if (generationId !== member.memberEpoch) {
    throw new KafkaError(
      errors.ILLEGAL_GENERATION,
      `The generation ${generationId} is not the epoch ${member.memberEpoch} of member '${memberId}'.`,
    )
  }
  return { ...member, classic }
}

/** Members go: of either protocol, as tools remove static members by their instance ids (KIP-345). Each has its outcome. */
export function leaveConsumerGroupByRequest(
  groups: Groups,
  group: ConsumerGroup,
  { members }: Pick<LeaveGroupRequest, 'members'>,
  step: GroupStep,
): LeaveGroupAnswer {
  const scene: Scene = { groups, step, surroundings: group.surroundings }
  const departures = new Map<string, Departure>()
  const answers = members.map((leaving) => {
    const { memberId, groupInstanceId } = leaving
    return { memberId, groupInstanceId, errorCode: leave(group, leaving, departures) }
  })
  removeMembers(scene, group, [...departures.values()])
  return { errorCode: errors.NONE.code, members: answers }
}

/** The error code. `departures` gets the member if it was there. */
function leave(
  group: ConsumerGroup,
  { memberId, groupInstanceId, reason }: LeaveGroupRequest['members'][number],
  departures: Map<string, Departure>,
): number {
  // No error is thrown and caught for each of the names of a long list that nobody knows.
  const isKnown =
    groupInstanceId === null
      ? group.member(memberId) !== undefined
      : group.staticMember(groupInstanceId) !== undefined
  if (!isKnown) return errors.UNKNOWN_MEMBER_ID.code
  try {
    const member =
      groupInstanceId === null ? group.knownMember(memberId) : knownInstance(group, groupInstanceId)
    if (memberId !== '') checkInstance(member, memberId)
    const how = memberId === '' ? 'it was removed by its instance id' : 'it left'
    departures.set(member.memberId, {
      member,
      event: 'member-left',
      reason: `${how}${clientReason(reason)}`,
    })
    return errors.NONE.code
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return error.code
  }
}
