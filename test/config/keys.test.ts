// The tables of settings against what Apache Kafka 4.3 says about its own, and against themselves.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyDefinition } from '../../src/config/definition.ts'
import { isIgnoredKafkaKey, refusedKafkaKey } from '../../src/config/kafka-keys.ts'
import { brokerRows, chainOf, topicRows } from '../../src/config/keys.ts'
import { formatValue, parseValue } from '../../src/config/values.ts'
import { nearestName } from '../../src/lib/nearest-name.ts'
import { type KafkaFact, kafkaBrokerFacts, kafkaTopicFacts } from './kafka-facts.ts'

/** Where the default differs on purpose; docs/decisions/0003-config-keys.md says why. */
const ownDefaults = new Set([
  'node.id',
  'broker.id',
  'listeners',
  'log.dir',
  'controller.listener.names',
  'group.coordinator.rebalance.protocols',
  'group.initial.rebalance.delay.ms',
  'offsets.topic.replication.factor',
])

/** Kafka looks for changed listeners while it runs; here they are settled at the start. */
const settledAtStart = new Set(['listeners', 'listener.security.protocol.map'])

/** Kafka's validator in the words of the facts; undefined where a row may be stricter than Kafka's "no validator". */
function kafkaRange(row: KeyDefinition): string {
  if (row.ignoresCase === true) return `(case insensitive) [${row.allowed?.join(', ').toUpperCase()}]`
  if (row.allowed !== undefined) return `[${row.allowed.join(', ')}]`
  if (row.form !== undefined) return 'replicas'
  if (row.min === undefined) return ''
  const range = row.max === undefined ? `[${row.min},...]` : `[${row.min},...,${row.max}]`
  return row.special === undefined ? range : `${range} or ${row.special.join(', ')}`
}

function assertRow(row: KeyDefinition, fact: KafkaFact): void {
  assert.equal(row.type.toUpperCase(), fact.type, `type of ${fact.name}`)
  if (ownDefaults.has(fact.name)) return
  assert.equal(formatValue(row, row.default) ?? 'null', fact.default, `default of ${fact.name}`)
}

describe('tables of settings', () => {
  test('topic settings are exactly those of Kafka, with its types, defaults, ranges and broker defaults', () => {
    assert.deepEqual([...topicRows.keys()].sort(), kafkaTopicFacts.map(({ name }) => name).sort())
    for (const fact of kafkaTopicFacts) {
      const row = topicRows.get(fact.name)!
      assertRow(row, fact)
      assert.equal(kafkaRange(row), fact.allowed, `range of ${fact.name}`)
      const chain = row.brokerKey === undefined ? '' : chainOf(row.brokerKey).join(' ')
      assert.equal(chain, fact.last, `broker settings behind ${fact.name}`)
    }
  })

  test('broker settings have the types, defaults and ways of altering that Kafka gives them', () => {
    const kafkas = [...brokerRows.keys()].filter((name) => !name.startsWith('odradek.'))
    assert.deepEqual(kafkas.sort(), kafkaBrokerFacts.map(({ name }) => name).sort())
    for (const fact of kafkaBrokerFacts) {
      const row = brokerRows.get(fact.name)!
      assertRow(row, fact)
      const update = settledAtStart.has(fact.name) ? 'read-only' : fact.last
      assert.equal(row.update, update, `update mode of ${fact.name}`)
    }
  })

  test('broker settings have the ranges that Kafka checks', () => {
    for (const fact of kafkaBrokerFacts) {
      // Where Kafka declares no range it may still refuse values later; the rows say so up front.
      if (fact.allowed === '' || ownDefaults.has(fact.name)) continue
      assert.equal(kafkaRange(brokerRows.get(fact.name)!), fact.allowed, `range of ${fact.name}`)
    }
  })

  test('every default is a value that its own row accepts', () => {
    for (const [name, row] of [...brokerRows, ...topicRows]) {
      const text = formatValue(row, row.default)
      if (text === null) continue
      assert.deepEqual(parseValue(row, text), { value: row.default }, name)
    }
  })

  test('every edge of every range is accepted, and one step beyond is not', () => {
    for (const [name, row] of [...brokerRows, ...topicRows]) {
      const step = row.type === 'double' ? 0.001 : 1
      for (const [edge, direction] of [
        [row.min, -1],
        [row.max, 1],
      ] as const) {
        if (edge === undefined) continue
        const beyond = edge + direction * step
        assert.deepEqual(parseValue(row, String(edge)), { value: edge }, `${name} at ${edge}`)
        if (row.special?.includes(beyond) === true) continue
        assert.ok('problem' in parseValue(row, String(beyond)), `${name} at ${beyond}`)
      }
      for (const value of row.special ?? []) {
        assert.deepEqual(parseValue(row, String(value)), { value }, `${name} at ${value}`)
      }
    }
  })

  test('a setting that stands in for another one has an existing target, and the chain ends in a default', () => {
    assert.deepEqual(chainOf('log.retention.ms'), [
      'log.retention.ms',
      'log.retention.minutes',
      'log.retention.hours',
    ])
    for (const [name, row] of brokerRows) {
      if (row.fallbackOf === undefined) continue
      const target = brokerRows.get(row.fallbackOf)
      assert.ok(target !== undefined && target.fallbackOf === undefined, name)
      assert.equal(target.default, null, `${row.fallbackOf} would never let ${name} speak`)
      assert.ok(chainOf(row.fallbackOf).some((link) => brokerRows.get(link)!.default !== null))
    }
  })

  test('with nothing set, a topic gets the same value from its broker as from its own row', () => {
    for (const [name, row] of topicRows) {
      if (row.brokerKey === undefined) continue
      const decider = chainOf(row.brokerKey).find((link) => brokerRows.get(link)!.default !== null)!
      const { default: value, factor = 1 } = brokerRows.get(decider)!
      assert.deepEqual(typeof value === 'number' ? value * factor : value, row.default, name)
    }
  })

  test('a name is either honoured, ignored or refused, never two of them', () => {
    for (const name of brokerRows.keys()) {
      assert.equal(isIgnoredKafkaKey(name), false, name)
      assert.equal(refusedKafkaKey(name), undefined, name)
    }
    assert.ok(isIgnoredKafkaKey('num.io.threads'))
    assert.ok(isIgnoredKafkaKey('listener.name.external.max.connections'))
    assert.ok(refusedKafkaKey('authorizer.class.name'))
    assert.equal(isIgnoredKafkaKey('authorizer.class.name'), false)
  })

  test('names have no character that an environment variable could not carry, and none hides behind odradek.', () => {
    for (const name of brokerRows.keys()) {
      assert.match(name, /^[a-z0-9]+(\.[a-z0-9]+)*$/)
      assert.equal(brokerRows.has(`odradek.${name}`), false)
    }
  })

  test('a near miss finds the name, a far one finds none', () => {
    assert.equal(nearestName('log.segmnet.bytes', brokerRows.keys()), 'log.segment.bytes')
    assert.equal(nearestName('listner', brokerRows.keys()), 'listeners')
    assert.equal(nearestName('xyzzy', brokerRows.keys()), undefined)
  })
})
