// A group of the consumer protocol (KIP-848) as its records make it: members, targets, epochs, who holds which partition.
// Promises that records alone change it (but for the few notes marked as soft), and that a partition has one holder.
// Leaves deciding which records to write to draft.ts and the commands, and applying them to replay.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import { type Assignment, NO_ASSIGNMENT } from '../assignors/assignor.ts'
import type {
  Group,
  GroupStep,
  GroupSurroundings,
  GroupType,
  OffsetExpiry,
  OffsetsClient,
  TopicPartition,
} from '../group.ts'
import { checkCommitEpoch, unknownMember } from './checks.ts'
import { type ConsumerMember, isReconciledTo } from './member.ts'
import type { HeldPartitions } from './partitions.ts'
import { type ResolvedPattern, Subscriptions } from './subscriptions.ts'

/** The epoch of a group, and of its (empty) target, before anything was subscribed to. */
const FIRST_EPOCH = 1
/** What the tombstone of the target leaves. */
const NO_TARGET_EPOCH = -1

export class ConsumerGroup implements Group {
  readonly groupId: string
  readonly type: GroupType = 'consumer'
  readonly protocolType = CONSUMER_PROTOCOL_TYPE
  readonly surroundings: GroupSurroundings

  groupEpoch = FIRST_EPOCH
  metadataHash = 0
  private targetEpoch = FIRST_EPOCH
  private targetTimestampMs = 0
  /** A record of brokers up to Kafka 4.0 is in the log, and shall go. */
  hasPartitionMetadata = false
  readonly subscriptions = new Subscriptions()
  private readonly membersById = new Map<string, ConsumerMember>()
  private readonly memberIdsByInstance = new Map<string, string>()
  private readonly targetsByMember = new Map<string, Assignment>()
  /** Topic id, partition, member id. */
  private readonly holders = new Map<string, Map<number, string>>()
  private classicMembers = 0
  /** Members that do not have the target of its epoch, or not all of it. */
  private unreconciledMembers = 0

  /** Soft: the image whose topics the metadata hash was last compared with. */
  comparedImage: ClusterImage | undefined
  /** Soft: the image against which all patterns were last resolved, when, and those whose topics were not known yet. */
  resolvedImage:
    | { readonly image: ClusterImage; readonly atMs: number; readonly pending: ReadonlySet<string> }
    | undefined
  /** Soft: members whose present epoch has come back from them: they cannot be at an older one any more. */
  readonly acknowledgedEpochs = new Map<string, number>()
  /** Soft: members of the classic protocol that were told to join again and have a timer for it. */
  readonly awaitedJoins = new Set<string>()

  constructor(groupId: string, surroundings: GroupSurroundings) {
    this.groupId = groupId
    this.surroundings = surroundings
  }

  get isEmpty(): boolean {
    return this.membersById.size === 0
  }

  get memberCount(): number {
    return this.membersById.size
  }

  get classicMemberCount(): number {
    return this.classicMembers
  }

  get stateName(): string {
    if (this.isEmpty) return 'Empty'
    if (this.groupEpoch > this.targetEpoch) return 'Assigning'
    return this.unreconciledMembers > 0 ? 'Reconciling' : 'Stable'
  }

  /** The epoch that the targets belong to; -1 when they are being deleted. */
  get assignmentEpoch(): number {
    return this.targetEpoch
  }

  /** When the targets were computed; 0: unknown. */
  get assignmentTimestampMs(): number {
    return this.targetTimestampMs
  }

  /** How many members have yet to reach their targets. */
  get unreconciledCount(): number {
    return this.unreconciledMembers
  }

  members(): IterableIterator<ConsumerMember> {
    return this.membersById.values()
  }

  member(memberId: string): ConsumerMember | undefined {
    return this.membersById.get(memberId)
  }

  /** @throws KafkaError UNKNOWN_MEMBER_ID */
  knownMember(memberId: string): ConsumerMember {
    const member = this.membersById.get(memberId)
    if (member === undefined) throw unknownMember(memberId, this.groupId)
    return member
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    const memberId = instanceId === null ? undefined : this.memberIdsByInstance.get(instanceId)
    return memberId === undefined ? undefined : this.membersById.get(memberId)
  }

  targets(): ReadonlyMap<string, Assignment> {
    return this.targetsByMember
  }

  targetOf(memberId: string): Assignment {
    return this.targetsByMember.get(memberId) ?? NO_ASSIGNMENT
  }

  /** The member that holds the partition, or has not given it up yet. */
  holderOf(topicId: string, partition: number): string | undefined {
    return this.holders.get(topicId)?.get(partition)
  }

  // What records do to it.

  putMember(member: ConsumerMember): void {
    const { memberId, instanceId } = member
    const before = this.membersById.get(memberId)
    this.membersById.set(memberId, member)
    this.subscriptions.replace(before, member)
    if (before !== undefined) this.releaseAll(before)
    this.hold(memberId, member.assigned)
    this.hold(memberId, member.pendingRevocation)
    if (before !== undefined && before.instanceId !== instanceId) this.releaseInstance(before)
    if (instanceId !== null) this.memberIdsByInstance.set(instanceId, memberId)
    this.classicMembers += Number(member.classic !== null) - Number(before?.classic != null)
    this.unreconciledMembers += this.unreconciled(member) - this.unreconciled(before)
  }

  deleteMember(memberId: string): void {
    const member = this.membersById.get(memberId)
    if (member === undefined) return
    this.membersById.delete(memberId)
    this.subscriptions.replace(member, undefined)
    this.releaseAll(member)
    this.releaseInstance(member)
    this.classicMembers -= Number(member.classic !== null)
    this.unreconciledMembers -= this.unreconciled(member)
    this.acknowledgedEpochs.delete(memberId)
    this.awaitedJoins.delete(memberId)
  }

  setTarget(memberId: string, target: Assignment): void {
    this.targetsByMember.set(memberId, target)
  }

  deleteTarget(memberId: string): void {
    this.targetsByMember.delete(memberId)
  }

  /** All targets are those of this epoch. */
  completeTargets(epoch: number, timestampMs: number): void {
    this.targetEpoch = epoch
    this.targetTimestampMs = timestampMs
    this.unreconciledMembers = 0
    for (const member of this.membersById.values()) this.unreconciledMembers += this.unreconciled(member)
  }

  deleteTargetMetadata(): void {
    this.completeTargets(NO_TARGET_EPOCH, 0)
  }

  /** 1 for a member on the way to its target, else 0. */
  private unreconciled(member: ConsumerMember | undefined): number {
    return member === undefined || isReconciledTo(member, this.targetEpoch) ? 0 : 1
  }

  setResolved(pattern: string, resolved: ResolvedPattern): void {
    this.subscriptions.setResolved(pattern, resolved)
  }

  deleteResolved(pattern: string): void {
    this.subscriptions.deleteResolved(pattern)
  }

  /** Another member may have taken over the instance before this one's tombstone. */
  private releaseInstance({ memberId, instanceId }: ConsumerMember): void {
    if (instanceId !== null && this.memberIdsByInstance.get(instanceId) === memberId) {
      this.memberIdsByInstance.delete(instanceId)
    }
  }

  private hold(memberId: string, partitions: HeldPartitions): void {
    for (const [topicId, epochs] of partitions) {
      let holders = this.holders.get(topicId)
      if (holders === undefined) this.holders.set(topicId, (holders = new Map()))
      for (const partition of epochs.keys()) holders.set(partition, memberId)
    }
  }

  private releaseAll({ memberId, assigned, pendingRevocation }: ConsumerMember): void {
    this.release(memberId, assigned)
    this.release(memberId, pendingRevocation)
  }

  /** In a compacted log the record of the next holder may come before the one in which this one gave the partition up. */
  private release(memberId: string, partitions: HeldPartitions): void {
    for (const [topicId, epochs] of partitions) {
      const holders = this.holders.get(topicId)
      if (holders === undefined) continue
      for (const partition of epochs.keys()) {
        if (holders.get(partition) === memberId) holders.delete(partition)
      }
      if (holders.size === 0) this.holders.delete(topicId)
    }
  }

  // What offsets and tools ask.

  checkOffsetCommit(client: OffsetsClient, partitions: readonly TopicPartition[], _step: GroupStep): void {
    if (client.generationIdOrMemberEpoch < 0 && this.isEmpty) return
    const member = this.knownMember(client.memberId)
    if (member.classic === null && client.apiVersion < 9) {
      throw new KafkaError(
        errors.UNSUPPORTED_VERSION,
        'Members that use the consumer group protocol have to commit with OffsetCommit version 9 or later.',
      )
    }
    checkCommitEpoch(member, client.generationIdOrMemberEpoch, partitions, this.surroundings.image())
  }

  checkTransactionalOffsetCommit(client: OffsetsClient, partitions?: readonly TopicPartition[]): void {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch } = client
    if (epoch < 0 && this.isEmpty) return
    if (epoch === -1 && memberId === '' && groupInstanceId === null) return
    try {
      checkCommitEpoch(this.knownMember(memberId), epoch, partitions, this.surroundings.image())
    } catch (error) {
      if (!(error instanceof KafkaError) || error.error !== errors.STALE_MEMBER_EPOCH) throw error
      throw new KafkaError(errors.ILLEGAL_GENERATION, error.message)
    }
  }

  checkOffsetFetch(memberId: string | null, memberEpoch: number): void {
    if (memberId === null && memberEpoch < 0) return
    const member = this.knownMember(memberId ?? '')
    if (member.memberEpoch === memberEpoch) return
    throw new KafkaError(
      member.classic === null ? errors.STALE_MEMBER_EPOCH : errors.ILLEGAL_GENERATION,
      `Member ${member.memberId} is at epoch ${member.memberEpoch}, not at ${memberEpoch}.`,
    )
  }

  checkOffsetDelete(): void {}

  checkDelete(): void {
    if (!this.isEmpty) throw new KafkaError(errors.NON_EMPTY_GROUP)
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscriptions.includes(topic)
  }

  offsetExpiry(topic: string): OffsetExpiry {
    return this.isSubscribedTo(topic) ? { kind: 'never' } : { kind: 'since-commit' }
  }

  /** In the order in which replay expects them: what members hold, targets, members, then the group. */
  appendTombstones(step: GroupStep): void {
    const { groupId } = this
    const memberKeys = Array.from(this.membersById.keys(), (memberId) => ({ groupId, memberId }))
    for (const key of memberKeys) {
      step.append({ type: 'ConsumerGroupCurrentMemberAssignment', key, value: null })
    }
    for (const memberId of new Set([...this.membersById.keys(), ...this.targetsByMember.keys()])) {
      step.append({ type: 'ConsumerGroupTargetAssignmentMember', key: { groupId, memberId }, value: null })
    }
    step.append({ type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId }, value: null })
    for (const key of memberKeys) step.append({ type: 'ConsumerGroupMemberMetadata', key, value: null })
    for (const regularExpression of this.subscriptions.resolved().keys()) {
      step.append({
        type: 'ConsumerGroupRegularExpression',
        key: { groupId, regularExpression },
        value: null,
      })
    }
    step.append({ type: 'ConsumerGroupPartitionMetadata', key: { groupId }, value: null })
    step.append({ type: 'ConsumerGroupMetadata', key: { groupId }, value: null })
  }
}
