// A group whose members share out partitions among themselves: one of them, the leader, is told of all and decides.
// Promises that what it says of itself is consistent after each of its methods: leader, protocols that all support,
// instance ids. Leaves when something happens, timers, answers and records to join.ts, rebalance.ts, sync.ts and the like.
//
//   Empty ─> PreparingRebalance ─> CompletingRebalance ─> Stable
//     ^            │  ^ ^                   │                │
//     └────────────┘  │ └───────────────────┘                │        any ─> Dead
//                     └──────────────────────────────────────┘

import { CONSUMER_PROTOCOL_TYPE } from '../../../wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type {
  Group,
  GroupStep,
  GroupSurroundings,
  OffsetExpiry,
  OffsetsClient,
  TopicPartition,
} from '../group.ts'
import type { ClassicMember, MemberDetails } from './member.ts'
import * as offsetRules from './offset-rules.ts'
import { ProtocolSupport } from './protocol-support.ts'
import { groupMetadataTombstone } from './record.ts'
import { collectTopics } from './subscription.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** Generations are int32; the one after the last is 1 again. */
const LAST_GENERATION = 0x7fffffff

/** What a new group is made with: all but the id as in a group that nobody has joined yet. */
export interface ClassicGroupDetails {
  readonly groupId: string
  /** When it came into its state, in milliseconds since the epoch; -1: not known. */
  readonly stateSinceMs: number
  readonly generationId?: number
  readonly protocolType?: string
  readonly protocolName?: string | null
  readonly leaderId?: string | null
}

export class ClassicGroup implements Group {
  readonly groupId: string
  readonly type = 'classic'
  readonly surroundings: GroupSurroundings
  state: ClassicState = 'Empty'
  stateSinceMs: number
  generationId: number
  /** What kind of clients these are; empty until the first has joined. Stays when they have left. */
  protocolType: string
  /** The protocol of this generation; null before the first and while there are no members. */
  protocolName: string | null
  leaderId: string | null
  readonly members = new Map<string, ClassicMember>()
  /** Members of the generation whose SyncGroup has not come yet. */
  readonly pendingSync = new Set<string>()
  /** Ids that were given to clients which have not come back with them yet (KIP-394), oldest first. */
  readonly pendingJoin = new Set<string>()
  /** The rebalance under way is the first of an empty group: it waits for members to come. */
  isFirstRebalance = false
  /** Somebody came while the first rebalance waited. */
  hasNewcomer = false
  private readonly memberIdsByInstance = new Map<string, string>()
  private support = new ProtocolSupport()
  /** Undefined: not known, because a member's metadata could not be read or the members are no consumers. */
  private topics: ReadonlySet<string> | undefined

  constructor(details: ClassicGroupDetails, surroundings: GroupSurroundings) {
    this.surroundings = surroundings
    this.groupId = details.groupId
    this.stateSinceMs = details.stateSinceMs
    this.generationId = details.generationId ?? 0
    this.protocolType = details.protocolType ?? ''
    this.protocolName = details.protocolName ?? null
    this.leaderId = details.leaderId ?? null
  }

  get stateName(): ClassicState {
    return this.state
  }

  get isEmpty(): boolean {
    return this.state === 'Empty'
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** The longest that any of its members wants to be waited for. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0
    for (const { rebalanceTimeoutMs } of this.members.values()) {
      longestMs = Math.max(longestMs, rebalanceTimeoutMs)
    }
    return longestMs
  }

  get membersJoining(): number {
    let joining = 0
    for (const member of this.members.values()) if (member.joining !== undefined) joining++
    return joining
  }

  /** Everybody waits for the next generation, and nobody has been asked to come back. */
  get haveAllJoined(): boolean {
    if (this.pendingJoin.size > 0) return false
    for (const member of this.members.values()) if (member.joining === undefined) return false
    return true
  }

  moveTo(state: ClassicState, nowMs: number): void {
    this.state = state
    this.stateSinceMs = nowMs
  }

  /** The member with this instance id. */
  staticMember(groupInstanceId: string | null): ClassicMember | undefined {
    const memberId = groupInstanceId === null ? undefined : this.memberIdsByInstance.get(groupInstanceId)
    return memberId === undefined ? undefined : this.members.get(memberId)
  }

  /**
   * The member that a request is from.
   * @throws KafkaError UNKNOWN_MEMBER_ID; FENCED_INSTANCE_ID when another member has its instance id now
   */
  member(memberId: string, groupInstanceId: string | null): ClassicMember {
    if (groupInstanceId !== null) {
      const holder = this.staticMember(groupInstanceId)
      if (holder === undefined) throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
      if (holder.memberId !== memberId) throw new KafkaError(errors.FENCED_INSTANCE_ID)
    }
    const member = this.members.get(memberId)
    if (member === undefined) throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
    return member
  }

  /** Whether a member with these protocols can be in the group: at least one is known to all. */
  accepts(protocolType: string, protocolNames: readonly string[]): boolean {
    if (protocolType === '' || protocolNames.length === 0) return false
    if (this.isEmpty || this.members.size === 0) return true
    return (
      this.protocolType === protocolType &&
      protocolNames.some((name) => this.support.supporters(name) === this.members.size)
    )
  }

  /** The protocol that its members would choose now. */
  chooseProtocol(): string | null {
    return this.support.choose([...this.members.values()])
  }

  /** Takes in a member that `accepts` said yes to. The first one decides the protocol type, and leads. */
  add(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) {
      this.memberIdsByInstance.set(member.groupInstanceId, member.memberId)
    }
    this.leaderId ??= member.memberId
    this.support.add(member.protocols)
    this.pendingJoin.delete(member.memberId)
  }

  /** Another member leads, any of those that are left, when the leader goes. */
  remove(member: ClassicMember): void {
    const { memberId, groupInstanceId } = member
    if (!this.members.delete(memberId)) return
    this.support.remove(member.protocols)
    if (groupInstanceId !== null) this.memberIdsByInstance.delete(groupInstanceId)
    this.pendingSync.delete(memberId)
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null
  }

  /** Takes over what a member says when it joins again. */
  update(
    member: ClassicMember,
    news: Pick<MemberDetails, 'protocols' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs'>,
  ): void {
    this.support.remove(member.protocols)
    this.support.add(news.protocols)
    member.protocols = news.protocols
    member.rebalanceTimeoutMs = news.rebalanceTimeoutMs
    member.sessionTimeoutMs = news.sessionTimeoutMs
  }

  /** Puts a static member in the place of the one that had its instance id, in everything. */
  replace(old: ClassicMember, successor: ClassicMember): void {
    const isLeader = this.leaderId === old.memberId
    // In the same place among the members: who leads next must not depend on restarts.
    const members = [...this.members.values()]
    this.members.clear()
    for (const member of members) {
      const staying = member === old ? successor : member
      this.members.set(staying.memberId, staying)
    }
    this.support.remove(old.protocols)
    this.support.add(successor.protocols)
    this.memberIdsByInstance.set(successor.groupInstanceId!, successor.memberId)
    if (this.pendingSync.delete(old.memberId)) this.pendingSync.add(successor.memberId)
    if (isLeader) this.leaderId = successor.memberId
  }

  /** Makes sure that the leader is one who has joined. False if nobody has. */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId)
    if (leader?.joining !== undefined) return true
    for (const member of this.members.values()) {
      if (member.joining === undefined) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** Begins the next generation with the members that are there. */
  beginGeneration(nowMs: number): void {
    this.generationId = this.generationId === LAST_GENERATION ? 1 : this.generationId + 1
    this.protocolName = this.chooseProtocol()
    this.refreshTopics()
    this.pendingSync.clear()
    this.isFirstRebalance = false
    if (this.members.size === 0) this.leaderId = null
    this.moveTo(this.members.size === 0 ? 'Empty' : 'CompletingRebalance', nowMs)
  }

  /** Reads the subscriptions of its members anew. */
  refreshTopics(): void {
    this.topics = undefined
    if (!this.usesConsumerProtocol) return
    if (this.members.size > 0 && this.protocolName === null) return
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      if (!collectTopics(member.metadata(this.protocolName), topics)) return
    }
    this.topics = topics
  }

  /** Where it is not known, consumers count as subscribed to everything, and others to nothing. */
  isSubscribedTo(topic: string): boolean {
    return this.topics?.has(topic) ?? this.usesConsumerProtocol
  }

  checkOffsetCommit(client: OffsetsClient, _partitions: readonly TopicPartition[], step: GroupStep): void {
    offsetRules.checkOffsetCommit(this, client, step)
  }

  checkTransactionalOffsetCommit(client: OffsetsClient): void {
    offsetRules.checkTransactionalOffsetCommit(this, client)
  }

  /** Anybody may fetch the offsets of a classic group. */
  checkOffsetFetch(): void {
    if (this.state === 'Dead') throw new KafkaError(errors.GROUP_ID_NOT_FOUND)
  }

  checkOffsetDelete(): void {
    if (!this.usesConsumerProtocol) this.checkDelete()
  }

  checkDelete(): void {
    if (this.state === 'Dead') throw new KafkaError(errors.GROUP_ID_NOT_FOUND)
    if (!this.isEmpty) throw new KafkaError(errors.NON_EMPTY_GROUP)
  }

  offsetExpiry(topic: string): OffsetExpiry {
    return offsetRules.offsetExpiry(this, topic, this.topics !== undefined)
  }

  appendTombstones(step: GroupStep): void {
    step.append(groupMetadataTombstone(this.groupId))
  }
}

/** A group that nobody has joined: one that only has offsets, until somebody does. */
export function emptyClassicGroup(
  groupId: string,
  nowMs: number,
  surroundings: GroupSurroundings,
): ClassicGroup {
  return new ClassicGroup({ groupId, stateSinceMs: nowMs }, surroundings)
}
