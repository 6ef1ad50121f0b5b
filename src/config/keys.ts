// The tables of settings looked up by name: rows, the chains in which one setting stands in for another, near misses.
// Promises that topic-keys.ts, broker-keys.ts and broker-log-keys.ts are the only places where a setting is declared.
import { brokerKeys } from './broker-keys.ts'
import type { BrokerKeyDefinition, TopicKeyDefinition } from './definition.ts'
import { topicKeys } from './topic-keys.ts'

export const brokerRows: ReadonlyMap<string, BrokerKeyDefinition> = new Map(Object.entries(brokerKeys))
export const topicRows: ReadonlyMap<string, TopicKeyDefinition> = new Map(Object.entries(topicKeys))

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

/** The known name that `name` was probably meant to be: at most a third of its letters differ. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let least = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue
    const distance = editDistance(name, candidate)
    if (distance < least) {
      least = distance
      nearest = candidate
    }
  }
  return nearest
}

/** Levenshtein distance: insertions, removals and replacements of one letter. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let at = 1; at <= to.length; at++) {
      const replaced = previous[at - 1]! + (from[row - 1] === to[at - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[at]! + 1, current[at - 1]! + 1))
    }
    previous = current
  }
  return previous[to.length]!
}
