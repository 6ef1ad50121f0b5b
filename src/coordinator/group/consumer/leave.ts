// A member of the consumer protocol goes: for good, or, if it is static, for the time of its session (KIP-848).
// Promises that a static member's partitions stay with its instance id while it is on leave. Leaves what its going does to
// the others to removal.ts.
import { errors, KafkaError } from '../../../wire/errors.ts'
import { checkInstance, knownInstance } from './checks.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { type ConsumerMember, STATIC_LEAVE_EPOCH } from './member.ts'
import { type HeldPartitions, NO_PARTITIONS } from './partitions.ts'
import { removeMembers } from './removal.ts'
import type { HeartbeatAnswer, HeartbeatRequest } from './request.ts'
import { memberTimerKey } from './timer-keys.ts'
import { aboutMember, nameOf } from './words.ts'

/** @throws KafkaError GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export function leaveConsumerGroup(scene: Scene, request: HeartbeatRequest): HeartbeatAnswer {
  const { groupId, memberId, instanceId, memberEpoch } = request
  const group = scene.groups.get(groupId)
  if (!(group instanceof ConsumerGroup)) {
    throw new KafkaError(
      errors.GROUP_ID_NOT_FOUND,
      group === undefined ? `Group '${groupId}' not found.` : `Group '${groupId}' is not a consumer group.`,
    )
  }
  const member = leaver(group, memberId, instanceId)
  if (instanceId !== null && memberEpoch === STATIC_LEAVE_EPOCH) goOnLeave(scene, group, member)
  else removeMembers(scene, group, [{ member, event: 'member-left', reason: 'it left' }])
  return { errorCode: errors.NONE.code, memberId: member.memberId, memberEpoch }
}

function leaver(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerMember {
  if (instanceId === null) return group.knownMember(memberId)
  const member = knownInstance(group, instanceId)
  checkInstance(member, memberId)
  return member
}

/** Its session goes on: whoever comes with its instance id before the end of it takes over its partitions. */
function goOnLeave({ step }: Scene, group: ConsumerGroup, member: ConsumerMember): void {
  const draft = new Draft(group)
  draft.putAssignment({
    ...member,
    memberEpoch: STATIC_LEAVE_EPOCH,
    // The successor may commit for them at any epoch of its own.
    assigned: sinceTheBeginning(member.assigned),
    pendingRevocation: NO_PARTITIONS,
  })
  draft.after(() => step.cancel(memberTimerKey('revocation', group.groupId, member.memberId)))
  draft.note({
    kind: 'member-left',
    generation: group.groupEpoch,
    ...aboutMember(member),
    reason: `${nameOf(member)} went on leave: its partitions wait for it until its session ends`,
  })
  draft.commit(step)
}

function sinceTheBeginning(held: HeldPartitions): HeldPartitions {
  return new Map(
    Array.from(held, ([topicId, epochs]) => [
      topicId,
      new Map(Array.from(epochs.keys(), (partition) => [partition, 0])),
    ]),
  )
}
