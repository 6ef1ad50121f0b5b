// Small requests of groups that mean something, in any of their versions; each about a group of its own.
// Promises groups that are as far along as the request needs them. Leaves the other APIs to valid-requests.ts.
import type { Api } from '../../src/wire/api.ts'
import { consumerGroupHeartbeat } from '../../src/wire/apis/consumer-group-heartbeat.ts'
import { joinGroup } from '../../src/wire/apis/join-group.ts'
import { offsetCommit } from '../../src/wire/apis/offset-commit.ts'
import { syncGroup } from '../../src/wire/apis/sync-group.ts'
import type { Input, Value } from '../../src/wire/schema.ts'
import type { Asker } from './raw-client.ts'

type Message = Record<string, unknown>

const UUID_OF_A_MEMBER = 'kkkkkkkkkkkkkkkkkkkkkk'

export class ValidGroupRequests {
  private readonly client: Asker
  private readonly topicId: string
  private names = 0

  /** `topicId`: of a topic called `topic` with one partition. */
  constructor(client: Asker, topicId: string) {
    this.client = client
    this.topicId = topicId
  }

  readonly makers: Readonly<Record<string, (version: number) => Promise<Message> | Message>> = {
    JoinGroup: (version) => this.join(this.freshName(), version),
    SyncGroup: async () => this.sync(await this.joined()),
    Heartbeat: async () => this.stable(),
    LeaveGroup: async () => {
      const member = await this.stable()
      return { ...member, members: [member] }
    },
    OffsetCommit: () => this.commit(this.freshName()),
    OffsetFetch: async (version) => {
      const groupId = await this.withOffsets()
      const topics = [{ name: 'topic', topicId: this.topicId, partitionIndexes: [0] }]
      return version < 8 ? { groupId, topics } : { groups: [{ groupId, topics }] }
    },
    OffsetDelete: async () => ({
      groupId: await this.withOffsets(),
      topics: [{ name: 'topic', partitions: [{ partitionIndex: 0 }] }],
    }),
    ListGroups: () => ({}),
    DescribeGroups: async () => ({ groups: [(await this.stable()).groupId] }),
    DeleteGroups: async () => ({ groupsNames: [await this.withOffsets()] }),
    ConsumerGroupHeartbeat: () => this.beat(this.freshName()),
    ConsumerGroupDescribe: async () => {
      const groupId = this.freshName()
      await this.ask(consumerGroupHeartbeat, this.beat(groupId))
      return { groupIds: [groupId] }
    },
    ListConfigResources: () => ({}),
  }

  private freshName(): string {
    return `group-${this.names++}`
  }

  private ask<A extends Api>(api: A, request: unknown): Promise<Value<A['response']>> {
    return this.client.ask(api, api.versions[1], request as Input<A['request']>)
  }

  /** A first JoinGroup, or where that is sent back for an id (KIP-394) the second one. */
  private async join(groupId: string, version: number): Promise<Message> {
    const request = {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]) }],
    }
    if (version < 4) return request
    const { memberId } = await this.ask(joinGroup, request)
    return { ...request, memberId }
  }

  private async joined() {
    const groupId = this.freshName()
    const { memberId, generationId } = await this.ask(joinGroup, await this.join(groupId, 9))
    return { groupId, memberId, generationId }
  }

  private sync(member: { groupId: string; memberId: string; generationId: number }): Message {
    const { memberId } = member
    const protocol = { protocolType: 'consumer', protocolName: 'range' }
    return { ...member, ...protocol, assignments: [{ memberId, assignment: Buffer.alloc(0) }] }
  }

  private async stable() {
    const member = await this.joined()
    await this.ask(syncGroup, this.sync(member))
    return member
  }

  private commit(groupId: string): Message {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }]
    return {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      retentionTimeMs: -1,
      topics: [{ name: 'topic', topicId: this.topicId, partitions }],
    }
  }

  private async withOffsets(): Promise<string> {
    const groupId = this.freshName()
    await this.ask(offsetCommit, this.commit(groupId))
    return groupId
  }

  private beat(groupId: string): Message {
    return {
      groupId,
      memberId: UUID_OF_A_MEMBER,
      memberEpoch: 0,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: ['topic'],
      topicPartitions: [],
    }
  }
}
