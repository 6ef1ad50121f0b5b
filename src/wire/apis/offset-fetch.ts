// OffsetFetch: the offsets a group has committed, for some partitions or for all of them.
//
//  1  oldest: from the internal topic        2  null topics means all; + error code of the group
//  3  + throttle time                        4  throttled after the answer
//  5  + leader epoch (KIP-320)               6  flexible
//  7  may insist on stable offsets: UNSTABLE_OFFSET_COMMIT while a transaction is open (KIP-447)
//  8  many groups at once: topics and errors move into a list of groups (KIP-709)
//  9  + member id and member epoch (KIP-848)
// 10  topic ids in place of names (KIP-848)
import { api } from '../api.ts'
import {
  array,
  between,
  bool,
  defaultsTo,
  int16,
  int32,
  int64,
  nullable,
  optional,
  since,
  string,
  struct,
  until,
  uuid,
  type Value,
} from '../schema.ts'

const requestTopic = struct({
  name: string,
  partitionIndexes: array(int32),
})

const requestTopics = struct({
  name: until(9, string),
  topicId: since(10, uuid),
  partitionIndexes: array(int32),
})

const requestGroup = struct({
  groupId: string,
  memberId: since(9, optional(string)),
  memberEpoch: since(9, defaultsTo(int32, -1)),
  topics: nullable(array(requestTopics)),
})

const responseTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    committedOffset: int64,
    committedLeaderEpoch: since(5, defaultsTo(int32, -1)),
    metadata: nullable(string),
    errorCode: int16,
  }),
})

const responseTopics = struct({
  name: until(9, string),
  topicId: since(10, uuid),
  partitions: array({
    partitionIndex: int32,
    committedOffset: int64,
    committedLeaderEpoch: defaultsTo(int32, -1),
    metadata: nullable(string),
    errorCode: int16,
  }),
})

const responseGroup = struct({
  groupId: string,
  topics: array(responseTopics),
  errorCode: int16,
})

export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexible: 6,
  request: {
    groupId: until(7, string),
    topics: until(7, nullable(array(requestTopic), 2)),
    groups: since(8, array(requestGroup)),
    requireStable: since(7, bool),
  },
  response: {
    throttleTimeMs: since(3, int32),
    topics: until(7, array(responseTopic)),
    errorCode: between(2, 7, int16),
    groups: since(8, array(responseGroup)),
  },
})

export type OffsetFetchRequest = Value<typeof offsetFetch.request>
export type OffsetFetchResponse = Value<typeof offsetFetch.response>
