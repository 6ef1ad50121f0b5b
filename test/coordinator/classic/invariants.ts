// What is true of a classic group after every step, whatever its clients do.
// Promises an assertion that names the rule that was broken. Leaves making things happen to histories.test.ts.
import assert from 'node:assert/strict'
import type { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import type { JoinGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import { joinKey, sessionKey, syncKey } from '../../../src/coordinator/group/classic/timer-keys.ts'
import type { Call } from '../trace.ts'
import { GROUP, type GroupScript } from './script.ts'

/** Checks a group that may not be there. */
export function checkGroup(script: GroupScript): void {
  if (script.shard.machine.groups.get(GROUP) === undefined) return
  const { group } = script
  checkMembers(group)
  checkTimers(script, group)
  checkLog(script, group)
}

function checkMembers(group: ClassicGroup): void {
  const { state, members, leaderId, pendingSync, pendingJoin } = group
  if (state === 'Empty') assert.equal(members.size, 0, 'an empty group has no members')
  if (state === 'Stable' || state === 'CompletingRebalance') {
    assert(members.size > 0, `a group in ${state} has members`)
    assert(members.has(leaderId!), 'a member leads')
    assert.equal(group.chooseProtocol(), group.protocolName, 'the protocol is the one that members choose')
  }
  for (const id of pendingSync) assert(members.has(id), 'only members are waited for in SyncGroup')
  for (const id of pendingJoin) assert(!members.has(id), 'members have come back with their ids')
  for (const [id, member] of members) {
    assert.equal(member.memberId, id)
    if (member.groupInstanceId !== null) assert.equal(group.staticMember(member.groupInstanceId), member)
    const isJoining = state === 'PreparingRebalance'
    assert(isJoining || member.joining === undefined, `nobody waits to join in ${state}`)
    const isSyncing = state === 'CompletingRebalance'
    assert(isSyncing || member.syncing === undefined, `nobody waits for an assignment in ${state}`)
    assert(isSyncing || state === 'Stable' || !pendingSync.has(id), `nobody is to sync in ${state}`)
  }
}

/** Nothing is waited for without an end. */
function checkTimers({ shard: { timers } }: GroupScript, group: ClassicGroup): void {
  const { state, members, pendingSync, pendingJoin } = group
  if (state === 'PreparingRebalance') assert(timers.has(joinKey(GROUP)), 'members are waited for in vain')
  if (pendingSync.size > 0) assert(timers.has(syncKey(GROUP)), 'an assignment is waited for in vain')
  if (state === 'CompletingRebalance')
    assert(pendingSync.size > 0, 'the leader has synced, yet nothing followed')
  for (const [id, member] of members) {
    if (member.isExcusedFromHeartbeats) continue
    assert(timers.has(sessionKey(GROUP, id)), `the session of ${id} never ends`)
  }
  for (const id of pendingJoin) assert(timers.has(sessionKey(GROUP, id)), `${id} is waited for without end`)
}

/** Whoever loads the log finds the same group: always in Stable, where members act on what they were told. */
function checkLog({ shard }: GroupScript, group: ClassicGroup): void {
  if (group.state !== 'Stable') return
  assert.deepEqual(durable(shard.reload().group), durable(group), 'the log has another group')
}

/** What a group is when only its record is left. */
export function durable(group: ClassicGroup) {
  const { state, generationId, protocolType, protocolName, leaderId, stateSinceMs } = group
  const members = [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.sessionTimeoutMs,
    metadata: member.metadata(protocolName).toString(),
    assignment: member.assignment.toString(),
  }))
  const head = { state, generationId, protocolType, protocolName, leaderId, stateSinceMs }
  return { ...head, members }
}

/** What the members of each generation were told: all of them the same. */
export class Generations {
  private readonly told = new Map<number, { leader: string; protocol: string; rosters: number }>()
  private last = 0

  /** After a fail-over generations that nobody wrote down are given out again. */
  restarted(): void {
    this.told.clear()
    this.last = 0
  }

  check(call: Call<JoinGroupAnswer>): void {
    if (!call.isAnswered || call.error.code !== 0) return
    const { errorCode, generationId, leader, protocolName, memberId, members, skipAssignment } = call.answer
    if (errorCode !== 0) return
    const known = this.told.get(generationId!)
    if (known === undefined) {
      assert(generationId! > this.last, `generation ${generationId} after ${this.last}`)
      this.last = generationId!
      this.told.set(generationId!, { leader: leader!, protocol: protocolName!, rosters: 0 })
    } else {
      assert.equal(protocolName, known.protocol, 'members of a generation use the same protocol')
    }
    if (skipAssignment) return
    assert.equal(members!.length > 0, leader === memberId, 'the leader alone is told of all')
    if (members!.length > 0) {
      assert.equal(leader, this.told.get(generationId!)!.leader, 'one member leads a generation')
    }
  }
}
