// DescribeTransactions (KIP-664): state, producer and partitions of transactions, from their coordinator.
//
//  0  flexible
import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct, type Value } from '../schema.ts'

const transactionState = struct({
  errorCode: int16,
  transactionalId: string,
  transactionState: string,
  transactionTimeoutMs: int32,
  transactionStartTimeMs: int64,
  producerId: int64,
  producerEpoch: int16,
  topics: array({
    topic: string,
    partitions: array(int32),
  }),
})

export const describeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: [0, 0],
  flexible: 0,
  request: {
    transactionalIds: array(string),
  },
  response: {
    throttleTimeMs: int32,
    transactionStates: array(transactionState),
  },
})

export type DescribeTransactionsRequest = Value<typeof describeTransactions.request>
export type DescribeTransactionsResponse = Value<typeof describeTransactions.response>
