// franz-go's admin client (kadm) and single requests (kmsg) on topics and configs of the broker under test.
// Promises exact answers: what Apache Kafka 4.3 fills in, its error codes, and what a change leaves behind.
// Offsets, epochs, producers and the cluster are in franz-go-offsets.test.ts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { base64, recordsAt, startMs } from '../programs/numbered-records.ts'
import { skipWithout } from '../support/languages.ts'
import { waitFor } from '../support/processes.ts'
import {
  type CreatedTopic,
  codeOf,
  configOf,
  type Failed,
  FranzGoAdmin,
  type Listed,
  type Named,
  type PerPartition,
  type Resource,
  zeroId,
} from './kadm.ts'

describe('franz-go admin: topics and configs', { skip: skipWithout('Go', ['go']) }, () => {
  let client: FranzGoAdmin
  let nodeId: number

  before(async () => {
    client = await FranzGoAdmin.start()
    nodeId = await client.nodeId()
  })
  after(() => client?.stop())

  describe('topics', () => {
    test('CreateTopics answers id, counts and every effective config with its source', async () => {
      const answer = await client.admin<Named<CreatedTopic>>('createTopics', {
        topics: ['created'],
        partitions: 3,
        replicas: 1,
        configs: { 'retention.bytes': '5000', 'cleanup.policy': 'compact,delete' },
      })
      const created = answer.created!
      assert.deepEqual([codeOf(created), created.NumPartitions, created.ReplicationFactor], ['NONE', 3, 1])
      assert.notEqual(created.ID, zeroId)
      const shown = ['retention.bytes', 'cleanup.policy', 'segment.bytes'].map((key) => {
        const { Value, Source } = created.Configs[key] ?? {}
        return [Value, Source]
      })
      assert.deepEqual(shown, [
        ['5000', 'DYNAMIC_TOPIC_CONFIG'],
        ['compact,delete', 'DYNAMIC_TOPIC_CONFIG'],
        ['1073741824', 'DEFAULT_CONFIG'],
      ])
      const listed = await client.admin<Named<{ ID: string; Partitions: object }>>('listTopics', {
        topics: ['created'],
      })
      assert.equal(listed.created?.ID, created.ID, 'Metadata tells the same topic id')
    })

    test('-1 partitions and replicas are the defaults; validate only leaves nothing', async () => {
      const args = { topics: ['only-validated'], partitions: -1, replicas: -1 }
      const answer = await client.admin<Named<CreatedTopic>>('validateCreateTopics', args)
      const { NumPartitions, ReplicationFactor } = answer['only-validated']!
      assert.deepEqual([NumPartitions, ReplicationFactor], [2, 1])
      const metadata = await client.admin<{ Topics: Named<{ Err: Failed }> }>('metadata', {
        topics: ['only-validated'],
      })
      assert.equal(codeOf(metadata.Topics['only-validated']), 'UNKNOWN_TOPIC_OR_PARTITION')
    })

    test('CreateTopics refuses what cannot be, each topic by itself', async () => {
      await client.createTopic('taken.name')
      const topic = (Topic: string, rest: object = {}) => ({
        Topic,
        NumPartitions: 1,
        ReplicationFactor: 1,
        ReplicaAssignment: [],
        Configs: [],
        ...rest,
      })
      const assignment = (...replicas: number[][]) => ({
        NumPartitions: -1,
        ReplicationFactor: -1,
        ReplicaAssignment: replicas.map((Replicas, Partition) => ({ Partition, Replicas })),
      })
      const wrong: readonly (readonly [object, string, number])[] = [
        [topic('taken.name'), 'exists', 36],
        [topic('taken_name'), 'collides with taken.name', 17],
        [topic('a b'), 'has a space', 17],
        [topic('..'), 'is ..', 17],
        [topic('x'.repeat(250)), 'is too long', 17],
        [topic('no-partitions', { NumPartitions: 0 }), '0 partitions', 37],
        [topic('minus-two', { NumPartitions: -2 }), '-2 partitions', 37],
        [topic('no-replicas', { ReplicationFactor: 0 }), '0 replicas', 38],
        [topic('three-replicas', { ReplicationFactor: 3 }), '3 replicas on one broker', 38],
        [topic('bad-key', { Configs: [{ Name: 'no.such.config', Value: '1' }] }), 'unknown config', 40],
        [topic('bad-value', { Configs: [{ Name: 'retention.ms', Value: 'soon' }] }), 'bad value', 40],
        [topic('null-value', { Configs: [{ Name: 'retention.ms', Value: null }] }), 'null value', 40],
        [topic('unknown-broker', assignment([nodeId + 70])), 'assignment to no broker', 39],
        [topic('twice', assignment([nodeId, nodeId])), 'assignment twice', 39],
        [topic('both', { ...assignment([nodeId]), NumPartitions: 1 }), 'count and assignment', 42],
        [topic('assigned', assignment([nodeId], [nodeId])), 'a good assignment', 0],
        [topic('plain'), 'nothing wrong', 0],
      ]
      interface Answer {
        readonly Topics: readonly { Topic: string; ErrorCode: number; NumPartitions: number }[]
      }
      const body = { Topics: wrong.map(([of]) => of), TimeoutMillis: 10_000, ValidateOnly: false }
      const answer = await client.request<Answer>(19, body)
      const codes = new Map(answer.Topics.map(({ Topic, ErrorCode }) => [Topic, ErrorCode]))
      assert.deepEqual(
        wrong.map(([of, why]) => [why, codes.get((of as { Topic: string }).Topic)]),
        wrong.map(([, why, expected]) => [why, expected]),
      )
      assert.equal(answer.Topics.find(({ Topic }) => Topic === 'assigned')?.NumPartitions, 2)
      const twice = { ...body, Topics: [topic('same'), topic('same')] }
      const doubled = await client.request<Answer>(19, twice)
      assert.deepEqual(
        doubled.Topics.map(({ Topic, ErrorCode }) => [Topic, ErrorCode]),
        [['same', 42]],
      )
    })

    test('CreatePartitions only grows; the new partitions take records', async () => {
      const topic = 'growing'
      await client.createTopic(topic, 1)
      const set = (partitions: number, call = 'updatePartitions') =>
        client.admin<Named<{ Err: Failed }>>(call, { topics: [topic, 'absent'], partitions })
      assert.equal(codeOf((await set(4, 'validateUpdatePartitions'))[topic]), 'NONE')
      const answer = await set(3)
      assert.deepEqual([codeOf(answer[topic]), codeOf(answer.absent)], ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
      assert.equal(codeOf((await set(3))[topic]), 'INVALID_PARTITIONS')
      assert.equal(codeOf((await set(2))[topic]), 'INVALID_PARTITIONS')
      type Topic = { Partitions: Named<{ Replicas: number[]; ISR: number[] }> }
      const partitions = await waitFor('three partitions', async () => {
        const listed = await client.admin<Named<Topic>>('listTopics', { topics: [topic] })
        const known = Object.values(listed[topic]!.Partitions)
        return known.length === 3 ? known : undefined
      })
      assert.deepEqual(await client.produce({ topic, partition: 2, records: recordsAt(1) }), [{ offset: 0 }])
      assert.deepEqual(
        partitions.map(({ Replicas, ISR }) => [Replicas, ISR]),
        [0, 1, 2].map(() => [[nodeId], [nodeId]]),
      )
    })

    test('DeleteTopics by name and by id; a topic made again under the name is another one, and empty', async () => {
      const topic = 'deleted'
      const create = async () =>
        (
          await client.admin<Named<CreatedTopic>>('createTopics', {
            topics: [topic],
            partitions: 1,
            replicas: 1,
          })
        )[topic]!.ID
      const first = await create()
      await client.produce({ topic, records: recordsAt(1, 2, 3) })
      const answer = await client.admin<Named<{ Err: Failed; ID: string }>>('deleteTopics', {
        topics: [topic, 'absent'],
      })
      assert.deepEqual([codeOf(answer[topic]), codeOf(answer.absent)], ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
      assert.equal(answer[topic]?.ID, first)
      const second = await create()
      assert.notEqual(second, first)
      // The broker may need a moment to hear of the new one.
      const end = await waitFor('the end of the new topic', async () => {
        const ends = await client.admin<PerPartition<Listed>>('listEndOffsets', { topics: [topic] })
        return ends[topic]?.['0']?.Offset
      })
      assert.equal(end, 0)
      const byId = (TopicID: number[]) =>
        client.request<{ Topics: { ErrorCode: number; Topic: string | null }[] }>(20, {
          Topics: [{ Topic: null, TopicID }],
          TimeoutMillis: 10_000,
        })
      const deleted = await byId([...Buffer.from(second, 'base64')])
      assert.deepEqual(
        deleted.Topics.map(({ ErrorCode, Topic }) => [ErrorCode, Topic]),
        [[0, topic]],
      )
      const unknown = await byId([...Buffer.from(first, 'base64')])
      assert.deepEqual(
        unknown.Topics.map(({ ErrorCode }) => ErrorCode),
        [100],
      )
    })

    test('Metadata creates a topic only where the client allows it', async () => {
      const metadata = (AllowAutoTopicCreation: boolean) =>
        client.request<{ Topics: { ErrorCode: number; Partitions: object[] | null }[] }>(3, {
          Topics: [{ Topic: 'made-by-metadata' }],
          AllowAutoTopicCreation,
        })
      assert.equal((await metadata(false)).Topics[0]?.ErrorCode, 3)
      assert.equal((await metadata(false)).Topics[0]?.ErrorCode, 3)
      await metadata(true)
      const created = await waitFor('the topic that Metadata made', async () => {
        const [topic] = (await metadata(false)).Topics
        return topic?.ErrorCode === 0 ? topic : undefined
      })
      assert.equal(created.Partitions?.length, 2, 'num.partitions')
    })
  })

  describe('configs', () => {
    const configsOf = async (topic: string) =>
      (await client.admin<Resource[]>('describeTopicConfigs', { topics: [topic] }))[0]!.Configs
    const alter = (topic: string, alterations: object[], call = 'alterTopicConfigs') =>
      client.admin<Resource[]>(call, { topics: [topic], alterations })
    const [set, remove, append, subtract] = [0, 1, 2, 3]

    test('DescribeConfigs: all topic configs of Kafka 4.3 with defaults; an unknown topic is an error', async () => {
      await client.createTopic('described', 1, { 'segment.bytes': '2000000' })
      const [described, absent] = await client.admin<Resource[]>('describeTopicConfigs', {
        topics: ['described', 'absent'],
      })
      assert.equal(codeOf(absent), 'UNKNOWN_TOPIC_OR_PARTITION')
      const configs = described!.Configs
      const defaults = {
        'cleanup.policy': 'delete',
        'compression.gzip.level': '-1',
        'compression.lz4.level': '9',
        'compression.type': 'producer',
        'compression.zstd.level': '3',
        'delete.retention.ms': '86400000',
        'file.delete.delay.ms': '60000',
        'flush.messages': '9223372036854775807',
        'flush.ms': '9223372036854775807',
        'follower.replication.throttled.replicas': '',
        'index.interval.bytes': '4096',
        'leader.replication.throttled.replicas': '',
        'local.retention.bytes': '-2',
        'local.retention.ms': '-2',
        'max.compaction.lag.ms': '9223372036854775807',
        'max.message.bytes': '1048588',
        'message.timestamp.after.max.ms': '3600000',
        'message.timestamp.before.max.ms': '9223372036854775807',
        'message.timestamp.type': 'CreateTime',
        'min.cleanable.dirty.ratio': '0.5',
        'min.compaction.lag.ms': '0',
        'min.insync.replicas': '1',
        preallocate: 'false',
        'remote.log.copy.disable': 'false',
        'remote.log.delete.on.disable': 'false',
        'remote.storage.enable': 'false',
        'retention.bytes': '-1',
        // Given to the broker of these tests.
        'retention.ms': '-1',
        'segment.bytes': '2000000',
        'segment.index.bytes': '10485760',
        'segment.jitter.ms': '0',
        'segment.ms': '604800000',
        'unclean.leader.election.enable': 'false',
      }
      // Version 4.3 has internal.segment.bytes too, hidden from nobody; clients do not set it.
      const shown = configs.filter(({ Key }) => !Key.startsWith('internal.'))
      assert.deepEqual(Object.fromEntries(shown.map(({ Key, Value }) => [Key, Value]).sort()), defaults)
      const sources = ['segment.bytes', 'retention.ms', 'segment.ms'].map(
        (key) => configOf(configs, key)?.Source,
      )
      assert.deepEqual(sources, ['DYNAMIC_TOPIC_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG'])
    })

    test('IncrementalAlterConfigs sets, removes, appends and subtracts; validate only changes nothing', async () => {
      const topic = 'altered'
      await client.createTopic(topic, 1, { 'retention.bytes': '1000' })
      const changes = [
        { Op: set, Name: 'retention.ms', Value: '777000' },
        { Op: append, Name: 'cleanup.policy', Value: 'compact' },
        { Op: remove, Name: 'retention.bytes' },
      ]
      const [validated] = await alter(topic, changes, 'validateAlterTopicConfigs')
      assert.equal(codeOf(validated), 'NONE')
      assert.equal(configOf(await configsOf(topic), 'retention.ms')?.Value, '-1')
      assert.equal(codeOf((await alter(topic, changes))[0]), 'NONE')
      const after = await configsOf(topic)
      assert.deepEqual(
        ['retention.ms', 'cleanup.policy', 'retention.bytes'].map((key) => configOf(after, key)?.Value),
        ['777000', 'delete,compact', '-1'],
      )
      await alter(topic, [{ Op: subtract, Name: 'cleanup.policy', Value: 'delete' }])
      assert.equal(configOf(await configsOf(topic), 'cleanup.policy')?.Value, 'compact')
    })

    test('IncrementalAlterConfigs refuses bad keys and values, and appending to what is no list', async () => {
      const topic = 'altered-badly'
      await client.createTopic(topic)
      const bad = [
        { Op: set, Name: 'retention.ms', Value: 'x' },
        { Op: set, Name: 'no.such.config', Value: '1' },
        { Op: append, Name: 'retention.ms', Value: '5' },
        { Op: set, Name: 'min.insync.replicas', Value: '0' },
      ]
      for (const change of bad) {
        const good = { Op: set, Name: 'segment.ms', Value: '5000' }
        assert.equal(codeOf((await alter(topic, [good, change]))[0]), 'INVALID_CONFIG', change.Name)
      }
      assert.equal(configOf(await configsOf(topic), 'segment.ms')?.Source, 'DEFAULT_CONFIG', 'all or nothing')
      assert.equal(
        codeOf((await alter('absent', [{ Op: set, Name: 'segment.ms', Value: '5000' }]))[0]),
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
    })

    test('AlterConfigs replaces all that was set', async () => {
      const topic = 'replaced'
      await client.createTopic(topic, 1, { 'retention.bytes': '1000' })
      const [answer] = await alter(topic, [{ Name: 'segment.ms', Value: '90000' }], 'alterTopicConfigsState')
      assert.equal(codeOf(answer), 'NONE')
      const after = await configsOf(topic)
      assert.equal(configOf(after, 'segment.ms')?.Value, '90000')
      assert.equal(configOf(after, 'retention.bytes')?.Source, 'DEFAULT_CONFIG')
    })

    test('an altered max.message.bytes takes effect at once', async () => {
      const topic = 'shrinking'
      await client.createTopic(topic)
      const big = [{ key: null, value: base64('x'.repeat(5000)), headers: [], timestamp: startMs }]
      assert.deepEqual(await client.produce({ topic, records: big }), [{ offset: 0 }])
      await alter(topic, [{ Op: set, Name: 'max.message.bytes', Value: '1000' }])
      const [refused] = await client.produce({ topic, records: big })
      assert.equal(refused?.error?.name, 'MESSAGE_TOO_LARGE')
    })

    test("the broker's own configs", async () => {
      const [described] = await client.admin<Resource[]>('describeBrokerConfigs', { brokers: [nodeId] })
      assert.equal(codeOf(described), 'NONE')
      const shown = ['num.partitions', 'log.retention.ms', 'message.max.bytes'].map((key) => {
        const found = configOf(described!.Configs, key)
        return [found?.Value, found?.Source]
      })
      assert.deepEqual(shown, [
        ['2', 'STATIC_BROKER_CONFIG'],
        ['-1', 'STATIC_BROKER_CONFIG'],
        ['1048588', 'DEFAULT_CONFIG'],
      ])
    })
  })
})
