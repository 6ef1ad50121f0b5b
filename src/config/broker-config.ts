// A broker's settings as the layers above use them: checked and typed, under Kafka's names in camelCase.
// Promises either a whole configuration or an error that lists everything that is wrong. Leaves files, flags and
// environment to load.ts, and where altered settings are stored to the cluster metadata.

import { nearestName } from '../lib/nearest-name.ts'
import type { BrokerKey, brokerKeys } from './broker-keys.ts'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { type CamelCase, camelCase, type SettingValue, type ValueOf } from './definition.ts'
import { groupRangeProblems } from './group-ranges.ts'
import { refusedKafkaKey } from './kafka-keys.ts'
import { brokerRows, chainOf } from './keys.ts'
import { listenerProblems } from './listeners.ts'
import { parseValue } from './values.ts'

type Rows = typeof brokerKeys
type FallbackKey = { [Key in BrokerKey]: Rows[Key] extends { fallbackOf: string } ? Key : never }[BrokerKey]
type TargetKey = { [Key in FallbackKey]: Rows[Key]['fallbackOf'] }[FallbackKey]

/**
 * Every broker setting with its effective value. Settings that stand in for another one (log.retention.hours for
 * log.retention.ms) have no field of their own: their value is in the other's.
 */
export type BrokerConfig = {
  readonly [Key in Exclude<BrokerKey, FallbackKey> as CamelCase<Key>]: Key extends TargetKey
    ? NonNullable<ValueOf<Rows[Key]>>
    : ValueOf<Rows[Key]>
}

/** Settings as texts, by name. */
export type Entries = ReadonlyMap<string, string> | Readonly<Record<string, string>>

/** Reads settings on top of the defaults. Throws ConfigError with every problem there is. */
export function parseBrokerConfig(entries: Entries): BrokerConfig {
  const { config, problems } = readBrokerConfig(entriesMap(entries))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

export function entriesMap(entries: Entries): ReadonlyMap<string, string> {
  return entries instanceof Map ? entries : new Map(Object.entries(entries))
}

/** The settings, with defaults in the place of what is wrong, and what is wrong. */
export function readBrokerConfig(entries: ReadonlyMap<string, string>): {
  config: BrokerConfig
  problems: ConfigProblem[]
} {
  const problems: ConfigProblem[] = []
  const explicit = new Map<string, SettingValue>()
  for (const [key, text] of entries) {
    const row = brokerRows.get(key)
    if (row === undefined) {
      problems.push({ key, message: unknownKeyMessage(key) })
      continue
    }
    const parsed = parseValue(row, text)
    if ('problem' in parsed) problems.push({ key, message: parsed.problem })
    else explicit.set(key, parsed.value)
  }
  const config = effective(explicit)
  // Rules about several settings would only repeat what is wrong with one of them.
  if (problems.length === 0) problems.push(...contradictions(config, explicit))
  return { config, problems }
}

function effective(explicit: ReadonlyMap<string, SettingValue>): BrokerConfig {
  const config: Record<string, SettingValue> = {}
  for (const [key, row] of brokerRows) {
    if (row.fallbackOf !== undefined) continue
    const chain = chainOf(key)
    const decider =
      chain.find((name) => explicit.has(name)) ?? chain.find((name) => brokerRows.get(name)!.default !== null)
    config[camelCase(key)] = decider === undefined ? null : inUnitOf(decider, explicit)
  }
  return config as BrokerConfig
}

function inUnitOf(name: string, explicit: ReadonlyMap<string, SettingValue>): SettingValue {
  const row = brokerRows.get(name)!
  const value = explicit.get(name) ?? row.default
  // Negative numbers mean "no limit" in every unit.
  return typeof value === 'number' && value > 0 ? value * (row.factor ?? 1) : value
}

function unknownKeyMessage(key: string): string {
  const refused = refusedKafkaKey(key)
  if (refused !== undefined) return `is not supported: ${refused}`
  const nearest = nearestName(key, brokerRows.keys())
  return `is not a setting of this broker${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}

function contradictions(config: BrokerConfig, explicit: ReadonlyMap<string, SettingValue>): ConfigProblem[] {
  const problems = listenerProblems(config)
  const say = (key: string, message: string) => problems.push({ key, message })
  const brokerId = explicit.get('broker.id')
  if (brokerId !== undefined && brokerId !== config.nodeId) {
    say('broker.id', `is ${brokerId} but node.id is ${config.nodeId}; leave one out or make them equal`)
  }
  if (config.logDirs.length === 0) say('log.dirs', 'is empty; give at least one directory')
  const twice = config.logDirs.find((directory, at) => config.logDirs.indexOf(directory) !== at)
  if (twice !== undefined) say('log.dirs', `'${twice}' is given twice`)
  if (config.maxConnectionsPerIp === 0 && config.maxConnectionsPerIpOverrides === '') {
    say(
      'max.connections.per.ip',
      '0 lets nobody in without max.connections.per.ip.overrides; allowed: 1 to 2147483647',
    )
  }
  const { logCleanerMinCompactionLagMs, logCleanerMaxCompactionLagMs } = config
  if (logCleanerMinCompactionLagMs > logCleanerMaxCompactionLagMs) {
    const message = `${logCleanerMinCompactionLagMs} is above log.cleaner.max.compaction.lag.ms (${logCleanerMaxCompactionLagMs})`
    say('log.cleaner.min.compaction.lag.ms', message)
  }
  return [...problems, ...groupRangeProblems(config)]
}
