// What an operator asks about groups: which there are, who is in them, what they have committed; and how to change that.
// Promises one picture of both kinds of group, and NoSuchGroupError for one that is not there.
// Leaves membership to group-member.ts and showing answers to the commands.
import { deleteGroups } from '../../wire/apis/delete-groups.ts'
import { listGroups as listGroupsApi } from '../../wire/apis/list-groups.ts'
import { offsetCommit } from '../../wire/apis/offset-commit.ts'
import { offsetDelete } from '../../wire/apis/offset-delete.ts'
import { offsetFetch } from '../../wire/apis/offset-fetch.ts'
import {
  type DescribeGroupTimelineResponse,
  describeGroupTimeline,
} from '../../wire/apis/own/describe-group-timeline.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { check, DisconnectedError, NoSuchGroupError } from './failure.ts'

export interface GroupListing {
  readonly groupId: string
  /** `classic`, `consumer`, `share`, …; empty when the broker is too old to say. */
  readonly type: string
  /** `Stable`, `Empty`, …; empty when the broker is too old to say. */
  readonly state: string
  /** `consumer` for consumers; empty for a group that only has offsets. */
  readonly protocolType: string
  /** The broker that coordinates it. */
  readonly coordinator: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number
}

/** OffsetFetch and OffsetCommit name topics up to this version; later ones give their ids. */
export const LAST_VERSION_WITH_NAMES = 9
/** OffsetFetch asks for many groups from this version on (KIP-709). */
const OFFSET_FETCH_BATCH_VERSION = 8
/** What somebody commits with who is no member. */
const NO_GENERATION = -1

/** `topic-partition`: a name for logs, and a key that no two partitions share. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** By topic, then partition. */
export function byPartition(one: TopicPartition, other: TopicPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1
  return one.partition - other.partition
}

/** Partitions under their topics, as most requests want them. */
export function groupedByTopic<T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> {
  const byTopic = new Map<string, T[]>()
  for (const row of partitions) byTopic.set(row.topic, [...(byTopic.get(row.topic) ?? []), row])
  return byTopic
}

/** The groups of all brokers, by name. */
export async function listGroups(cluster: Cluster): Promise<GroupListing[]> {
  return cluster.retrying(async () => {
    await cluster.refresh([])
    const ask = async (nodeId: number) => {
      const connection = await cluster.node(nodeId)
      const answer = await connection.request(listGroupsApi, {})
      check(answer.errorCode, null, `groups of broker ${nodeId}`)
      return answer.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
        groupId,
        protocolType,
        state: groupState,
        type: groupType.toLowerCase(),
        coordinator: nodeId,
      }))
    }
    const lists = await Promise.all(cluster.brokers.map(({ nodeId }) => ask(nodeId)))
    return lists.flat().sort((one, other) => (one.groupId < other.groupId ? -1 : 1))
  })
}

/** What the group has committed, by topic and partition; nothing for a group that is not there. */
export async function committedOffsets(cluster: Cluster, groupId: string): Promise<PartitionOffset[]> {
  return cluster.askCoordinator(groupId, async (connection) => {
    const version = connection.versionOf(offsetFetch, LAST_VERSION_WITH_NAMES) ?? LAST_VERSION_WITH_NAMES
    const isBatch = version >= OFFSET_FETCH_BATCH_VERSION
    const request = isBatch ? { groups: [{ groupId, topics: null }] } : { groupId, topics: null }
    const answer = await connection.request(offsetFetch, request, { maxVersion: LAST_VERSION_WITH_NAMES })
    const group = isBatch ? answer.groups[0] : answer
    check(group?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, null, `offsets of group ${groupId}`)
    const found: PartitionOffset[] = []
    for (const { name, partitions } of group!.topics) {
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        check(errorCode, null, `offset of ${name}-${partitionIndex}`)
        if (committedOffset >= 0)
          found.push({ topic: name, partition: partitionIndex, offset: committedOffset })
      }
    }
    return found.sort(byPartition)
  })
}

/** Sets the group's offsets from outside. @throws KafkaError for the first partition that is refused; UNKNOWN_MEMBER_ID: the group has members */
export async function setOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly PartitionOffset[],
): Promise<void> {
  await cluster.askCoordinator(groupId, async (connection) => {
    const topics = [...groupedByTopic(offsets)].map(([name, rows]) => ({
      name,
      partitions: rows.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: '',
      })),
    }))
    const request = { groupId, memberId: '', generationIdOrMemberEpoch: NO_GENERATION, topics }
    const answer = await connection.request(offsetCommit, request, { maxVersion: LAST_VERSION_WITH_NAMES })
    for (const { name, partitions } of answer.topics) {
      for (const row of partitions) check(row.errorCode, null, `offset of ${name}-${row.partitionIndex}`)
    }
  })
}

/** Removes committed offsets. Answers, for each partition that was refused, why. @throws NoSuchGroupError */
export async function deleteOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, KafkaError>> {
  return cluster.askCoordinator(groupId, async (connection) => {
    const topics = [...groupedByTopic(partitions)].map(([name, rows]) => ({
      name,
      partitions: rows.map(({ partition }) => ({ partitionIndex: partition })),
    }))
    const answer = await connection.request(offsetDelete, { groupId, topics })
    if (answer.errorCode === errors.GROUP_ID_NOT_FOUND.code) throw new NoSuchGroupError(groupId)
    check(answer.errorCode, null, `group ${groupId}`)
    const refused = new Map<string, KafkaError>()
    for (const { name, partitions: rows } of answer.topics) {
      for (const { partitionIndex, errorCode } of rows) {
        const about = partitionName({ topic: name, partition: partitionIndex })
        try {
          check(errorCode, null, about)
        } catch (error) {
          refused.set(about, error as KafkaError)
        }
      }
    }
    return refused
  })
}

/** @throws NoSuchGroupError, KafkaError NON_EMPTY_GROUP */
export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  await cluster.askCoordinator(groupId, async (connection) => {
    const answer = await connection.request(deleteGroups, { groupsNames: [groupId] })
    const code = answer.results[0]?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code
    if (code === errors.GROUP_ID_NOT_FOUND.code) throw new NoSuchGroupError(groupId)
    check(code, null, `group ${groupId}`)
  })
}

export type TimelineEvent = DescribeGroupTimelineResponse['groups'][number]['events'][number]

/** The broker keeps no timelines: it is no Odradek, or an older one. */
export class NoTimelinesError extends Error {
  override readonly name = 'NoTimelinesError'
}

/** What happened to the group, oldest first. @throws NoTimelinesError, NoSuchGroupError */
export async function timeline(cluster: Cluster, groupId: string): Promise<readonly TimelineEvent[]> {
  return cluster.askCoordinator(groupId, async (connection) => {
    const answer = await askForTimeline(cluster, connection, groupId)
    const group = answer.groups[0]
    if (group?.errorCode === errors.GROUP_ID_NOT_FOUND.code) throw new NoSuchGroupError(groupId)
    check(group?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code, group?.errorMessage, `group ${groupId}`)
    return group!.events
  })
}

async function askForTimeline(
  cluster: Cluster,
  connection: Connection,
  groupId: string,
): Promise<DescribeGroupTimelineResponse> {
  try {
    return await connection.request(describeGroupTimeline, { groupIds: [groupId] }, { isUnadvertised: true })
  } catch (error) {
    if (!(error instanceof DisconnectedError)) throw error
    // A broker that takes the next connection is alive: it only did not know the question.
    await cluster.coordinator(groupId)
    throw new NoTimelinesError(`the broker that coordinates group ${groupId} keeps no timelines`)
  }
}

/** Whether the failure says that the group still has members. */
export function isOccupied(error: unknown): boolean {
  return (
    error instanceof KafkaError &&
    (error.error === errors.NON_EMPTY_GROUP || error.error === errors.UNKNOWN_MEMBER_ID)
  )
}
