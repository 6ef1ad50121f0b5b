// Metadata, version by version.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleMetadata } from '../../src/api/metadata.ts'
import { advance } from '../../src/cluster/image.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'
import { noteLines } from '../support/local-broker.ts'
import { type AdminFixture, ask, versionsOf, withAdmin } from './admin-context.ts'

const NOT_ASKED = -0x80000000
const ALL_TOPIC_OPERATIONS = 3576

const named = (...names: string[]) => names.map((name) => ({ name }))
const query = (version: number, request: object, fixture: AdminFixture) =>
  ask(metadata, handleMetadata, version, { topics: null, ...request }, fixture)

describe('Metadata answers every version', () => {
  for (const version of versionsOf(metadata)) {
    test(`version ${version}`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 2 })
        const answer = await query(version, { topics: named('t') }, fixture)
        assert.deepEqual(answer.brokers, [{ nodeId: 1, host: 'host-1', port: 9092, rack: null }])
        assert.equal(answer.controllerId, version >= 1 ? 1 : -1)
        assert.equal(answer.clusterId, version >= 2 ? fixture.view.image().clusterId : null)
        const [topic] = answer.topics
        assert.deepEqual([topic?.errorCode, topic?.name, topic?.isInternal], [0, 't', false])
        assert.equal(topic?.topicId, version >= 10 ? fixture.view.image().topics.get('t')?.id : ZERO_UUID)
        const expected = {
          errorCode: 0,
          leaderId: 1,
          leaderEpoch: version >= 7 ? 0 : -1,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        }
        assert.deepEqual(topic?.partitions, [
          { ...expected, partitionIndex: 0 },
          { ...expected, partitionIndex: 1 },
        ])
        assert.equal(topic?.topicAuthorizedOperations, NOT_ASKED)
        assert.equal(answer.clusterAuthorizedOperations, NOT_ASKED)
        assert.equal(answer.errorCode, 0)
      }))
  }
})

describe('Metadata gives', () => {
  test('all topics for an empty list in version 0, and for null from version 1 on', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1, u: 1 })
      assert.equal((await query(0, { topics: [] }, fixture)).topics.length, 2)
      for (const version of [1, 8, 13]) {
        assert.equal((await query(version, { topics: null }, fixture)).topics.length, 2)
        assert.equal((await query(version, { topics: [] }, fixture)).topics.length, 0)
      }
    }))

  test('a topic once that was asked for twice, in the order of the request', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1, u: 1 })
      const { topics } = await query(9, { topics: named('u', 't', 'u') }, fixture)
      assert.deepEqual(
        topics.map(({ name }) => name),
        ['u', 't'],
      )
    }))

  test('topics by id from version 12 on, and an error for an unknown id', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const topicId = fixture.view.image().topics.get('t')!.id
      const unknown = 'xxxxxxxxxxxxxxxxxxxxxA'
      for (const version of [12, 13]) {
        const { topics } = await query(
          version,
          {
            topics: [
              { name: null, topicId },
              { name: null, topicId: unknown },
            ],
          },
          fixture,
        )
        assert.deepEqual(
          topics.map(({ errorCode, name, topicId }) => [errorCode, name, topicId]),
          [
            [0, 't', topicId],
            [100, null, unknown],
          ],
        )
      }
      for (const version of [10, 11]) {
        const { topics } = await query(version, { topics: [{ name: 't', topicId }, { name: null }] }, fixture)
        assert.deepEqual(
          topics.map(({ errorCode }) => errorCode),
          [42, 42],
        )
      }
    }))

  test('authorized operations when they are asked for', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const request = {
        topics: named('t'),
        includeTopicAuthorizedOperations: true,
        includeClusterAuthorizedOperations: true,
      }
      const answer = await query(10, request, fixture)
      assert.equal(answer.topics[0]?.topicAuthorizedOperations, ALL_TOPIC_OPERATIONS)
      assert.equal(answer.clusterAuthorizedOperations, 8096)
    }))

  test('a partition without a leader, and the replicas that are away', () =>
    withAdmin(async (fixture) => {
      const assignments = [{ partitionIndex: 0, brokerIds: [1] }]
      await fixture.controller.createTopics(
        [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
        { validateOnly: false },
      )
      const image = fixture.view.image()
      const topic = image.topics.get('t')!
      const lost = { ...topic.partitions[0]!, leader: -1, leaderEpoch: 4, replicas: [1, 7] }
      const cluster = { image: () => advance(image, { topics: [{ ...topic, partitions: [lost] }] }) }
      const context = { ...fixture.context, broker: { ...fixture.context.broker, cluster } }
      const answer = await query(13, { topics: named('t') }, { ...fixture, context })
      assert.deepEqual(answer.topics[0]?.partitions, [
        {
          errorCode: 5,
          partitionIndex: 0,
          leaderId: -1,
          leaderEpoch: 4,
          replicaNodes: [1, 7],
          isrNodes: [1],
          offlineReplicas: [7],
        },
      ])
    }))

  test('LISTENER_NOT_FOUND when the leader is not on the listener of the client, to those who know it', () =>
    withAdmin(
      async (fixture) => {
        await fixture.createTopics({ t: 1 })
        for (const [version, code] of [
          [5, 5],
          [6, 72],
        ] as const) {
          const answer = await query(version, { topics: named('t') }, fixture)
          assert.deepEqual(answer.brokers, [])
          assert.equal(answer.topics[0]?.partitions[0]?.errorCode, code)
          assert.equal(answer.topics[0]?.partitions[0]?.leaderId, -1)
        }
      },
      { overrides: { listenerName: 'OTHER' } },
    ))
})

describe('a topic that is not there', () => {
  const allowed = { allowAutoTopicCreation: true }

  test('is created, and has a leader in the very answer', () =>
    withAdmin(
      async (fixture) => {
        for (const version of [0, 3, 4, 13]) {
          const { topics } = await query(version, { topics: named(`t${version}`), ...allowed }, fixture)
          assert.equal(topics[0]?.errorCode, 0)
          assert.deepEqual(
            topics[0]?.partitions.map(({ leaderId }) => leaderId),
            [1, 1],
          )
        }
      },
      { settings: { 'num.partitions': '2' } },
    ))

  test('is not created when the client or the broker does not want it, nor by an id or as an internal topic', async () => {
    await withAdmin(async (fixture) => {
      const denied = await query(9, { topics: named('t', 'a/b'), allowAutoTopicCreation: false }, fixture)
      assert.deepEqual(
        denied.topics.map(({ errorCode }) => errorCode),
        [3, 17],
      )
      const odd = await query(12, { topics: named('a/b', '__consumer_offsets', '..'), ...allowed }, fixture)
      assert.deepEqual(
        odd.topics.map(({ errorCode, isInternal }) => [errorCode, isInternal]),
        [
          [17, false],
          [3, true],
          [17, false],
        ],
      )
      await query(12, { topics: null, ...allowed }, fixture)
      assert.equal(fixture.view.image().topics.size, 0)
    })
    await withAdmin(
      async (fixture) => {
        const { topics } = await query(9, { topics: named('t'), ...allowed }, fixture)
        assert.deepEqual([topics[0]?.errorCode, topics[0]?.name], [3, 't'])
      },
      { settings: { 'auto.create.topics.enable': 'false' } },
    )
  })

  test('writes one line about however many topics could not be created', () =>
    withAdmin(
      async (fixture) => {
        const { logger, lines } = noteLines()
        const { context } = fixture
        const request = { topics: named('t', 'u', 'v') }
        const inLog = { context: { ...context, broker: { ...context.broker, logger } } }
        await query(9, request, { ...fixture, ...inLog })
        assert.deepEqual(
          lines.map(({ fields }) => [
            (fields as { topic?: string }).topic,
            (fields as { others?: number }).others,
          ]),
          [['t', 2]],
        )
      },
      { settings: { 'default.replication.factor': '2' } },
    ))

  test('keeps its reason when it cannot be created, and others are answered', () =>
    withAdmin(
      async (fixture) => {
        const { topics } = await query(9, { topics: named('t') }, fixture)
        assert.deepEqual(
          topics.map(({ errorCode }) => errorCode),
          [38],
        )
      },
      { settings: { 'default.replication.factor': '2' } },
    ))
})

describe('the address a client is told', () => {
  const endpoint = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' as const }
  const told = async (host: string, port: number, localAddress: string) => {
    let seen: unknown
    await withAdmin(
      async (fixture) => {
        const broker = { id: 1, epoch: 1, rack: 'r', endpoints: [{ ...endpoint, host, port }] }
        const cluster = { image: () => advance(fixture.view.image(), { brokers: [broker] }) }
        const context = { ...fixture.context, broker: { ...fixture.context.broker, cluster } }
        seen = (await query(13, { topics: [] }, { ...fixture, context })).brokers[0]
      },
      { overrides: { localAddress, localPort: 1234 } },
    )
    return seen
  }

  test('is the advertised one, if there is one', async () => {
    assert.deepEqual(await told('kafka.example', 9094, '10.0.0.1'), {
      nodeId: 1,
      host: 'kafka.example',
      port: 9094,
      rack: 'r',
    })
  })
  test('is the one it dialled otherwise', async () => {
    assert.deepEqual(await told('', 0, '::ffff:10.0.0.1'), {
      nodeId: 1,
      host: '10.0.0.1',
      port: 1234,
      rack: 'r',
    })
  })
})
