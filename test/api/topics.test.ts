// CreateTopics, DeleteTopics and CreatePartitions on the wire, version by version. What they decide: test/cluster.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleCreatePartitions } from '../../src/api/create-partitions.ts'
import { handleCreateTopics } from '../../src/api/create-topics.ts'
import { handleDeleteTopics } from '../../src/api/delete-topics.ts'
import { createPartitions } from '../../src/wire/apis/create-partitions.ts'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'
import { type AdminFixture, ask, versionsOf, withAdmin } from './admin-context.ts'

const creatable = (name: string, overrides: object = {}) => ({
  name,
  numPartitions: 2,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...overrides,
})

const create = (
  version: number,
  request: { topics: ReturnType<typeof creatable>[]; validateOnly?: boolean },
  fixture: AdminFixture,
) => ask(createTopics, handleCreateTopics, version, { timeoutMs: 1000, ...request }, fixture)

describe('CreateTopics', () => {
  for (const version of versionsOf(createTopics)) {
    test(`version ${version} creates, and says what a client of it can know`, () =>
      withAdmin(async (fixture) => {
        const configs = [{ name: 'retention.ms', value: '5' }]
        const { topics } = await create(
          version,
          { topics: [creatable('t', { configs }), creatable('a b')] },
          fixture,
        )
        const [made, refused] = topics
        const image = fixture.view.image().topics.get('t')
        assert.deepEqual([made?.errorCode, made?.errorMessage, made?.name], [0, null, 't'])
        assert.equal(made?.topicId, version >= 7 ? image?.id : ZERO_UUID)
        assert.deepEqual([made?.numPartitions, made?.replicationFactor], version >= 5 ? [2, 1] : [-1, -1])
        assert.equal(refused?.errorCode, 17)
        assert.match(refused?.errorMessage ?? '', /'a b'/)
        assert.deepEqual([refused?.numPartitions, refused?.replicationFactor], [-1, -1])
        assert.equal(image?.partitions.length, 2)
      }))
  }

  test('tells all effective settings in order of their names, with where they come from', () =>
    withAdmin(
      async (fixture) => {
        const configs = [{ name: 'retention.ms', value: '5' }]
        const { topics } = await create(7, { topics: [creatable('t', { configs })] }, fixture)
        const told = topics[0]?.configs ?? []
        const names = told.map(({ name }) => name)
        assert.deepEqual(names, [...names].sort())
        assert.ok(names.length > 25)
        const about = (name: string) => told.find((config) => config.name === name)
        assert.deepEqual(about('retention.ms'), {
          name: 'retention.ms',
          value: '5',
          readOnly: false,
          configSource: 1,
          isSensitive: false,
        })
        assert.deepEqual(
          [about('segment.bytes')?.value, about('segment.bytes')?.configSource],
          ['2000000', 4],
        )
        assert.equal(about('cleanup.policy')?.configSource, 5)
      },
      { settings: { 'log.segment.bytes': '2000000' } },
    ))

  test('creates nothing when it only validates, and tells the same', () =>
    withAdmin(async (fixture) => {
      const { topics } = await create(7, { topics: [creatable('t')], validateOnly: true }, fixture)
      assert.deepEqual(
        [topics[0]?.errorCode, topics[0]?.numPartitions, topics[0]?.topicId],
        [0, 2, ZERO_UUID],
      )
      assert.equal(fixture.view.image().topics.size, 0)
    }))

  test('takes replicas assigned by hand', () =>
    withAdmin(
      async (fixture) => {
        const assignments = [{ partitionIndex: 0, brokerIds: [2, 1] }]
        const topic = creatable('t', { numPartitions: -1, replicationFactor: -1, assignments })
        const { topics } = await create(7, { topics: [topic] }, fixture)
        assert.deepEqual(
          [topics[0]?.errorCode, topics[0]?.numPartitions, topics[0]?.replicationFactor],
          [0, 1, 2],
        )
        assert.equal(fixture.view.image().topics.get('t')?.partitions[0]?.leader, 2)
      },
      { brokers: [{ id: 1 }, { id: 2 }] },
    ))

  test('answers an empty request with an empty answer', () =>
    withAdmin(async (fixture) => assert.deepEqual((await create(7, { topics: [] }, fixture)).topics, [])))
})

describe('DeleteTopics', () => {
  for (const version of versionsOf(deleteTopics)) {
    test(`version ${version} deletes by name`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 1, u: 1 })
        const { id } = fixture.view.image().topics.get('t')!
        const request = version >= 6 ? { topics: [{ name: 't' }, { name: 'x' }] } : { topicNames: ['t', 'x'] }
        const { responses } = await ask(
          deleteTopics,
          handleDeleteTopics,
          version,
          { timeoutMs: 1000, ...request },
          fixture,
        )
        assert.deepEqual(
          responses.map(({ name, errorCode }) => [name, errorCode]),
          [
            ['t', 0],
            ['x', 3],
          ],
        )
        assert.equal(responses[0]?.topicId, version >= 6 ? id : ZERO_UUID)
        assert.equal(responses[1]?.errorMessage === null, version < 5)
        assert.deepEqual([...fixture.view.image().topics.keys()], ['u'])
      }))
  }

  test('deletes by id from version 6 on, and tells name and id', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const topicId = fixture.view.image().topics.get('t')!.id
      const unknown = 'xxxxxxxxxxxxxxxxxxxxxA'
      const topics = [
        { name: null, topicId },
        { name: null, topicId: unknown },
        { name: null, topicId: ZERO_UUID },
      ]
      const { responses } = await ask(
        deleteTopics,
        handleDeleteTopics,
        6,
        { topics, timeoutMs: 1000 },
        fixture,
      )
      assert.deepEqual(
        responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]),
        [
          ['t', topicId, 0],
          [null, unknown, 100],
          [null, ZERO_UUID, 42],
        ],
      )
    }))

  test('says TOPIC_DELETION_DISABLED only to clients that know it', () =>
    withAdmin(
      async (fixture) => {
        await fixture.createTopics({ t: 1 })
        const code = async (version: number) => {
          const request = { topicNames: ['t'], timeoutMs: 1000 }
          return (await ask(deleteTopics, handleDeleteTopics, version, request, fixture)).responses[0]
            ?.errorCode
        }
        assert.deepEqual([await code(2), await code(3)], [42, 73])
      },
      { settings: { 'delete.topic.enable': 'false' } },
    ))
})

describe('CreatePartitions', () => {
  for (const version of versionsOf(createPartitions)) {
    test(`version ${version} adds partitions`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 1, u: 3 })
        const grow = (name: string, count: number, brokerIds?: number[][]) => ({
          name,
          count,
          assignments: brokerIds?.map((ids) => ({ brokerIds: ids })) ?? null,
        })
        const topics = [grow('t', 3), grow('u', 4, [[1]]), grow('x', 2)]
        const { results } = await ask(
          createPartitions,
          handleCreatePartitions,
          version,
          { topics, timeoutMs: 1, validateOnly: false },
          fixture,
        )
        assert.deepEqual(
          results.map(({ name, errorCode }) => [name, errorCode]),
          [
            ['t', 0],
            ['u', 0],
            ['x', 3],
          ],
        )
        const counts = ['t', 'u'].map((name) => fixture.view.image().topics.get(name)?.partitions.length)
        assert.deepEqual(counts, [3, 4])
      }))
  }

  test('adds nothing when it only validates', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const topics = [{ name: 't', count: 2, assignments: null }]
      const { results } = await ask(
        createPartitions,
        handleCreatePartitions,
        3,
        { topics, timeoutMs: 1, validateOnly: true },
        fixture,
      )
      assert.equal(results[0]?.errorCode, 0)
      assert.equal(fixture.view.image().topics.get('t')?.partitions.length, 1)
    }))
})
