// AlterPartitionReassignments (KIP-455): starts moving partitions to other replicas; null replicas cancel a
// move that is under way.
//
//  0  partitions and their replicas, flexible
//  1  + whether the number of replicas may change (KIP-860)
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  struct,
  type Value,
} from '../schema.ts'

const reassignableTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    replicas: optional(array(int32)),
  }),
})

const reassignableTopicResponse = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  }),
})

export const alterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexible: 0,
  request: {
    timeoutMs: defaultsTo(int32, 60_000),
    allowReplicationFactorChange: since(1, defaultsTo(bool, true)),
    topics: array(reassignableTopic),
  },
  response: {
    throttleTimeMs: int32,
    allowReplicationFactorChange: since(1, defaultsTo(bool, true)),
    errorCode: int16,
    errorMessage: nullable(string),
    responses: array(reassignableTopicResponse),
  },
})

export type AlterPartitionReassignmentsRequest = Value<typeof alterPartitionReassignments.request>
export type AlterPartitionReassignmentsResponse = Value<typeof alterPartitionReassignments.response>
