// The operations of IncrementalAlterConfigs (KIP-339) on the settings that a topic, a broker or a group has of its own.
// Promises Kafka's rules for lists; leaves checking the result to topic-config.ts,
// dynamic-broker-config.ts and group-config.ts.
import { errors, KafkaError } from '../wire/errors.ts'
import type { KeyDefinition } from './definition.ts'
import { brokerRows, groupRows, topicRows } from './keys.ts'
import { formatValue } from './values.ts'

/** Kafka's codes of the operations. */
export const alterOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export type ConfigScope = 'topic' | 'broker' | 'group'

const rows: { readonly [Scope in ConfigScope]: ReadonlyMap<string, KeyDefinition> } = {
  topic: topicRows,
  broker: brokerRows,
  group: groupRows,
}

/**
 * Carries out one operation on `configs` itself: a request may have tens of thousands of them, each of which would copy
 * all. Appending to a list that was never set begins with its default. Throws KafkaError and changes nothing:
 * INVALID_REQUEST for a missing value or unknown operation, INVALID_CONFIG for appending to or subtracting from a setting
 * that is no list.
 */
export function applyAlteration(
  configs: Map<string, string>,
  operation: number,
  key: string,
  value: string | null,
  scope: ConfigScope = 'topic',
): void {
  if (operation === alterOperation.delete) {
    configs.delete(key)
    return
  }
  if (value === null)
    throw new KafkaError(errors.INVALID_REQUEST, `${key}: null is no value; use DELETE to reset it`)
  switch (operation) {
    case alterOperation.set:
      configs.set(key, value)
      return
    case alterOperation.append: {
      const elements = listElements(configs, key, scope)
      configs.set(key, [...new Set([...elements, ...split(value)])].join(','))
      return
    }
    case alterOperation.subtract: {
      const unwanted = new Set(split(value))
      const elements = listElements(configs, key, scope)
      configs.set(key, elements.filter((element) => !unwanted.has(element)).join(','))
      return
    }
    default:
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `${key}: operation ${operation} is unknown; allowed: 0 to 3`,
      )
  }
}

function listElements(current: ReadonlyMap<string, string>, key: string, scope: ConfigScope): string[] {
  const row = rows[scope].get(key)
  if (row !== undefined && row.type !== 'list') {
    const message = `${key}: is of type ${row.type}; only lists can be appended to or subtracted from`
    throw new KafkaError(errors.INVALID_CONFIG, message)
  }
  const inherited = row === undefined ? null : formatValue(row, row.default)
  return split(current.get(key) ?? inherited ?? '')
}

function split(text: string): string[] {
  return text
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
}
