// What a row of the tables of settings looks like, and the static types that follow from a row.
// Promises that a table written with these types needs no second declaration: names, types and nullability are
// inferred from it. Leaves reading and checking values to values.ts.

/** Kafka's names for the types of settings (ConfigDef.Type of Apache Kafka 4.3). */
export type KeyType = 'boolean' | 'string' | 'short' | 'int' | 'long' | 'double' | 'list' | 'password'

/**
 * How a broker setting may change while the broker runs (KIP-226): not at all, for one broker or for all of them,
 * or (cluster-wide) likewise but normally for all. Kafka accepts a cluster-wide key for one broker, too.
 */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

export type SettingValue = string | number | boolean | readonly string[] | null

export interface KeyDefinition {
  readonly type: KeyType
  /** The value when nobody says anything; null means "none". */
  readonly default: SettingValue
  /** Smallest and largest number allowed, both included. */
  readonly min?: number
  readonly max?: number
  /** Numbers outside of the range that have a meaning of their own, such as -1 for "no limit". */
  readonly special?: readonly number[]
  /** The only texts (or list elements) allowed. */
  readonly allowed?: readonly string[]
  /** The allowed texts may be written in any case; the value is the one of the table. */
  readonly ignoresCase?: boolean
  /** A further rule of form: how it reads in an error, and whether the text or the elements of the list keep it. */
  readonly form?: { readonly text: string; readonly matches: (texts: readonly string[]) => boolean }
  /** One or two sentences for people, with the unit. */
  readonly doc: string
  /** What the setting waits for before it does anything; absent when it has its effect today. */
  readonly pending?: string
}

export interface BrokerKeyDefinition extends KeyDefinition {
  readonly update: UpdateMode
  /**
   * Names the setting whose value this one gives when that is absent, as log.retention.hours does for
   * log.retention.ms. Rows that share a target are asked in the order of the table.
   */
  readonly fallbackOf?: string
  /** The number that turns this row's unit into the target's: 3600000 from hours to milliseconds. */
  readonly factor?: number
}

export interface TopicKeyDefinition extends KeyDefinition {
  /** The broker setting that gives the value for topics that do not set their own. */
  readonly brokerKey?: string
}

export interface GroupKeyDefinition extends KeyDefinition {
  /** The broker setting that gives the value for groups that do not set their own. */
  readonly brokerKey: string
}

/** `socket.request.max.bytes` -> `socketRequestMaxBytes`. */
export type CamelCase<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

/** The type of a row's value: number, boolean, text or list, narrowed to the allowed texts, null if it may be absent. */
export type ValueOf<Row extends KeyDefinition> =
  | (Row['default'] extends null ? null : never)
  | (Row['type'] extends 'boolean'
      ? boolean
      : Row['type'] extends 'short' | 'int' | 'long' | 'double'
        ? number
        : Row['type'] extends 'list'
          ? readonly TextOf<Row>[]
          : TextOf<Row>)

type TextOf<Row> = Row extends { readonly allowed: readonly (infer Text extends string)[] } ? Text : string

/** The same conversion as `CamelCase`, for values. */
export function camelCase(name: string): string {
  return name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * Kafka's Long.MAX_VALUE, its way of saying "never". Numbers here are exact up to 2^53 - 1; larger longs are
 * held as this one and written back as Long.MAX_VALUE.
 */
export const LONG_MAX = Number.MAX_SAFE_INTEGER

export const INT_MAX = 2 ** 31 - 1

export const SHORT_MAX = 2 ** 15 - 1
