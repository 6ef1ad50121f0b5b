// A change of a consumer group while it is thought out: the group as its records will make it, and those records.
// Promises that nothing happens before `commit`, so that an error on the way leaves everything as it was.
// Leaves what to change to the commands, and applying the records to replay.ts.
import type { Assignment } from '../assignors/assignor.ts'
import type { GroupStep, GroupSurroundings, Groups } from '../group.ts'
import type { GroupRecord } from '../records.ts'
import type { TimelineEvent } from '../timeline.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  assignmentRecord,
  type ConsumerMember,
  isReconciledTo,
  metadataRecord,
  sameMetadata,
} from './member.ts'
import { listAssignment } from './partitions.ts'
import { type ResolvedPattern, Subscriptions } from './subscriptions.ts'
import { topicsHash } from './topic-hash.ts'

/** What every command on consumer groups works with. */
export interface Scene {
  readonly groups: Groups
  readonly surroundings: GroupSurroundings
  readonly step: GroupStep
}

export class Draft {
  readonly group: ConsumerGroup
  groupEpoch: number
  assignmentEpoch: number
  /** Whether another epoch has to begin, whatever the member that joins brings. */
  isDue = false
  private metadataHash: number
  private draftedSubscriptions: Subscriptions | undefined
  /** Null: goes. */
  private readonly changedMembers = new Map<string, ConsumerMember | null>()
  private readonly changedTargets = new Map<string, Assignment>()
  /** Who takes over what a member holds, by that member's id. */
  private readonly successors = new Map<string, string>()
  private readonly records: GroupRecord[] = []
  private readonly preludes: ((step: GroupStep) => void)[] = []
  private readonly effects: ((step: GroupStep) => void)[] = []
  private readonly undoes: ((step: GroupStep) => void)[] = []
  private readonly events: TimelineEvent[] = []

  constructor(group: ConsumerGroup) {
    this.group = group
    this.groupEpoch = group.groupEpoch
    this.assignmentEpoch = group.assignmentEpoch
    this.metadataHash = group.metadataHash
  }

  // The group as it will be.

  get subscriptions(): Readonly<Subscriptions> {
    return this.draftedSubscriptions ?? this.group.subscriptions
  }

  *members(): IterableIterator<ConsumerMember> {
    for (const member of this.group.members()) {
      const changed = this.changedMembers.get(member.memberId)
      if (changed === undefined) yield member
      else if (changed !== null) yield changed
    }
    for (const [memberId, changed] of this.changedMembers) {
      if (changed !== null && this.group.member(memberId) === undefined) yield changed
    }
  }

  get memberCount(): number {
    let count = this.group.memberCount
    for (const [memberId, changed] of this.changedMembers) {
      count += Number(changed !== null) - Number(this.group.member(memberId) !== undefined)
    }
    return count
  }

  targetOf(memberId: string): Assignment {
    return this.changedTargets.get(memberId) ?? this.group.targetOf(memberId)
  }

  hasTarget(memberId: string): boolean {
    return this.changedTargets.has(memberId) || this.group.targets().has(memberId)
  }

  /** Whether the whole group has its targets once this member, the only one that changes, does. */
  isCompletedBy(member: ConsumerMember): boolean {
    const { group, assignmentEpoch } = this
    if (!isReconciledTo(member, assignmentEpoch)) return false
    if (this.memberCount === 1) return true
    if (assignmentEpoch !== group.assignmentEpoch) return false
    let missing = group.unreconciledCount
    for (const memberId of this.changedMembers.keys()) {
      const before = group.member(memberId)
      if (before !== undefined && !isReconciledTo(before, assignmentEpoch)) missing--
    }
    return missing === 0
  }

  isHeldByAnother(memberId: string, topicId: string, partition: number): boolean {
    const holder = this.group.holderOf(topicId, partition)
    return holder !== undefined && (this.successors.get(holder) ?? holder) !== memberId
  }

  // Changes, each with its records.

  /** Takes up what a member tells about itself, if it is anything new. */
  putMetadata(before: ConsumerMember, member: ConsumerMember): void {
    this.changedMembers.set(member.memberId, member)
    const isKnown = this.isKnown(member.memberId)
    if (isKnown && sameMetadata(before, member)) return
    this.editSubscriptions().replace(isKnown ? before : undefined, member)
    this.records.push(metadataRecord(this.group.groupId, member))
  }

  /** Whether the group has the member already, or it takes the place of one. */
  isKnown(memberId: string): boolean {
    if (this.group.member(memberId) !== undefined) return true
    for (const successor of this.successors.values()) if (successor === memberId) return true
    return false
  }

  putAssignment(member: ConsumerMember): void {
    this.changedMembers.set(member.memberId, member)
    this.records.push(assignmentRecord(this.group.groupId, member))
  }

  /** In the order in which replay expects it: what it holds, its target, itself. */
  removeMember(member: ConsumerMember): void {
    this.pushMemberTombstones(member.memberId)
    this.changedMembers.set(member.memberId, null)
    this.editSubscriptions().replace(member, undefined)
  }

  /** Everything a static member has goes to a member with another id. */
  replaceMember(before: ConsumerMember, after: ConsumerMember): void {
    this.removeMember(before)
    this.successors.set(before.memberId, after.memberId)
    // A successor that was a member already brings nothing of its own: what it had is to be shared out again.
    const known = this.group.member(after.memberId)
    if (known !== undefined) this.isDue = true
    this.editSubscriptions().replace(known, after)
    this.records.push(metadataRecord(this.group.groupId, after))
    this.setTarget(after.memberId, this.group.targetOf(before.memberId))
    this.putAssignment(after)
  }

  private pushMemberTombstones(memberId: string): void {
    const key = { groupId: this.group.groupId, memberId }
    this.records.push(
      { type: 'ConsumerGroupCurrentMemberAssignment', key, value: null },
      { type: 'ConsumerGroupTargetAssignmentMember', key, value: null },
      { type: 'ConsumerGroupMemberMetadata', key, value: null },
    )
  }

  setResolved(pattern: string, resolved: ResolvedPattern): void {
    this.editSubscriptions().setResolved(pattern, resolved)
    this.records.push({
      type: 'ConsumerGroupRegularExpression',
      key: { groupId: this.group.groupId, regularExpression: pattern },
      value: {
        topics: [...resolved.topics].sort(),
        version: resolved.version,
        timestamp: resolved.timestampMs,
      },
    })
  }

  deleteResolved(pattern: string): void {
    this.editSubscriptions().deleteResolved(pattern)
    this.records.push({
      type: 'ConsumerGroupRegularExpression',
      key: { groupId: this.group.groupId, regularExpression: pattern },
      value: null,
    })
  }

  private editSubscriptions(): Subscriptions {
    return (this.draftedSubscriptions ??= new Subscriptions(this.group.subscriptions))
  }

  /** Compares the topics that are subscribed to with those of the present epoch. True if they have changed. */
  compareTopics(): boolean {
    const { group } = this
    const image = group.surroundings.image()
    const hash = topicsHash(this.subscriptions.topics(), image)
    this.after(() => {
      group.comparedImage = image
    })
    this.onFailed(() => {
      group.comparedImage = undefined
    })
    if (hash === this.metadataHash) return false
    this.metadataHash = hash
    return true
  }

  /** The next epoch of the group: from now on its target is out of date. */
  bumpEpoch(): void {
    this.groupEpoch++
    const key = { groupId: this.group.groupId }
    this.records.push({
      type: 'ConsumerGroupMetadata',
      key,
      value: { epoch: this.groupEpoch, metadataHash: this.metadataHash },
    })
    if (this.group.hasPartitionMetadata) {
      this.records.push({ type: 'ConsumerGroupPartitionMetadata', key, value: null })
    }
  }

  setTarget(memberId: string, target: Assignment): void {
    this.changedTargets.set(memberId, target)
    this.records.push({
      type: 'ConsumerGroupTargetAssignmentMember',
      key: { groupId: this.group.groupId, memberId },
      value: { topicPartitions: listAssignment(target) },
    })
  }

  /** All targets are as the present epoch of the group wants them. */
  completeTarget(nowMs: number): void {
    this.assignmentEpoch = this.groupEpoch
    this.records.push({
      type: 'ConsumerGroupTargetAssignmentMetadata',
      key: { groupId: this.group.groupId },
      value: { assignmentEpoch: this.groupEpoch, assignmentTimestamp: nowMs },
    })
  }

  /** A record beyond those of the other methods. */
  push(record: GroupRecord): void {
    this.records.push(record)
  }

  // What else shall happen.

  /** Done at the commit, before the first record. */
  before(prelude: (step: GroupStep) => void): void {
    this.preludes.push(prelude)
  }

  /** Done at the commit, after the last record. */
  after(effect: (step: GroupStep) => void): void {
    this.effects.push(effect)
  }

  /** Done in place of everything else when the records cannot be appended. */
  onFailed(undo: (step: GroupStep) => void): void {
    this.undoes.push(undo)
  }

  note(event: TimelineEvent): void {
    this.events.push(event)
  }

  commit(step: GroupStep): void {
    for (const prelude of this.preludes) prelude(step)
    for (const record of this.records) step.append(record)
    if (this.undoes.length > 0) {
      step.onAppendFailed((later) => {
        for (const undo of this.undoes) undo(later)
      })
    }
    for (const effect of this.effects) effect(step)
    for (const event of this.events) this.group.surroundings.note(this.group.groupId, event)
  }
}
