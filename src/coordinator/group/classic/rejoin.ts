// JoinGroup of those who are members already: to rebalance, because an answer was lost, or as a static member that was
// started again (KIP-345, KIP-814). Promises the current generation without a rebalance wherever nothing has changed.
// Leaves new members to join.ts.
import { type ErrorCode, errors, KafkaError } from '../../../wire/errors.ts'
import type { Waiter } from '../../step.ts'
import type { GroupStep } from '../group.ts'
import { aboutMember, clientReason, clip, nameOf, shortId } from '../words.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { Joining } from './join.ts'
import { ClassicMember, type JoinGroupAnswer, type Protocol } from './member.ts'
import { joined, prepareRebalance, rebalanceWith } from './rebalance.ts'
import { groupMetadataRecord } from './record.ts'
import { keepAlive } from './session.ts'
import { collectTopics } from './subscription.ts'
import { sessionKey } from './timer-keys.ts'

/** The first version in which a leader can be told that the assignment stands (KIP-814). */
const SKIP_ASSIGNMENT_SINCE = 9

/** A client with a member id joins. */
export function rejoin(
  group: ClassicGroup,
  joining: Joining,
  step: GroupStep,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const { request, details } = joining
  let member: ClassicMember
  try {
    member = group.member(request.memberId, request.groupInstanceId)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return refused(group, joining, error)
  }
  const hasChanged = !member.matches(details.protocols)
  const isLeader = group.leaderId === member.memberId
  if (group.state !== 'PreparingRebalance' && !hasChanged && !(isLeader && group.state === 'Stable')) {
    keepAlive(group, member, step)
    return joined(group, member)
  }
  const said = clientReason(request.reason)
  const reason = hasChanged
    ? `${nameOf(member)} joined again with other metadata${said}`
    : isLeader
      ? `the leader, ${nameOf(member)}, joined again, which always starts a rebalance${said}`
      : `${nameOf(member)} joined again${said}`
  const topics = newTopics(member, details.protocols)
  if (topics !== undefined) {
    group.surroundings.note(group.groupId, {
      kind: 'subscription-changed',
      generation: group.generationId,
      ...aboutMember(member),
      reason: `${nameOf(member)} reads ${clip([...topics].sort().join(', '))} from now on${said}`,
    })
  }
  group.update(member, details)
  const waiter = waitToJoin(member, step)
  rebalanceWith(group, reason, step)
  return waiter
}

/** The topics that a consumer names now, if they are others than before. Metadata has more in it, which changes all the time. */
function newTopics(member: ClassicMember, protocols: readonly Protocol[]): ReadonlySet<string> | undefined {
  const before = new Set<string>()
  const now = new Set<string>()
  const areKnown =
    member.protocols.every(({ metadata }) => collectTopics(metadata, before)) &&
    protocols.every(({ metadata }) => collectTopics(metadata, now))
  const areSame = before.size === now.size && [...now].every((topic) => before.has(topic))
  return areKnown && !areSame ? now : undefined
}

function refused(group: ClassicGroup, { request, details }: Joining, error: KafkaError): JoinGroupAnswer {
  const { memberId } = request
  if (error.error === errors.FENCED_INSTANCE_ID) {
    const instance = clip(details.groupInstanceId ?? '')
    group.surroundings.note(group.groupId, {
      kind: 'member-fenced',
      generation: group.generationId,
      groupInstanceId: instance,
      memberId: clip(memberId, 255),
      reason: `client ${clip(details.clientId)} at ${clip(details.clientHost)} joined as ${shortId(memberId)}, but another client is static member ${instance} now`,
    })
  }
  return { errorCode: error.code, memberId, protocolName: null }
}

/** Whoever asked for the same member before has given up, or is another process: it has to ask again. */
function waitToJoin(member: ClassicMember, step: GroupStep): Waiter<JoinGroupAnswer> {
  if (member.joining !== undefined) {
    step.reply(member.joining, {
      errorCode: errors.REBALANCE_IN_PROGRESS.code,
      memberId: member.memberId,
    })
  }
  const waiter = step.wait<JoinGroupAnswer>()
  member.joining = waiter
  return waiter
}

/**
 * A static member was started again and knows only its instance id: it takes the place of the one before it under an id of
 * its own, and whatever still speaks with the old id is fenced. In a stable group whose protocol stays, nobody else notices.
 */
export function replaceStatic(
  group: ClassicGroup,
  old: ClassicMember,
  memberId: string,
  { request, details }: Joining,
  step: GroupStep,
): Waiter<JoinGroupAnswer> {
  const member = new ClassicMember({ ...details, memberId, assignment: old.assignment })
  const formerLeader = group.leaderId
  fence(old, step)
  group.replace(old, member)
  step.cancel(sessionKey(group.groupId, old.memberId))
  keepAlive(group, member, step)
  const waiter = waitToJoin(member, step)
  const who = `${nameOf(member)} took the place of member id ${shortId(old.memberId)}`
  group.surroundings.note(group.groupId, {
    kind: 'member-replaced',
    generation: group.generationId,
    ...aboutMember(member),
    reason: `${who}${clientReason(request.reason)}`,
  })
  if (group.state === 'Stable' && group.chooseProtocol() === group.protocolName) {
    keepGeneration(group, { old, member, formerLeader, waiter, apiVersion: request.apiVersion }, step)
  } else if (group.state === 'Stable') {
    rebalanceWith(group, `${who}, and with it the group chooses another protocol`, step)
  } else if (group.state === 'CompletingRebalance') {
    // The leader may be sharing out partitions to the old id.
    prepareRebalance(group, `${who} while the leader was making the assignment`, step)
  } else {
    rebalanceWith(group, who, step)
  }
  return waiter
}

/** Two processes must not go on under one instance id. */
function fence(old: ClassicMember, step: GroupStep): void {
  const errorCode = errors.FENCED_INSTANCE_ID.code
  if (old.joining !== undefined) {
    step.reply(old.joining, { errorCode, memberId: old.memberId, protocolName: null })
  }
  if (old.syncing !== undefined) step.reply(old.syncing, { errorCode })
  old.joining = undefined
  old.syncing = undefined
}

interface Replacement {
  readonly old: ClassicMember
  readonly member: ClassicMember
  readonly formerLeader: string | null
  readonly waiter: Waiter<JoinGroupAnswer>
  readonly apiVersion: number
}

/** The new id is written down, and the member is told of the generation that it is in already. */
function keepGeneration(group: ClassicGroup, replacement: Replacement, step: GroupStep): void {
  const { member, formerLeader, waiter, apiVersion } = replacement
  member.joining = undefined
  group.refreshTopics()
  step.persist(groupMetadataRecord(group))
  step.onAppendFailed((undo, error) => putBack(group, replacement, undo, error))
  const answer = joined(group, member)
  if (apiVersion >= SKIP_ASSIGNMENT_SINCE) {
    step.reply(waiter, { ...answer, skipAssignment: group.leaderId === member.memberId })
  } else {
    // Told that its old self leads, it does not make an assignment: nobody would hand it out.
    step.reply(waiter, { ...answer, leader: formerLeader ?? '', members: [] })
  }
}

function putBack(
  group: ClassicGroup,
  { old, member, formerLeader, waiter }: Replacement,
  step: GroupStep,
  { code }: ErrorCode,
): void {
  if (group.members.get(member.memberId) === member) {
    group.replace(member, old)
    group.refreshTopics()
    keepAlive(group, old, step)
  }
  step.reply(waiter, {
    errorCode: code,
    memberId: '',
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: formerLeader ?? '',
  })
}
