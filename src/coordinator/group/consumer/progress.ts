// What every sign of life of a member brings about, whichever protocol it speaks: its news are taken up, the group's epoch
// follows, and the member takes its next step. Promises drafts only. Leaves who the member is to heartbeat.ts and
// classic-join.ts.

import type { TimelineEvent } from '../timeline.ts'
import { shortId } from '../words.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { type ConsumerMember, isReconciledTo, JOIN_EPOCH, sameNames } from './member.ts'
import type { PartitionList } from './partitions.ts'
import { followPatterns } from './patterns.ts'
import { reconcile } from './reconcile.ts'
import { updateTarget } from './target.ts'
import { cancelMemberTimers } from './timer-keys.ts'
import { awaitTarget, followRevocation } from './timers.ts'
import { aboutMember, nameOf, subscriptionOf } from './words.ts'

/** A static member comes back under another id, and takes over what it had (KIP-345, KIP-848). */
export function succeed(draft: Draft, predecessor: ConsumerMember, memberId: string): ConsumerMember {
  const member = { ...predecessor, memberId, memberEpoch: JOIN_EPOCH, previousMemberEpoch: 0 }
  draft.replaceMember(predecessor, member)
  draft.after((step) => cancelMemberTimers(step, draft.group.groupId, predecessor.memberId))
  draft.note({
    kind: 'member-replaced',
    generation: draft.groupEpoch,
    ...aboutMember(member),
    reason: `${nameOf(member)} came in the place of its member id ${shortId(predecessor.memberId)}`,
  })
  return member
}

/** Takes up what the member tells, and what has become of the topics; begins another epoch if the target depends on it. */
export function follow(
  { step }: Scene,
  draft: Draft,
  before: ConsumerMember,
  member: ConsumerMember,
): boolean {
  draft.putMetadata(before, member)
  const patterns = followPatterns(draft, before, member, step.nowMs)
  const haveNamesChanged = !sameNames(before.subscribedTopicNames, member.subscribedTopicNames)
  const hasChanged = patterns.hasChanged || haveNamesChanged
  const needsEpoch = patterns.needsEpoch || haveNamesChanged
  const haveTopicsChanged = (needsEpoch || !isCompared(draft)) && draft.compareTopics()
  if (needsEpoch || haveTopicsChanged || draft.isDue) draft.bumpEpoch()
  noteNews(draft, member, hasChanged, haveTopicsChanged)
  return hasChanged
}

/** Whether topics and racks are those that the group was last compared with. */
function isCompared({ group }: Draft): boolean {
  const image = group.surroundings.image()
  const compared = group.comparedImage
  return compared?.topics === image.topics && compared.brokers === image.brokers
}

/** Looks for changes of topics on behalf of members that do not tell anything new: those of the classic protocol. */
export function followTopics(scene: Scene, group: ConsumerGroup): void {
  const draft = new Draft(group)
  if (isCompared(draft)) return
  if (draft.compareTopics()) {
    draft.bumpEpoch()
    draft.note(topicsChanged(draft.groupEpoch))
    if (!updateTarget(draft, scene.step.nowMs)) draft.after(() => awaitTarget(scene, draft))
  }
  draft.commit(scene.step)
}

function topicsChanged(generation: number): TimelineEvent {
  const reason = 'topics that the group subscribes to have come, gone, or got other partitions or racks'
  return { kind: 'metadata-changed', generation, reason }
}

function noteNews(
  draft: Draft,
  member: ConsumerMember,
  hasSubscriptionChanged: boolean,
  haveTopicsChanged: boolean,
): void {
  const generation = draft.groupEpoch
  const isNew = !draft.isKnown(member.memberId)
  if (isNew || hasSubscriptionChanged) {
    draft.note({
      kind: isNew ? 'member-joined' : 'subscription-changed',
      generation,
      ...aboutMember(member),
      reason: `${nameOf(member)} ${isNew ? 'joined and subscribes' : 'now subscribes'} to ${subscriptionOf(member)}`,
    })
  } else if (haveTopicsChanged) {
    draft.note(topicsChanged(generation))
  }
}

/** The member's next step towards its target, and the timer that goes with it. */
export function move(
  scene: Scene,
  draft: Draft,
  member: ConsumerMember,
  hasSubscriptionChanged: boolean,
  owned: PartitionList | null,
): ConsumerMember {
  const { group, assignmentEpoch } = draft
  if (!hasSubscriptionChanged && isReconciledTo(member, assignmentEpoch)) return member
  const topicIds = draft.subscriptions.topicIdsOf(member, scene.surroundings.image())
  const moved = reconcile({
    member,
    targetEpoch: assignmentEpoch,
    target: draft.targetOf(member.memberId),
    isSubscribedTo: (topicId) => topicIds.has(topicId),
    isHeldByAnother: (topicId, partition) => draft.isHeldByAnother(member.memberId, topicId, partition),
    owned,
    subscriptionChanged: hasSubscriptionChanged,
  })
  if (moved === member) return member
  draft.putAssignment(moved)
  draft.after(() => followRevocation(scene, group.groupId, moved))
  if (draft.isCompletedBy(moved)) {
    draft.note({
      kind: 'rebalance-completed',
      generation: assignmentEpoch,
      reason: `all members (${draft.memberCount}) have what the target of epoch ${assignmentEpoch} gives them`,
    })
  }
  return moved
}
