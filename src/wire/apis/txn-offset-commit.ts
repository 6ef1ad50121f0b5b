// TxnOffsetCommit (KIP-98): offsets of a group that take effect when the transaction commits.
//
//  0  group, producer, offsets         1  throttled after the answer
//  2  + leader epoch (KIP-320)
//  3  flexible; generation, member id and group instance id fence out stale members (KIP-447)
//  4  TRANSACTION_ABORTABLE may be answered (KIP-890)
//  5  adds the group to the transaction on the way (KIP-890)
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
  type Value,
} from '../schema.ts'

const requestTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    committedOffset: int64,
    committedLeaderEpoch: since(2, defaultsTo(int32, -1)),
    committedMetadata: nullable(string),
  }),
})

const responseTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
  }),
})

export const txnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: since(3, defaultsTo(int32, -1)),
    memberId: since(3, string),
    groupInstanceId: since(3, optional(string)),
    topics: array(requestTopic),
  },
  response: {
    throttleTimeMs: int32,
    topics: array(responseTopic),
  },
})

export type TxnOffsetCommitRequest = Value<typeof txnOffsetCommit.request>
export type TxnOffsetCommitResponse = Value<typeof txnOffsetCommit.response>
