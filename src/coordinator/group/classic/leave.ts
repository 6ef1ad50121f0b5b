// LeaveGroup: members go at once. They say so themselves, or a tool removes static members by their instance ids (KIP-345).
// Promises an outcome for each, and one rebalance for all of them. Leaves the rebalance to rebalance.ts.
import type { LeaveGroupRequest, leaveGroup as leaveGroupApi } from '../../../wire/apis/leave-group.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Input } from '../../../wire/schema.ts'
import type { GroupStep } from '../group.ts'
import { aboutMember, clientReason, nameOf } from '../words.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './member.ts'
import { rebalanceWithout } from './rebalance.ts'
import { removeMember, removePending } from './session.ts'

export type LeaveGroupAnswer = Input<typeof leaveGroupApi.response>

type Leaving = LeaveGroupRequest['members'][number]

/** Takes out the members that the request names; the answer has an error code for each of them. */
export function leaveGroup(
  group: ClassicGroup,
  { members }: Pick<LeaveGroupRequest, 'members'>,
  step: GroupStep,
): LeaveGroupAnswer {
  const reasons: string[] = []
  const answers = members.map((leaving) => {
    const { memberId, groupInstanceId } = leaving
    return { memberId, groupInstanceId, errorCode: leave(group, leaving, reasons, step) }
  })
  const [first] = reasons
  if (first !== undefined) {
    const more = reasons.length > 1 ? `, and ${reasons.length - 1} more with it` : ''
    rebalanceWithout(group, `${first}${more}`, step)
  }
  return { errorCode: 0, members: answers }
}

/** The error code. `reasons` gets a line if it was there. */
function leave(group: ClassicGroup, leaving: Leaving, reasons: string[], step: GroupStep): number {
  const { memberId } = leaving
  if (memberId !== '' && group.pendingJoin.has(memberId)) {
    removePending(group, memberId, step)
    reasons.push('a client that had been given a member id went without joining')
    return errors.NONE.code
  }
  // No error is thrown and caught for each of the names of a long list that nobody knows.
  const { groupInstanceId } = leaving
  const isKnown =
    groupInstanceId === null ? group.members.has(memberId) : group.staticMember(groupInstanceId) !== undefined
  if (!isKnown) return errors.UNKNOWN_MEMBER_ID.code
  let member: ClassicMember
  try {
    member = memberOf(group, leaving)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return error.code
  }
  const how = memberId === '' ? 'was removed by its instance id' : 'left'
  const reason = `${nameOf(member)} ${how}${clientReason(leaving.reason)}`
  group.surroundings.note(group.groupId, {
    kind: 'member-left',
    generation: group.generationId,
    ...aboutMember(member),
    reason,
  })
  reasons.push(reason)
  removeMember(group, member, step)
  return errors.NONE.code
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
function memberOf(group: ClassicGroup, { memberId, groupInstanceId }: Leaving): ClassicMember {
  if (memberId !== '') return group.member(memberId, groupInstanceId)
  const member = group.staticMember(groupInstanceId)
  if (member === undefined) throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
  return member
}
