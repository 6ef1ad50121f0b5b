// A topic's settings: its own, its broker's, and what is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { LONG_MAX } from '../../src/config/definition.ts'
import { resolveTopicConfig, validateTopicConfig } from '../../src/config/topic-config.ts'
import { KafkaError } from '../../src/wire/errors.ts'

const defaults = parseBrokerConfig({})

function refusal(overrides: Record<string, string | null>, broker = defaults): string {
  try {
    validateTopicConfig(new Map(Object.entries(overrides)), broker)
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    assert.equal(error.error.name, 'INVALID_CONFIG')
    return error.message
  }
  return assert.fail('was accepted')
}

describe('topic configuration', () => {
  test('without settings of its own a topic has the defaults of Kafka 4.3', () => {
    assert.deepEqual(resolveTopicConfig(defaults, new Map()), {
      cleanupPolicy: ['delete'],
      compressionGzipLevel: -1,
      compressionLz4Level: 9,
      compressionType: 'producer',
      compressionZstdLevel: 3,
      deleteRetentionMs: 86_400_000,
      fileDeleteDelayMs: 60_000,
      flushMessages: LONG_MAX,
      flushMs: LONG_MAX,
      followerReplicationThrottledReplicas: [],
      indexIntervalBytes: 4096,
      leaderReplicationThrottledReplicas: [],
      localRetentionBytes: -2,
      localRetentionMs: -2,
      maxCompactionLagMs: LONG_MAX,
      maxMessageBytes: 1_048_588,
      messageTimestampAfterMaxMs: 3_600_000,
      messageTimestampBeforeMaxMs: LONG_MAX,
      messageTimestampType: 'CreateTime',
      minCleanableDirtyRatio: 0.5,
      minCompactionLagMs: 0,
      minInsyncReplicas: 1,
      preallocate: false,
      remoteLogCopyDisable: false,
      remoteLogDeleteOnDisable: false,
      remoteStorageEnable: false,
      retentionBytes: -1,
      retentionMs: 604_800_000,
      segmentBytes: 1_073_741_824,
      segmentIndexBytes: 10_485_760,
      segmentJitterMs: 0,
      segmentMs: 604_800_000,
      uncleanLeaderElectionEnable: false,
    })
  })

  test("a topic's own setting is stronger than its broker's, that than the default", () => {
    const broker = parseBrokerConfig({ 'log.retention.minutes': '2', 'message.max.bytes': '5000' })
    const config = resolveTopicConfig(broker, new Map([['max.message.bytes', '6000']]))
    assert.equal(config.retentionMs, 120_000)
    assert.equal(config.maxMessageBytes, 6000)
    assert.equal(config.segmentBytes, 1_073_741_824)
  })

  test('a stored setting that makes no sense counts as absent', () => {
    const stored = new Map([
      ['segment.bytes', '1'],
      ['from.the.future', '1'],
    ])
    assert.deepEqual(resolveTopicConfig(defaults, stored), resolveTopicConfig(defaults, new Map()))
  })

  test('a bad value is refused with key, value and range', () => {
    assert.equal(
      refusal({ 'segment.bytes': '1' }),
      "segment.bytes: '1' is out of range; allowed: 1048576 to 2147483647",
    )
    assert.match(refusal({ 'retention.ms': null }), /^retention.ms: null is no value/)
    assert.match(refusal({ 'remote.storage.enable': 'true' }), /no tiered storage/)
    validateTopicConfig(new Map([['remote.storage.enable', 'false']]))
  })

  test('an unknown key is refused with the name that was meant', () => {
    assert.equal(
      refusal({ 'retention.msec': '1' }),
      'retention.msec: is not a setting of a topic; did you mean retention.ms?',
    )
    assert.equal(
      refusal({ 'log.segment.bytes': '2000000' }),
      'log.segment.bytes: is a setting of brokers; on a topic it is called segment.bytes',
    )
    assert.equal(refusal({ 'node.id': '1' }), 'node.id: is a setting of brokers, not of topics')
    assert.equal(
      refusal({ 'message.format.version': '3.0' }),
      'message.format.version: is not a setting of a topic',
    )
  })

  test('the least lag of compaction may not be above the most, wherever each is set', () => {
    assert.equal(
      refusal({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' }),
      'min.compaction.lag.ms: 10 is above max.compaction.lag.ms (5)',
    )
    const broker = parseBrokerConfig({ 'log.cleaner.max.compaction.lag.ms': '7' })
    assert.equal(
      refusal({ 'min.compaction.lag.ms': '10' }, broker),
      'min.compaction.lag.ms: 10 is above max.compaction.lag.ms (7)',
    )
    validateTopicConfig(new Map([['min.compaction.lag.ms', '10']]))
  })
})
