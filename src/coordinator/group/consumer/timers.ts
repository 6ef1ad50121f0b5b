// The timers of a consumer group: sessions, and how long a member may take to give up partitions, to join again, to fetch
// its assignment. Promises one of each kind for a member. Leaves what becomes of those who are too late to removal.ts.
import type { GroupStep, Groups } from '../group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { type ConsumerMember, memberStates, STATIC_LEAVE_EPOCH } from './member.ts'
import { removeMembers } from './removal.ts'
import { assignmentDelayMs, updateTarget } from './target.ts'
import { groupTimerKey, memberTimerKey, type TimerKind } from './timer-keys.ts'

/** After what a timer wanted to write could not be written. */
const RETRY_MS = 500

/** The session begins anew: called at every sign of life. */
export function startSession(scene: Scene, groupId: string, member: ConsumerMember): void {
  const ownTimeoutMs = member.classic?.sessionTimeoutMs
  const timeoutMs = ownTimeoutMs ?? scene.surroundings.groupConfig(groupId).consumerSessionTimeoutMs
  start(scene, groupId, member.memberId, 'session', timeoutMs, () => `its session of ${timeoutMs} ms ran out`)
}

/**
 * Sets the timer that fits the state of a member that was just moved: of the consumer protocol only. One on leave keeps its
 * state and has nothing to give up: its session alone says how long it may be away.
 */
export function followRevocation(scene: Scene, groupId: string, member: ConsumerMember): void {
  if (member.classic !== null) return
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member
  if (member.state !== memberStates.UNREVOKED_PARTITIONS || memberEpoch === STATIC_LEAVE_EPOCH) {
    scene.step.cancel(memberTimerKey('revocation', groupId, memberId))
    return
  }
  start(scene, groupId, memberId, 'revocation', rebalanceTimeoutMs, (now) =>
    now.memberEpoch === memberEpoch && now.state === memberStates.UNREVOKED_PARTITIONS
      ? `it did not give up its partitions within its rebalance timeout of ${rebalanceTimeoutMs} ms`
      : undefined,
  )
}

/** A member of the classic protocol was told to join again; the first such notice counts. */
export function awaitJoin(scene: Scene, group: ConsumerGroup, member: ConsumerMember): void {
  if (group.awaitedJoins.has(member.memberId)) return
  group.awaitedJoins.add(member.memberId)
  // No timer is set by a step that fails: the next notice has to.
  scene.step.onAppendFailed(() => {
    group.awaitedJoins.delete(member.memberId)
  })
  const { rebalanceTimeoutMs } = member
  start(
    scene,
    group.groupId,
    member.memberId,
    'join',
    rebalanceTimeoutMs,
    () => `it did not join again within its rebalance timeout of ${rebalanceTimeoutMs} ms`,
  )
}

export function endJoin(scene: Scene, group: ConsumerGroup, memberId: string): void {
  group.awaitedJoins.delete(memberId)
  scene.step.cancel(memberTimerKey('join', group.groupId, memberId))
}

/** The member speaks the consumer protocol from now on. */
export function cancelClassicTimers(step: GroupStep, group: ConsumerGroup, memberId: string): void {
  group.awaitedJoins.delete(memberId)
  step.cancel(memberTimerKey('join', group.groupId, memberId))
  step.cancel(memberTimerKey('sync', group.groupId, memberId))
}

/** A member of the classic protocol has joined and has to ask for its assignment. */
export function awaitSync(
  scene: Scene,
  groupId: string,
  { memberId, rebalanceTimeoutMs }: ConsumerMember,
): void {
  start(
    scene,
    groupId,
    memberId,
    'sync',
    rebalanceTimeoutMs,
    () => `it did not ask for its assignment within its rebalance timeout of ${rebalanceTimeoutMs} ms`,
  )
}

/**
 * Computes the target of the draft's epoch when it may be computed: for members of the classic protocol nobody else would,
 * and the others find it with their next heartbeat.
 */
export function awaitTarget(scene: Scene, draft: Draft, leastMs = 0): void {
  if (draft.assignmentEpoch >= draft.groupEpoch) return
  const { groupId } = draft.group
  const delayMs = Math.max(assignmentDelayMs(draft, scene.step.nowMs), leastMs)
  scene.step.schedule(groupTimerKey('target', groupId), delayMs, (step) => {
    const group = scene.groups.get(groupId)
    if (!(group instanceof ConsumerGroup) || group.isEmpty) return
    const later = new Draft(group)
    later.onFailed((undo) => awaitTarget({ ...scene, step: undo }, new Draft(group), RETRY_MS))
    if (updateTarget(later, step.nowMs)) later.commit(step)
    else awaitTarget({ ...scene, step }, later)
  })
}

/** Sets what a group that was just loaded needs: every member has a whole session and a whole rebalance timeout again. */
export function consumerGroupLoaded(groups: Groups, group: ConsumerGroup, step: GroupStep): void {
  const scene = { groups, step, surroundings: group.surroundings }
  for (const member of group.members()) {
    startSession(scene, group.groupId, member)
    followRevocation(scene, group.groupId, member)
  }
  if (group.classicMemberCount > 0) awaitTarget(scene, new Draft(group))
}

/** When the timer fires, `why` says why the member has to go; undefined: it need not any more. */
function start(
  scene: Scene,
  groupId: string,
  memberId: string,
  kind: TimerKind,
  delayMs: number,
  why: (member: ConsumerMember) => string | undefined,
): void {
  const fire = (step: GroupStep) => {
    const group = scene.groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) return
    const member = group.member(memberId)
    if (member === undefined) return
    const reason = why(member)
    if (reason === undefined) return
    const event = kind === 'session' ? 'member-timed-out' : 'member-fenced'
    const retry = (undo: GroupStep) => start({ ...scene, step: undo }, groupId, memberId, kind, RETRY_MS, why)
    removeMembers({ ...scene, step }, group, [{ member, event, reason }], retry)
  }
  scene.step.schedule(memberTimerKey(kind, groupId, memberId), Math.max(delayMs, 0), fire)
}
