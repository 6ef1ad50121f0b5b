// Settings as DescribeConfigs tells them: value, source, synonyms.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ConfigDescription,
  describeBrokerConfig,
  describeDefaultBrokerConfig,
  describeTopicConfig,
} from '../../src/config/describe.ts'
import type { BrokerConfigLayers } from '../../src/config/dynamic-broker-config.ts'

const texts = (entries: Record<string, string> = {}) => new Map(Object.entries(entries))

function layers(
  fixed: Record<string, string> = {},
  defaults: Record<string, string> = {},
  perBroker: Record<string, string> = {},
): BrokerConfigLayers {
  return { static: texts(fixed), defaults: texts(defaults), perBroker: texts(perBroker) }
}

const options = { includeSynonyms: true }

/** One entry as `value source [name=value source, ...]`. */
function line(entries: ConfigDescription[], name: string): string {
  const entry = entries.find((candidate) => candidate.name === name)!
  const synonyms = entry.synonyms.map((synonym) => `${synonym.name}=${synonym.value} ${synonym.source}`)
  return `${entry.value} ${entry.configSource} [${synonyms.join(', ')}]`
}

const topic = (name: string, said: BrokerConfigLayers, overrides: Record<string, string> = {}) =>
  line(describeTopicConfig(said, texts(overrides), options), name)
const broker = (name: string, said: BrokerConfigLayers) => line(describeBrokerConfig(said, options), name)

describe('describing topics', () => {
  test('the synonyms come in the order in which they would take over', () => {
    const said = layers(
      { 'log.segment.bytes': '3000000' },
      { 'log.segment.bytes': '4000000' },
      { 'log.segment.bytes': '5000000' },
    )
    assert.equal(
      topic('segment.bytes', said, { 'segment.bytes': '2000000' }),
      '2000000 1 [segment.bytes=2000000 1, log.segment.bytes=5000000 2, log.segment.bytes=4000000 3, ' +
        'log.segment.bytes=3000000 4, log.segment.bytes=1073741824 5]',
    )
    assert.match(topic('segment.bytes', said), /^5000000 2 /)
    assert.equal(topic('segment.bytes', layers()), '1073741824 5 [log.segment.bytes=1073741824 5]')
  })

  test('units of time: the value is in the unit of the setting, the synonym as it was said', () => {
    assert.equal(topic('retention.ms', layers()), '604800000 5 []')
    assert.equal(
      topic('retention.ms', layers({ 'log.retention.hours': '24' })),
      '86400000 4 [log.retention.hours=24 4]',
    )
    assert.equal(
      topic('retention.ms', layers({ 'log.retention.hours': '24' }, { 'log.retention.ms': '7' })),
      '7 3 [log.retention.ms=7 3, log.retention.hours=24 4]',
    )
  })

  test('a setting that brokers do not have has no synonym but its own', () => {
    const key = 'leader.replication.throttled.replicas'
    assert.equal(topic(key, layers()), ' 5 []')
    assert.equal(topic(key, layers(), { [key]: '0:1, 1:2' }), `0:1,1:2 1 [${key}=0:1,1:2 1]`)
  })

  test('a stored value without sense is not told', () => {
    assert.match(topic('segment.bytes', layers(), { 'segment.bytes': 'huge' }), /^1073741824 5 /)
  })

  test('an entry carries type, read-only, default and documentation as the response does', () => {
    const [entry] = describeTopicConfig(layers(), texts({ 'retention.ms': '5' }), {
      keys: ['retention.ms', 'unknown.key'],
      includeDocumentation: true,
    })
    assert.deepEqual(entry, {
      name: 'retention.ms',
      value: '5',
      readOnly: false,
      isDefault: false,
      configSource: 1,
      isSensitive: false,
      synonyms: [],
      configType: 5,
      documentation: entry?.documentation,
    })
    assert.match(entry.documentation ?? '', /^Milliseconds after which segments are deleted/)
  })

  test('all 33 settings are told, sorted, documentation only when asked for', () => {
    const entries = describeTopicConfig(layers(), texts())
    assert.equal(entries.length, 33)
    const names = entries.map(({ name }) => name)
    assert.deepEqual(names, [...names].sort())
    assert.ok(entries.every(({ documentation, isDefault }) => documentation === null && isDefault))
    assert.equal(describeTopicConfig(layers(), texts(), { keys: [] }).length, 0)
    assert.equal(describeTopicConfig(layers(), texts(), { keys: null }).length, 33)
  })
})

describe('describing brokers', () => {
  test('a value says which layer it comes from', () => {
    assert.equal(broker('num.partitions', layers()), '1 5 [num.partitions=1 5]')
    assert.equal(
      broker('num.partitions', layers({ 'num.partitions': ' 3' })),
      '3 4 [num.partitions=3 4, num.partitions=1 5]',
    )
    assert.equal(
      broker('message.max.bytes', layers({}, {}, { 'message.max.bytes': '9' })),
      '9 2 [message.max.bytes=9 2, message.max.bytes=1048588 5]',
    )
    assert.equal(broker('broker.rack', layers()), 'null 5 []')
  })

  test('a setting that another one stands in for shows the value in force', () => {
    const said = layers({ 'log.retention.hours': '24', 'broker.id': '6', 'log.dir': '/a' })
    assert.match(broker('log.retention.ms', said), /^86400000 4 \[log.retention.hours=24 4\]/)
    assert.match(broker('log.retention.hours', said), /^24 4 /)
    assert.match(broker('log.retention.minutes', said), /^null 5 \[\]/)
    assert.match(broker('node.id', said), /^6 4 \[broker.id=6 4\]/)
    assert.match(broker('log.dirs', said), /^\/a 4 /)
  })

  test('only what can be altered is not read-only', () => {
    const entries = new Map(describeBrokerConfig(layers()).map((entry) => [entry.name, entry]))
    assert.equal(entries.get('node.id')?.readOnly, true)
    assert.equal(entries.get('log.retention.ms')?.readOnly, false)
    assert.equal(entries.get('message.max.bytes')?.configType, 3)
    assert.equal(entries.get('auto.create.topics.enable')?.configType, 1)
    assert.equal(entries.get('listeners')?.configType, 7)
    assert.equal(entries.get('log.cleaner.min.cleanable.ratio')?.configType, 6)
    assert.equal(entries.get('max.connections.per.ip.overrides')?.configType, 2)
  })

  test('the resource without a name tells only what was altered for all brokers', () => {
    const entries = describeDefaultBrokerConfig(
      layers({ 'num.partitions': '3' }, { 'log.retention.ms': '5' }, { 'message.max.bytes': '9' }),
      options,
    )
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['log.retention.ms'],
    )
    assert.equal(line(entries, 'log.retention.ms'), '5 3 [log.retention.ms=5 3]')
  })
})
