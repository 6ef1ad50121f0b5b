// Broker settings altered while brokers run (KIP-226): for one broker, or for all of them.
// Promises the precedence one broker > all brokers > static > default, and that a stored setting which makes no sense
// is left out and reported rather than stops the broker. Leaves storing to the cluster metadata.

import { nearestName } from '../lib/nearest-name.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import { type BrokerConfig, readBrokerConfig } from './broker-config.ts'
import type { ConfigProblem } from './config-error.ts'
import { isIgnoredKafkaKey } from './kafka-keys.ts'
import { brokerRows } from './keys.ts'
import { parseValue } from './values.ts'

type Texts = ReadonlyMap<string, string>

/** Everything that decides a broker's settings, as it was said. */
export interface BrokerConfigLayers {
  /** File, environment and flags. */
  readonly static: Texts
  /** Altered for all brokers. */
  readonly defaults: Texts
  /** Altered for this broker. */
  readonly perBroker: Texts
}

/**
 * The settings in force. What is stored but wrong (unknown, not to be altered, out of range) is passed to `report`
 * and has no effect.
 */
export function applyDynamic(
  staticEntries: Texts,
  defaults: Texts,
  perBroker: Texts,
  report: (problem: ConfigProblem) => void = () => {},
): BrokerConfig {
  const merged = new Map(staticEntries)
  for (const layer of [defaults, perBroker]) {
    for (const [key, text] of layer) {
      const problem = dynamicProblem(key, text)
      if (problem === undefined) merged.set(key, text)
      else report({ key, message: problem.message })
    }
  }
  const { config, problems } = readBrokerConfig(merged)
  if (problems.length === 0) return config
  problems.forEach(report)
  return readBrokerConfig(staticEntries).config
}

/**
 * Checks the complete set of altered settings of a broker resource before it is stored; `scope` is 'cluster' for the
 * resource '' (all brokers). Throws KafkaError: INVALID_REQUEST for a setting that cannot be altered so,
 * INVALID_CONFIG for an unknown one or a bad value.
 */
export function validateDynamicBrokerConfig(
  overrides: ReadonlyMap<string, string | null>,
  scope: 'cluster' | 'broker',
  staticEntries: Texts = new Map(),
): void {
  const merged = new Map(staticEntries)
  for (const [key, text] of overrides) {
    if (text === null) throw new KafkaError(errors.INVALID_CONFIG, `${key}: null is no value`)
    const problem = dynamicProblem(key, text)
    if (problem !== undefined) throw problem
    if (scope === 'cluster' && brokerRows.get(key)!.update === 'per-broker') {
      throw new KafkaError(errors.INVALID_REQUEST, `${key}: can only be altered for one broker, by its id`)
    }
    merged.set(key, text)
  }
  const problem = readBrokerConfig(merged).problems[0]
  if (problem !== undefined) {
    throw new KafkaError(errors.INVALID_CONFIG, `${problem.key}: ${problem.message}`)
  }
}

function dynamicProblem(key: string, text: string): KafkaError | undefined {
  const row = brokerRows.get(key)
  if (row === undefined) return new KafkaError(errors.INVALID_CONFIG, `${key}: ${unknownText(key)}`)
  if (row.update === 'read-only') {
    return new KafkaError(errors.INVALID_REQUEST, `${key}: cannot be altered while the broker runs`)
  }
  const parsed = parseValue(row, text)
  return 'problem' in parsed ? new KafkaError(errors.INVALID_CONFIG, `${key}: ${parsed.problem}`) : undefined
}

function unknownText(key: string): string {
  if (isIgnoredKafkaKey(key)) return 'is known to Apache Kafka but has no effect here'
  const nearest = nearestName(key, brokerRows.keys())
  return `is not a setting of a broker${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}
