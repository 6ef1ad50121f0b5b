// ListPartitionReassignments (KIP-455): the moves of partitions that are under way.
//
//  0  flexible
import { api } from '../api.ts'
import { array, defaultsTo, int16, int32, nullable, optional, string, struct, type Value } from '../schema.ts'

const topics = struct({
  name: string,
  partitionIndexes: array(int32),
})

const ongoingTopicReassignment = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    replicas: array(int32),
    addingReplicas: array(int32),
    removingReplicas: array(int32),
  }),
})

export const listPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexible: 0,
  request: {
    timeoutMs: defaultsTo(int32, 60_000),
    topics: optional(array(topics)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    topics: array(ongoingTopicReassignment),
  },
})

export type ListPartitionReassignmentsRequest = Value<typeof listPartitionReassignments.request>
export type ListPartitionReassignmentsResponse = Value<typeof listPartitionReassignments.response>
