// DescribeCluster (KIP-700): the id of the cluster, its controller and its nodes.
//
//  0  brokers; flexible
//  1  + controllers can be asked for, and by a controller answered (KIP-919)
//  2  + fenced brokers, on demand (KIP-1073)
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int8,
  int16,
  int32,
  optional,
  since,
  string,
  type Value,
} from '../schema.ts'

export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexible: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: since(1, defaultsTo(int8, 1)),
    includeFencedBrokers: since(2, bool),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    endpointType: since(1, defaultsTo(int8, 1)),
    clusterId: string,
    controllerId: defaultsTo(int32, -1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: optional(string),
      isFenced: since(2, bool),
    }),
    clusterAuthorizedOperations: defaultsTo(int32, -0x80000000),
  },
})

export type DescribeClusterRequest = Value<typeof describeCluster.request>
export type DescribeClusterResponse = Value<typeof describeCluster.response>
