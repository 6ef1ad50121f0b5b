// A classic group of consumers becomes a consumer group when the first member of the consumer protocol joins it (KIP-848).
// Promises that every member keeps what it was assigned, and hears that it has to join again. Leaves serving members of the
// classic protocol from then on to classic-*.ts, and the way back to downgrade.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import {
  type ConsumerProtocolSubscription,
  decodeAssignment,
  decodeSubscription,
} from '../../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import { DecodeError } from '../../../wire/reader.ts'
import { type Assignment, NO_ASSIGNMENT } from '../assignors/assignor.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { ClassicMember } from '../classic/member.ts'
import { groupMetadataTombstone } from '../classic/record.ts'
import { keepAlive } from '../classic/session.ts'
import { joinKey, sessionKey, syncKey } from '../classic/timer-keys.ts'
import type { GroupStep } from '../group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { assignmentRecord, type ConsumerMember, emptyMember, metadataRecord, topicNames } from './member.ts'
import { assignmentOf, heldSince, listAssignment, union } from './partitions.ts'
import { startSession } from './timers.ts'
import { topicsHash } from './topic-hash.ts'

/**
 * The group with its members, as a draft that converts it.
 * @throws KafkaError GROUP_ID_NOT_FOUND when it cannot be converted, or must not
 */
export function upgrade(scene: Scene, classic: ClassicGroup): Draft {
  const { groupId, surroundings } = classic
  checkUpgrade(classic)
  const group = new ConsumerGroup(groupId, surroundings)
  group.groupEpoch = classic.generationId
  group.completeTargets(classic.generationId, 0)
  takeOverMembers(group, classic)
  group.metadataHash = topicsHash(group.subscriptions.topics(), surroundings.image())
  const draft = new Draft(group)
  pushRecords(draft)
  draft.isDue = true
  retire(draft, classic)
  draft.after(() => {
    for (const member of group.members()) startSession(scene, groupId, member)
  })
  draft.note({
    kind: 'protocol-changed',
    generation: classic.generationId,
    reason: `a member of the consumer protocol joins: the classic group becomes a consumer group, with its ${classic.members.size} members`,
  })
  return draft
}

function checkUpgrade(classic: ClassicGroup): void {
  const { groupId } = classic
  const { groupConsumerMigrationPolicy: policy, groupConsumerMaxSize } = classic.surroundings.config()
  if (policy !== 'bidirectional' && policy !== 'upgrade') {
    throw cannot(groupId, `online upgrade is disabled (group.consumer.migration.policy is ${policy})`)
  }
  if (!classic.usesConsumerProtocol) {
    throw cannot(groupId, 'the group does not use the consumer embedded protocol')
  }
  if (classic.members.size > groupConsumerMaxSize) {
    throw cannot(groupId, `it has more than the ${groupConsumerMaxSize} members of group.consumer.max.size`)
  }
}

function cannot(groupId: string, why: string): KafkaError {
  return new KafkaError(
    errors.GROUP_ID_NOT_FOUND,
    `Cannot upgrade classic group '${groupId}' to consumer group: ${why}.`,
  )
}

/** What a member of a classic group says, read. */
interface Read {
  readonly member: ClassicMember
  readonly subscription: ConsumerProtocolSubscription
  readonly assignment: Assignment
}

function takeOverMembers(group: ConsumerGroup, classic: ClassicGroup): void {
  const protocol = classic.protocolName ?? classic.chooseProtocol() ?? ''
  const image = group.surroundings.image()
  const taken = new Set<string>()
  const read = [...classic.members.values()].map((member): Read => {
    try {
      const subscription = decodeSubscription(member.metadata(protocol))
      return {
        member,
        subscription,
        assignment: free(assignmentOfClassic(member, image, group.groupId), taken),
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      throw cannot(group.groupId, `the embedded consumer protocol is malformed (${error.message})`)
    }
  })
  for (const { member, subscription, assignment } of read) {
    group.setTarget(member.memberId, assignment)
    // While it rebalances, a cooperative member keeps partitions that it is not assigned any more, or not yet again.
    const owned = free(assignmentOf(listByIds(subscription.ownedPartitions, image)), taken)
    const assigned = union(heldSince(assignment, group.groupEpoch), heldSince(owned, group.groupEpoch))
    group.putMember({ ...consumerMemberOf(member, subscription, group.groupEpoch), assigned })
  }
}

function consumerMemberOf(
  classic: ClassicMember,
  { topics, rackId }: ConsumerProtocolSubscription,
  epoch: number,
): ConsumerMember {
  return {
    ...emptyMember(classic.memberId),
    memberEpoch: epoch,
    previousMemberEpoch: epoch,
    instanceId: classic.groupInstanceId,
    rackId: rackId === '' ? null : rackId,
    rebalanceTimeoutMs: classic.rebalanceTimeoutMs,
    clientId: classic.clientId,
    clientHost: classic.clientHost,
    subscribedTopicNames: topicNames(topics),
    classic: { sessionTimeoutMs: classic.sessionTimeoutMs, supportedProtocols: classic.protocols },
  }
}

/** Members that have not had an assignment yet have nothing. @throws DecodeError */
function assignmentOfClassic(
  { assignment }: ClassicMember,
  image: ClusterImage,
  groupId: string,
): Assignment {
  if (assignment.length === 0) return NO_ASSIGNMENT
  const { assignedPartitions, userData } = decodeAssignment(assignment)
  if (userData !== null && userData.length > 0) {
    const way = 'Use one of the assignors that come with the clients first'
    throw cannot(groupId, `its assignor is a custom one that hands out user data. ${way}`)
  }
  return assignmentOf(listByIds(assignedPartitions, image))
}

/** What nobody has taken yet: of partitions that two members name the first one keeps them. */
function free(assignment: Assignment, taken: Set<string>): Assignment {
  const listed = Array.from(assignment, ([topicId, partitions]) => ({
    topicId,
    partitions: partitions.filter((partition) => {
      const key = `${topicId} ${partition}`
      return !taken.has(key) && taken.add(key) !== undefined
    }),
  }))
  return assignmentOf(listed)
}

/** Topics by their ids; those that are gone are left out. */
export function listByIds(
  named: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  image: ClusterImage,
): { topicId: string; partitions: readonly number[] }[] {
  return named.flatMap(({ topic, partitions }) => {
    const topicId = image.topics.get(topic)?.id
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
}

/** The tombstone of the classic group, and everything of the new one. */
function pushRecords(draft: Draft): void {
  const { group } = draft
  const { groupId } = group
  const members = [...group.members()]
  draft.push(groupMetadataTombstone(groupId))
  for (const member of members) draft.push(metadataRecord(groupId, member))
  draft.push({
    type: 'ConsumerGroupMetadata',
    key: { groupId },
    value: { epoch: group.groupEpoch, metadataHash: group.metadataHash },
  })
  for (const [memberId, target] of group.targets()) {
    draft.push({
      type: 'ConsumerGroupTargetAssignmentMember',
      key: { groupId, memberId },
      value: { topicPartitions: listAssignment(target) },
    })
  }
  draft.push({
    type: 'ConsumerGroupTargetAssignmentMetadata',
    key: { groupId },
    value: { assignmentEpoch: group.assignmentEpoch, assignmentTimestamp: 0 },
  })
  for (const member of members) draft.push(assignmentRecord(groupId, member))
}

/** Whoever waits for the classic group is told to join again; its timers end. */
export function retire(draft: Draft, classic: ClassicGroup): void {
  const { state } = classic
  draft.after((step) => {
    endWaits(classic, step)
    classic.state = 'Dead'
  })
  // The group stays what it was; those who waited have been told that it failed, and have to be heard of from now on.
  draft.onFailed((step) => {
    classic.state = state
    for (const member of classic.members.values()) {
      if (member.joining === undefined && member.syncing === undefined) continue
      member.joining = undefined
      member.syncing = undefined
      keepAlive(classic, member, step)
    }
  })
}

function endWaits(classic: ClassicGroup, step: GroupStep): void {
  const { groupId } = classic
  const errorCode = errors.REBALANCE_IN_PROGRESS.code
  for (const { memberId, joining, syncing } of classic.members.values()) {
    if (joining !== undefined) step.reply(joining, { errorCode, memberId })
    if (syncing !== undefined) step.reply(syncing, { errorCode })
  }
  step.cancel(joinKey(groupId))
  step.cancel(syncKey(groupId))
  for (const memberId of [...classic.members.keys(), ...classic.pendingJoin]) {
    step.cancel(sessionKey(groupId, memberId))
  }
}
