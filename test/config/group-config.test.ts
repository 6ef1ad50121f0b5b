// The settings of groups: what a group goes by, and what may be set.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { describeGroupConfig } from '../../src/config/describe.ts'
import { resolveGroupConfig, validateGroupConfig } from '../../src/config/group-config.ts'
import { brokerRows, groupRows } from '../../src/config/keys.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'

const broker = parseBrokerConfig({
  'group.consumer.min.session.timeout.ms': '30000',
  'group.consumer.session.timeout.ms': '45000',
  'group.consumer.max.session.timeout.ms': '60000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
  'group.consumer.heartbeat.interval.ms': '3000',
  'group.consumer.max.heartbeat.interval.ms': '50000',
})

const entries = (texts: Readonly<Record<string, string>>) => new Map(Object.entries(texts))

test('a group goes by its own settings, and by its broker where it has none', () => {
  assert.deepEqual(resolveGroupConfig(broker, entries({})), {
    consumerSessionTimeoutMs: 45_000,
    consumerHeartbeatIntervalMs: 3000,
    consumerAssignmentIntervalMs: 1000,
  })
  const own = entries({ 'consumer.session.timeout.ms': '50000', 'consumer.assignment.interval.ms': '0' })
  assert.deepEqual(resolveGroupConfig(broker, own), {
    consumerSessionTimeoutMs: 50_000,
    consumerHeartbeatIntervalMs: 3000,
    consumerAssignmentIntervalMs: 0,
  })
})

test('what was set under other bounds is brought within those of today', () => {
  const old = entries({ 'consumer.session.timeout.ms': '90000', 'consumer.heartbeat.interval.ms': '5' })
  const { consumerSessionTimeoutMs, consumerHeartbeatIntervalMs } = resolveGroupConfig(broker, old)
  assert.deepEqual([consumerSessionTimeoutMs, consumerHeartbeatIntervalMs], [60_000, 1000])
})

test('nonsense in the store counts as absent', () => {
  const odd = entries({ 'consumer.session.timeout.ms': 'soon', 'share.session.timeout.ms': '1' })
  assert.equal(resolveGroupConfig(broker, odd).consumerSessionTimeoutMs, 45_000)
})

describe('what may be set', () => {
  const accepted: Readonly<Record<string, string>>[] = [
    {},
    { 'consumer.session.timeout.ms': '30000' },
    { 'consumer.session.timeout.ms': '60000', 'consumer.heartbeat.interval.ms': '50000' },
    { 'consumer.assignment.interval.ms': '0' },
  ]
  for (const texts of accepted) {
    test(`accepted: ${JSON.stringify(texts)}`, () => validateGroupConfig(entries(texts), broker))
  }

  const refused: [Readonly<Record<string, string>>, RegExp][] = [
    [{ 'consumer.session.timeout.ms': '29999' }, /below group.consumer.min.session.timeout.ms \(30000\)/],
    [{ 'consumer.session.timeout.ms': '60001' }, /above group.consumer.max.session.timeout.ms \(60000\)/],
    [{ 'consumer.heartbeat.interval.ms': '999' }, /below group.consumer.min.heartbeat.interval.ms/],
    [{ 'consumer.assignment.interval.ms': '15001' }, /above group.consumer.max.assignment.interval.ms/],
    [{ 'consumer.heartbeat.interval.ms': '45000' }, /45000 is not above .*every member would time out/],
    [{ 'consumer.session.timeout.ms': 'x' }, /consumer.session.timeout.ms: 'x'/],
    [{ 'consumer.sesion.timeout.ms': '1' }, /did you mean consumer.session.timeout.ms\?/],
    [{ 'group.consumer.session.timeout.ms': '1' }, /on a group it is called consumer.session.timeout.ms/],
    [{ 'log.dirs': '/x' }, /is a setting of brokers, not of groups/],
    [
      { 'share.auto.offset.reset': 'earliest' },
      /a setting of share groups, which this broker does not serve/,
    ],
    [{ 'streams.num.standby.replicas': '1' }, /a setting of streams groups/],
  ]
  for (const [texts, message] of refused) {
    test(`refused: ${JSON.stringify(texts)}`, () => {
      assert.throws(
        () => validateGroupConfig(entries(texts), broker),
        (error) =>
          error instanceof KafkaError && error.error === errors.INVALID_CONFIG && message.test(error.message),
      )
    })
  }
})

test("a group setting has its broker setting's type, default and range", () => {
  for (const [name, row] of groupRows) {
    const inherited = brokerRows.get(row.brokerKey)
    assert.ok(inherited, name)
    const { type, default: standard, min } = inherited
    assert.deepEqual([row.type, row.default, row.min], [type, standard, min], name)
  }
})

test("is told with the broker's layers beneath it; a value that was bounded is told as it counts", () => {
  const layers = {
    static: entries({ 'group.consumer.session.timeout.ms': '46000' }),
    defaults: entries({ 'group.consumer.assignment.interval.ms': '2000' }),
    perBroker: entries({}),
  }
  const own = entries({ 'consumer.session.timeout.ms': '90000' })
  const told = describeGroupConfig(layers, own, { includeSynonyms: true })
  assert.deepEqual(
    told.map(({ name, value, configSource, readOnly }) => [name, value, configSource, readOnly]),
    [
      ['consumer.assignment.interval.ms', '2000', 3, false],
      ['consumer.heartbeat.interval.ms', '5000', 5, false],
      ['consumer.session.timeout.ms', '60000', 8, false],
    ],
  )
  assert.deepEqual(told[2]!.synonyms, [
    { name: 'consumer.session.timeout.ms', value: '90000', source: 8 },
    { name: 'group.consumer.session.timeout.ms', value: '46000', source: 4 },
    { name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 },
  ])
})
