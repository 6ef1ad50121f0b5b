// The tables of settings looked up by name: rows, the chains in which one setting stands in for another.
// Promises that topic-keys.ts, group-keys.ts and the broker's tables (broker-keys.ts and those it brings together) are the
// only places where a setting is declared.
import { brokerKeys } from './broker-keys.ts'
import type { BrokerKeyDefinition, GroupKeyDefinition, TopicKeyDefinition } from './definition.ts'
import { groupKeys } from './group-keys.ts'
import { topicKeys } from './topic-keys.ts'

export const brokerRows: ReadonlyMap<string, BrokerKeyDefinition> = new Map(Object.entries(brokerKeys))
export const topicRows: ReadonlyMap<string, TopicKeyDefinition> = new Map(Object.entries(topicKeys))
export const groupRows: ReadonlyMap<string, GroupKeyDefinition> = new Map(Object.entries(groupKeys))

const chains: ReadonlyMap<string, readonly string[]> = buildChains()

function buildChains(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [name, row] of brokerRows) if (row.fallbackOf === undefined) found.set(name, [name])
  for (const [name, row] of brokerRows)
    if (row.fallbackOf !== undefined) found.get(row.fallbackOf)!.push(name)
  return found
}

/**
 * The broker settings that decide a value, first to last: log.retention.ms, .minutes, .hours. A setting that stands
 * in for another one has only itself.
 */
export function chainOf(brokerKey: string): readonly string[] {
  return chains.get(brokerKey) ?? [brokerKey]
}
