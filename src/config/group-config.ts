// A consumer group's settings as its coordinator uses them: its own where it has any, within the bounds that the broker sets
// for all groups, else the broker's (KIP-848, as in Apache Kafka 4.3).
// Promises typed values and errors that name key, value and what is allowed. Leaves storing them to the cluster metadata.
import { nearestName } from '../lib/nearest-name.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import type { GroupKey } from './group-keys.ts'
import { brokerRows, groupRows } from './keys.ts'
import { parseValue } from './values.ts'

/** The settings of one group with their effective values. */
export interface GroupConfig {
  readonly consumerSessionTimeoutMs: number
  readonly consumerHeartbeatIntervalMs: number
  readonly consumerAssignmentIntervalMs: number
}

interface Bounds {
  readonly inherited: number
  readonly min: number
  readonly max: number
}

const bounds: { readonly [Key in GroupKey]: (broker: BrokerConfig) => Bounds } = {
  'consumer.session.timeout.ms': (broker) => ({
    inherited: broker.groupConsumerSessionTimeoutMs,
    min: broker.groupConsumerMinSessionTimeoutMs,
    max: broker.groupConsumerMaxSessionTimeoutMs,
  }),
  'consumer.heartbeat.interval.ms': (broker) => ({
    inherited: broker.groupConsumerHeartbeatIntervalMs,
    min: broker.groupConsumerMinHeartbeatIntervalMs,
    max: broker.groupConsumerMaxHeartbeatIntervalMs,
  }),
  'consumer.assignment.interval.ms': (broker) => ({
    inherited: broker.groupConsumerAssignmentIntervalMs,
    min: broker.groupConsumerMinAssignmentIntervalMs,
    max: broker.groupConsumerMaxAssignmentIntervalMs,
  }),
}

/**
 * The effective settings of a group with `overrides`. Never throws: an override that is unknown or wrong counts as absent,
 * and one that was accepted under other bounds than the broker has today is brought within them.
 */
export function resolveGroupConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): GroupConfig {
  const value = (key: GroupKey) => {
    const { inherited, min, max } = bounds[key](broker)
    const own = overrides.size === 0 ? undefined : ownValue(key, overrides.get(key))
    return own === undefined ? inherited : Math.min(Math.max(own, min), max)
  }
  return {
    consumerSessionTimeoutMs: value('consumer.session.timeout.ms'),
    consumerHeartbeatIntervalMs: value('consumer.heartbeat.interval.ms'),
    consumerAssignmentIntervalMs: value('consumer.assignment.interval.ms'),
  }
}

function ownValue(key: GroupKey, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const parsed = parseValue(groupRows.get(key)!, text)
  return 'value' in parsed ? (parsed.value as number) : undefined
}

/**
 * Checks all of a group's own settings before they are stored; `broker` gives the bounds.
 * Throws KafkaError(INVALID_CONFIG) for the first thing that is wrong.
 */
export function validateGroupConfig(
  overrides: ReadonlyMap<string, string | null>,
  broker?: BrokerConfig,
): void {
  for (const [key, text] of overrides) {
    const row = groupRows.get(key)
    if (row === undefined) throw invalid(key, unknownKeyMessage(key))
    if (text === null)
      throw invalid(key, 'null is no value; leave the key out, or delete it, for its default')
    const parsed = parseValue(row, text)
    if ('problem' in parsed) throw invalid(key, parsed.problem)
    if (broker !== undefined) checkBounds(key as GroupKey, parsed.value as number, broker)
  }
  if (broker === undefined) return
  const { consumerSessionTimeoutMs, consumerHeartbeatIntervalMs } = resolveGroupConfig(
    broker,
    overrides as ReadonlyMap<string, string>,
  )
  if (consumerSessionTimeoutMs <= consumerHeartbeatIntervalMs) {
    throw invalid(
      'consumer.session.timeout.ms',
      `${consumerSessionTimeoutMs} is not above consumer.heartbeat.interval.ms (${consumerHeartbeatIntervalMs}): every member would time out`,
    )
  }
}

function checkBounds(key: GroupKey, value: number, broker: BrokerConfig): void {
  const { min, max } = bounds[key](broker)
  const name = key.slice('consumer.'.length)
  if (value < min) throw invalid(key, `${value} is below group.consumer.min.${name} (${min})`)
  if (value > max) throw invalid(key, `${value} is above group.consumer.max.${name} (${max})`)
}

function invalid(key: string, message: string): KafkaError {
  return new KafkaError(errors.INVALID_CONFIG, `${key}: ${message}`)
}

function unknownKeyMessage(key: string): string {
  const kind = /^(share|streams)\./.exec(key)?.[1]
  if (kind !== undefined) return `is a setting of ${kind} groups, which this broker does not serve`
  const onGroups = [...groupRows].find(([, row]) => row.brokerKey === key)?.[0]
  if (onGroups !== undefined) return `is a setting of brokers; on a group it is called ${onGroups}`
  if (brokerRows.has(key)) return 'is a setting of brokers, not of groups'
  const nearest = nearestName(key, groupRows.keys())
  return `is not a setting of a group${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}
