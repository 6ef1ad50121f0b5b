// OffsetCommit: stores how far a group has read each partition. Also for consumers without a group protocol
// (empty member id, generation -1).
//
//  2  oldest: generation, member id, retention time    3  + throttle time
//  4  throttled after the answer                       5  retention is the broker's alone
//  6  + leader epoch of the committed offset (KIP-320) 7  + group instance id (KIP-345)
//  8  flexible
//  9  the generation may be a member epoch (KIP-848); STALE_MEMBER_EPOCH, GROUP_ID_NOT_FOUND may be answered
// 10  topic ids in place of names (KIP-848)
import { api } from '../api.ts'
import {
  array,
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
  name: until(9, string),
  topicId: since(10, uuid),
  partitions: array({
    partitionIndex: int32,
    committedOffset: int64,
    committedLeaderEpoch: since(6, defaultsTo(int32, -1)),
    committedMetadata: nullable(string),
  }),
})

const responseTopic = struct({
  name: until(9, string),
  topicId: since(10, uuid),
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
  }),
})

export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexible: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: defaultsTo(int32, -1),
    memberId: string,
    groupInstanceId: since(7, optional(string)),
    retentionTimeMs: until(4, defaultsTo(int64, -1)),
    topics: array(requestTopic),
  },
  response: {
    throttleTimeMs: since(3, int32),
    topics: array(responseTopic),
  },
})

export type OffsetCommitRequest = Value<typeof offsetCommit.request>
export type OffsetCommitResponse = Value<typeof offsetCommit.response>
