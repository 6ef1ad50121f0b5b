// @platformatic/kafka, run by Node 24, on the broker under test: producer, admin, and its consumer's fetch without a group.
// It speaks flexible versions only, and batches without a producer id come with epoch 0 and sequence 0.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ClientProgram } from '../programs/client-program.ts'
import { installPackagesOf, nodeBinary, nodeSkipReason } from '../programs/node-packages.ts'
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

describe('@platformatic/kafka', { skip: nodeSkipReason() }, () => {
  let broker: BrokerUnderTest
  let program: ClientProgram
  let client: Client

  const admin = <Result>(call: string, ...parameters: unknown[]) =>
    client.call<Result>('admin', { call, parameters })
  const nodeId = async () => {
    const { brokers } = await admin<{ brokers: Record<string, object> }>('metadata', {})
    return Number(Object.keys(brokers)[0])
  }

  before(async () => {
    const directory = await installPackagesOf('javascript')
    program = new ClientProgram(await nodeBinary(24), [`${directory}/platformatic.mjs`])
    broker = await startBrokerUnderTest({ properties: { 'log.retention.ms': '-1', 'num.partitions': '2' } })
    client = new Client(program, broker, { nullHeaders: true })
  })
  after(async () => {
    await program?.close()
    await broker?.stop()
  })

  for (const codec of codecs) {
    test(`${codec}: odd keys, values and headers come back as they were sent`, () =>
      oddRecordsRoundTrip(client, codec))
  }

  test('zstd: 100,000 records come back byte for byte', () =>
    manyRecordsRoundTrip(client, { topic: 'many', count: 100_000, partitions: 3, codec: 'zstd' }))

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
    // The client says it in its own words, from metadata that has an error for this topic.
    await assert.rejects(unknown, /Unknown topic absent/)
  })

  test('createTopics, listTopics, createPartitions, deleteTopics', async () => {
    interface Created {
      readonly name: string
      readonly id: string
      readonly partitions: number
      readonly replicas: number
      readonly configuration: Readonly<Record<string, { value: string }>>
    }
    const [created] = await admin<Created[]>('createTopics', {
      topics: ['admin-a'],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.bytes', value: '5000' }],
    })
    assert.deepEqual([created?.name, created?.partitions, created?.replicas], ['admin-a', 2, 1])
    assert.match(created!.id, /^[0-9a-f-]{36}$/)
    const again = admin('createTopics', { topics: ['admin-a'], partitions: 1, replicas: 1 })
    await assert.rejects(again, { code: 36, name: 'TOPIC_ALREADY_EXISTS' })
    await waitFor('the topic in the list', async () =>
      (await admin<string[]>('listTopics', {})).includes('admin-a') ? true : undefined,
    )
    await admin('createPartitions', { topics: [{ name: 'admin-a', count: 4, assignments: null }] })
    const shrinking = admin('createPartitions', {
      topics: [{ name: 'admin-a', count: 3, assignments: null }],
    })
    await assert.rejects(shrinking, { code: 37, name: 'INVALID_PARTITIONS' })
    interface Metadata {
      readonly topics: Record<
        string,
        { id: string; partitionsCount: number; partitions: { leader: number }[] }
      >
    }
    const metadata = await waitFor('four partitions', async () => {
      const { topics } = await admin<Metadata>('metadata', { topics: ['admin-a'], forceUpdate: true })
      return topics['admin-a']?.partitionsCount === 4 ? topics['admin-a'] : undefined
    })
    assert.equal(metadata.id, created?.id)
    assert.deepEqual(
      metadata.partitions.map(({ leader }) => leader),
      new Array(4).fill(await nodeId()),
    )
    await admin('deleteTopics', { topics: ['admin-a'] })
    await assert.rejects(admin('deleteTopics', { topics: ['admin-a'] }), {
      code: 3,
      name: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  test('describeConfigs, incrementalAlterConfigs, alterConfigs', async () => {
    const topic = 'configured'
    await client.createTopic(topic, 1, { 'retention.bytes': '1000' })
    const resource = { resourceType: 2, resourceName: topic }
    interface Described {
      readonly configs: readonly {
        name: string
        value: string
        configSource: number
        documentation: string
      }[]
    }
    const describeConfigs = async () => {
      const [described] = await admin<Described[]>('describeConfigs', {
        resources: [{ ...resource, configurationKeys: ['retention.bytes', 'segment.ms'] }],
        includeDocumentation: true,
      })
      for (const { documentation } of described!.configs) assert.ok(documentation.length > 20)
      return described!.configs.map(({ name, value, configSource }) => [name, value, configSource]).sort()
    }
    assert.deepEqual(await describeConfigs(), [
      ['retention.bytes', '1000', 1],
      ['segment.ms', '604800000', 5],
    ])
    await admin('incrementalAlterConfigs', {
      resources: [{ ...resource, configs: [{ name: 'segment.ms', configOperation: 0, value: '80000' }] }],
    })
    assert.deepEqual(await describeConfigs(), [
      ['retention.bytes', '1000', 1],
      ['segment.ms', '80000', 1],
    ])
    await admin('alterConfigs', {
      resources: [{ ...resource, configs: [{ name: 'retention.bytes', value: '2000' }] }],
    })
    assert.deepEqual(await describeConfigs(), [
      ['retention.bytes', '2000', 1],
      ['segment.ms', '604800000', 5],
    ])
    const bad = { ...resource, configs: [{ name: 'segment.ms', configOperation: 0, value: 'soon' }] }
    await assert.rejects(admin('incrementalAlterConfigs', { resources: [bad] }), {
      code: 40,
      name: 'INVALID_CONFIG',
    })
  })

  test('listOffsets of every kind the client asks for, deleteRecords', async () => {
    const topic = 'offsets'
    await client.createTopic(topic)
    await client.produce({ topic, codec: 'gzip', records: recordsAt(1000, 3000, 2000) })
    const offsetOf = async (timestamp: number) => {
      const partitions = [{ partitionIndex: 0, timestamp }]
      interface Listed {
        readonly partitions: readonly { offset: number; timestamp: number }[]
      }
      const [listed] = await admin<Listed[]>('listOffsets', { topics: [{ name: topic, partitions }] })
      const { offset, timestamp: found } = listed!.partitions[0]!
      return [offset, found]
    }
    assert.deepEqual(await offsetOf(-1), [3, -1])
    assert.deepEqual(await offsetOf(-2), [0, -1])
    assert.deepEqual(await offsetOf(-3), [1, startMs + 3000])
    assert.deepEqual(await offsetOf(startMs + 1001), [1, startMs + 3000])
    assert.deepEqual(await offsetOf(startMs + 3001), [-1, -1])
    const consumerSays = await client.call('listOffsets', { topic, timestamp: -1 })
    assert.deepEqual(consumerSays, { [topic]: [3] })
    interface Deleted {
      readonly partitions: readonly { partition: number; lowWatermark: number }[]
    }
    const deleteTo = (offset: number) =>
      admin<Deleted[]>('deleteRecords', { topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] })
    assert.deepEqual((await deleteTo(2))[0]?.partitions, [{ partition: 0, lowWatermark: 2 }])
    assert.deepEqual(await offsetOf(-2), [2, -1])
    await assert.rejects(deleteTo(9), { code: 1, name: 'OFFSET_OUT_OF_RANGE' })
  })

  test('describeLogDirs tells the bytes of a partition', async () => {
    const topic = 'log-dirs'
    await client.createTopic(topic)
    await client.produce({ topic, records: recordsAt(1, 2, 3) })
    interface Described {
      readonly broker: number
      readonly results: readonly {
        readonly logDir: string
        readonly topics: readonly {
          name: string
          partitions: { partitionIndex: number; partitionSize: number }[]
        }[]
      }[]
    }
    const [described] = await admin<Described[]>('describeLogDirs', {
      topics: [{ name: topic, partitions: [0] }],
    })
    assert.deepEqual(
      [described?.broker, described?.results.map(({ logDir }) => logDir)],
      [await nodeId(), [broker.logDir]],
    )
    const [partition] = described!.results[0]!.topics.find(({ name }) => name === topic)!.partitions
    // One batch: 61 bytes before the records, 11 or 12 for each of three.
    assert.ok(partition!.partitionSize > 61 && partition!.partitionSize < 150, JSON.stringify(partition))
  })

  for (const how of ['clean', 'kill -9'] as const) {
    test(`restart in mid-stream (${how}), idempotent: nothing is lost, doubled or out of order`, () =>
      restartInMidStream(client, {
        topic: `restart-${how.replace(' ', '')}`,
        count: 30_000,
        partitions: 3,
        codec: 'lz4',
        recordsPerSecond: 10_000,
        restartAfter: 9_000,
        how,
      }))
  }
})
