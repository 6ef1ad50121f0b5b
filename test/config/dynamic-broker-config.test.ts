// Broker settings altered while brokers run: precedence, and what may be altered how.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyDynamic, validateDynamicBrokerConfig } from '../../src/config/dynamic-broker-config.ts'
import { KafkaError } from '../../src/wire/errors.ts'

const texts = (entries: Record<string, string> = {}) => new Map(Object.entries(entries))

function refusal(
  entries: Record<string, string | null>,
  scope: 'cluster' | 'broker' = 'broker',
): [string, string] {
  try {
    validateDynamicBrokerConfig(new Map(Object.entries(entries)), scope)
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    return [error.error.name, error.message]
  }
  return assert.fail('was accepted')
}

describe('dynamic broker configuration', () => {
  test('one broker > all brokers > static > default', () => {
    const key = 'message.max.bytes'
    const value = (...layers: (string | undefined)[]) => {
      const [fixed, all, one] = layers.map((text) => texts(text === undefined ? {} : { [key]: text }))
      return applyDynamic(fixed!, all!, one!).messageMaxBytes
    }
    assert.equal(value(undefined, undefined, undefined), 1_048_588)
    assert.equal(value('1', undefined, undefined), 1)
    assert.equal(value('1', '2', undefined), 2)
    assert.equal(value('1', '2', '3'), 3)
    assert.equal(value('1', undefined, '3'), 3)
  })

  test('log.retention.ms altered at run time is stronger than log.retention.hours from the file', () => {
    const config = applyDynamic(
      texts({ 'log.retention.hours': '1' }),
      texts({ 'log.retention.ms': '5' }),
      texts(),
    )
    assert.equal(config.logRetentionMs, 5)
  })

  test('stored settings that are wrong or cannot be altered are reported and left out', () => {
    const reported: string[] = []
    const config = applyDynamic(
      texts({ 'node.id': '4' }),
      texts({ 'message.max.bytes': 'many', 'from.the.future': '1', 'log.retention.ms': '9' }),
      texts({ 'node.id': '5' }),
      ({ key }) => reported.push(key),
    )
    assert.equal(config.nodeId, 4)
    assert.equal(config.messageMaxBytes, 1_048_588)
    assert.equal(config.logRetentionMs, 9)
    assert.deepEqual(reported, ['message.max.bytes', 'from.the.future', 'node.id'])
  })

  test('stored settings that contradict each other leave the static ones in force', () => {
    const reported: string[] = []
    const altered = texts({
      'log.cleaner.min.compaction.lag.ms': '9',
      'log.cleaner.max.compaction.lag.ms': '8',
    })
    const config = applyDynamic(texts(), altered, texts(), ({ key }) => reported.push(key))
    assert.equal(config.logCleanerMinCompactionLagMs, 0)
    assert.deepEqual(reported, ['log.cleaner.min.compaction.lag.ms'])
  })

  test('an alteration is refused with the code that Kafka gives', () => {
    assert.deepEqual(refusal({ 'node.id': '3' }), [
      'INVALID_REQUEST',
      'node.id: cannot be altered while the broker runs',
    ])
    assert.deepEqual(refusal({ 'log.retention.ms': '0' }), [
      'INVALID_CONFIG',
      "log.retention.ms: '0' is out of range; allowed: 1 to 9223372036854775807, or -1",
    ])
    assert.deepEqual(refusal({ 'log.retenton.ms': '1' }, 'cluster'), [
      'INVALID_CONFIG',
      'log.retenton.ms: is not a setting of a broker; did you mean log.retention.ms?',
    ])
    assert.deepEqual(refusal({ 'num.io.threads': '3' }), [
      'INVALID_CONFIG',
      'num.io.threads: is known to Apache Kafka but has no effect here',
    ])
    assert.equal(refusal({ 'log.retention.ms': null })[0], 'INVALID_CONFIG')
    validateDynamicBrokerConfig(new Map([['log.retention.ms', '1']]), 'broker')
    validateDynamicBrokerConfig(new Map([['log.retention.ms', '1']]), 'cluster')
  })

  test('an alteration is checked together with the static settings', () => {
    const fixed = texts({ 'log.cleaner.max.compaction.lag.ms': '8' })
    const altered = new Map([['log.cleaner.min.compaction.lag.ms', '9']])
    assert.throws(() => validateDynamicBrokerConfig(altered, 'broker', fixed), { name: 'KafkaError' })
    validateDynamicBrokerConfig(altered, 'broker')
  })
})
