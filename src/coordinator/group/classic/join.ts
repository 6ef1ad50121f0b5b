// JoinGroup: who may come in, and what happens when somebody does.
// Promises that everybody is answered: at once, when the next generation begins, or when one of the timers ends the wait.
// Leaves members that are known already to rejoin.ts, and how generations begin to rebalance.ts.
import type { BrokerConfig } from '../../../config/broker-config.ts'
import type { JoinGroupRequest } from '../../../wire/apis/join-group.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Waiter } from '../../step.ts'
import { type Group, type GroupStep, type GroupSurroundings, type Groups, newMemberId } from '../group.ts'
import { aboutMember, clientReason, clip, nameOf } from '../words.ts'
import { ClassicGroup, emptyClassicGroup } from './classic-group.ts'
import { ClassicMember, type JoinGroupAnswer, type MemberDetails, type Protocol } from './member.ts'
import { persisting } from './persisting-step.ts'
import { completeJoinIfAllThere, rebalanceWith } from './rebalance.ts'
import { groupMetadataRecord } from './record.ts'
import { rejoin, replaceStatic } from './rejoin.ts'
import { addPending, removeMember, removePending, startSession } from './session.ts'

/** A JoinGroup and who sent it. */
export interface ClassicJoin extends JoinGroupRequest {
  readonly clientId: string
  /** As Kafka shows addresses: `/10.0.0.3`. */
  readonly clientHost: string
  readonly apiVersion: number
}

/** What a member says of itself in a JoinGroup, checked, and in memory of its own. */
export interface Joining {
  readonly request: ClassicJoin
  readonly details: Omit<MemberDetails, 'memberId'>
}

/** The first version whose new members are sent back to come again with an id (KIP-394). */
export const MEMBER_ID_REQUIRED_SINCE = 4
/** New members cannot send heartbeats: one that has waited for so long may have gone. It can try again. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000
/** Ids given out and not come back with, for each group; beyond that the oldest are forgotten. */
export const MOST_PENDING_MEMBERS = 1000
/** Protocols of one member. Clients have one for each of their assignors. */
const MOST_PROTOCOLS = 1000

/**
 * A client joins a group without members, a classic group, or one that does not exist yet.
 * @throws KafkaError INVALID_SESSION_TIMEOUT, INVALID_REQUEST, INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER_ID
 */
export function joinGroup(
  groups: Groups,
  request: ClassicJoin,
  step: GroupStep,
  surroundings: GroupSurroundings,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const joining = { request, details: detailsOf(request, surroundings.config()) }
  const known = groups.get(request.groupId)
  if (known instanceof ClassicGroup) return joinClassicGroup(known, joining, step)
  if (known?.isEmpty === false) throw new KafkaError(errors.INCONSISTENT_GROUP_PROTOCOL)
  // Only those who have no id yet make groups.
  if (request.memberId !== '') throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
  const group = emptyClassicGroup(request.groupId, step.nowMs, surroundings)
  checkProtocols(group, joining)
  return joinNewGroup(groups, group, known, joining, step)
}

/** The group is written down before anybody is told of it: whoever gets an id must find it after a fail-over. */
function joinNewGroup(
  groups: Groups,
  group: ClassicGroup,
  emptyGroup: Group | undefined,
  joining: Joining,
  step: GroupStep,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const { groupId } = group
  emptyGroup?.appendTombstones(persisting(step))
  groups.set(group)
  step.persist(groupMetadataRecord(group))
  step.onAppendFailed((undo, { code }) => {
    groups.delete(groupId)
    if (emptyGroup !== undefined) groups.set(emptyGroup)
    for (const { joining } of group.members.values()) {
      if (joining !== undefined) undo.reply(joining, { errorCode: code })
    }
  })
  const { clientId, clientHost } = joining.details
  group.surroundings.note(groupId, {
    kind: 'created',
    generation: 0,
    reason: `client ${clip(clientId)} at ${clip(clientHost)} was the first to join`,
  })
  return joinClassicGroup(group, joining, step)
}

function joinClassicGroup(
  group: ClassicGroup,
  joining: Joining,
  step: GroupStep,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const { memberId, groupInstanceId } = joining.request
  if (!hasRoomFor(group, joining.request)) return turnAway(group, memberId, step)
  checkProtocols(group, joining)
  if (memberId !== '') {
    // Static members never get an id to come back with.
    const isPending = groupInstanceId === null && group.pendingJoin.has(memberId)
    return isPending ? addMember(group, memberId, joining, step) : rejoin(group, joining, step)
  }
  const id = newMemberId(groupInstanceId ?? joining.details.clientId, group.surroundings.random)
  if (groupInstanceId === null) return joinDynamic(group, id, joining, step)
  const holder = group.staticMember(groupInstanceId)
  if (holder !== undefined) return replaceStatic(group, holder, id, joining, step)
  return addMember(group, id, joining, step)
}

/** Checks what can be checked without the group, and copies what would be a view of the request. */
export function detailsOf(request: ClassicJoin, config: BrokerConfig): Joining['details'] {
  const { sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId, clientId, clientHost } = request
  const { groupMinSessionTimeoutMs: minMs, groupMaxSessionTimeoutMs: maxMs } = config
  if (sessionTimeoutMs < minMs || sessionTimeoutMs > maxMs) {
    throw new KafkaError(
      errors.INVALID_SESSION_TIMEOUT,
      `a session timeout of ${sessionTimeoutMs} ms; allowed: ${minMs} (group.min.session.timeout.ms) to ${maxMs} (group.max.session.timeout.ms)`,
    )
  }
  return {
    groupInstanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    // Version 0 has none: the session's counts (KIP-62).
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocols: copyOf(request.protocols),
  }
}

function copyOf(protocols: ClassicJoin['protocols']): Protocol[] {
  if (protocols.length > MOST_PROTOCOLS) {
    throw new KafkaError(
      errors.INVALID_REQUEST,
      `${protocols.length} protocols; at most ${MOST_PROTOCOLS} are allowed`,
    )
  }
  const names = new Set(protocols.map(({ name }) => name))
  if (names.size < protocols.length) {
    throw new KafkaError(errors.INVALID_REQUEST, 'the request names a protocol twice')
  }
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

function checkProtocols(group: ClassicGroup, { request, details }: Joining): void {
  const names = details.protocols.map(({ name }) => name)
  if (!group.accepts(request.protocolType, names)) throw new KafkaError(errors.INCONSISTENT_GROUP_PROTOCOL)
}

/**
 * Whether group.max.size leaves room. While members are called together those count who have come, so that a group that
 * has grown over a smaller limit loses the ones that come last.
 */
function hasRoomFor(group: ClassicGroup, { memberId, groupInstanceId }: ClassicJoin): boolean {
  const { groupMaxSize } = group.surroundings.config()
  if (group.isEmpty || group.members.size < groupMaxSize) return true
  const member = group.members.get(memberId) ?? group.staticMember(groupInstanceId)
  if (group.state !== 'PreparingRebalance') return member !== undefined
  return member?.joining !== undefined || group.membersJoining < groupMaxSize
}

function turnAway(group: ClassicGroup, memberId: string, step: GroupStep): JoinGroupAnswer {
  const member = group.members.get(memberId)
  if (group.pendingJoin.has(memberId)) removePending(group, memberId, step)
  if (member !== undefined) {
    group.surroundings.note(group.groupId, {
      kind: 'member-left',
      generation: group.generationId,
      ...aboutMember(member),
      reason: `${nameOf(member)} came when the group had its ${group.surroundings.config().groupMaxSize} members (group.max.size)`,
    })
    removeMember(group, member, step)
  }
  completeJoinIfAllThere(group, step)
  return { errorCode: errors.GROUP_MAX_SIZE_REACHED.code, memberId: '' }
}

/** A dynamic member without an id: gets one to come back with, so that clients that give up leave nothing behind. */
function joinDynamic(
  group: ClassicGroup,
  memberId: string,
  joining: Joining,
  step: GroupStep,
): JoinGroupAnswer | Waiter<JoinGroupAnswer> {
  const { request, details } = joining
  if (request.apiVersion < MEMBER_ID_REQUIRED_SINCE) return addMember(group, memberId, joining, step)
  for (const oldest of group.pendingJoin) {
    if (group.pendingJoin.size < MOST_PENDING_MEMBERS) break
    removePending(group, oldest, step)
  }
  addPending(group, memberId, details.sessionTimeoutMs, step)
  return { errorCode: errors.MEMBER_ID_REQUIRED.code, memberId }
}

function addMember(
  group: ClassicGroup,
  memberId: string,
  { request, details }: Joining,
  step: GroupStep,
): Waiter<JoinGroupAnswer> {
  const member = new ClassicMember({ ...details, memberId })
  const waiter = step.wait<JoinGroupAnswer>()
  member.isNew = true
  member.joining = waiter
  group.add(member, request.protocolType)
  if (group.isFirstRebalance) group.hasNewcomer = true
  startSession(group, member, NEW_MEMBER_JOIN_TIMEOUT_MS, step)
  const reason = `${nameOf(member)} joined${clientReason(request.reason)}`
  group.surroundings.note(group.groupId, {
    kind: 'member-joined',
    generation: group.generationId,
    ...aboutMember(member),
    reason,
  })
  rebalanceWith(group, reason, step)
  return waiter
}
