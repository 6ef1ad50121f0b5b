// A small request that means something for every API that is served, in any of its versions.
// Promises answers without errors from a broker on which `on` was called. Leaves sending them to the tests.
import type { Api } from '../../src/wire/api.ts'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { append, batchOf, makeTopic } from './calls.ts'
import type { Asker } from './raw-client.ts'
import { ValidGroupRequests } from './valid-group-requests.ts'

type Message = Record<string, unknown>

const topicConfig = [
  { resourceType: 2, resourceName: 'topic', configs: [{ name: 'retention.ms', value: '1000000000' }] },
]

export class ValidRequests {
  private readonly client: Asker
  private readonly topicId: string
  private readonly groups: ValidGroupRequests
  private names = 0

  private constructor(client: Asker, topicId: string) {
    this.client = client
    this.topicId = topicId
    this.groups = new ValidGroupRequests(client, topicId)
  }

  /** Makes the topic that most requests are about, and the one that groups are kept in. */
  static async on(client: Asker): Promise<ValidRequests> {
    const topicId = await makeTopic(client, 'topic')
    await append(client, 'topic', ['a', 'b'])
    await client.ask(findCoordinator, 3, { key: 'group' })
    return new ValidRequests(client, topicId)
  }

  /** Throws for an API that is missing here. Some need a topic of their own, which is made. */
  async for(api: Api, version: number): Promise<Message> {
    const make = this.makers[api.name] ?? this.groups.makers[api.name]
    if (make === undefined) throw new Error(`no request for ${api.name} in test/support/valid-requests.ts`)
    return make(version)
  }

  private readonly makers: Readonly<Record<string, (version: number) => Promise<Message> | Message>> = {
    Produce: () => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: 'topic', topicId: this.topicId, partitionData: [{ index: 0, records: batchOf(['x']) }] },
      ],
    }),
    Fetch: () => ({
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        {
          topic: 'topic',
          topicId: this.topicId,
          partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }],
        },
      ],
    }),
    ListOffsets: () => ({
      replicaId: -1,
      topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    Metadata: () => ({ topics: [{ name: 'topic' }] }),
    FindCoordinator: () => ({ key: 'group', coordinatorKeys: ['group'] }),
    ApiVersions: () => ({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }),
    CreateTopics: () => ({ topics: [{ name: this.freshName(), numPartitions: 1, replicationFactor: 1 }] }),
    DeleteTopics: async (version) => {
      const name = await this.freshTopic()
      return version < 6 ? { topicNames: [name], timeoutMs: 1000 } : { topics: [{ name }], timeoutMs: 1000 }
    },
    DeleteRecords: () => ({ topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, offset: 1 }] }] }),
    InitProducerId: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
    OffsetForLeaderEpoch: () => ({
      topics: [{ topic: 'topic', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    }),
    DescribeConfigs: () => ({
      resources: [{ resourceType: 2, resourceName: 'topic', configurationKeys: null }],
    }),
    AlterConfigs: () => ({ resources: topicConfig }),
    IncrementalAlterConfigs: () => ({ resources: topicConfig }),
    DescribeLogDirs: () => ({ topics: null }),
    CreatePartitions: async () => ({
      topics: [{ name: await this.freshTopic(), count: 2, assignments: null }],
      timeoutMs: 1000,
    }),
    ListPartitionReassignments: () => ({ topics: null }),
    DescribeCluster: () => ({}),
    DescribeProducers: () => ({ topics: [{ name: 'topic', partitionIndexes: [0] }] }),
    DescribeTopicPartitions: () => ({ topics: [{ name: 'topic' }] }),
  }

  private freshName(): string {
    return `fresh-${this.names++}`
  }

  private async freshTopic(): Promise<string> {
    const name = this.freshName()
    await makeTopic(this.client, name)
    return name
  }
}
