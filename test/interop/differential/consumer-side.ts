// One broker's consumer group under test: clients with short names that heed what they are told, of both protocols, and the
// group as it is described after each thing they do. Ids of topics are names, ids of members that a broker made are labels.
// Promises equal outcomes of equal behaviour. Leaves what clients do, and judging differences, to consumer-groups.test.ts.
import type { Api } from '../../../src/wire/api.ts'
import { consumerGroupDescribe } from '../../../src/wire/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../../src/wire/apis/consumer-group-heartbeat.ts'
import { createPartitions } from '../../../src/wire/apis/create-partitions.ts'
import { createTopics } from '../../../src/wire/apis/create-topics.ts'
import { deleteGroups } from '../../../src/wire/apis/delete-groups.ts'
import { findCoordinator } from '../../../src/wire/apis/find-coordinator.ts'
import { heartbeat } from '../../../src/wire/apis/heartbeat.ts'
import { joinGroup } from '../../../src/wire/apis/join-group.ts'
import { leaveGroup } from '../../../src/wire/apis/leave-group.ts'
import { listGroups } from '../../../src/wire/apis/list-groups.ts'
import { metadata } from '../../../src/wire/apis/metadata.ts'
import { offsetCommit } from '../../../src/wire/apis/offset-commit.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { syncGroup } from '../../../src/wire/apis/sync-group.ts'
import { decodeAssignment, encodeSubscription } from '../../../src/wire/consumer-protocol.ts'
import { errorByCode } from '../../../src/wire/errors.ts'
import type { Input, Value } from '../../../src/wire/schema.ts'
import { RawClient } from '../../support/raw-client.ts'
import { waitFor } from '../support/processes.ts'

type Heartbeat = Input<typeof consumerGroupHeartbeat.request>
export type Outcome = Readonly<Record<string, unknown>>

const UUID = /-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** As Kafka makes ids of members in a consumer group. */
const KAFKA_ID = /^[\w-]{22}$/

const NONE = 0
const GROUP_ID_NOT_FOUND = 69

interface Client {
  memberId: string
  epoch: number
  topics: readonly string[]
  instance: string | null
  /** What it was told to have: `t-0`. */
  told: readonly string[]
  isAware: boolean
}

export class ConsumerSide {
  readonly groupId: string
  private readonly port: number
  private readonly connection: RawClient
  private readonly clients = new Map<string, Client>()
  private readonly labels = new Map<string, string>()
  private topicNames = new Map<string, string>()

  private constructor(port: number, connection: RawClient, groupId: string) {
    this.port = port
    this.connection = connection
    this.groupId = groupId
  }

  /** A group on the broker at `port`, as soon as the broker coordinates it. */
  static async open(port: number, groupId: string): Promise<ConsumerSide> {
    const side = new ConsumerSide(port, await RawClient.connect(port), groupId)
    await side.learnTopics()
    await waitFor(`a coordinator of ${groupId}`, async () => {
      const answer = await side.ask(findCoordinator, 3, { key: groupId, keyType: 0 })
      if (answer.errorCode !== 0) return undefined
      const { groups } = await side.ask(consumerGroupDescribe, 1, { groupIds: [groupId] })
      return [NONE, GROUP_ID_NOT_FOUND].includes(groups[0]!.errorCode) || undefined
    })
    return side
  }

  close(): void {
    this.connection.close()
  }

  private ask<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
  ): Promise<Value<A['response']>> {
    return this.connection.ask(api, version, request)
  }

  async learnTopics(): Promise<void> {
    const { topics } = await this.ask(metadata, 12, { topics: null })
    this.topicNames = new Map(topics.map(({ topicId, name }) => [topicId, name ?? '']))
  }

  private idOf(topic: string): string {
    for (const [id, name] of this.topicNames) if (name === topic) return id
    throw new Error(`no topic ${topic}`)
  }

  private names(listed: readonly { topicId: string; partitions: readonly number[] }[]): string[] {
    return listed
      .flatMap(({ topicId, partitions }) =>
        partitions.map((index) => `${this.topicNames.get(topicId)}-${index}`),
      )
      .sort()
  }

  listed(names: readonly string[]): { topicId: string; partitions: number[] }[] {
    const topics = [...new Set(names.map((name) => name.slice(0, name.lastIndexOf('-'))))]
    return topics.map((topic) => ({
      topicId: this.idOf(topic),
      partitions: names
        .filter((name) => name.slice(0, name.lastIndexOf('-')) === topic)
        .map((name) => Number(name.slice(name.lastIndexOf('-') + 1))),
    }))
  }

  client(name: string): Client {
    let client = this.clients.get(name)
    if (client === undefined) {
      client = { memberId: `${name}-id`, epoch: 0, topics: [], instance: null, told: [], isAware: true }
      this.clients.set(name, client)
    }
    return client
  }

  join(name: string, topics: readonly string[], changes: Heartbeat = {}): Promise<Outcome> {
    const client = this.client(name)
    Object.assign(client, { epoch: 0, topics, told: [], instance: changes.instanceId ?? client.instance })
    return this.heartbeat(name, {
      memberEpoch: 0,
      instanceId: client.instance,
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: topics,
      topicPartitions: [],
      ...changes,
    })
  }

  /** Says what it has if it was told something new since the last time. */
  beat(name: string, changes: Heartbeat = {}): Promise<Outcome> {
    const { told, isAware, instance } = this.client(name)
    const topicPartitions = isAware ? null : this.listed(told)
    return this.heartbeat(name, { instanceId: instance, topicPartitions, ...changes })
  }

  /** What is wrong is left to the error's code: the words differ. */
  async heartbeat(name: string, changes: Heartbeat, version = 1): Promise<Outcome> {
    const client = this.client(name)
    const request = {
      groupId: this.groupId,
      memberId: client.memberId,
      memberEpoch: client.epoch,
      ...changes,
    }
    const answer = await this.ask(consumerGroupHeartbeat, version, request)
    const { errorCode, memberEpoch, memberId, heartbeatIntervalMs, assignment } = answer
    if (errorCode === 0 && request.memberEpoch >= 0) {
      client.epoch = memberEpoch
      client.isAware = assignment === null
      if (assignment !== null) client.told = this.names(assignment.topicPartitions)
    }
    return {
      error: errorByCode(errorCode).name,
      memberId: memberId === null ? null : this.labelOf(memberId),
      memberEpoch,
      heartbeatIntervalMs,
      assignment: assignment === null ? null : this.names(assignment.topicPartitions),
    }
  }

  leave(name: string, memberEpoch = -1): Promise<Outcome> {
    return this.heartbeat(name, { memberEpoch, instanceId: this.client(name).instance })
  }

  async commit(name: string, epoch: number, partition: string, version = 9): Promise<Outcome> {
    const at = partition.lastIndexOf('-')
    const partitionIndex = Number(partition.slice(at + 1))
    const { topics } = await this.ask(offsetCommit, version, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: epoch,
      memberId: name === '' ? '' : this.client(name).memberId,
      topics: [
        {
          name: partition.slice(0, at),
          partitions: [{ partitionIndex, committedOffset: 1, committedMetadata: '' }],
        },
      ],
    })
    return { error: errorByCode(topics[0]!.partitions[0]!.errorCode).name }
  }

  async fetch(name: string, epoch: number): Promise<Outcome> {
    const memberId = name === '' ? null : this.client(name).memberId
    const { groups } = await this.ask(offsetFetch, 9, {
      groups: [{ groupId: this.groupId, memberId, memberEpoch: epoch, topics: null }],
    })
    return { error: errorByCode(groups[0]!.errorCode).name }
  }

  async deleteGroup(): Promise<Outcome> {
    const { results } = await this.ask(deleteGroups, 2, { groupsNames: [this.groupId] })
    return { error: errorByCode(results[0]!.errorCode).name }
  }

  // Members of the classic protocol.

  async joinClassic(
    name: string,
    topics: readonly string[],
    owned: readonly string[] = [],
    version = 9,
  ): Promise<Outcome> {
    const client = this.client(name)
    if (client.memberId === `${name}-id`) client.memberId = ''
    const ownedPartitions = this.listed(owned).map(({ topicId, partitions }) => ({
      topic: this.topicNames.get(topicId)!,
      partitions,
    }))
    const answer = await this.ask(joinGroup, version, {
      groupId: this.groupId,
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 60_000,
      memberId: client.memberId,
      groupInstanceId: client.instance,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: encodeSubscription({ topics, ownedPartitions }, 3) }],
    })
    const { errorCode, memberId, generationId, protocolName, leader, members } = answer
    if (memberId !== '') client.memberId = memberId
    if (errorCode === 0) client.epoch = generationId
    return {
      error: errorByCode(errorCode).name,
      memberId: this.labelOf(memberId),
      generationId,
      protocolName,
      leader: this.labelOf(leader),
      members: members.length,
    }
  }

  async syncClassic(name: string, generationId = this.client(name).epoch): Promise<Outcome> {
    const { memberId, instance } = this.client(name)
    const { errorCode, assignment, protocolType, protocolName } = await this.ask(syncGroup, 5, {
      groupId: this.groupId,
      generationId,
      memberId,
      groupInstanceId: instance,
      protocolType: 'consumer',
      protocolName: 'range',
    })
    const assigned = assignment.length === 0 ? [] : decodeAssignment(assignment).assignedPartitions
    return {
      error: errorByCode(errorCode).name,
      protocol: [protocolType, protocolName],
      version: assignment.length === 0 ? null : assignment.readInt16BE(0),
      assignment: assigned
        .flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`))
        .sort(),
    }
  }

  async beatClassic(name: string, generationId = this.client(name).epoch): Promise<Outcome> {
    const { memberId, instance } = this.client(name)
    const request = { groupId: this.groupId, generationId, memberId, groupInstanceId: instance }
    const { errorCode } = await this.ask(heartbeat, 4, request)
    return { error: errorByCode(errorCode).name }
  }

  async leaveClassic(name: string): Promise<Outcome> {
    const { memberId, instance } = this.client(name)
    const members = [{ memberId, groupInstanceId: instance }]
    const answer = await this.ask(leaveGroup, 5, { groupId: this.groupId, members })
    return { error: answer.members.map(({ errorCode }) => errorByCode(errorCode).name) }
  }

  // The group and the cluster.

  async addPartitions(topic: string, count: number): Promise<Outcome> {
    const answer = await this.ask(createPartitions, 3, {
      topics: [{ name: topic, count, assignments: null }],
      timeoutMs: 30_000,
    })
    await this.coordinatorKnows(topic, count)
    return { error: errorByCode(answer.results[0]!.errorCode).name }
  }

  async createTopic(topic: string, numPartitions: number): Promise<Outcome> {
    const answer = await this.ask(createTopics, 7, {
      topics: [{ name: topic, numPartitions, replicationFactor: 1 }],
      timeoutMs: 30_000,
    })
    await this.coordinatorKnows(topic, numPartitions)
    await this.learnTopics()
    return { error: errorByCode(answer.topics[0]!.errorCode).name }
  }

  /**
   * Waits until the coordinator has heard of a topic's partitions, which Kafka's does later than its clients: a member of a group
   * of its own is given them. Both groups are in one partition of `__consumer_offsets`, so what one knows, the other does.
   */
  async coordinatorKnows(topic: string, partitions: number): Promise<void> {
    const scouts = await ConsumerSide.open(this.port, `scouts-of-${this.groupId}`)
    await scouts.join('scout', [topic])
    await waitFor(`${partitions} partitions of ${topic} in a group`, async () => {
      await scouts.learnTopics()
      await scouts.beat('scout')
      return scouts.client('scout').told.length === partitions || undefined
    })
    await scouts.leave('scout')
    scouts.close()
  }

  /** The group as ConsumerGroupDescribe and ListGroups show it. */
  async described(): Promise<Outcome> {
    const { groups } = await this.ask(consumerGroupDescribe, 1, { groupIds: [this.groupId] })
    const { errorMessage: _, members, ...group } = groups[0]!
    const listed = await this.ask(listGroups, 5, {})
    const { groupType, protocolType } = listed.groups.find(({ groupId }) => groupId === this.groupId) ?? {}
    return {
      ...group,
      listed: { groupType, protocolType },
      members: members
        .map(({ assignment, targetAssignment, memberId, subscribedTopicNames, ...member }) => ({
          ...member,
          memberId: this.labelOf(memberId),
          subscribedTopicNames: [...subscribedTopicNames].sort(),
          assignment: this.names(assignment.topicPartitions),
          targetAssignment: this.names(targetAssignment.topicPartitions),
        }))
        .sort((left, right) => (left.memberId < right.memberId ? -1 : 1)),
    }
  }

  /** `made-1`: the first id that the broker made. */
  private labelOf(memberId: string): string {
    if (!UUID.test(memberId) && !KAFKA_ID.test(memberId)) return memberId
    const known = this.labels.get(memberId) ?? `made-${this.labels.size + 1}`
    this.labels.set(memberId, known)
    return known
  }
}
