// Who is in a group and what each member has been given, whichever protocol the group speaks.
// Promises to ask ConsumerGroupDescribe first and DescribeGroups when the group is not of that kind, as Kafka's tools do.
// Leaves offsets to group-admin.ts. What members of other kinds of groups tell each other stays closed.
import {
  type ConsumerGroupDescribeResponse,
  consumerGroupDescribe,
} from '../../wire/apis/consumer-group-describe.ts'
import { type DescribeGroupsResponse, describeGroups } from '../../wire/apis/describe-groups.ts'
import { decodeAssignment, decodeSubscription } from '../../wire/consumer-protocol.ts'
import { errors } from '../../wire/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { type Address, check, NoSuchGroupError } from './failure.ts'
import { byPartition, type GroupListing, type TopicPartition } from './group-admin.ts'

export interface MemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Which protocol it speaks; null when the broker does not say. */
  readonly protocol: 'classic' | 'consumer' | null
  /** Null in a classic group. */
  readonly epoch: number | null
  /** Null when it cannot be told: no consumer, or in the middle of a rebalance. */
  readonly topics: readonly string[] | null
  readonly topicRegex: string | null
  readonly assignment: readonly TopicPartition[]
  /** What it shall have once others have given it up; null in a classic group. */
  readonly targetAssignment: readonly TopicPartition[] | null
}

export interface GroupDescription {
  readonly groupId: string
  readonly type: 'classic' | 'consumer'
  readonly state: string
  /** `consumer` for consumers; empty for a group that only has offsets. */
  readonly protocolType: string
  /** The assignor that was chosen; empty while there is none. */
  readonly assignor: string
  /** Null in a classic group. */
  readonly epoch: number | null
  readonly assignmentEpoch: number | null
  readonly coordinator: Address
  readonly members: readonly MemberDescription[]
}

const MEMBER_PROTOCOLS = { 0: 'classic', 1: 'consumer' } as const
const DEAD = 'Dead'

/** @throws NoSuchGroupError for the first that is not there */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  return cluster.askCoordinator(groupId, async (connection) => {
    return (await asConsumer(connection, groupId)) ?? (await asClassic(connection, groupId))
  })
}

/** The group by KIP-848, undefined when it is not of that kind (or not there). */
async function asConsumer(connection: Connection, groupId: string): Promise<GroupDescription | undefined> {
  if (connection.versionOf(consumerGroupDescribe) === undefined) return undefined
  const answer = await connection.request(consumerGroupDescribe, { groupIds: [groupId] })
  const group = answer.groups[0]
  const code = group?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code
  if (code === errors.GROUP_ID_NOT_FOUND.code || code === errors.UNSUPPORTED_VERSION.code) return undefined
  check(code, group?.errorMessage, `group ${groupId}`)
  return {
    groupId,
    type: 'consumer',
    state: group!.groupState,
    protocolType: 'consumer',
    assignor: group!.assignorName,
    epoch: group!.groupEpoch,
    assignmentEpoch: group!.assignmentEpoch,
    coordinator: connection.address,
    members: group!.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: hostText(member.clientHost),
      protocol: MEMBER_PROTOCOLS[member.memberType as 0 | 1] ?? null,
      epoch: member.memberEpoch,
      topics: member.subscribedTopicNames,
      topicRegex: member.subscribedTopicRegex === '' ? null : member.subscribedTopicRegex,
      assignment: partitionsOf(member.assignment),
      targetAssignment: partitionsOf(member.targetAssignment),
    })),
  }
}

type ConsumerMember = ConsumerGroupDescribeResponse['groups'][number]['members'][number]

function partitionsOf({ topicPartitions }: ConsumerMember['assignment']): TopicPartition[] {
  return topicPartitions
    .flatMap(({ topicName: topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
    .sort(byPartition)
}

async function asClassic(connection: Connection, groupId: string): Promise<GroupDescription> {
  const answer = await connection.request(describeGroups, { groups: [groupId] })
  const group = answer.groups[0]
  const code = group?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code
  if (code === errors.GROUP_ID_NOT_FOUND.code) throw new NoSuchGroupError(groupId)
  check(code, group?.errorMessage, `group ${groupId}`)
  // How versions before 6 say that there is no such group.
  if (group!.groupState === DEAD) throw new NoSuchGroupError(groupId)
  const isOfConsumers = group!.protocolType === 'consumer'
  return {
    groupId,
    type: 'classic',
    state: group!.groupState,
    protocolType: group!.protocolType,
    assignor: group!.protocolData,
    epoch: null,
    assignmentEpoch: null,
    coordinator: connection.address,
    members: group!.members.map((member) => classicMember(member, isOfConsumers)),
  }
}

type ClassicMember = DescribeGroupsResponse['groups'][number]['members'][number]

function classicMember(member: ClassicMember, isOfConsumers: boolean): MemberDescription {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: hostText(member.clientHost),
    protocol: 'classic',
    epoch: null,
    topics: isOfConsumers ? subscribedTopics(member.memberMetadata) : null,
    topicRegex: null,
    assignment: isOfConsumers ? assignedPartitions(member.memberAssignment) : [],
    targetAssignment: null,
  }
}

/** The bytes are the members' own: what cannot be read is left out, and the rest shown. */
function subscribedTopics(bytes: Buffer): string[] | null {
  if (bytes.length === 0) return null
  try {
    return decodeSubscription(bytes).topics.sort()
  } catch {
    return null
  }
}

function assignedPartitions(bytes: Buffer): TopicPartition[] {
  try {
    return decodeAssignment(bytes)
      .assignedPartitions.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      )
      .sort(byPartition)
  } catch {
    return []
  }
}

/** Kafka writes addresses as Java does: `/127.0.0.1`. */
export function hostText(host: string): string {
  return host.startsWith('/') ? host.slice(1) : host
}

/** Groups in one question. */
const DESCRIBED_AT_ONCE = 100

/** How many members each group has; groups of other kinds, and those that are gone by now, are left out. */
export async function memberCounts(
  cluster: Cluster,
  listings: readonly GroupListing[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const nodeId of new Set(listings.map(({ coordinator }) => coordinator))) {
    const own = listings.filter(({ coordinator }) => coordinator === nodeId)
    const idsOf = (types: readonly string[]) =>
      own.filter(({ type }) => types.includes(type)).map(({ groupId }) => groupId)
    for (const groupIds of portions(idsOf(['consumer']))) {
      const connection = await cluster.node(nodeId)
      const answer = await connection.request(consumerGroupDescribe, { groupIds })
      for (const { groupId, errorCode, members } of answer.groups) {
        if (errorCode === errors.NONE.code) counts.set(groupId, members.length)
      }
    }
    for (const groups of portions(idsOf(['classic', '']))) {
      const connection = await cluster.node(nodeId)
      const answer = await connection.request(describeGroups, { groups })
      for (const { groupId, errorCode, members } of answer.groups) {
        if (errorCode === errors.NONE.code) counts.set(groupId, members.length)
      }
    }
  }
  return counts
}

function* portions(ids: readonly string[]): Generator<string[], void, undefined> {
  for (let at = 0; at < ids.length; at += DESCRIBED_AT_ONCE) yield ids.slice(at, at + DESCRIBED_AT_ONCE)
}
