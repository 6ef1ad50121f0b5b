// The names of the timers of consumer groups. Promises that no two groups or members share one, whatever their ids are.
// Leaves setting them to timers.ts.
import type { GroupStep } from '../group.ts'

/** Of a member: its session; giving up partitions; joining again and fetching its assignment (classic protocol). */
export type TimerKind = 'session' | 'revocation' | 'join' | 'sync'

const memberKinds: readonly TimerKind[] = ['session', 'revocation', 'join', 'sync']

export function memberTimerKey(kind: TimerKind, groupId: string, memberId: string): string {
  // The length says where the group's id ends.
  return `consumer-${kind}:${groupId.length}:${groupId}:${memberId}`
}

/** Of a group: computing its target. */
export function groupTimerKey(kind: 'target', groupId: string): string {
  return `consumer-${kind}:${groupId}`
}

export function cancelMemberTimers(step: GroupStep, groupId: string, memberId: string): void {
  for (const kind of memberKinds) step.cancel(memberTimerKey(kind, groupId, memberId))
}
