// The target assignment of a consumer group (KIP-848): which partitions each member shall have in the end.
// Promises that it belongs to one epoch of the group, and that it is computed at most once in the group's assignment
// interval (KIP-1263). Leaves sharing out to assignors/, and the way to the target to reconcile.ts.
import { type AssignmentTopic, assignors, type ServerAssignor } from '../assignors/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { Draft } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { sameAssignment } from './partitions.ts'

/** In how many milliseconds the next target may be computed; 0: now. */
export function assignmentDelayMs(draft: Draft, nowMs: number): number {
  const { assignmentTimestampMs, surroundings, groupId } = draft.group
  const intervalMs = surroundings.groupConfig(groupId).consumerAssignmentIntervalMs
  // The time of the last one is not known (Kafka before 4.3), or nobody wants to wait.
  if (assignmentTimestampMs === 0 || intervalMs === 0) return 0
  // The clock was set back: nobody knows how long ago it was.
  if (nowMs < assignmentTimestampMs) return 0
  return Math.max(assignmentTimestampMs + intervalMs - nowMs, 0)
}

/** Computes the target of the draft's epoch, unless it is there already or must wait. True if it is there then. */
export function updateTarget(draft: Draft, nowMs: number): boolean {
  if (draft.assignmentEpoch >= draft.groupEpoch) return true
  if (assignmentDelayMs(draft, nowMs) > 0) return false
  const assignor = preferredAssignor(draft.group, draft.members())
  let changedMembers = 0
  for (const [memberId, target] of assignor.assign(specOf(draft))) {
    if (draft.hasTarget(memberId) && sameAssignment(draft.targetOf(memberId), target)) continue
    draft.setTarget(memberId, target)
    changedMembers++
  }
  draft.completeTarget(nowMs)
  draft.note({
    kind: 'assignment',
    generation: draft.groupEpoch,
    reason: `the assignor '${assignor.name}' shared out the partitions: ${changedMembers} of ${draft.memberCount} members have another target`,
  })
  return true
}

/** The assignor that most members ask for; among equals the one that stands first in the settings, which is also the default. */
export function preferredAssignor(group: ConsumerGroup, members: Iterable<ConsumerMember>): ServerAssignor {
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  }
  let preferred: string | undefined
  let most = -1
  for (const name of group.surroundings.config().groupConsumerAssignors) {
    const count = votes.get(name) ?? 0
    if (count > most) {
      preferred = name
      most = count
    }
  }
  return [...assignors.values()].find(({ name }) => name === preferred) ?? assignors.get('uniform')!
}

function specOf(draft: Draft) {
  const image = draft.group.surroundings.image()
  const { subscriptions } = draft
  const isHomogeneous = subscriptions.isHomogeneous(draft.memberCount)
  const topics = new Map<string, AssignmentTopic>()
  for (const name of subscriptions.topics()) {
    const topic = image.topics.get(name)
    if (topic !== undefined) topics.set(topic.id, { name, partitions: topic.partitions.length })
  }
  let shared: Set<string> | undefined
  const members = new Map(
    Array.from(draft.members(), (member) => {
      const ids = (isHomogeneous ? shared : undefined) ?? subscriptions.topicIdsOf(member, image)
      shared ??= ids
      return [
        member.memberId,
        {
          rackId: member.rackId,
          instanceId: member.instanceId,
          subscribedTopicIds: ids,
          assigned: draft.targetOf(member.memberId),
        },
      ] as const
    }),
  )
  return {
    members,
    subscriptionType: isHomogeneous ? ('homogeneous' as const) : ('heterogeneous' as const),
    topics,
  }
}
