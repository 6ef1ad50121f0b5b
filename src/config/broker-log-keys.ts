// The broker settings about logs: the defaults it gives to topics, and when it flushes, checks and checkpoints.
// Promises that each default of a topic setting carries the type, range and default of that setting, under the name
// that Apache Kafka 4.3 gives it on a broker. Leaves the topic settings themselves to topic-keys.ts.
import { type BrokerKeyDefinition, LONG_MAX } from './definition.ts'
import { type TopicKey, topicKeys } from './topic-keys.ts'

/** A broker setting that gives the value for topics without one of their own: the topic's row, as seen on a broker. */
function forTopics<Key extends TopicKey>(key: Key) {
  const row = topicKeys[key]
  return { ...row, update: 'cluster-wide' as const, doc: `For topics without a \`${key}\`: ${row.doc}` }
}

const noLimitOrPositive = { min: 1, special: [-1] } as const

const flushing = {
  'log.flush.interval.messages': forTopics('flush.messages'),
  'log.flush.interval.ms': { ...forTopics('flush.ms'), default: null },
  'log.flush.scheduler.interval.ms': {
    type: 'long',
    default: LONG_MAX,
    min: 1,
    update: 'read-only',
    fallbackOf: 'log.flush.interval.ms',
    doc: 'Used when `log.flush.interval.ms` is absent.',
  },
  'log.flush.offset.checkpoint.interval.ms': {
    type: 'int',
    default: 60_000,
    min: 0,
    update: 'read-only',
    doc: 'Milliseconds between two writings of the recovery points, the offsets before which all is on the disk.',
  },
  'log.flush.start.offset.checkpoint.interval.ms': {
    type: 'int',
    default: 60_000,
    min: 0,
    update: 'read-only',
    doc: 'Milliseconds between two writings of the log start offsets that were moved by deleting records.',
  },
  'replica.high.watermark.checkpoint.interval.ms': {
    type: 'long',
    default: 5_000,
    min: 1,
    update: 'read-only',
    doc: 'Milliseconds between two writings of the high watermarks.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const retention = {
  'log.retention.bytes': forTopics('retention.bytes'),
  'log.retention.ms': { ...forTopics('retention.ms'), ...noLimitOrPositive, default: null },
  'log.retention.minutes': {
    type: 'int',
    default: null,
    ...noLimitOrPositive,
    update: 'read-only',
    fallbackOf: 'log.retention.ms',
    factor: 60_000,
    doc: 'Minutes; used when `log.retention.ms` is absent.',
  },
  'log.retention.hours': {
    type: 'int',
    default: 168,
    ...noLimitOrPositive,
    update: 'read-only',
    fallbackOf: 'log.retention.ms',
    factor: 3_600_000,
    doc: 'Hours; used when `log.retention.ms` and `log.retention.minutes` are absent.',
  },
  'log.retention.check.interval.ms': {
    type: 'long',
    default: 300_000,
    min: 1,
    update: 'read-only',
    doc: 'Milliseconds between two searches for segments that have become too old or too many.',
  },
  'log.segment.delete.delay.ms': forTopics('file.delete.delay.ms'),
  'log.cleanup.policy': forTopics('cleanup.policy'),
  'log.local.retention.bytes': forTopics('local.retention.bytes'),
  'log.local.retention.ms': forTopics('local.retention.ms'),
} as const satisfies Record<string, BrokerKeyDefinition>

const segments = {
  'log.segment.bytes': forTopics('segment.bytes'),
  'log.roll.ms': { ...forTopics('segment.ms'), default: null },
  'log.roll.hours': {
    type: 'int',
    default: 168,
    min: 1,
    update: 'read-only',
    fallbackOf: 'log.roll.ms',
    factor: 3_600_000,
    doc: 'Hours; used when `log.roll.ms` is absent.',
  },
  'log.roll.jitter.ms': { ...forTopics('segment.jitter.ms'), default: null },
  'log.roll.jitter.hours': {
    type: 'int',
    default: 0,
    min: 0,
    update: 'read-only',
    fallbackOf: 'log.roll.jitter.ms',
    factor: 3_600_000,
    doc: 'Hours; used when `log.roll.jitter.ms` is absent.',
  },
  'log.index.size.max.bytes': forTopics('segment.index.bytes'),
  'log.index.interval.bytes': forTopics('index.interval.bytes'),
  'log.preallocate': forTopics('preallocate'),
} as const satisfies Record<string, BrokerKeyDefinition>

const records = {
  'message.max.bytes': forTopics('max.message.bytes'),
  'compression.type': forTopics('compression.type'),
  'compression.gzip.level': forTopics('compression.gzip.level'),
  'compression.lz4.level': forTopics('compression.lz4.level'),
  'compression.zstd.level': forTopics('compression.zstd.level'),
  'log.message.timestamp.type': forTopics('message.timestamp.type'),
  'log.message.timestamp.before.max.ms': forTopics('message.timestamp.before.max.ms'),
  'log.message.timestamp.after.max.ms': forTopics('message.timestamp.after.max.ms'),
  'min.insync.replicas': forTopics('min.insync.replicas'),
  'unclean.leader.election.enable': forTopics('unclean.leader.election.enable'),
  'producer.id.expiration.ms': {
    type: 'int',
    default: 86_400_000,
    min: 1,
    update: 'cluster-wide',
    doc: 'Milliseconds after its last write for which a partition remembers an idempotent producer.',
  },
  'producer.id.expiration.check.interval.ms': {
    type: 'int',
    default: 600_000,
    min: 1,
    update: 'read-only',
    doc: 'Milliseconds between two searches for idempotent producers to forget.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const compaction = {
  'log.cleaner.delete.retention.ms': forTopics('delete.retention.ms'),
  'log.cleaner.min.cleanable.ratio': forTopics('min.cleanable.dirty.ratio'),
  'log.cleaner.min.compaction.lag.ms': forTopics('min.compaction.lag.ms'),
  'log.cleaner.max.compaction.lag.ms': forTopics('max.compaction.lag.ms'),
} as const satisfies Record<string, BrokerKeyDefinition>

const ownSettings = {
  'odradek.log.tail.memory.bytes': {
    type: 'long',
    default: 33_554_432,
    min: 0,
    update: 'read-only',
    doc: 'Bytes of memory, over all partitions, in which the newest records are kept for consumers that keep up.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

export const brokerLogKeys = {
  ...segments,
  ...retention,
  ...flushing,
  ...records,
  ...compaction,
  ...ownSettings,
} as const

/** The same settings under headings, for people. */
export const brokerLogKeyGroups = [
  ['Logs: segments', segments],
  ['Logs: retention', retention],
  ['Logs: flushing and checkpoints', flushing],
  ['Logs: records and producers', records],
  ['Logs: compaction', compaction],
  ['Logs: memory', ownSettings],
] as const
