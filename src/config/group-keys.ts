// The settings of a consumer group (KIP-848): the keys that Apache Kafka 4.3 accepts on a group of consumers.
// Promises Kafka's names and defaults; a group that has none of its own goes by its broker's. Leaves the settings of share
// groups (`share.*`) and streams groups (`streams.*`) out: such groups are not served.
import type { GroupKeyDefinition } from './definition.ts'

export const groupKeys = {
  'consumer.assignment.interval.ms': {
    type: 'int',
    default: 1000,
    min: 0,
    brokerKey: 'group.consumer.assignment.interval.ms',
    doc: "The group's target assignment is computed at most once in so many milliseconds.",
  },
  'consumer.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    min: 1,
    brokerKey: 'group.consumer.heartbeat.interval.ms',
    doc: 'How often the members are told to send heartbeats, in milliseconds.',
  },
  'consumer.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    min: 1,
    brokerKey: 'group.consumer.session.timeout.ms',
    doc: 'Without a heartbeat for so many milliseconds, a member is gone.',
  },
} as const satisfies Record<string, GroupKeyDefinition>

export type GroupKey = keyof typeof groupKeys
