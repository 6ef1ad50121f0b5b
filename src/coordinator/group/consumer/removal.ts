// Members leave a consumer group, or are put out of it. Promises that what they held is free with the same batch of records
// that removes them, and another epoch for those who stay. Leaves joining to heartbeat.ts.
import type { GroupStep } from '../group.ts'
import type { TimelineEvent } from '../timeline.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { downgradeWithout } from './downgrade.ts'
import { Draft, type Scene } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { cancelMemberTimers } from './timer-keys.ts'
import { awaitTarget } from './timers.ts'
import { aboutMember, nameOf } from './words.ts'

export interface Departure {
  readonly member: ConsumerMember
  readonly event: TimelineEvent['kind'] & ('member-left' | 'member-timed-out' | 'member-fenced')
  /** Why, as the rest of "member x went: ". */
  readonly reason: string
}

/** `onFailed` is called when the records of it cannot be appended. */
export function removeMembers(
  scene: Scene,
  group: ConsumerGroup,
  departures: readonly Departure[],
  onFailed: (step: GroupStep) => void = () => {},
): void {
  if (departures.length === 0) return
  const leavers = new Set(departures.map(({ member }) => member.memberId))
  if (downgradeWithout(scene, group, leavers, { onFailed })) {
    for (const departure of departures)
      scene.surroundings.note(group.groupId, eventOf(departure, group.groupEpoch))
    return
  }
  const draft = new Draft(group)
  draft.onFailed(onFailed)
  for (const { member } of departures) draft.removeMember(member)
  dropUnusedPatterns(draft)
  draft.compareTopics()
  draft.bumpEpoch()
  for (const departure of departures) draft.note(eventOf(departure, draft.groupEpoch))
  if (draft.memberCount === 0) {
    draft.note({ kind: 'group-emptied', generation: draft.groupEpoch, reason: 'the last member went' })
  }
  draft.commit(scene.step)
  // Members of the consumer protocol find the next target with their next heartbeat; the others have to be told.
  if (hasClassicMembers(draft)) awaitTarget(scene, draft)
  for (const { member } of departures) cancelMemberTimers(scene.step, group.groupId, member.memberId)
}

function eventOf({ member, event, reason }: Departure, generation: number): TimelineEvent {
  return { kind: event, generation, ...aboutMember(member), reason: `${nameOf(member)} went: ${reason}` }
}

function hasClassicMembers(draft: Draft): boolean {
  for (const { classic } of draft.members()) if (classic !== null) return true
  return false
}

/** Patterns that nobody subscribes to any more are forgotten. */
export function dropUnusedPatterns(draft: Draft): void {
  const unused = [...draft.subscriptions.resolved().keys()].filter(
    (pattern) => !draft.subscriptions.isPatternSubscribed(pattern),
  )
  for (const pattern of unused) draft.deleteResolved(pattern)
}
