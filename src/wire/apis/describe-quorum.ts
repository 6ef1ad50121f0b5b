// DescribeQuorum (KIP-595): leader, voters and observers of the metadata log.
//
//  0  flexible
//  1  + when a replica last fetched and last was caught up (KIP-836)
//  2  + error messages, directory ids, addresses of the nodes (KIP-853)
import { api } from '../api.ts'
import {
  array,
  defaultsTo,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  struct,
  uint16,
  uuid,
  type Value,
} from '../schema.ts'

const topicData = struct({
  topicName: string,
  partitions: array({
    partitionIndex: int32,
  }),
})

const replicaState = struct({
  replicaId: int32,
  replicaDirectoryId: since(2, uuid),
  logEndOffset: int64,
  lastFetchTimestamp: since(1, defaultsTo(int64, -1)),
  lastCaughtUpTimestamp: since(1, defaultsTo(int64, -1)),
})

const responseTopicData = struct({
  topicName: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
    errorMessage: since(2, nullable(string)),
    leaderId: int32,
    leaderEpoch: int32,
    highWatermark: int64,
    currentVoters: array(replicaState),
    observers: array(replicaState),
  }),
})

const node = struct({
  nodeId: int32,
  listeners: array({
    name: string,
    host: string,
    port: uint16,
  }),
})

export const describeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexible: 0,
  request: {
    topics: array(topicData),
  },
  response: {
    errorCode: int16,
    errorMessage: since(2, nullable(string)),
    topics: array(responseTopicData),
    nodes: since(2, array(node)),
  },
})

export type DescribeQuorumRequest = Value<typeof describeQuorum.request>
export type DescribeQuorumResponse = Value<typeof describeQuorum.response>
