// ConsumerGroupHeartbeat (KIP-848): a member joins, tells what has changed, and learns what it shall have.
// Promises that nothing has changed when it throws. Leaves the checks to request.ts and checks.ts, the steps to target.ts and
// reconcile.ts, and going to leave.ts.
//
//   member (new or changed) ─▶ epoch of the group ─▶ target of that epoch ─▶ what the member holds ─▶ answer
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { GroupStep, GroupSurroundings, Groups } from '../group.ts'
import { checkInstance, checkMemberEpoch, checkReleased, knownInstance } from './checks.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { groupToJoin } from './group-to-join.ts'
import { leaveConsumerGroup } from './leave.ts'
import {
  type ConsumerMember,
  emptyMember,
  isReconciledTo,
  JOIN_EPOCH,
  LEAVE_EPOCH,
  STATIC_LEAVE_EPOCH,
  sameNames,
  topicNames,
} from './member.ts'
import { listPartitions, type PartitionList, sameHeld } from './partitions.ts'
import { followPatterns } from './patterns.ts'
import { reconcile } from './reconcile.ts'
import { checkHeartbeat, type HeartbeatAnswer, type HeartbeatRequest, isFullRequest } from './request.ts'
import { updateTarget } from './target.ts'
import { awaitTarget, followRevocation, startSession } from './timers.ts'
import { aboutMember, nameOf, subscriptionOf } from './words.ts'

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

/** A static member that comes back under another id takes no more room than it had. */
export function checkRoom(group: ConsumerGroup, memberId: string, instanceId: string | null): void {
  const { groupConsumerMaxSize } = group.surroundings.config()
  if (group.memberCount < groupConsumerMaxSize || group.member(memberId) !== undefined) return
  if (group.staticMember(instanceId) !== undefined) return
  throw new KafkaError(
    errors.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${groupConsumerMaxSize} members.`,
  )
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
  if (predecessor === undefined) return group.member(memberId) ?? emptyMember(memberId)
  // Members of the classic protocol cannot leave for a while: their successor comes without notice.
  if (predecessor.classic === null) checkReleased(predecessor, memberId)
  return succeed(draft, predecessor, memberId)
}

/** A static member comes back under another id, and takes over what it had (KIP-345, KIP-848). */
export function succeed(draft: Draft, predecessor: ConsumerMember, memberId: string): ConsumerMember {
  const member = { ...predecessor, memberId, memberEpoch: JOIN_EPOCH, previousMemberEpoch: 0 }
  draft.replaceMember(predecessor, member)
  draft.note({
    kind: 'member-replaced',
    generation: draft.groupEpoch,
    ...aboutMember(member),
    reason: `${nameOf(member)} came in the place of its member id ${predecessor.memberId}`,
  })
  return member
}

/** What the request tells about the member; null and -1 mean: as before. */
function withNews(before: ConsumerMember, request: HeartbeatRequest, memberId: string): ConsumerMember {
  const { subscribedTopicNames, rebalanceTimeoutMs } = request
  return {
    ...before,
    memberId,
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? before.serverAssignor,
    subscribedTopicNames:
      subscribedTopicNames === null ? before.subscribedTopicNames : topicNames(subscribedTopicNames),
    subscribedTopicRegex: request.subscribedTopicRegex ?? before.subscribedTopicRegex,
    clientId: request.clientId ?? '',
    clientHost: request.clientHost,
    classic: null,
  }
}

/** Takes up what the member tells, and what has become of the topics; begins another epoch if the target depends on it. */
export function follow(
  { step, surroundings }: Scene,
  draft: Draft,
  before: ConsumerMember,
  member: ConsumerMember,
): boolean {
  const { group } = draft
  draft.putMetadata(before, member)
  const hasPatternChanged = followPatterns(draft, before, member, step.nowMs)
  const hasChanged = hasPatternChanged || !sameNames(before.subscribedTopicNames, member.subscribedTopicNames)
  const image = surroundings.image()
  const compared = group.comparedImage
  const isCompared = compared?.topics === image.topics && compared.brokers === image.brokers
  const haveTopicsChanged = (hasChanged || !isCompared) && draft.compareTopics()
  if (hasChanged || haveTopicsChanged) draft.bumpEpoch()
  noteNews(draft, member, hasChanged, haveTopicsChanged)
  return hasChanged
}

function noteNews(
  draft: Draft,
  member: ConsumerMember,
  hasSubscriptionChanged: boolean,
  haveTopicsChanged: boolean,
): void {
  const generation = draft.groupEpoch
  const isNew = !draft.isKnown(member.memberId)
  if (isNew || hasSubscriptionChanged) {
    draft.note({
      kind: isNew ? 'member-joined' : 'subscription-changed',
      generation,
      ...aboutMember(member),
      reason: `${nameOf(member)} ${isNew ? 'joined and subscribes' : 'now subscribes'} to ${subscriptionOf(member)}`,
    })
  } else if (haveTopicsChanged) {
    draft.note({
      kind: 'metadata-changed',
      generation,
      reason: 'topics that the group subscribes to have come, gone, or got other partitions or racks',
    })
  }
}

/** The member's next step towards its target, and the timer that goes with it. */
export function move(
  scene: Scene,
  draft: Draft,
  member: ConsumerMember,
  hasSubscriptionChanged: boolean,
  owned: PartitionList | null,
): ConsumerMember {
  const { group, assignmentEpoch } = draft
  if (!hasSubscriptionChanged && isReconciledTo(member, assignmentEpoch)) return member
  const topicIds = draft.subscriptions.topicIdsOf(member, scene.surroundings.image())
  const moved = reconcile({
    member,
    targetEpoch: assignmentEpoch,
    target: draft.targetOf(member.memberId),
    isSubscribedTo: (topicId) => topicIds.has(topicId),
    isHeldByAnother: (topicId, partition) => draft.isHeldByAnother(member.memberId, topicId, partition),
    owned,
    subscriptionChanged: hasSubscriptionChanged,
  })
  if (moved === member) return member
  draft.putAssignment(moved)
  draft.after(() => followRevocation(scene, group.groupId, moved))
  if (isReconciledTo(moved, assignmentEpoch)) {
    draft.note({
      kind: 'reconciled',
      generation: assignmentEpoch,
      ...aboutMember(moved),
      reason: `${nameOf(moved)} has all of its target of epoch ${assignmentEpoch}`,
    })
  }
  return moved
}

/** A member that sends an epoch has got it: older ones can only be in requests that were held up on the way. */
function acknowledge(group: ConsumerGroup, member: ConsumerMember, epoch: number): void {
  if (epoch === JOIN_EPOCH) group.acknowledgedEpochs.delete(member.memberId)
  else if (epoch === member.memberEpoch) group.acknowledgedEpochs.set(member.memberId, epoch)
}
