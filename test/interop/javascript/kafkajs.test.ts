// kafkajs on the broker under test: producer, admin, and its own decoding of Fetch, all at versions of 2018 to 2021.
// It never uses flexible versions, probes ApiVersions downwards, and alters configs by AlterConfigs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ClientProgram } from '../programs/client-program.ts'
import { installPackagesOf } from '../programs/node-packages.ts'
import { recordsAt, startMs } from '../programs/numbered-records.ts'
import {
  acksInOrder,
  Client,
  codecs,
  manyRecordsRoundTrip,
  oddRecordsRoundTrip,
  restartInMidStream,
  sizesAtTheLimit,
} from '../programs/scenarios.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { waitFor } from '../support/processes.ts'

describe('kafkajs', () => {
  let broker: BrokerUnderTest
  let program: ClientProgram
  let client: Client

  const admin = <Result>(call: string, ...parameters: unknown[]) =>
    client.call<Result>('admin', { call, parameters })

  before(async () => {
    const directory = await installPackagesOf('javascript')
    program = new ClientProgram(process.execPath, [`${directory}/kafkajs.mjs`])
    broker = await startBrokerUnderTest({ properties: { 'log.retention.ms': '-1', 'num.partitions': '2' } })
    // kafkajs 2.2.4 throws on a header whose value is null.
    client = new Client(program, broker, { nullHeaders: false })
  })
  after(async () => {
    await program?.close()
    await broker?.stop()
  })

  for (const codec of codecs) {
    test(`${codec}: odd keys, values and headers come back as they were sent`, () =>
      oddRecordsRoundTrip(client, codec))
  }

  test('snappy: 100,000 records come back byte for byte', () =>
    manyRecordsRoundTrip(client, { topic: 'many', count: 100_000, partitions: 3, codec: 'snappy' }))

  test('a batch of exactly the default max.message.bytes is taken, one byte more is refused', () =>
    sizesAtTheLimit(client, 'limit-default', 1_048_588))

  test("a topic's own max.message.bytes counts", () => sizesAtTheLimit(client, 'limit-own', 200_000))

  test('acks=0, acks=1, acks=all: all arrive in order', () => acksInOrder(client))

  test('fetching beyond the end is out of range; an unknown topic is an error', async () => {
    await client.createTopic('short')
    await client.produce({ topic: 'short', records: recordsAt(1) })
    await assert.rejects(client.consume('short', 1, { offset: 2 }), { code: 1, name: 'OFFSET_OUT_OF_RANGE' })
    assert.deepEqual(await client.consume('short', 1, { offset: 1, silenceMs: 500 }), [])
    const unknown = client.produce({ topic: 'absent', retries: 2, records: recordsAt(1) })
    await assert.rejects(unknown, { code: 3, name: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  test('createTopics, listTopics, fetchTopicMetadata, createPartitions, deleteTopics', async () => {
    const topics = [
      { topic: 'admin-a', numPartitions: 2, replicationFactor: 1 },
      { topic: 'admin-b', numPartitions: -1, replicationFactor: -1 },
    ]
    assert.equal(await admin('createTopics', { topics, waitForLeaders: false, validateOnly: false }), true)
    assert.equal(
      await admin('createTopics', { topics: [topics[0]], waitForLeaders: false }),
      false,
      'it exists',
    )
    const validated = {
      topics: [{ topic: 'only-validated', numPartitions: 1 }],
      waitForLeaders: false,
      validateOnly: true,
    }
    assert.equal(await admin('createTopics', validated), true)
    await assert.rejects(
      admin('createTopics', { topics: [{ topic: 'bad', replicationFactor: 3 }], waitForLeaders: false }),
      {
        code: 38,
        name: 'INVALID_REPLICATION_FACTOR',
      },
    )
    const listed = await admin<string[]>('listTopics')
    assert.deepEqual(
      ['admin-a', 'admin-b', 'only-validated', 'bad'].map((topic) => listed.includes(topic)),
      [true, true, false, false],
    )
    await admin('createPartitions', { topicPartitions: [{ topic: 'admin-a', count: 5 }] })
    await assert.rejects(admin('createPartitions', { topicPartitions: [{ topic: 'admin-a', count: 5 }] }), {
      code: 37,
      name: 'INVALID_PARTITIONS',
    })
    interface Metadata {
      readonly topics: readonly {
        readonly name: string
        readonly partitions: readonly {
          partitionId: number
          leader: number
          replicas: number[]
          isr: number[]
        }[]
      }[]
    }
    const partitionsOf = async () => {
      const { topics } = await admin<Metadata>('fetchTopicMetadata', { topics: ['admin-a', 'admin-b'] })
      return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions]))
    }
    const partitions = await waitFor('five partitions', async () => {
      const now = await partitionsOf()
      return now['admin-a']?.length === 5 ? now : undefined
    })
    assert.equal(partitions['admin-b']?.length, 2, 'num.partitions')
    for (const { leader, replicas, isr } of partitions['admin-a']!) {
      assert.deepEqual([replicas, isr], [[leader], [leader]])
    }
    await admin('deleteTopics', { topics: ['admin-a'] })
    await waitFor('the topic to go', async () =>
      (await admin<string[]>('listTopics')).includes('admin-a') ? undefined : true,
    )
    await assert.rejects(admin('deleteTopics', { topics: ['admin-a'], timeout: 1000 }), {
      code: 3,
      name: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  test('describeConfigs and alterConfigs, which replaces all that was set', async () => {
    const topic = 'configured'
    await client.createTopic(topic, 1, { 'retention.bytes': '1000' })
    interface Described {
      readonly resources: readonly {
        readonly configEntries: readonly { configName: string; configValue: string; isDefault: boolean }[]
      }[]
    }
    const describeConfigs = async () => {
      const answer = await admin<Described>('describeConfigs', {
        includeSynonyms: false,
        resources: [{ type: 2, name: topic, configNames: ['retention.bytes', 'segment.ms'] }],
      })
      return answer.resources[0]!.configEntries.map(({ configName, configValue }) => [
        configName,
        configValue,
      ]).sort()
    }
    assert.deepEqual(await describeConfigs(), [
      ['retention.bytes', '1000'],
      ['segment.ms', '604800000'],
    ])
    const alter = (validateOnly: boolean, value = '90000') =>
      admin('alterConfigs', {
        validateOnly,
        resources: [{ type: 2, name: topic, configEntries: [{ name: 'segment.ms', value }] }],
      })
    await alter(true)
    assert.deepEqual((await describeConfigs())[1], ['segment.ms', '604800000'])
    await alter(false)
    assert.deepEqual(await describeConfigs(), [
      ['retention.bytes', '-1'],
      ['segment.ms', '90000'],
    ])
    await assert.rejects(alter(false, 'soon'), { code: 40, name: 'INVALID_CONFIG' })
    const everything = await admin<Described>('describeConfigs', { resources: [{ type: 2, name: topic }] })
    assert.ok(everything.resources[0]!.configEntries.length >= 30)
  })

  test('fetchTopicOffsets, fetchTopicOffsetsByTimestamp, deleteTopicRecords', async () => {
    const topic = 'offsets'
    await client.createTopic(topic, 2)
    await client.produce({ topic, codec: 'gzip', records: recordsAt(1000, 2000, 3000) })
    interface Offsets {
      readonly partition: number
      readonly offset: string
      readonly high?: string
      readonly low?: string
    }
    const inOrder = (offsets: Offsets[]) => offsets.sort((one, other) => one.partition - other.partition)
    const offsets = async () =>
      inOrder(await admin<Offsets[]>('fetchTopicOffsets', topic)).map(({ low, high }) => [low, high])
    assert.deepEqual(await offsets(), [
      ['0', '3'],
      ['0', '0'],
    ])
    const byTime = async (time: number) =>
      inOrder(await admin<Offsets[]>('fetchTopicOffsetsByTimestamp', topic, startMs + time)).map(
        ({ offset }) => offset,
      )
    assert.deepEqual(await byTime(1001), ['1', '0'])
    // kafkajs gives the end where nothing is that late.
    assert.deepEqual(await byTime(3001), ['3', '0'])
    await admin('deleteTopicRecords', { topic, partitions: [{ partition: 0, offset: '2' }] })
    assert.deepEqual(await offsets(), [
      ['2', '3'],
      ['0', '0'],
    ])
    await admin('deleteTopicRecords', { topic, partitions: [{ partition: 0, offset: '-1' }] })
    assert.deepEqual((await offsets())[0], ['3', '3'])
    await assert.rejects(
      admin('deleteTopicRecords', { topic, partitions: [{ partition: 0, offset: '9' }] }),
      {
        code: 1,
        name: 'OFFSET_OUT_OF_RANGE',
      },
    )
  })

  test('describeCluster: the broker under the address it was reached by', async () => {
    interface Cluster {
      readonly brokers: readonly { nodeId: number; host: string; port: number }[]
      readonly controller: number | null
      readonly clusterId: string
    }
    const { brokers, controller, clusterId } = await admin<Cluster>('describeCluster')
    const [host, port] = broker.bootstrapServers.split(':')
    assert.deepEqual(brokers, [{ nodeId: controller, host, port: Number(port) }])
    assert.match(clusterId, /^[A-Za-z0-9_-]{22}$/)
  })

  for (const how of ['clean', 'kill -9'] as const) {
    test(`restart in mid-stream (${how}), idempotent: nothing is lost, doubled or out of order`, () =>
      restartInMidStream(client, {
        topic: `restart-${how.replace(' ', '')}`,
        count: 30_000,
        partitions: 3,
        codec: 'gzip',
        recordsPerSecond: 10_000,
        restartAfter: 9_000,
        how,
      }))
  }
})
