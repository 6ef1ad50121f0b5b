// AddPartitionsToTxn (KIP-98, KIP-890): makes partitions part of a transaction. Up to 3 sent by clients for
// one transaction; from 4 on by brokers, for many transactions, also merely to verify.
//
//  0  one transaction                  1  throttled after the answer
//  2  PRODUCER_FENCED may be answered (KIP-588)
//  3  flexible
//  4  many transactions, verify only, error code of the whole answer (KIP-890)
//  5  TRANSACTION_ABORTABLE may be answered (KIP-890)
import { api } from '../api.ts'
import { array, bool, int16, int32, int64, since, string, struct, until, type Value } from '../schema.ts'

const topic = struct({
  name: string,
  partitions: array(int32),
})

const transaction = struct({
  transactionalId: string,
  producerId: int64,
  producerEpoch: int16,
  verifyOnly: bool,
  topics: array(topic),
})

const partitionResult = struct({
  partitionIndex: int32,
  partitionErrorCode: int16,
})

const topicResult = struct({
  name: string,
  resultsByPartition: array(partitionResult),
})

const result = struct({
  transactionalId: string,
  topicResults: array(topicResult),
})

export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactions: since(4, array(transaction)),
    v3AndBelowTransactionalId: until(3, string),
    v3AndBelowProducerId: until(3, int64),
    v3AndBelowProducerEpoch: until(3, int16),
    v3AndBelowTopics: until(3, array(topic)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: since(4, int16),
    resultsByTransaction: since(4, array(result)),
    resultsByTopicV3AndBelow: until(3, array(topicResult)),
  },
})

export type AddPartitionsToTxnRequest = Value<typeof addPartitionsToTxn.request>
export type AddPartitionsToTxnResponse = Value<typeof addPartitionsToTxn.response>
