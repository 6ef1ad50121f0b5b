// A broker's settings as the layers above use them: checked and typed, under Kafka's names in camelCase.
import type { BrokerKey, brokerKeys } from './broker-keys.ts'
import type { CamelCase, ValueOf } from './definition.ts'

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
