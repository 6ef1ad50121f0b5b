// The keys and values of __consumer_offsets as Apache Kafka 4.3 has them on disk, field by field, in every version
// that was ever written. Promises nothing but bytes. Leaves which record is which, and which version is written, to
// records.ts. Key types for share groups (10 to 15) and streams groups (17 to 23) are not here.
import { message, NEVER_FLEXIBLE } from '../../wire/api.ts'
import {
  array,
  between,
  bytes,
  defaultsTo,
  type Fields,
  int8,
  int32,
  int64,
  nullable,
  optional,
  since,
  string,
  struct,
  tagged,
  uuid,
} from '../../wire/schema.ts'

const key = <F extends Fields>(name: string, fields: F) =>
  message(`${name}Key`, { versions: [0, 0], flexible: NEVER_FLEXIBLE, fields })

const value = <F extends Fields>(name: string, fields: F) =>
  message(`${name}Value`, { versions: [0, 0], flexible: 0, fields })

/** Also the layout of the keys of type 0, of clients before Kafka 0.9. */
export const offsetCommitKey = key('OffsetCommit', { group: string, topic: string, partition: int32 })

/**
 * 0 the offset | 1 + when it expires | 2 without that again | 3 + leader epoch (KIP-320) | 4 flexible, + the id of the
 * topic. Values under keys of type 0 look like version 0.
 */
export const offsetCommitValue = message('OffsetCommitValue', {
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64,
    leaderEpoch: since(3, defaultsTo(int32, -1)),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: between(1, 1, defaultsTo(int64, -1)),
    topicId: tagged(0, uuid, 4),
  },
})

export const groupMetadataKey = key('GroupMetadata', { group: string })

/**
 * 0 a group of the classic protocol | 1 + rebalance timeout (KIP-62) | 2 + time of the last change | 3 + instance ids
 * (KIP-345) | 4 flexible.
 */
export const groupMetadataValue = message('GroupMetadataValue', {
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string,
    generation: int32,
    protocol: nullable(string),
    leader: nullable(string),
    currentStateTimestamp: since(2, defaultsTo(int64, -1)),
    members: array({
      memberId: string,
      groupInstanceId: since(3, optional(string, 3)),
      clientId: string,
      clientHost: string,
      rebalanceTimeout: since(1, defaultsTo(int32, -1)),
      sessionTimeout: int32,
      subscription: bytes,
      assignment: bytes,
    }),
  },
})

export const consumerGroupMetadataKey = key('ConsumerGroupMetadata', { groupId: string })
export const consumerGroupMetadataValue = value('ConsumerGroupMetadata', {
  epoch: int32,
  /** Since Kafka 4.1 (KIP-1101): of the topics subscribed to. */
  metadataHash: tagged(0, int64),
})

/** Written up to Kafka 4.0; later brokers write its tombstone. */
export const consumerGroupPartitionMetadataKey = key('ConsumerGroupPartitionMetadata', { groupId: string })
export const consumerGroupPartitionMetadataValue = value('ConsumerGroupPartitionMetadata', {
  topics: array({
    topicId: uuid,
    topicName: string,
    numPartitions: int32,
    partitionMetadata: array({ partition: int32, racks: array(string) }),
  }),
})

export const consumerGroupMemberMetadataKey = key('ConsumerGroupMemberMetadata', {
  groupId: string,
  memberId: string,
})
export const consumerGroupMemberMetadataValue = value('ConsumerGroupMemberMetadata', {
  instanceId: nullable(string),
  rackId: nullable(string),
  clientId: string,
  clientHost: string,
  subscribedTopicNames: array(string),
  subscribedTopicRegex: nullable(string),
  rebalanceTimeoutMs: defaultsTo(int32, -1),
  serverAssignor: nullable(string),
  /** Of members that speak the classic protocol; null for others, which is not the default and so is written. */
  classicMemberMetadata: tagged(
    0,
    nullable(
      struct({
        sessionTimeoutMs: int32,
        supportedProtocols: array({ name: string, metadata: bytes }),
      }),
    ),
  ),
})

export const consumerGroupTargetAssignmentMetadataKey = key('ConsumerGroupTargetAssignmentMetadata', {
  groupId: string,
})
export const consumerGroupTargetAssignmentMetadataValue = value('ConsumerGroupTargetAssignmentMetadata', {
  assignmentEpoch: int32,
  /** Since Kafka 4.3 (KIP-1263). */
  assignmentTimestamp: tagged(0, int64),
})

export const consumerGroupTargetAssignmentMemberKey = key('ConsumerGroupTargetAssignmentMember', {
  groupId: string,
  memberId: string,
})
export const consumerGroupTargetAssignmentMemberValue = value('ConsumerGroupTargetAssignmentMember', {
  topicPartitions: array({ topicId: uuid, partitions: array(int32) }),
})

const ownedPartitions = array({
  topicId: uuid,
  partitions: array(int32),
  /** For each partition the epoch at which the member got it; since Kafka 4.3 (before: empty). */
  assignmentEpochs: tagged(0, nullable(array(int32))),
})

export const consumerGroupCurrentMemberAssignmentKey = key('ConsumerGroupCurrentMemberAssignment', {
  groupId: string,
  memberId: string,
})
export const consumerGroupCurrentMemberAssignmentValue = value('ConsumerGroupCurrentMemberAssignment', {
  memberEpoch: int32,
  previousMemberEpoch: int32,
  /** 0 stable, 1 has to revoke partitions, 2 waits for partitions of others, 127 unknown. */
  state: int8,
  assignedPartitions: ownedPartitions,
  partitionsPendingRevocation: ownedPartitions,
})

export const consumerGroupRegularExpressionKey = key('ConsumerGroupRegularExpression', {
  groupId: string,
  regularExpression: string,
})
export const consumerGroupRegularExpressionValue = value('ConsumerGroupRegularExpression', {
  topics: array(string),
  version: int64,
  timestamp: int64,
})
