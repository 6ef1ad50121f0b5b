// Metadata: the brokers of the cluster, and for the topics asked for (or all) their partitions, leaders,
// replicas and ids.
//
//  0  brokers, topics; an empty list of topics means all
//  1  + rack, controller, internal flag; null means all topics, an empty list none
//  2  + cluster id                       3  + throttle time
//  4  + leave to create missing topics   5  + offline replicas (KIP-112)
//  6  throttled after the answer         7  + leader epoch (KIP-320)
//  8  + authorised operations, on demand (KIP-430)
//  9  flexible
// 10  + topic ids (KIP-516), usable by clients from version 12 on
// 11  authorised operations of the cluster moved to DescribeCluster (KIP-700)
// 12  a topic may be named by its id alone
// 13  + error code of the whole answer (KIP-1102: REBOOTSTRAP_REQUIRED)
import { api } from '../api.ts'
import {
  array,
  between,
  bool,
  defaultsTo,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  struct,
  uuid,
  type Value,
} from '../schema.ts'

const requestTopic = struct({
  topicId: since(10, uuid),
  name: nullable(string, 10),
})

const responseTopic = struct({
  errorCode: int16,
  name: nullable(string, 12),
  topicId: since(10, uuid),
  isInternal: since(1, bool),
  partitions: array({
    errorCode: int16,
    partitionIndex: int32,
    leaderId: int32,
    leaderEpoch: since(7, defaultsTo(int32, -1)),
    replicaNodes: array(int32),
    isrNodes: array(int32),
    offlineReplicas: since(5, array(int32)),
  }),
  topicAuthorizedOperations: since(8, defaultsTo(int32, -0x80000000)),
})

export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexible: 9,
  request: {
    topics: nullable(array(requestTopic), 1),
    allowAutoTopicCreation: since(4, defaultsTo(bool, true)),
    includeClusterAuthorizedOperations: between(8, 10, bool),
    includeTopicAuthorizedOperations: since(8, bool),
  },
  response: {
    throttleTimeMs: since(3, int32),
    brokers: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: since(1, optional(string)),
    }),
    clusterId: since(2, optional(string)),
    controllerId: since(1, defaultsTo(int32, -1)),
    topics: array(responseTopic),
    clusterAuthorizedOperations: between(8, 10, defaultsTo(int32, -0x80000000)),
    errorCode: since(13, int16),
  },
})

export type MetadataRequest = Value<typeof metadata.request>
export type MetadataResponse = Value<typeof metadata.response>
