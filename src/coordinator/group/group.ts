// A group as far as offsets and tools care, whichever protocol its members speak.
// Promises that neither has to know the protocol. Leaves joining, assignments and sessions to classic/ and consumer/.
import type { ClusterImage } from '../../cluster/image.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { GroupConfig } from '../../config/group-config.ts'
import type { Random } from '../../lib/random.ts'
import type { Step } from '../step.ts'
import type { GroupRecord } from './records.ts'
import type { TimelineEvent } from './timeline.ts'
import type { TopicPatterns } from './topic-patterns.ts'

export type GroupStep = Step<GroupRecord>

export type GroupType = 'classic' | 'consumer'

/** From when on the offsets of a group may go for their age; `topic` is asked for each one. */
export type OffsetExpiry =
  /** They are in use. */
  | { readonly kind: 'never' }
  /** `offsets.retention.minutes` after each was committed (groups without members that ever were, topics nobody reads). */
  | { readonly kind: 'since-commit' }
  /** `offsets.retention.minutes` after the group lost its last member, or after the commit if that was later. */
  | { readonly kind: 'since-empty'; readonly emptySinceMs: number }

/** Who commits or fetches offsets. */
export interface OffsetsClient {
  /** Empty: no member of the group, such as a tool or a consumer that was assigned its partitions. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** The generation of a classic group or the member epoch of a consumer group; below 0: none. */
  readonly generationIdOrMemberEpoch: number
  readonly apiVersion: number
}

export interface Group {
  readonly groupId: string
  readonly type: GroupType
  /** As ListGroups and DescribeGroups show it: Empty, PreparingRebalance, CompletingRebalance, Assigning, Reconciling, Stable, Dead. */
  readonly stateName: string
  /** `consumer` for consumers; empty for a group that only has offsets. */
  readonly protocolType: string
  /** Whether it has no members. */
  readonly isEmpty: boolean
  /**
   * Whether the client may commit for these partitions now; keeps its session alive if it is a member.
   * @throws KafkaError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNSUPPORTED_VERSION, …
   */
  checkOffsetCommit(client: OffsetsClient, partitions: readonly TopicPartition[], step: GroupStep): void
  /** The same for a TxnOffsetCommit (KIP-447). */
  checkTransactionalOffsetCommit(client: OffsetsClient): void
  /** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH: only for groups whose members have epochs. */
  checkOffsetFetch(memberId: string | null, memberEpoch: number): void
  /** @throws KafkaError NON_EMPTY_GROUP: a group of something else than consumers has members. */
  checkOffsetDelete(): void
  /** @throws KafkaError NON_EMPTY_GROUP */
  checkDelete(): void
  /** Whether a member has subscribed to the topic: its offsets are in use. */
  isSubscribedTo(topic: string): boolean
  /** When offsets of `topic` expire. */
  offsetExpiry(topic: string): OffsetExpiry
  /** Appends the tombstones of everything the group has but its offsets. */
  appendTombstones(step: GroupStep): void
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** What groups need of the broker around them. One for each broker; nothing here waits. */
export interface GroupSurroundings {
  /** The settings in force now. */
  config(): BrokerConfig
  groupConfig(groupId: string): GroupConfig
  image(): ClusterImage
  readonly random: Random
  /** The topics that patterns stand for, as far as they are known. */
  readonly patterns: Pick<TopicPatterns, 'resolve' | 'resolveNew'>
  /** Notes what happened to a group and why, for people. */
  note(groupId: string, event: TimelineEvent): void
}

/** The groups of one shard. */
export interface Groups {
  get(groupId: string): Group | undefined
  set(group: Group): void
  delete(groupId: string): void
  all(): Iterable<Group>
}

/** Clients may have longer names than that; an id made of them has to fit where ids are written. */
const LONGEST_ID_PREFIX = 255

/** `<prefix>-<uuid>`: ids of members that the broker names. A long prefix is cut. */
export function newMemberId(prefix: string, random: Random): string {
  const isCutInPair = /[\ud800-\udbff]/.test(prefix[LONGEST_ID_PREFIX - 1] ?? '')
  const start = prefix.slice(0, isCutInPair ? LONGEST_ID_PREFIX - 1 : LONGEST_ID_PREFIX)
  return `${start}-${randomUuid(random)}`
}

/** A random (version 4) UUID in its usual form. */
function randomUuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
