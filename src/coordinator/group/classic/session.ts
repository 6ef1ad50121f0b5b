// Sessions: a member that is not heard of for so long is gone, and so is an id that nobody came back with.
// Promises that every member has a timer, except while its own request waits for us. Leaves what the others do then to
// rebalance.ts.
import { errors } from '../../../wire/errors.ts'
import type { GroupStep } from '../group.ts'
import { aboutMember, clip, nameOf, shortId } from '../words.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './member.ts'
import { completeJoinIfAllThere, rebalanceWithout } from './rebalance.ts'
import { sessionKey } from './timer-keys.ts'

/** The member was heard of: its session begins anew. */
export function keepAlive(group: ClassicGroup, member: ClassicMember, step: GroupStep): void {
  startSession(group, member, member.sessionTimeoutMs, step)
}

/** Removes the member if nothing is heard of it for `timeoutMs`. */
export function startSession(
  group: ClassicGroup,
  member: ClassicMember,
  timeoutMs: number,
  step: GroupStep,
): void {
  const { memberId } = member
  step.schedule(sessionKey(group.groupId, memberId), Math.max(0, timeoutMs), (later) => {
    // A static member may have got another id meanwhile, and the group may be gone.
    if (group.state === 'Dead' || group.members.get(memberId) !== member) return
    if (member.isExcusedFromHeartbeats) return
    removeSilent(group, member, timeoutMs, later)
  })
}

function removeSilent(group: ClassicGroup, member: ClassicMember, timeoutMs: number, step: GroupStep): void {
  const what = member.isNew ? 'waited to join' : 'missed its heartbeat'
  const reason = `${nameOf(member)} ${what} for ${timeoutMs} ms`
  group.surroundings.note(group.groupId, {
    kind: 'member-timed-out',
    generation: group.generationId,
    ...aboutMember(member),
    reason,
  })
  removeMember(group, member, step)
  rebalanceWithout(group, reason, step)
}

/** Takes a member out. Its requests that wait are told that it is none any more. */
export function removeMember(group: ClassicGroup, member: ClassicMember, step: GroupStep): void {
  const errorCode = errors.UNKNOWN_MEMBER_ID.code
  if (member.joining !== undefined) step.reply(member.joining, { errorCode })
  if (member.syncing !== undefined) step.reply(member.syncing, { errorCode })
  member.joining = undefined
  member.syncing = undefined
  step.cancel(sessionKey(group.groupId, member.memberId))
  group.remove(member)
}

/** Keeps an id for a client that has to come back with it (KIP-394). */
export function addPending(
  group: ClassicGroup,
  memberId: string,
  sessionTimeoutMs: number,
  step: GroupStep,
): void {
  group.pendingJoin.add(memberId)
  step.schedule(sessionKey(group.groupId, memberId), sessionTimeoutMs, (later) => {
    if (group.state === 'Dead' || !group.pendingJoin.delete(memberId)) return
    // Clients that try and go are nothing to tell of, unless others have waited for them.
    if (group.state === 'PreparingRebalance') {
      group.surroundings.note(group.groupId, {
        kind: 'member-timed-out',
        generation: group.generationId,
        memberId: clip(memberId, 255),
        reason: `nobody came back within ${sessionTimeoutMs} ms with the member id ${shortId(memberId)} that the broker had given`,
      })
    }
    completeJoinIfAllThere(group, later)
  })
}

/** Forgets an id that nobody has come back with. */
export function removePending(group: ClassicGroup, memberId: string, step: GroupStep): void {
  group.pendingJoin.delete(memberId)
  step.cancel(sessionKey(group.groupId, memberId))
}
