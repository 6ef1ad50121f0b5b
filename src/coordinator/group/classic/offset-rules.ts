// Who may commit offsets to a classic group, and when its offsets expire.
// Promises the rules of Apache Kafka 4.3 (ClassicGroup, KIP-211, KIP-447). Leaves the offsets themselves to offsets/.
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { GroupStep, OffsetExpiry, OffsetsClient } from '../group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { keepAlive } from './session.ts'

/**
 * Whether the client may commit now. A member that may is alive.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS
 */
export function checkOffsetCommit(group: ClassicGroup, client: OffsetsClient, step: GroupStep): void {
  if (isUnbound(group, client)) return
  if (!isMemberLike(client)) {
    throw new KafkaError(errors.UNKNOWN_MEMBER_ID, 'the group has members: only they may commit its offsets')
  }
  const member = checkGeneration(group, client)
  // It has the new generation but not its assignment: it cannot know yet what it may commit.
  if (group.state === 'CompletingRebalance') throw new KafkaError(errors.REBALANCE_IN_PROGRESS)
  keepAlive(group, member, step)
}

/** The same for a transaction; producers before KIP-447 name no member, and may always. */
export function checkTransactionalOffsetCommit(group: ClassicGroup, client: OffsetsClient): void {
  if (isUnbound(group, client) || !isMemberLike(client)) return
  checkGeneration(group, client)
}

/** Consumers without subscription and tools, on a group that has no members. */
function isUnbound(group: ClassicGroup, client: OffsetsClient): boolean {
  if (group.state === 'Dead') throw new KafkaError(errors.COORDINATOR_NOT_AVAILABLE)
  return client.generationIdOrMemberEpoch < 0 && group.isEmpty
}

function isMemberLike({ generationIdOrMemberEpoch, memberId, groupInstanceId }: OffsetsClient): boolean {
  return generationIdOrMemberEpoch >= 0 || memberId !== '' || groupInstanceId !== null
}

function checkGeneration(group: ClassicGroup, client: OffsetsClient) {
  const member = group.member(client.memberId, client.groupInstanceId)
  if (client.generationIdOrMemberEpoch !== group.generationId) {
    throw new KafkaError(errors.ILLEGAL_GENERATION)
  }
  return member
}

/** When offsets of the topic expire (KIP-211, KIP-496). `knowsTopics`: whether the subscriptions could be read. */
export function offsetExpiry(group: ClassicGroup, topic: string, knowsTopics: boolean): OffsetExpiry {
  if (group.protocolType === '') return { kind: 'since-commit' }
  if (group.isEmpty) {
    // Before version 2 of the record nobody noted when a group lost its members.
    if (group.stateSinceMs === -1) return { kind: 'since-commit' }
    return { kind: 'since-empty', emptySinceMs: group.stateSinceMs }
  }
  const isUnused = group.state === 'Stable' && knowsTopics && !group.isSubscribedTo(topic)
  return { kind: isUnused ? 'since-commit' : 'never' }
}
