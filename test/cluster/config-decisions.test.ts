// What may be altered, and what altering comes to: topics and brokers, one setting or all of them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forReal, names, onlyValidate, topicNamed, withFixture } from './fixture.ts'

describe('settings', () => {
  const topic = (...operations: { name: string; operation: number; value: string | null }[]) => [
    { type: 2, name: 't', operations },
  ]
  const set = (name: string, value: string | null) => ({ name, operation: 0, value })

  test('are changed one by one, and are in the image when the call resolves', async () => {
    await withFixture(async ({ controller, view }) => {
      await controller.createTopics(
        [topicNamed('t', { configs: [{ name: 'retention.ms', value: '5' }] })],
        forReal,
      )
      const configs = () => Object.fromEntries(view.image().topics.get('t')!.configs)
      await controller.incrementalAlterConfigs(topic(set('cleanup.policy', 'compact')), forReal)
      assert.deepEqual(configs(), { 'retention.ms': '5', 'cleanup.policy': 'compact' })
      await controller.incrementalAlterConfigs(
        topic({ name: 'cleanup.policy', operation: 2, value: 'delete' }),
        forReal,
      )
      assert.equal(configs()['cleanup.policy'], 'compact,delete')
      await controller.incrementalAlterConfigs(
        topic({ name: 'cleanup.policy', operation: 3, value: 'compact' }),
        forReal,
      )
      assert.equal(configs()['cleanup.policy'], 'delete')
      await controller.incrementalAlterConfigs(
        topic({ name: 'retention.ms', operation: 1, value: null }),
        forReal,
      )
      assert.deepEqual(configs(), { 'cleanup.policy': 'delete' })
      await controller.incrementalAlterConfigs(topic(set('retention.ms', '7')), onlyValidate)
      assert.deepEqual(configs(), { 'cleanup.policy': 'delete' })
      await controller.alterConfigs(
        [{ type: 2, name: 't', configs: [{ name: 'retention.ms', value: '9' }] }],
        forReal,
      )
      assert.deepEqual(configs(), { 'retention.ms': '9' })
    })
  })

  test('of a broker and of all brokers are kept apart', async () => {
    await withFixture(async ({ controller, view }) => {
      const operations = (value: string) => [set('log.retention.ms', value)]
      const outcomes = await controller.incrementalAlterConfigs(
        [
          { type: 4, name: '', operations: operations('1000') },
          { type: 4, name: '1', operations: operations('2000') },
        ],
        forReal,
      )
      assert.deepEqual(names(outcomes), ['NONE', 'NONE'])
      const { brokerConfigs } = view.image()
      assert.equal(brokerConfigs.default.get('log.retention.ms'), '1000')
      assert.equal(brokerConfigs.byId.get(1)?.get('log.retention.ms'), '2000')
    })
  })

  const cases: [rule: string, change: object, error: string][] = [
    ['an unknown topic', { name: 'x', operations: [set('retention.ms', '1')] }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [
      'an impossible topic',
      { name: 'a b', operations: [set('retention.ms', '1')] },
      'INVALID_TOPIC_EXCEPTION',
    ],
    ['all topics', { name: '', operations: [set('retention.ms', '1')] }, 'INVALID_REQUEST'],
    ['an unknown setting', { operations: [set('x', '1')] }, 'INVALID_CONFIG'],
    ['a bad value', { operations: [set('retention.ms', 'x')] }, 'INVALID_CONFIG'],
    [
      'a value of more than 32,767 characters',
      { operations: [set('leader.replication.throttled.replicas', `${'0:1,'.repeat(8192)}0:1`)] },
      'INVALID_CONFIG',
    ],
    ['a null value', { operations: [set('retention.ms', null)] }, 'INVALID_REQUEST'],
    [
      'appending to a number',
      { operations: [{ name: 'retention.ms', operation: 2, value: '1' }] },
      'INVALID_CONFIG',
    ],
    [
      'an unknown operation',
      { operations: [{ name: 'retention.ms', operation: 4, value: '1' }] },
      'INVALID_REQUEST',
    ],
    [
      'a setting that is altered twice',
      { operations: [set('retention.ms', '1'), set('retention.ms', '2')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker that is not there',
      { type: 4, name: '5', operations: [set('log.retention.ms', '1')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker name that is no number',
      { type: 4, name: 'x', operations: [set('log.retention.ms', '1')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker setting that needs a restart',
      { type: 4, name: '1', operations: [set('log.dirs', '/x')] },
      'INVALID_REQUEST',
    ],
    ['loggers', { type: 8, name: '1', operations: [set('root', 'DEBUG')] }, 'INVALID_REQUEST'],
    ['client metrics', { type: 16, name: 'm', operations: [set('interval.ms', '1')] }, 'INVALID_REQUEST'],
    [
      'a group setting out of bounds',
      { type: 32, name: 'g', operations: [set('consumer.session.timeout.ms', '1')] },
      'INVALID_CONFIG',
    ],
    [
      'all groups',
      { type: 32, name: '', operations: [set('consumer.session.timeout.ms', '50000')] },
      'INVALID_REQUEST',
    ],
    [
      'a setting of share groups',
      { type: 32, name: 'g', operations: [set('share.heartbeat.interval.ms', '5000')] },
      'INVALID_CONFIG',
    ],
    [
      'appending to a number of a group',
      {
        type: 32,
        name: 'g',
        operations: [{ name: 'consumer.session.timeout.ms', operation: 2, value: '1' }],
      },
      'INVALID_CONFIG',
    ],
    ['a type nobody knows', { type: 99, name: 'g', operations: [] }, 'INVALID_REQUEST'],
  ]
  for (const [rule, change, error] of cases) {
    test(`cannot be altered: ${rule}`, async () => {
      await withFixture(async ({ controller }) => {
        await controller.createTopics([topicNamed('t')], forReal)
        const changes = [{ type: 2, name: 't', operations: [], ...change }]
        assert.deepEqual(names(await controller.incrementalAlterConfigs(changes, onlyValidate)), [error])
        assert.deepEqual(names(await controller.incrementalAlterConfigs(changes, forReal)), [error])
      })
    })
  }

  test('of a resource that is named twice are refused, others of the request are changed', async () => {
    await withFixture(async ({ controller }) => {
      await controller.createTopics([topicNamed('t'), topicNamed('u')], forReal)
      const change = (name: string) => ({ type: 2, name, configs: [{ name: 'retention.ms', value: '1' }] })
      assert.deepEqual(
        names(await controller.alterConfigs([change('t'), change('u'), change('t')], forReal)),
        ['INVALID_REQUEST', 'NONE'],
      )
    })
  })
})
