// The broker settings about groups and the offsets they commit.
// Promises Kafka's names and the defaults of Apache Kafka 4.3 but for two, both because one broker is a whole cluster here:
// group.initial.rebalance.delay.ms and offsets.topic.replication.factor. Leaves settings of single groups to group-keys.ts.
import { type BrokerKeyDefinition, INT_MAX } from './definition.ts'

const group = {
  'group.coordinator.rebalance.protocols': {
    type: 'list',
    default: ['classic', 'consumer'],
    allowed: ['classic', 'consumer', 'share', 'streams'],
    update: 'read-only',
    doc: 'Protocols that members of groups may speak. Only `classic` and `consumer` (KIP-848) are served so far; the others may be named and change nothing.',
  },
  'group.min.session.timeout.ms': {
    type: 'int',
    default: 6000,
    update: 'read-only',
    doc: 'Shortest session that a member of a classic group may ask for.',
  },
  'group.max.session.timeout.ms': {
    type: 'int',
    default: 1_800_000,
    update: 'read-only',
    doc: 'Longest session that a member of a classic group may ask for.',
  },
  'group.initial.rebalance.delay.ms': {
    type: 'int',
    default: 0,
    update: 'read-only',
    doc: 'How long an empty classic group waits for more members before its first rebalance. Kafka waits 3000; on one machine nobody has to.',
  },
  'group.max.size': {
    type: 'int',
    default: INT_MAX,
    min: 1,
    update: 'read-only',
    doc: 'Members that a classic group may have.',
  },
  'group.consumer.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    min: 1,
    update: 'read-only',
    doc: 'Without a heartbeat for so long, a member of a consumer group is gone. Groups may have their own (consumer.session.timeout.ms).',
  },
  'group.consumer.min.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    min: 1,
    update: 'read-only',
    doc: 'Smallest session that a group may set.',
  },
  'group.consumer.max.session.timeout.ms': {
    type: 'int',
    default: 60_000,
    min: 1,
    update: 'read-only',
    doc: 'Largest session that a group may set.',
  },
  'group.consumer.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    min: 1,
    update: 'read-only',
    doc: 'How often members of consumer groups are told to send heartbeats. Groups may have their own (consumer.heartbeat.interval.ms).',
  },
  'group.consumer.min.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    min: 1,
    update: 'read-only',
    doc: 'Smallest interval that a group may set.',
  },
  'group.consumer.max.heartbeat.interval.ms': {
    type: 'int',
    default: 15_000,
    min: 1,
    update: 'read-only',
    doc: 'Largest interval that a group may set.',
  },
  'group.consumer.max.size': {
    type: 'int',
    default: INT_MAX,
    min: 1,
    update: 'read-only',
    doc: 'Members that a consumer group may have.',
  },
  'group.consumer.assignors': {
    type: 'list',
    default: ['uniform', 'range'],
    allowed: ['uniform', 'range'],
    update: 'read-only',
    doc: 'Assignors that members of consumer groups may choose; the first is for groups that choose none.',
  },
  'group.consumer.migration.policy': {
    type: 'string',
    default: 'bidirectional',
    allowed: ['disabled', 'downgrade', 'upgrade', 'bidirectional'],
    ignoresCase: true,
    update: 'read-only',
    doc: 'Whether a group with members may go from the classic protocol to the consumer protocol (upgrade), back (downgrade), or both. Empty groups always may.',
  },
  'group.consumer.assignment.interval.ms': {
    type: 'int',
    default: 1000,
    min: 0,
    update: 'cluster-wide',
    doc: "A consumer group's target assignment is computed at most once in so long. Groups may have their own (consumer.assignment.interval.ms).",
  },
  'group.consumer.min.assignment.interval.ms': {
    type: 'int',
    default: 0,
    min: 0,
    update: 'read-only',
    doc: 'Smallest interval that a group may set.',
  },
  'group.consumer.max.assignment.interval.ms': {
    type: 'int',
    default: 15_000,
    min: 0,
    update: 'read-only',
    doc: 'Largest interval that a group may set.',
  },
  'group.consumer.regex.refresh.interval.ms': {
    type: 'int',
    default: 600_000,
    min: 10_000,
    update: 'read-only',
    doc: 'How often subscriptions by pattern are matched again although no topic came or went.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const offsets = {
  'offset.metadata.max.bytes': {
    type: 'int',
    default: 4096,
    update: 'read-only',
    doc: 'Largest text that may go with a committed offset.',
  },
  'offsets.commit.timeout.ms': {
    type: 'int',
    default: 5000,
    min: 1,
    update: 'read-only',
    doc: 'How long what a group writes may take to be committed before its members are told COORDINATOR_NOT_AVAILABLE.',
  },
  'offsets.retention.minutes': {
    type: 'int',
    default: 10_080,
    min: 1,
    update: 'read-only',
    doc: 'How long offsets outlive their use: since the group lost its last member, or since the commit where nobody subscribes.',
  },
  'offsets.retention.check.interval.ms': {
    type: 'long',
    default: 600_000,
    min: 1,
    update: 'read-only',
    doc: 'How often old offsets are looked for.',
  },
  'offsets.load.buffer.size': {
    type: 'int',
    default: 5_242_880,
    min: 1,
    update: 'read-only',
    doc: 'Bytes of `__consumer_offsets` that are read at a time when a partition of it is loaded.',
  },
  'offsets.topic.num.partitions': {
    type: 'int',
    default: 50,
    min: 1,
    update: 'read-only',
    doc: 'Partitions of `__consumer_offsets` when it is created. Must not change while it exists.',
  },
  'offsets.topic.replication.factor': {
    type: 'short',
    default: 1,
    min: 1,
    update: 'read-only',
    doc: "Replicas of `__consumer_offsets` when it is created. Kafka's default is 3, which one broker cannot give.",
  },
  'offsets.topic.segment.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    update: 'read-only',
    doc: 'segment.bytes of `__consumer_offsets` when it is created.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

export const brokerGroupKeys = { ...group, ...offsets } as const

export const brokerGroupKeyGroups = [
  ['Groups', group],
  ['Committed offsets', offsets],
] as const
