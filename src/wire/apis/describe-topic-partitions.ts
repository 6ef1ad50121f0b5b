// DescribeTopicPartitions (KIP-966): the partitions of topics page by page, with the replicas that may become
// leader.
//
//  0  flexible
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int16,
  int32,
  nullable,
  optional,
  string,
  struct,
  uuid,
  type Value,
} from '../schema.ts'

const cursor = struct({
  topicName: string,
  partitionIndex: int32,
})

const responsePartition = struct({
  errorCode: int16,
  partitionIndex: int32,
  leaderId: int32,
  leaderEpoch: defaultsTo(int32, -1),
  replicaNodes: array(int32),
  isrNodes: array(int32),
  eligibleLeaderReplicas: optional(array(int32)),
  lastKnownElr: optional(array(int32)),
  offlineReplicas: array(int32),
})

export const describeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array({
      name: string,
    }),
    responsePartitionLimit: defaultsTo(int32, 2000),
    cursor: optional(cursor),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: bool,
      partitions: array(responsePartition),
      topicAuthorizedOperations: defaultsTo(int32, -0x80000000),
    }),
    nextCursor: optional(cursor),
  },
})

export type DescribeTopicPartitionsRequest = Value<typeof describeTopicPartitions.request>
export type DescribeTopicPartitionsResponse = Value<typeof describeTopicPartitions.response>
