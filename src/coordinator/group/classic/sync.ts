// SyncGroup: the leader hands in what it assigned to whom, and every member gets its own part.
// Promises that no member gets an assignment that is not written down. Leaves what assignments mean to the clients.
import type { SyncGroupRequest } from '../../../wire/apis/sync-group.ts'
import { type ErrorCode, errors, KafkaError } from '../../../wire/errors.ts'
import { EMPTY_BYTES } from '../../../wire/schema.ts'
import type { Waiter } from '../../step.ts'
import type { GroupStep } from '../group.ts'
import { aboutMember, nameOf } from '../words.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember, SyncGroupAnswer } from './member.ts'
import { prepareRebalance } from './rebalance.ts'
import { groupMetadataRecord } from './record.ts'
import { keepAlive } from './session.ts'
import { syncKey } from './timer-keys.ts'

/**
 * A member asks for its assignment; the leader brings all of them.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS
 */
export function syncGroup(
  group: ClassicGroup,
  request: SyncGroupRequest,
  step: GroupStep,
): SyncGroupAnswer | Waiter<SyncGroupAnswer> {
  const member = checkSync(group, request)
  group.pendingSync.delete(member.memberId)
  if (group.pendingSync.size === 0) step.cancel(syncKey(group.groupId))
  if (group.state === 'Stable') {
    keepAlive(group, member, step)
    return assigned(group, member)
  }
  if (member.syncing !== undefined) {
    // It has given up on the request before, or is another process: that one has to join again.
    step.reply(member.syncing, { errorCode: errors.REBALANCE_IN_PROGRESS.code })
  }
  const waiter = step.wait<SyncGroupAnswer>()
  member.syncing = waiter
  if (group.leaderId === member.memberId) takeAssignment(group, member, request, step)
  return waiter
}

function checkSync(group: ClassicGroup, request: SyncGroupRequest): ClassicMember {
  const member = group.member(request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generationId) throw new KafkaError(errors.ILLEGAL_GENERATION)
  const { protocolType, protocolName } = request
  const isOther = (asked: string | null, own: string | null) =>
    asked !== null && own !== null && asked !== own
  if (isOther(protocolType, group.protocolType) || isOther(protocolName, group.protocolName)) {
    throw new KafkaError(
      errors.INCONSISTENT_GROUP_PROTOCOL,
      `generation ${group.generationId} uses ${group.protocolName} of ${group.protocolType} (KIP-559)`,
    )
  }
  if (group.state === 'PreparingRebalance') throw new KafkaError(errors.REBALANCE_IN_PROGRESS)
  return member
}

/** Members that the leader forgot get nothing; what it assigned to others than members is dropped. */
function takeAssignment(
  group: ClassicGroup,
  leader: ClassicMember,
  request: SyncGroupRequest,
  step: GroupStep,
): void {
  const parts = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const waiting: ClassicMember[] = []
  let forgotten = 0
  for (const member of group.members.values()) {
    const part = parts.get(member.memberId)
    if (part === undefined) forgotten++
    member.assignment = part === undefined ? EMPTY_BYTES : Buffer.from(part)
    if (member.syncing !== undefined) waiting.push(member)
  }
  group.moveTo('Stable', step.nowMs)
  step.persist(groupMetadataRecord(group))
  const { generationId } = group
  const waiters = waiting.map((member) => ({ member, waiter: member.syncing! }))
  step.onAppendFailed((undo, error) => takeBack(group, generationId, waiters, undo, error))
  for (const { member, waiter } of waiters) {
    member.syncing = undefined
    step.reply(waiter, assigned(group, member))
    keepAlive(group, member, step)
  }
  group.surroundings.note(group.groupId, {
    kind: 'assignment',
    generation: generationId,
    ...aboutMember(leader),
    reason: `${nameOf(leader)} leads and handed in the assignment${forgotten === 0 ? '' : `, with nothing for ${forgotten} of ${group.members.size} members`}`,
  })
}

interface Waiting {
  readonly member: ClassicMember
  readonly waiter: Waiter<SyncGroupAnswer>
}

/** The assignment could not be written down, so nobody may act on it: everybody has to join again. */
function takeBack(
  group: ClassicGroup,
  generationId: number,
  waiters: readonly Waiting[],
  step: GroupStep,
  { code, name }: ErrorCode,
): void {
  for (const { waiter } of waiters) step.reply(waiter, { errorCode: code })
  if (group.state !== 'Stable' || group.generationId !== generationId) return
  for (const member of group.members.values()) {
    member.assignment = EMPTY_BYTES
    keepAlive(group, member, step)
  }
  prepareRebalance(group, `the assignment could not be written to the log: ${name}`, step)
}

function assigned(group: ClassicGroup, member: ClassicMember): SyncGroupAnswer {
  return {
    errorCode: 0,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}
