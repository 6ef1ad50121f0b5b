// What Apache Kafka 4.3.0 itself says about the settings that this broker has, too: printed from its own definitions.
// Promises facts only: name | type | default | allowed | how a broker setting may be altered, or, for a topic setting,
// the broker settings that give its value. The tables in src/config are compared with them.

export interface KafkaFact {
  readonly name: string
  readonly type: string
  readonly default: string
  readonly allowed: string
  readonly last: string
}

const brokerText = `
advertised.listeners | LIST | null |  | read-only
auto.create.topics.enable | BOOLEAN | true |  | read-only
broker.id | INT | -1 |  | read-only
broker.rack | STRING | null |  | read-only
compression.gzip.level | INT | -1 | [1,...,9] or -1 | cluster-wide
compression.lz4.level | INT | 9 | [1,...,17] | cluster-wide
compression.type | STRING | producer | [uncompressed, zstd, lz4, snappy, gzip, producer] | cluster-wide
compression.zstd.level | INT | 3 | [-131072,...,22] | cluster-wide
connections.max.idle.ms | LONG | 600000 |  | read-only
controller.listener.names | LIST | <required> |  | read-only
default.replication.factor | INT | 1 |  | read-only
delete.topic.enable | BOOLEAN | true |  | read-only
fetch.max.bytes | INT | 57671680 | [1024,...] | read-only
group.consumer.assignment.interval.ms | INT | 1000 | [0,...] | cluster-wide
group.consumer.assignors | LIST | uniform,range |  | read-only
group.consumer.heartbeat.interval.ms | INT | 5000 | [1,...] | read-only
group.consumer.max.assignment.interval.ms | INT | 15000 | [0,...] | read-only
group.consumer.max.heartbeat.interval.ms | INT | 15000 | [1,...] | read-only
group.consumer.max.session.timeout.ms | INT | 60000 | [1,...] | read-only
group.consumer.max.size | INT | 2147483647 | [1,...] | read-only
group.consumer.migration.policy | STRING | bidirectional | (case insensitive) [DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL] | read-only
group.consumer.min.assignment.interval.ms | INT | 0 | [0,...] | read-only
group.consumer.min.heartbeat.interval.ms | INT | 5000 | [1,...] | read-only
group.consumer.min.session.timeout.ms | INT | 45000 | [1,...] | read-only
group.consumer.regex.refresh.interval.ms | INT | 600000 | [10000,...] | read-only
group.consumer.session.timeout.ms | INT | 45000 | [1,...] | read-only
group.coordinator.rebalance.protocols | LIST | classic,consumer,streams | [consumer, classic, share, streams] | read-only
group.initial.rebalance.delay.ms | INT | 3000 |  | read-only
group.max.session.timeout.ms | INT | 1800000 |  | read-only
group.max.size | INT | 2147483647 | [1,...] | read-only
group.min.session.timeout.ms | INT | 6000 |  | read-only
inter.broker.listener.name | STRING | null |  | read-only
listener.security.protocol.map | STRING | SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT |  | per-broker
listeners | LIST | PLAINTEXT://:9092 |  | per-broker
log.cleaner.delete.retention.ms | LONG | 86400000 | [0,...] | cluster-wide
log.cleaner.max.compaction.lag.ms | LONG | 9223372036854775807 | [1,...] | cluster-wide
log.cleaner.min.cleanable.ratio | DOUBLE | 0.5 | [0,...,1] | cluster-wide
log.cleaner.min.compaction.lag.ms | LONG | 0 | [0,...] | cluster-wide
log.cleanup.policy | LIST | delete | [compact, delete] | cluster-wide
log.dir | LIST | /tmp/kafka-logs |  | read-only
log.dirs | LIST | null |  | read-only
log.flush.interval.messages | LONG | 9223372036854775807 | [1,...] | cluster-wide
log.flush.interval.ms | LONG | null |  | cluster-wide
log.flush.offset.checkpoint.interval.ms | INT | 60000 | [0,...] | read-only
log.flush.scheduler.interval.ms | LONG | 9223372036854775807 |  | read-only
log.flush.start.offset.checkpoint.interval.ms | INT | 60000 | [0,...] | read-only
log.index.interval.bytes | INT | 4096 | [0,...] | cluster-wide
log.index.size.max.bytes | INT | 10485760 | [4,...] | cluster-wide
log.local.retention.bytes | LONG | -2 | [-2,...] | cluster-wide
log.local.retention.ms | LONG | -2 | [-2,...] | cluster-wide
log.message.timestamp.after.max.ms | LONG | 3600000 | [0,...] | cluster-wide
log.message.timestamp.before.max.ms | LONG | 9223372036854775807 | [0,...] | cluster-wide
log.message.timestamp.type | STRING | CreateTime | [CreateTime, LogAppendTime] | cluster-wide
log.preallocate | BOOLEAN | false |  | cluster-wide
log.retention.bytes | LONG | -1 |  | cluster-wide
log.retention.check.interval.ms | LONG | 300000 | [1,...] | read-only
log.retention.hours | INT | 168 |  | read-only
log.retention.minutes | INT | null |  | read-only
log.retention.ms | LONG | null |  | cluster-wide
log.roll.hours | INT | 168 | [1,...] | read-only
log.roll.jitter.hours | INT | 0 | [0,...] | read-only
log.roll.jitter.ms | LONG | null |  | cluster-wide
log.roll.ms | LONG | null |  | cluster-wide
log.segment.bytes | INT | 1073741824 | [1048576,...] | cluster-wide
log.segment.delete.delay.ms | LONG | 60000 | [0,...] | cluster-wide
max.connections | INT | 2147483647 | [0,...] | cluster-wide
max.connections.per.ip | INT | 2147483647 | [0,...] | cluster-wide
max.connections.per.ip.overrides | STRING |  |  | cluster-wide
max.incremental.fetch.session.cache.slots | INT | 1000 | [0,...] | read-only
max.request.partition.size.limit | INT | 2000 | [1,...] | read-only
message.max.bytes | INT | 1048588 | [0,...] | cluster-wide
min.insync.replicas | INT | 1 | [1,...] | cluster-wide
node.id | INT | <required> | [0,...] | read-only
num.partitions | INT | 1 | [1,...] | read-only
offset.metadata.max.bytes | INT | 4096 |  | read-only
offsets.commit.timeout.ms | INT | 5000 | [1,...] | read-only
offsets.load.buffer.size | INT | 5242880 | [1,...] | read-only
offsets.retention.check.interval.ms | LONG | 600000 | [1,...] | read-only
offsets.retention.minutes | INT | 10080 | [1,...] | read-only
offsets.topic.num.partitions | INT | 50 | [1,...] | read-only
offsets.topic.replication.factor | SHORT | 3 | [1,...] | read-only
offsets.topic.segment.bytes | INT | 104857600 | [1,...] | read-only
producer.id.expiration.check.interval.ms | INT | 600000 | [1,...] | read-only
producer.id.expiration.ms | INT | 86400000 | [1,...] | cluster-wide
replica.high.watermark.checkpoint.interval.ms | LONG | 5000 |  | read-only
socket.listen.backlog.size | INT | 50 | [1,...] | read-only
socket.request.max.bytes | INT | 104857600 | [1,...] | read-only
unclean.leader.election.enable | BOOLEAN | false |  | cluster-wide
`

const topicText = `
cleanup.policy | LIST | delete | [compact, delete] | log.cleanup.policy
compression.gzip.level | INT | -1 | [1,...,9] or -1 | compression.gzip.level
compression.lz4.level | INT | 9 | [1,...,17] | compression.lz4.level
compression.type | STRING | producer | [uncompressed, zstd, lz4, snappy, gzip, producer] | compression.type
compression.zstd.level | INT | 3 | [-131072,...,22] | compression.zstd.level
delete.retention.ms | LONG | 86400000 | [0,...] | log.cleaner.delete.retention.ms
file.delete.delay.ms | LONG | 60000 | [0,...] | log.segment.delete.delay.ms
flush.messages | LONG | 9223372036854775807 | [1,...] | log.flush.interval.messages
flush.ms | LONG | 9223372036854775807 | [0,...] | log.flush.interval.ms log.flush.scheduler.interval.ms
follower.replication.throttled.replicas | LIST |  | replicas | 
index.interval.bytes | INT | 4096 | [0,...] | log.index.interval.bytes
leader.replication.throttled.replicas | LIST |  | replicas | 
local.retention.bytes | LONG | -2 | [-2,...] | log.local.retention.bytes
local.retention.ms | LONG | -2 | [-2,...] | log.local.retention.ms
max.compaction.lag.ms | LONG | 9223372036854775807 | [1,...] | log.cleaner.max.compaction.lag.ms
max.message.bytes | INT | 1048588 | [0,...] | message.max.bytes
message.timestamp.after.max.ms | LONG | 3600000 | [0,...] | log.message.timestamp.after.max.ms
message.timestamp.before.max.ms | LONG | 9223372036854775807 | [0,...] | log.message.timestamp.before.max.ms
message.timestamp.type | STRING | CreateTime | [CreateTime, LogAppendTime] | log.message.timestamp.type
min.cleanable.dirty.ratio | DOUBLE | 0.5 | [0,...,1] | log.cleaner.min.cleanable.ratio
min.compaction.lag.ms | LONG | 0 | [0,...] | log.cleaner.min.compaction.lag.ms
min.insync.replicas | INT | 1 | [1,...] | min.insync.replicas
preallocate | BOOLEAN | false |  | log.preallocate
remote.log.copy.disable | BOOLEAN | false |  | 
remote.log.delete.on.disable | BOOLEAN | false |  | 
remote.storage.enable | BOOLEAN | false |  | 
retention.bytes | LONG | -1 |  | log.retention.bytes
retention.ms | LONG | 604800000 | [-1,...] | log.retention.ms log.retention.minutes log.retention.hours
segment.bytes | INT | 1073741824 | [1048576,...] | log.segment.bytes
segment.index.bytes | INT | 10485760 | [4,...] | log.index.size.max.bytes
segment.jitter.ms | LONG | 0 | [0,...] | log.roll.jitter.ms log.roll.jitter.hours
segment.ms | LONG | 604800000 | [1,...] | log.roll.ms log.roll.hours
unclean.leader.election.enable | BOOLEAN | false |  | unclean.leader.election.enable
`

function parse(text: string): KafkaFact[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', type = '', value = '', allowed = '', last = ''] = line
        .split('|')
        .map((cell) => cell.trim())
      return { name, type, default: value, allowed, last }
    })
}

export const kafkaBrokerFacts = parse(brokerText)
export const kafkaTopicFacts = parse(topicText)
