// ConsumerGroupHeartbeat (KIP-848): a member joins, tells what has changed, and learns what it shall have.
// Promises that nothing has changed when it throws. Leaves the checks to request.ts and checks.ts, the steps to progress.ts and
// target.ts, and going to leave.ts.
//
//   member (new or changed) ─▶ epoch of the group ─▶ target of that epoch ─▶ what the member holds ─▶ answer
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { GroupStep, GroupSurroundings, Groups } from '../group.ts'
import { checkInstance, checkMemberEpoch, checkReleased, checkRoom, knownInstance } from './checks.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { groupToJoin } from './group-to-join.ts'
import { leaveConsumerGroup } from './leave.ts'
import {
  type ConsumerMember,
  emptyMember,
  JOIN_EPOCH,
  LEAVE_EPOCH,
  STATIC_LEAVE_EPOCH,
  topicNames,
} from './member.ts'
import { listPartitions, sameHeld } from './partitions.ts'
import { follow, move, succeed } from './progress.ts'
import { checkHeartbeat, type HeartbeatAnswer, type HeartbeatRequest, isFullRequest } from './request.ts'
import { updateTarget } from './target.ts'
import { awaitTarget, cancelClassicTimers, startSession } from './timers.ts'

/**
 * One heartbeat.
 * @throws KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID,
 *   FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID, INVALID_REGULAR_EXPRESSION
 */
export function consumerGroupHeartbeat(
  groups: Groups,
  request: HeartbeatRequest,
  step: GroupStep,
  surroundings: GroupSurroundings,
): HeartbeatAnswer {
  checkHeartbeat(request, surroundings.config())
  const scene = { groups, step, surroundings }
  const isLeaving = request.memberEpoch === LEAVE_EPOCH || request.memberEpoch === STATIC_LEAVE_EPOCH
  return isLeaving ? leaveConsumerGroup(scene, request) : beat(scene, request)
}

function beat(scene: Scene, request: HeartbeatRequest): HeartbeatAnswer {
  const { step, surroundings } = scene
  const isJoining = request.memberEpoch === JOIN_EPOCH
  const draft = isJoining
    ? groupToJoin(scene, request.groupId)
    : new Draft(knownGroup(scene, request.groupId))
  const { group } = draft
  const memberId = request.memberId === '' ? newUuid(surroundings) : request.memberId
  checkRoom(group, memberId, request.instanceId)
  const before = memberOf(draft, request, memberId)
  const told = withNews(before, request, memberId)
  const hasSubscriptionChanged = follow(scene, draft, before, told)
  if (!updateTarget(draft, step.nowMs)) draft.after(() => awaitTarget(scene, draft))
  const member = move(scene, draft, told, hasSubscriptionChanged, request.topicPartitions)
  draft.after(() => startSession(scene, group.groupId, member))
  if (before.classic !== null) draft.after((step) => cancelClassicTimers(step, group, memberId))
  acknowledge(group, before, request.memberEpoch)
  draft.commit(step)

  const tellsAssignment = isJoining || isFullRequest(request) || !sameHeld(before.assigned, member.assigned)
  return {
    errorCode: errors.NONE.code,
    memberId,
    memberEpoch: member.memberEpoch,
    heartbeatIntervalMs: surroundings.groupConfig(group.groupId).consumerHeartbeatIntervalMs,
    assignment: tellsAssignment ? { topicPartitions: listPartitions(member.assigned) } : null,
  }
}

function knownGroup({ groups }: Scene, groupId: string): ConsumerGroup {
  const group = groups.get(groupId)
  if (group instanceof ConsumerGroup) return group
  throw new KafkaError(
    errors.GROUP_ID_NOT_FOUND,
    group === undefined ? `Group '${groupId}' not found.` : `Group '${groupId}' is not a consumer group.`,
  )
}

function newUuid({ random }: GroupSurroundings): string {
  return random.bytes(16).toString('base64url')
}

/** The member as the group knows it, a new one, or, for a static member that comes back, what its predecessor left. */
function memberOf(draft: Draft, request: HeartbeatRequest, memberId: string): ConsumerMember {
  const { group } = draft
  const { instanceId, memberEpoch, topicPartitions } = request
  const isJoining = memberEpoch === JOIN_EPOCH
  if (instanceId === null) {
    const member = isJoining ? (group.member(memberId) ?? emptyMember(memberId)) : group.knownMember(memberId)
    checkMemberEpoch(group, member, memberEpoch, topicPartitions)
    return member
  }
  if (!isJoining) {
    const member = knownInstance(group, instanceId)
    checkInstance(member, memberId)
    checkMemberEpoch(group, member, memberEpoch, topicPartitions)
    return member
  }
  const predecessor = group.staticMember(instanceId)
  if (predecessor === undefined || predecessor.memberId === memberId) {
    return group.member(memberId) ?? emptyMember(memberId)
  }
  // Members of the classic protocol cannot leave for a while: their successor comes without notice.
  if (predecessor.classic === null) checkReleased(predecessor, memberId)
  return succeed(draft, predecessor, memberId)
}

/**
 * What the request tells about the member. Null and -1 mean: as before. Who joins tells everything, so that a pattern, a
 * rack or an assignor of a static member's predecessor does not live on (Apache Kafka 4.3 keeps them).
 */
function withNews(before: ConsumerMember, request: HeartbeatRequest, memberId: string): ConsumerMember {
  const { subscribedTopicNames, rebalanceTimeoutMs } = request
  const blank = request.memberEpoch === JOIN_EPOCH ? emptyMember(memberId) : before
  return {
    ...before,
    memberId,
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? blank.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? blank.serverAssignor,
    subscribedTopicNames:
      subscribedTopicNames === null ? blank.subscribedTopicNames : topicNames(subscribedTopicNames),
    subscribedTopicRegex: request.subscribedTopicRegex ?? blank.subscribedTopicRegex,
    clientId: request.clientId ?? '',
    clientHost: request.clientHost,
    classic: null,
  }
}

/** A member that sends an epoch has got it: older ones can only be in requests that were held up on the way. */
function acknowledge(group: ConsumerGroup, member: ConsumerMember, epoch: number): void {
  if (epoch === JOIN_EPOCH) group.acknowledgedEpochs.delete(member.memberId)
  else if (epoch === member.memberEpoch) group.acknowledgedEpochs.set(member.memberId, epoch)
}
