// DescribeConfigs, IncrementalAlterConfigs and AlterConfigs on the wire. What may be altered: test/cluster and test/config.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleAlterConfigs } from '../../src/api/alter-configs.ts'
import { handleDescribeConfigs } from '../../src/api/describe-configs.ts'
import { handleIncrementalAlterConfigs } from '../../src/api/incremental-alter-configs.ts'
import { alterConfigs } from '../../src/wire/apis/alter-configs.ts'
import { describeConfigs } from '../../src/wire/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { type AdminFixture, ask, versionsOf, withAdmin } from './admin-context.ts'

const TOPIC = 2
const BROKER = 4

const query = (version: number, resources: object[], fixture: AdminFixture, options: object = {}) =>
  ask(
    describeConfigs,
    handleDescribeConfigs,
    version,
    {
      resources: resources.map((resource) => ({
        resourceType: TOPIC,
        resourceName: 't',
        configurationKeys: null,
        ...resource,
      })),
      includeSynonyms: false,
      ...options,
    },
    fixture,
  )

const set = (
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
  configOperation = 0,
) => ({
  resourceType,
  resourceName,
  configs: [{ name, configOperation, value }],
})

describe('DescribeConfigs', () => {
  for (const version of versionsOf(describeConfigs)) {
    test(`version ${version} tells a topic's settings`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 1 })
        const options = { includeSynonyms: true, includeDocumentation: true }
        const { results } = await query(version, [{ configurationKeys: ['segment.bytes'] }], fixture, options)
        const { documentation, ...config } = results[0]!.configs[0]!
        assert.deepEqual(config, {
          name: 'segment.bytes',
          value: '1073741824',
          readOnly: false,
          configSource: 5,
          isSensitive: false,
          synonyms: [{ name: 'log.segment.bytes', value: '1073741824', source: 5 }],
          configType: version >= 3 ? 3 : 0,
        })
        assert.equal(documentation !== null && documentation.length > 0, version >= 3)
      }))
  }

  test('takes null and an empty list of keys as all of them, and passes over unknown ones', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const count = async (configurationKeys: string[] | null) =>
        (await query(4, [{ configurationKeys }], fixture)).results[0]?.configs.length
      assert.ok((await count(null))! > 25)
      assert.equal(await count([]), await count(null))
      assert.equal(await count(['retention.ms', 'no.such.key']), 1)
      assert.equal(await count(['no.such.key']), 0)
    }))

  test('answers for each resource by itself, in order', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const { results } = await query(
        4,
        [
          {},
          { resourceName: 'x' },
          { resourceType: BROKER, resourceName: '1' },
          { resourceType: BROKER, resourceName: '' },
          { resourceType: BROKER, resourceName: '2' },
          { resourceType: BROKER, resourceName: 'x' },
          { resourceType: 8, resourceName: '1' },
          { resourceType: 16, resourceName: 'm' },
          { resourceType: 32, resourceName: 'g' },
          { resourceType: 0, resourceName: '' },
          { resourceType: 16, resourceName: '' },
          { resourceName: 'a b' },
          { resourceName: '' },
        ],
        fixture,
      )
      assert.deepEqual(
        results.map(({ errorCode }) => errorCode),
        [0, 3, 0, 0, 42, 42, 42, 0, 0, 42, 42, 17, 17],
      )
      assert.deepEqual(
        results.map(({ configs }) => configs.length > 0),
        [true, false, true, ...Array(5).fill(false), true, ...Array(4).fill(false)],
      )
      for (const { errorCode, errorMessage } of results) assert.equal(errorMessage === null, errorCode === 0)
      assert.match(results[4]!.errorMessage!, /'2'/)
    }))

  test('ends an answer that a small request would make gigabytes of, and works alike resources out once', () =>
    withAdmin(async (fixture) => {
      const resourceOf = (resourceType: number, resourceName: string) => ({
        resourceType,
        resourceName,
        configurationKeys: null,
      })
      const broker = resourceOf(BROKER, '1')
      const groups = Array.from({ length: 3000 }, (_, i) => resourceOf(32, `g${i}`))
      const resources = [...groups, ...Array.from({ length: 100_000 }, () => broker)]
      const request = { resources, includeSynonyms: true, includeDocumentation: true }
      const { results } = handleDescribeConfigs(request, { ...fixture.context, apiVersion: 4 })
      const refused = results!.findIndex(({ errorCode }) => errorCode !== 0)
      assert.ok(refused > groups.length && refused < 20_000, `refused from ${refused} on`)
      assert.match(results![refused]!.errorMessage!, /fewer resources/)
      assert.ok(results!.slice(refused).every(({ errorCode }) => errorCode === 42))
      assert.equal(new Set(results!.slice(0, refused).map(({ configs }) => configs)).size, 2)
    }))

  test('lays what was altered over what the broker was started with, strongest first', () =>
    withAdmin(
      async (fixture) => {
        await fixture.createTopics({ t: 1 })
        const resources = [
          set(BROKER, '', 'log.retention.ms', '2000'),
          set(BROKER, '1', 'log.retention.ms', '3000'),
          set(TOPIC, 't', 'retention.ms', '4000'),
        ]
        const { responses } = await ask(
          incrementalAlterConfigs,
          handleIncrementalAlterConfigs,
          1,
          { resources, validateOnly: false },
          fixture,
        )
        assert.deepEqual(
          responses.map(({ errorCode }) => errorCode),
          [0, 0, 0],
        )
        const asked = [
          { configurationKeys: ['retention.ms'] },
          { resourceType: BROKER, resourceName: '1', configurationKeys: ['log.retention.ms'] },
          { resourceType: BROKER, resourceName: '' },
        ]
        const { results } = await query(4, asked, fixture, { includeSynonyms: true })
        const [topic, broker, all] = results.map(({ configs }) => configs[0])
        assert.deepEqual([topic?.value, topic?.configSource], ['4000', 1])
        assert.deepEqual(topic?.synonyms.slice(0, 4), [
          { name: 'retention.ms', value: '4000', source: 1 },
          { name: 'log.retention.ms', value: '3000', source: 2 },
          { name: 'log.retention.ms', value: '2000', source: 3 },
          { name: 'log.retention.ms', value: '1000', source: 4 },
        ])
        assert.deepEqual([broker?.value, broker?.configSource], ['3000', 2])
        assert.deepEqual([all?.name, all?.value, all?.configSource], ['log.retention.ms', '2000', 3])
        assert.equal(results[2]?.configs.length, 1)
      },
      { settings: { 'log.retention.ms': '1000' } },
    ))

  test('sends an administrator to the broker whose settings are asked for', () =>
    withAdmin(
      async (fixture) => {
        const { results } = await query(4, [{ resourceType: BROKER, resourceName: '2' }], fixture)
        assert.equal(results[0]?.errorCode, 42)
        assert.match(results[0].errorMessage!, /Broker 2 .*broker 1/)
      },
      { brokers: [{ id: 1 }, { id: 2 }] },
    ))
})

describe('IncrementalAlterConfigs', () => {
  for (const version of versionsOf(incrementalAlterConfigs)) {
    test(`version ${version} alters, or only validates`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 1 })
        const resources = [
          set(TOPIC, 't', 'retention.ms', '7'),
          set(TOPIC, 'x', 'retention.ms', '7'),
          set(32, 'g', 'a', 'b'),
        ]
        for (const validateOnly of [true, false]) {
          const request = { resources, validateOnly }
          const { responses } = await ask(
            incrementalAlterConfigs,
            handleIncrementalAlterConfigs,
            version,
            request,
            fixture,
          )
          assert.deepEqual(
            responses.map(({ errorCode, resourceType, resourceName }) => [
              errorCode,
              resourceType,
              resourceName,
            ]),
            [
              [0, TOPIC, 't'],
              [3, TOPIC, 'x'],
              [40, 32, 'g'],
            ],
          )
          assert.equal(fixture.view.image().topics.get('t')?.configs.size, validateOnly ? 0 : 1)
        }
      }))
  }
})

describe('AlterConfigs', () => {
  for (const version of versionsOf(alterConfigs)) {
    test(`version ${version} replaces all settings`, () =>
      withAdmin(async (fixture) => {
        await fixture.createTopics({ t: 1 })
        const alter = async (configs: { name: string; value: string | null }[], validateOnly = false) => {
          const resources = [{ resourceType: TOPIC, resourceName: 't', configs }]
          const { responses } = await ask(
            alterConfigs,
            handleAlterConfigs,
            version,
            { resources, validateOnly },
            fixture,
          )
          return responses[0]?.errorCode
        }
        const current = () => Object.fromEntries(fixture.view.image().topics.get('t')!.configs)
        assert.equal(
          await alter([
            { name: 'retention.ms', value: '1' },
            { name: 'segment.ms', value: '2' },
          ]),
          0,
        )
        assert.equal(await alter([{ name: 'retention.ms', value: '3' }]), 0)
        assert.deepEqual(current(), { 'retention.ms': '3' })
        assert.equal(await alter([], true), 0)
        assert.equal(await alter([{ name: 'retention.ms', value: null }]), 42)
        assert.equal(await alter([{ name: 'nothing', value: '1' }]), 40)
        const twice = { name: 'retention.ms', value: '4' }
        assert.equal(await alter([twice, twice]), 42)
        assert.deepEqual(current(), { 'retention.ms': '3' })
      }))
  }
})
