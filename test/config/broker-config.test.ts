// A broker's settings: defaults, chains of settings, contradictions.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { LONG_MAX } from '../../src/config/definition.ts'

/** The messages of everything that is wrong, one line each. */
function problems(entries: Record<string, string>): string[] {
  try {
    parseBrokerConfig(entries)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
  return []
}

describe('broker configuration', () => {
  test('with nothing said the defaults hold, in the types of their fields', () => {
    const config = parseBrokerConfig({})
    assert.equal(config.nodeId, 1)
    assert.equal(config.brokerRack, null)
    assert.deepEqual(config.logDirs, ['data'])
    assert.deepEqual(config.listeners, ['PLAINTEXT://127.0.0.1:9092'])
    assert.equal(config.advertisedListeners, null)
    assert.equal(config.socketRequestMaxBytes, 104_857_600)
    assert.equal(config.autoCreateTopicsEnable, true)
    assert.equal(config.logRetentionMs, 604_800_000)
    assert.equal(config.logRollMs, 604_800_000)
    assert.equal(config.logRollJitterMs, 0)
    assert.equal(config.logFlushIntervalMs, LONG_MAX)
    assert.equal(config.messageMaxBytes, 1_048_588)
    assert.equal(config.odradekLogTailMemoryBytes, 33_554_432)
  })

  test('of milliseconds, minutes and hours the finest that is said counts', () => {
    const retention = (entries: Record<string, string>) => parseBrokerConfig(entries).logRetentionMs
    assert.equal(retention({ 'log.retention.hours': '2' }), 7_200_000)
    assert.equal(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }), 180_000)
    assert.equal(
      retention({ 'log.retention.ms': '4', 'log.retention.hours': '2', 'log.retention.minutes': '3' }),
      4,
    )
    assert.equal(retention({ 'log.retention.hours': '-1' }), -1)
    assert.equal(parseBrokerConfig({ 'log.roll.hours': '1' }).logRollMs, 3_600_000)
    assert.equal(parseBrokerConfig({ 'log.roll.jitter.hours': '1' }).logRollJitterMs, 3_600_000)
    assert.equal(parseBrokerConfig({ 'log.flush.scheduler.interval.ms': '7' }).logFlushIntervalMs, 7)
  })

  test('broker.id and log.dir are taken where node.id and log.dirs are absent', () => {
    assert.equal(parseBrokerConfig({ 'broker.id': '7' }).nodeId, 7)
    assert.deepEqual(parseBrokerConfig({ 'log.dir': '/a' }).logDirs, ['/a'])
    assert.deepEqual(parseBrokerConfig({ 'log.dir': '/a', 'log.dirs': '/b, /c' }).logDirs, ['/b', '/c'])
    assert.equal('brokerId' in parseBrokerConfig({}), false)
  })

  test('a Map serves as well as an object', () => {
    assert.equal(parseBrokerConfig(new Map([['num.partitions', '3']])).numPartitions, 3)
  })

  test('every problem is told at once, by key, value and what is allowed', () => {
    assert.deepEqual(
      problems({ 'num.partitions': '0', 'log.segmnet.bytes': '1', 'delete.topic.enable': 'maybe' }),
      [
        "num.partitions: '0' is out of range; allowed: 1 to 2147483647",
        'log.segmnet.bytes: is not a setting of this broker; did you mean log.segment.bytes?',
        "delete.topic.enable: 'maybe' is neither true nor false",
      ],
    )
    assert.match(problems({ 'authorizer.class.name': 'x' })[0]!, /not supported: .*everybody would be let in/)
    assert.deepEqual(problems({ 'log.retention.ms': '0' }), [
      "log.retention.ms: '0' is out of range; allowed: 1 to 9223372036854775807, or -1",
    ])
  })

  test('settings that contradict each other are refused', () => {
    assert.deepEqual(problems({ 'node.id': '1', 'broker.id': '2' }), [
      'broker.id: is 2 but node.id is 1; leave one out or make them equal',
    ])
    assert.deepEqual(problems({ 'node.id': '2', 'broker.id': '2' }), [])
    assert.deepEqual(problems({ 'log.dirs': '' }), ['log.dirs: is empty; give at least one directory'])
    assert.deepEqual(problems({ 'log.dirs': '/a,/b,/a' }), ["log.dirs: '/a' is given twice"])
    assert.match(problems({ 'max.connections.per.ip': '0' })[0]!, /lets nobody in/)
    assert.deepEqual(
      problems({ 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': '127.0.0.1:5' }),
      [],
    )
    assert.deepEqual(
      problems({ 'log.cleaner.min.compaction.lag.ms': '9', 'log.cleaner.max.compaction.lag.ms': '8' }),
      ['log.cleaner.min.compaction.lag.ms: 9 is above log.cleaner.max.compaction.lag.ms (8)'],
    )
    assert.deepEqual(problems({ 'group.coordinator.rebalance.protocols': 'consumer' }), [
      'group.coordinator.rebalance.protocols: does not name classic, which cannot be disabled',
    ])
    assert.deepEqual(problems({ 'group.consumer.assignors': '' }), [
      'group.consumer.assignors: is empty; allowed: any of uniform, range',
    ])
  })
})
