// JoinGroup to a consumer group: a member of the classic protocol lives among others of the consumer protocol (KIP-848).
// Promises an answer at once: the coordinator assigns, nobody waits for anybody. Leaves SyncGroup and the rest to
// classic-requests.ts, and groups without members to classic/.

import {
  CONSUMER_PROTOCOL_TYPE,
  type ConsumerProtocolSubscription,
  decodeSubscription,
} from '../../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import { DecodeError } from '../../../wire/reader.ts'
import type { Waiter } from '../../step.ts'
import {
  type ClassicJoin,
  detailsOf,
  type Joining,
  joinGroup,
  MEMBER_ID_REQUIRED_SINCE,
} from '../classic/join.ts'
import type { JoinGroupAnswer } from '../classic/member.ts'
import { type GroupStep, type Groups, newMemberId } from '../group.ts'
import { checkInstance, checkRoom, knownInstance, unknownMember } from './checks.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { downgradeWithout } from './downgrade.ts'
import { Draft, type Scene } from './draft.ts'
import { type ConsumerMember, emptyMember, topicNames } from './member.ts'
import { follow, move, succeed } from './progress.ts'
import { checkTopicNames } from './request.ts'
import { updateTarget } from './target.ts'
import { awaitSync, awaitTarget, endJoin, startSession } from './timers.ts'
import { listByIds } from './upgrade.ts'

/**
 * A client of the classic protocol joins a consumer group that has members.
 * @throws KafkaError INVALID_SESSION_TIMEOUT, INVALID_REQUEST, GROUP_MAX_SIZE_REACHED, INCONSISTENT_GROUP_PROTOCOL,
 *   UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID
 */
export function joinConsumerGroup(
  groups: Groups,
  group: ConsumerGroup,
  request: ClassicJoin,
  step: GroupStep,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const scene = { groups, step, surroundings: group.surroundings }
  const joining = { request, details: detailsOf(request, group.surroundings.config()) }
  const { groupInstanceId } = request
  const isUnnamed = request.memberId === ''
  const memberId = isUnnamed
    ? newMemberId(groupInstanceId ?? request.clientId, group.surroundings.random)
    : request.memberId
  checkRoom(group, memberId, groupInstanceId)
  const subscription = checkProtocols(group, joining)
  checkTopicNames(subscription.topics)
  if (isUnnamed && groupInstanceId === null && request.apiVersion >= MEMBER_ID_REQUIRED_SINCE) {
    return { errorCode: errors.MEMBER_ID_REQUIRED.code, memberId }
  }
  const predecessor = group.staticMember(groupInstanceId)
  if (isUnnamed && predecessor !== undefined && predecessor.classic === null) {
    // A consumer was started again with the classic protocol, and was the last of the other.
    const leavers = new Set([predecessor.memberId])
    if (downgradeWithout(scene, group, leavers, { newcomers: 1 })) {
      return joinGroup(groups, request, step, group.surroundings)
    }
  }
  return admit(scene, group, memberId, joining, subscription)
}

/** @throws KafkaError INCONSISTENT_GROUP_PROTOCOL */
function checkProtocols(group: ConsumerGroup, { request, details }: Joining): ConsumerProtocolSubscription {
  const [first] = details.protocols
  const isConsumer = request.protocolType === CONSUMER_PROTOCOL_TYPE
  if (!isConsumer || first === undefined || !hasCommonProtocol(group, details.protocols)) {
    throw new KafkaError(
      errors.INCONSISTENT_GROUP_PROTOCOL,
      `The member's protocols are not supported: the group is one of consumers, and its members of the classic protocol have to have one protocol in common.`,
    )
  }
  try {
    return decodeSubscription(first.metadata)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new KafkaError(
      errors.INCONSISTENT_GROUP_PROTOCOL,
      `The metadata of the protocol ${first.name} is not a subscription of the consumer protocol: ${error.message}`,
    )
  }
}

/** Whether one of these is known to every member of the classic protocol. */
function hasCommonProtocol(group: ConsumerGroup, protocols: readonly { readonly name: string }[]): boolean {
  const supporters = new Map(protocols.map(({ name }) => [name, 0]))
  for (const { classic } of group.members()) {
    for (const { name } of classic?.supportedProtocols ?? []) {
      const count = supporters.get(name)
      if (count !== undefined) supporters.set(name, count + 1)
    }
  }
  return [...supporters.values()].includes(group.classicMemberCount)
}

function admit(
  scene: Scene,
  group: ConsumerGroup,
  memberId: string,
  { request, details }: Joining,
  subscription: ConsumerProtocolSubscription,
): JoinGroupAnswer {
  const { step, surroundings } = scene
  const draft = new Draft(group)
  const before = memberOf(draft, request, memberId, subscription)
  const told: ConsumerMember = {
    ...before,
    memberId,
    instanceId: details.groupInstanceId ?? before.instanceId,
    rackId: subscription.rackId === null || subscription.rackId === '' ? before.rackId : subscription.rackId,
    rebalanceTimeoutMs: details.rebalanceTimeoutMs,
    clientId: details.clientId,
    clientHost: details.clientHost,
    subscribedTopicNames: topicNames(subscription.topics),
    subscribedTopicRegex: '',
    classic: { sessionTimeoutMs: details.sessionTimeoutMs, supportedProtocols: details.protocols },
  }
  const hasSubscriptionChanged = follow(scene, draft, before, told)
  if (!updateTarget(draft, step.nowMs)) draft.after(() => awaitTarget(scene, draft))
  const owned = listByIds(subscription.ownedPartitions, surroundings.image())
  const member = move(scene, draft, told, hasSubscriptionChanged, owned)
  draft.after(() => {
    endJoin(scene, group, memberId)
    startSession(scene, group.groupId, member)
    awaitSync(scene, group.groupId, member)
  })
  draft.commit(step)
  return {
    errorCode: errors.NONE.code,
    memberId,
    generationId: member.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: details.protocols[0]!.name,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
function memberOf(
  draft: Draft,
  request: ClassicJoin,
  memberId: string,
  { ownedPartitions }: ConsumerProtocolSubscription,
): ConsumerMember {
  const { group } = draft
  const { groupInstanceId } = request
  if (groupInstanceId === null) {
    const member = group.member(memberId)
    if (member !== undefined) return member
    // Ids that were given out (KIP-394) are not remembered, so any id will do. But who is new has nothing: this one was put
    // out without knowing it, and must forget what it had, since others have read on (Apache Kafka 4.3 takes it in).
    if (request.memberId !== '' && ownedPartitions.length > 0) throw unknownMember(memberId, group.groupId)
    return emptyMember(memberId)
  }
  if (request.memberId !== '') {
    const member = knownInstance(group, groupInstanceId)
    checkInstance(member, memberId)
    return member
  }
  const predecessor = group.staticMember(groupInstanceId)
  return predecessor === undefined ? emptyMember(memberId) : succeed(draft, predecessor, memberId)
}
