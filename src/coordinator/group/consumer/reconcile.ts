// One step of a member of a consumer group towards its target (KIP-848): what it keeps, what it has to give up first,
// what it may have now, what it has to wait for. Pure.
// Promises that nobody is given a partition that somebody else has and has not given up. Leaves the target to target.ts.
//
//            ┌─ has to give up ──▶ UNREVOKED_PARTITIONS ──gave it up──┐
//   STABLE ──┤                     (stays at its epoch)               ├──▶ epoch of the target, and
//            └─ nothing to give up ───────────────────────────────────┘
//                 everything free ──▶ STABLE       something held by others ──▶ UNRELEASED_PARTITIONS (until it is free)
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Assignment } from '../assignors/assignor.ts'
import { type ConsumerMember, isReconciledTo, type MemberState, memberStates } from './member.ts'
import {
  type HeldPartitions,
  includesAny,
  NO_PARTITIONS,
  type PartitionList,
  sameHeld,
  union,
} from './partitions.ts'

export interface Reconciliation {
  readonly member: ConsumerMember
  readonly targetEpoch: number
  readonly target: Assignment
  /** Whether the member has subscribed to the topic with this id, and the topic still exists. */
  isSubscribedTo(topicId: string): boolean
  /** Whether somebody else holds the partition. */
  isHeldByAnother(topicId: string, partition: number): boolean
  /** What the member says it has; null: it did not say. */
  readonly owned: PartitionList | null
  /** Whether this heartbeat changed its subscription: what it is no longer subscribed to goes at once. */
  readonly subscriptionChanged: boolean
}

/**
 * The member after its next step; the same object when there is none to take.
 * @throws KafkaError FENCED_MEMBER_EPOCH when its state is one of a later version and it still has partitions
 */
export function reconcile(reconciliation: Reconciliation): ConsumerMember {
  const { member, targetEpoch, subscriptionChanged, owned } = reconciliation
  switch (member.state) {
    case memberStates.STABLE:
      if (!isReconciledTo(member, targetEpoch)) return advance(reconciliation, member.memberEpoch)
      return subscriptionChanged ? dropUnsubscribed(reconciliation) : member
    case memberStates.UNREVOKED_PARTITIONS:
      if (!stillOwns(member.pendingRevocation, owned)) return advance(reconciliation, member.memberEpoch)
      return subscriptionChanged ? dropUnsubscribed(reconciliation) : member
    case memberStates.UNRELEASED_PARTITIONS:
      return advance(reconciliation, member.memberEpoch)
    default:
      if (owned === null || owned.length > 0) {
        throw new KafkaError(
          errors.FENCED_MEMBER_EPOCH,
          `The member is in a state (${member.state}) that this broker does not know: it has to give up its partitions and join again.`,
        )
      }
      return advance(reconciliation, targetEpoch)
  }
}

/** Whether the member has, or may have, any of the partitions. One that does not say has to be believed to have all. */
function stillOwns(partitions: HeldPartitions, owned: PartitionList | null): boolean {
  return owned === null || includesAny(partitions, owned)
}

/** The full step: `memberEpoch` is where the member stands if it has to give up something first. */
function advance(reconciliation: Reconciliation, memberEpoch: number): ConsumerMember {
  const { member, targetEpoch, owned } = reconciliation
  const { kept, surplus, free, waits } = compare(reconciliation)
  if (surplus.size > 0 && stillOwns(surplus, owned)) {
    return moved(member, memberStates.UNREVOKED_PARTITIONS, memberEpoch, kept, surplus)
  }
  const state = waits ? memberStates.UNRELEASED_PARTITIONS : memberStates.STABLE
  return moved(member, state, targetEpoch, union(kept, free), NO_PARTITIONS)
}

/** What the member has and shall keep, has and shall not have, shall have and may have now; and whether more is to come. */
function compare({ member, target, targetEpoch, isSubscribedTo, isHeldByAnother }: Reconciliation) {
  const kept = new Map<string, Map<number, number>>()
  const surplus = new Map<string, Map<number, number>>()
  const free = new Map<string, Map<number, number>>()
  let waits = false
  for (const [topicId, epochs] of member.assigned) {
    const wanted = new Set(isSubscribedTo(topicId) ? target.get(topicId) : undefined)
    for (const [partition, epoch] of epochs) {
      put(wanted.has(partition) ? kept : surplus, topicId, partition, epoch)
    }
  }
  for (const [topicId, partitions] of target) {
    if (!isSubscribedTo(topicId)) continue
    const held = member.assigned.get(topicId)
    for (const partition of partitions) {
      if (held?.has(partition)) continue
      if (isHeldByAnother(topicId, partition)) waits = true
      else put(free, topicId, partition, targetEpoch)
    }
  }
  return { kept, surplus, free, waits }
}

/**
 * Takes away what the member has unsubscribed from without waiting for the next target. Far less work than the full
 * step, and the same partitions stay with the member.
 */
function dropUnsubscribed({ member, isSubscribedTo, owned }: Reconciliation): ConsumerMember {
  const kept = new Map(member.assigned)
  const dropped = new Map<string, ReadonlyMap<number, number>>()
  for (const [topicId, epochs] of member.assigned) {
    if (isSubscribedTo(topicId)) continue
    kept.delete(topicId)
    dropped.set(topicId, epochs)
  }
  if (dropped.size === 0) return member
  const surplus = union(member.pendingRevocation, dropped)
  return stillOwns(surplus, owned)
    ? moved(member, memberStates.UNREVOKED_PARTITIONS, member.memberEpoch, kept, surplus)
    : moved(member, member.state, member.memberEpoch, kept, member.pendingRevocation)
}

function moved(
  member: ConsumerMember,
  state: MemberState,
  memberEpoch: number,
  assigned: HeldPartitions,
  pendingRevocation: HeldPartitions,
): ConsumerMember {
  if (
    state === member.state &&
    memberEpoch === member.memberEpoch &&
    sameHeld(assigned, member.assigned) &&
    sameHeld(pendingRevocation, member.pendingRevocation)
  ) {
    return member
  }
  const previousMemberEpoch = member.memberEpoch
  return { ...member, state, memberEpoch, previousMemberEpoch, assigned, pendingRevocation }
}

function put(
  partitions: Map<string, Map<number, number>>,
  topicId: string,
  partition: number,
  epoch: number,
): void {
  const epochs = partitions.get(topicId)
  if (epochs === undefined) partitions.set(topicId, new Map([[partition, epoch]]))
  else epochs.set(partition, epoch)
}
