// Produce: appends record batches to partitions. With acks = 0 there is no answer. `records` is handed
// through as it came.
//
//  3  oldest: format v2 batches (magic 2), transactional id
//  4  KAFKA_STORAGE_ERROR may be answered      5  + log start offset
//  7  zstd may be used (KIP-110)               8  + which records were at fault (KIP-467)
//  9  flexible
// 10  + current leader and its address, on errors (KIP-951)
// 11  TRANSACTION_ABORTABLE may be answered (KIP-890)
// 12  adds the partition to the transaction on the way (KIP-890)
// 13  topic ids in place of names (KIP-516)
// Advertised from 0: librdkafka takes a minimum of 3 for a broker without compression (KAFKA-18659). 0 to 2
// have no schema.
import { api } from '../api.ts'
import {
  array,
  defaultsTo,
  int16,
  int32,
  int64,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
  type Value,
} from '../schema.ts'

const topicProduceData = struct({
  name: until(12, string),
  topicId: since(13, uuid),
  partitionData: array({
    index: int32,
    records: nullable(records),
  }),
})

const batchIndexAndErrorMessage = struct({
  batchIndex: int32,
  batchIndexErrorMessage: optional(string),
})

const leaderIdAndEpoch = struct({
  leaderId: defaultsTo(int32, -1),
  leaderEpoch: defaultsTo(int32, -1),
})

const topicProduceResponse = struct({
  name: until(12, string),
  topicId: since(13, uuid),
  partitionResponses: array({
    index: int32,
    errorCode: int16,
    baseOffset: int64,
    logAppendTimeMs: defaultsTo(int64, -1),
    logStartOffset: since(5, defaultsTo(int64, -1)),
    recordErrors: since(8, array(batchIndexAndErrorMessage)),
    errorMessage: since(8, optional(string)),
    currentLeader: tagged(0, leaderIdAndEpoch, 10),
  }),
})

const nodeEndpoint = struct({
  nodeId: int32,
  host: string,
  port: int32,
  rack: optional(string),
})

export const produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  advertised: [0, 13],
  flexible: 9,
  request: {
    transactionalId: optional(string),
    acks: int16,
    timeoutMs: int32,
    topicData: array(topicProduceData),
  },
  response: {
    responses: array(topicProduceResponse),
    throttleTimeMs: int32,
    nodeEndpoints: tagged(0, array(nodeEndpoint), 10),
  },
})

export type ProduceRequest = Value<typeof produce.request>
export type ProduceResponse = Value<typeof produce.response>
