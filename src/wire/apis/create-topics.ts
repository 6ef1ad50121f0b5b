// CreateTopics: makes topics, from a number of partitions and a replication factor (-1: the broker's default)
// or from an explicit assignment.
//
//  2  oldest: validate only, error message, throttle time     3  throttled after the answer
//  4  -1 for partitions and replication factor (KIP-464)
//  5  flexible; the answer tells partitions, replication factor and configs (KIP-525)
//  6  THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
//  7  + topic id (KIP-516)
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int8,
  int16,
  int32,
  nullable,
  since,
  string,
  struct,
  tagged,
  uuid,
  type Value,
} from '../schema.ts'

const creatableTopic = struct({
  name: string,
  numPartitions: int32,
  replicationFactor: int16,
  assignments: array({
    partitionIndex: int32,
    brokerIds: array(int32),
  }),
  configs: array({
    name: string,
    value: nullable(string),
  }),
})

const creatableTopicConfigs = struct({
  name: string,
  value: nullable(string),
  readOnly: bool,
  configSource: defaultsTo(int8, -1),
  isSensitive: bool,
})

export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array(creatableTopic),
    timeoutMs: defaultsTo(int32, 60_000),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      topicId: since(7, uuid),
      errorCode: int16,
      errorMessage: nullable(string),
      topicConfigErrorCode: tagged(0, int16, 5),
      numPartitions: since(5, defaultsTo(int32, -1)),
      replicationFactor: since(5, defaultsTo(int16, -1)),
      configs: since(5, nullable(array(creatableTopicConfigs))),
    }),
  },
})

export type CreateTopicsRequest = Value<typeof createTopics.request>
export type CreateTopicsResponse = Value<typeof createTopics.response>
