// Settings as DescribeConfigs tells them: value, where it comes from, and what it would be otherwise.
// Promises entries under the field names of the response, sorted by name, and synonyms in order of precedence.
// Leaves which resources exist, and who may ask, to the handler.

import type { BrokerConfig } from './broker-config.ts'
import { camelCase, type KeyDefinition, type SettingValue } from './definition.ts'
import { applyDynamic, type BrokerConfigLayers } from './dynamic-broker-config.ts'
import { resolveGroupConfig } from './group-config.ts'
import { brokerRows, chainOf, groupRows, topicRows } from './keys.ts'
import { resolveTopicConfig } from './topic-config.ts'
import { canonicalText, formatValue, parseValue } from './values.ts'

/** Where a value comes from, in Kafka's codes. */
export const configSource = {
  topic: 1,
  brokerDynamic: 2,
  brokerDefaultDynamic: 3,
  brokerStatic: 4,
  default: 5,
  group: 8,
} as const

const configType = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
} as const

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

/** One setting, under the names of the fields of DescribeConfigsResponse. */
export interface ConfigDescription {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  /** For version 0, which knows no source. */
  readonly isDefault: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: ConfigSynonym[]
  readonly configType: number
  readonly documentation: string | null
}

export interface DescribeOptions {
  /** Only these; null or absent for all. Unknown names are passed over, as Kafka does. */
  readonly keys?: readonly string[] | null
  readonly includeSynonyms?: boolean
  readonly includeDocumentation?: boolean
}

/** Settings in force, worked out once for a request about many resources. */
const known = new WeakMap<BrokerConfigLayers, BrokerConfig>()

function inForce(layers: BrokerConfigLayers): BrokerConfig {
  const config = known.get(layers) ?? applyDynamic(layers.static, layers.defaults, layers.perBroker)
  known.set(layers, config)
  return config
}

/** A topic's settings; `overrides` are its own. */
export function describeTopicConfig(
  layers: BrokerConfigLayers,
  overrides: ReadonlyMap<string, string>,
  options: DescribeOptions = {},
): ConfigDescription[] {
  const broker = inForce(layers)
  const effective = resolveTopicConfig(broker, overrides) as Readonly<Record<string, SettingValue>>
  return wanted(topicRows, options).map(([name, row]) => {
    const own = valid(row, overrides.get(name))
    const inherited = row.brokerKey === undefined ? [] : brokerSynonyms(layers, row.brokerKey)
    const ownText = own === undefined ? undefined : canonicalText(row, own)
    const synonyms =
      ownText === undefined ? inherited : [{ name, value: ownText, source: configSource.topic }, ...inherited]
    const value = ownText ?? formatValue(row, effective[camelCase(name)]!)
    return describe(name, row, { value, synonyms, readOnly: false }, options)
  })
}

/** A group's settings; `overrides` are its own. What is told is what it goes by: within the bounds of its broker. */
export function describeGroupConfig(
  layers: BrokerConfigLayers,
  overrides: ReadonlyMap<string, string>,
  options: DescribeOptions = {},
): ConfigDescription[] {
  const broker = inForce(layers)
  const effective = resolveGroupConfig(broker, overrides) as unknown as Readonly<Record<string, number>>
  return wanted(groupRows, options).map(([name, row]) => {
    const own = valid(row, overrides.get(name))
    const inherited = brokerSynonyms(layers, row.brokerKey)
    const synonyms =
      own === undefined
        ? inherited
        : [{ name, value: canonicalText(row, own), source: configSource.group }, ...inherited]
    const value = formatValue(row, effective[camelCase(name)]!)
    return describe(name, row, { value, synonyms, readOnly: false }, options)
  })
}

/** The settings of the broker that the layers belong to. */
export function describeBrokerConfig(
  layers: BrokerConfigLayers,
  options: DescribeOptions = {},
): ConfigDescription[] {
  const broker = inForce(layers)
  const effective = broker as Readonly<Record<string, SettingValue>>
  return wanted(brokerRows, options).map(([name, row]) => {
    const synonyms = brokerSynonyms(layers, name)
    const decider = synonyms[0]
    const value =
      decider?.name === name || row.fallbackOf !== undefined
        ? (decider?.value ?? null)
        : formatValue(row, effective[camelCase(name)]!)
    return describe(name, row, { value, synonyms, readOnly: row.update === 'read-only' }, options)
  })
}

/** The settings that were altered for all brokers: what is told for a broker resource without a name. */
export function describeDefaultBrokerConfig(
  layers: BrokerConfigLayers,
  options: DescribeOptions = {},
): ConfigDescription[] {
  const source = configSource.brokerDefaultDynamic
  return wanted(brokerRows, options).flatMap(([name, row]) => {
    const text = layers.defaults.get(name)
    if (text === undefined) return []
    const value = canonicalText(row, text)
    return [describe(name, row, { value, synonyms: [{ name, value, source }], readOnly: false }, options)]
  })
}

function wanted<Row>(rows: ReadonlyMap<string, Row>, options: DescribeOptions): (readonly [string, Row])[] {
  const keys = options.keys ?? null
  const chosen = [...rows].filter(([name]) => keys === null || keys.includes(name))
  return chosen.sort(([one], [other]) => (one < other ? -1 : 1))
}

function describe(
  name: string,
  row: KeyDefinition,
  found: { value: string | null; synonyms: readonly ConfigSynonym[]; readOnly: boolean },
  options: DescribeOptions,
): ConfigDescription {
  const isSensitive = row.type === 'password'
  const hide = (synonym: ConfigSynonym) => (isSensitive ? { ...synonym, value: null } : synonym)
  const source = found.synonyms[0]?.source ?? configSource.default
  return {
    name,
    value: isSensitive ? null : found.value,
    readOnly: found.readOnly,
    isDefault: source === configSource.default,
    configSource: source,
    isSensitive,
    synonyms: options.includeSynonyms === true ? found.synonyms.map(hide) : [],
    configType: configType[row.type],
    documentation: options.includeDocumentation === true ? row.doc : null,
  }
}

/** A stored text that makes no sense has no effect, so it is not told as if it had. */
function valid(row: KeyDefinition, text: string | undefined): string | undefined {
  return text === undefined || 'problem' in parseValue(row, text) ? undefined : text
}

/** Every place that says something about a broker setting or one that stands in for it, strongest first. */
function brokerSynonyms(layers: BrokerConfigLayers, brokerKey: string): ConfigSynonym[] {
  const chain = chainOf(brokerKey)
  const said = (texts: ReadonlyMap<string, string>, source: number) =>
    chain.flatMap((name) => {
      const row = brokerRows.get(name)!
      const text = valid(row, texts.get(name))
      return text === undefined ? [] : [{ name, value: canonicalText(row, text), source }]
    })
  const defaults = chain.flatMap((name) => {
    const row = brokerRows.get(name)!
    // As in Apache Kafka 4.3: what stands in for another setting is told when somebody set it, not for its default.
    return row.default === null || (name !== brokerKey && row.fallbackOf !== undefined)
      ? []
      : [{ name, value: formatValue(row, row.default), source: configSource.default }]
  })
  return [
    ...said(layers.perBroker, configSource.brokerDynamic),
    ...said(layers.defaults, configSource.brokerDefaultDynamic),
    ...said(layers.static, configSource.brokerStatic),
    ...defaults,
  ]
}
