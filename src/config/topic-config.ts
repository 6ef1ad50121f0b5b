// A topic's settings as the layers below use them: its own where it has any, else those its broker gives to all topics.
// Promises typed values under Kafka's names in camelCase, and errors that name key, value and what is allowed.
// Leaves storing the topic's own settings to the cluster metadata.

import { nearestName } from '../lib/nearest-name.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import { type CamelCase, camelCase, LONG_MAX, type SettingValue, type ValueOf } from './definition.ts'
import { brokerRows, topicRows } from './keys.ts'
import type { TopicKey, topicKeys } from './topic-keys.ts'
import { parseValue } from './values.ts'

/** Every topic setting with its effective value: `segmentBytes`, `retentionMs`, `cleanupPolicy`, ... */
export type TopicConfig = {
  readonly [Key in TopicKey as CamelCase<Key>]: ValueOf<(typeof topicKeys)[Key]>
}

/** Each topic setting with the two fields it is found under, so that resolving does no text work. */
const fields = [...topicRows].map(([key, row]) => ({
  key,
  row,
  topicField: camelCase(key),
  brokerField: row.brokerKey === undefined ? undefined : camelCase(row.brokerKey),
}))

/**
 * The effective settings of a topic with `overrides` on a broker. Never throws: an override that is unknown or wrong
 * counts as absent, for `validateTopicConfig` stands where overrides are accepted.
 */
export function resolveTopicConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): TopicConfig {
  const inherited = broker as Readonly<Record<string, SettingValue>>
  const config: Record<string, SettingValue> = {}
  for (const { key, row, topicField, brokerField } of fields) {
    const text = overrides.get(key)
    const parsed = text === undefined ? undefined : parseValue(row, text)
    if (parsed !== undefined && 'value' in parsed) config[topicField] = parsed.value
    else config[topicField] = brokerField === undefined ? row.default : inherited[brokerField]!
  }
  return config as TopicConfig
}

/**
 * Checks all of a topic's own settings before they are stored; `broker` gives the values they are compared with.
 * Throws KafkaError(INVALID_CONFIG) for the first thing that is wrong.
 */
export function validateTopicConfig(
  overrides: ReadonlyMap<string, string | null>,
  broker?: BrokerConfig,
): void {
  const values = new Map<string, SettingValue>()
  for (const [key, text] of overrides) {
    const row = topicRows.get(key)
    if (row === undefined) throw invalid(key, unknownKeyMessage(key))
    if (text === null)
      throw invalid(key, 'null is no value; leave the key out, or delete it, for its default')
    const parsed = parseValue(row, text)
    if ('problem' in parsed) throw invalid(key, parsed.problem)
    values.set(key, parsed.value)
  }
  if (values.get('remote.storage.enable') === true) {
    throw invalid(
      'remote.storage.enable',
      "'true' is not allowed: this broker has no tiered storage; allowed: false",
    )
  }
  const least = (values.get('min.compaction.lag.ms') ?? broker?.logCleanerMinCompactionLagMs ?? 0) as number
  const most = (values.get('max.compaction.lag.ms') ??
    broker?.logCleanerMaxCompactionLagMs ??
    LONG_MAX) as number
  if (least > most) {
    throw invalid('min.compaction.lag.ms', `${least} is above max.compaction.lag.ms (${most})`)
  }
}

function invalid(key: string, message: string): KafkaError {
  return new KafkaError(errors.INVALID_CONFIG, `${key}: ${message}`)
}

function unknownKeyMessage(key: string): string {
  const onTopics = [...topicRows].find(([, row]) => row.brokerKey === key)?.[0]
  if (onTopics !== undefined) return `is a setting of brokers; on a topic it is called ${onTopics}`
  if (brokerRows.has(key)) return 'is a setting of brokers, not of topics'
  const nearest = nearestName(key, topicRows.keys())
  return `is not a setting of a topic${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}
