// From one generation to the next: members are called together, and those who came make up the next generation.
// Promises that every wait for members has a timer, and that all who wait hear of the outcome. Leaves who comes to join.ts,
// and handing out the leader's assignment to sync.ts.
import { errors } from '../../../wire/errors.ts'
import { EMPTY_BYTES } from '../../../wire/schema.ts'
import type { GroupStep } from '../group.ts'
import { aboutMember, clip, nameOf } from '../words.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember, JoinGroupAnswer } from './member.ts'
import { groupMetadataRecord } from './record.ts'
import { keepAlive, removeMember } from './session.ts'
import { joinKey, syncKey } from './timer-keys.ts'

/** How soon to look again for somebody to lead where members want to be waited for less than that. */
const LEAST_PATIENCE_MS = 1000

/** Calls the members together, unless that is happening already; then goes on if all are there. */
export function rebalanceWith(group: ClassicGroup, reason: string, step: GroupStep): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllThere(group, step)
  else prepareRebalance(group, reason, step)
}

/** Goes on without members that were taken out. */
export function rebalanceWithout(group: ClassicGroup, reason: string, step: GroupStep): void {
  if (!group.isEmpty) rebalanceWith(group, reason, step)
}

/** Calls the members together: from now on they are told REBALANCE_IN_PROGRESS until they join again. */
export function prepareRebalance(group: ClassicGroup, reason: string, step: GroupStep): void {
  if (group.state === 'CompletingRebalance') endSync(group, errors.REBALANCE_IN_PROGRESS.code, step)
  group.pendingSync.clear()
  step.cancel(syncKey(group.groupId))
  group.isFirstRebalance = group.isEmpty
  group.hasNewcomer = false
  group.moveTo('PreparingRebalance', step.nowMs)
  group.surroundings.note(group.groupId, {
    kind: 'rebalance-started',
    generation: group.generationId,
    reason,
  })
  if (group.isFirstRebalance) waitForNewcomers(group, step)
  else if (group.haveAllJoined) completeJoin(group, step)
  else waitForMembers(group, group.rebalanceTimeoutMs, step)
}

/** Whoever waits for its assignment gets this error, and what had been assigned is forgotten. */
export function endSync(group: ClassicGroup, errorCode: number, step: GroupStep): void {
  for (const member of group.members.values()) {
    member.assignment = EMPTY_BYTES
    if (member.syncing === undefined) continue
    step.reply(member.syncing, { errorCode })
    member.syncing = undefined
    keepAlive(group, member, step)
  }
}

/** The first members of a group seldom come alone: waits a little, and again while more come. */
function waitForNewcomers(group: ClassicGroup, step: GroupStep): void {
  const delayMs = group.surroundings.config().groupInitialRebalanceDelayMs
  const wait = (waitMs: number, remainingMs: number, at: GroupStep) => {
    at.schedule(joinKey(group.groupId), waitMs, (later) => {
      if (group.state !== 'PreparingRebalance') return
      if (!group.hasNewcomer || remainingMs === 0) {
        completeJoin(group, later)
        return
      }
      group.hasNewcomer = false
      wait(Math.min(delayMs, remainingMs), Math.max(remainingMs - waitMs, 0), later)
    })
  }
  wait(delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0), step)
}

function waitForMembers(group: ClassicGroup, timeoutMs: number, step: GroupStep): void {
  step.schedule(joinKey(group.groupId), timeoutMs, (later) => {
    if (group.state === 'PreparingRebalance') completeJoin(group, later)
  })
}

/** Begins the next generation if there is nobody left to wait for. A first rebalance waits for its timer. */
export function completeJoinIfAllThere(group: ClassicGroup, step: GroupStep): void {
  if (group.state !== 'PreparingRebalance' || group.isFirstRebalance || !group.haveAllJoined) return
  completeJoin(group, step)
}

/** Begins the next generation with those who have come; static members may come later (KIP-345). */
function completeJoin(group: ClassicGroup, step: GroupStep): void {
  step.cancel(joinKey(group.groupId))
  for (const member of [...group.members.values()]) {
    if (member.joining === undefined && !member.isStatic) removeLate(group, member, step)
  }
  if (!group.electJoinedLeader() && group.members.size > 0) {
    // Static members, and none of them there: one of them may still come, or their sessions end.
    waitForMembers(group, Math.max(group.rebalanceTimeoutMs, LEAST_PATIENCE_MS), step)
    return
  }
  group.beginGeneration(step.nowMs)
  if (group.isEmpty) becomeEmpty(group, step)
  else answerAll(group, step)
}

function removeLate(group: ClassicGroup, member: ClassicMember, step: GroupStep): void {
  removeMember(group, member, step)
  group.surroundings.note(group.groupId, {
    kind: 'member-timed-out',
    generation: group.generationId,
    ...aboutMember(member),
    reason: `${nameOf(member)} did not join again before the rebalance ended`,
  })
}

function becomeEmpty(group: ClassicGroup, step: GroupStep): void {
  group.surroundings.note(group.groupId, {
    kind: 'group-emptied',
    generation: group.generationId,
    reason: 'the group has no members any more',
  })
  step.persist(groupMetadataRecord(group))
  // The log then still has the generation before, with members who will not be heard of: they time out once it is loaded.
  step.onAppendFailed(() => {})
}

function answerAll(group: ClassicGroup, step: GroupStep): void {
  const { groupId, members, generationId, protocolName } = group
  group.surroundings.note(groupId, {
    kind: 'rebalance-completed',
    generation: generationId,
    reason: `generation ${generationId} has ${members.size} member${members.size === 1 ? '' : 's'}, with the protocol ${clip(protocolName ?? '')}, led by ${nameOf(members.get(group.leaderId!)!)}`,
  })
  for (const member of members.values()) {
    if (member.joining !== undefined) step.reply(member.joining, joined(group, member))
    member.joining = undefined
    member.isNew = false
    group.pendingSync.add(member.memberId)
    keepAlive(group, member, step)
  }
  awaitSync(group, step)
}

/** What a member of the current generation is told: all of it if it leads. */
export function joined(group: ClassicGroup, member: ClassicMember): JoinGroupAnswer {
  const isLeader = group.leaderId === member.memberId
  return {
    errorCode: 0,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: isLeader ? roster(group) : [],
  }
}

/** Every member and what it says about itself. */
function roster(group: ClassicGroup): NonNullable<JoinGroupAnswer['members']> {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadata(group.protocolName),
  }))
}

/** Members that do not ask for their assignment in time are taken out: the others cannot go on without the leader. */
function awaitSync(group: ClassicGroup, step: GroupStep): void {
  const { generationId, rebalanceTimeoutMs } = group
  step.schedule(syncKey(group.groupId), rebalanceTimeoutMs, (later) => {
    const isCurrent = group.generationId === generationId && group.pendingSync.size > 0
    if (!isCurrent || (group.state !== 'CompletingRebalance' && group.state !== 'Stable')) return
    const reasons: string[] = []
    for (const memberId of [...group.pendingSync]) {
      const member = group.members.get(memberId)
      if (member === undefined) continue
      const reason = `${nameOf(member)} did not ask for its assignment within ${rebalanceTimeoutMs} ms`
      group.surroundings.note(group.groupId, {
        kind: 'member-timed-out',
        generation: generationId,
        ...aboutMember(member),
        reason,
      })
      reasons.push(reason)
      removeMember(group, member, later)
    }
    prepareRebalance(group, inOneLine(reasons), later)
  })
}

function inOneLine(reasons: readonly string[]): string {
  const more = reasons.length > 1 ? `, and ${reasons.length - 1} more like it` : ''
  return `${reasons[0] ?? 'members are missing'}${more}`
}
