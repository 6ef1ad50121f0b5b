// AddOffsetsToTxn (KIP-98): makes the offsets of a group part of a transaction, before TxnOffsetCommit sends
// them.
//
//  0  transaction and group            1  throttled after the answer
//  2  PRODUCER_FENCED may be answered (KIP-588)
//  3  flexible
//  4  TRANSACTION_ABORTABLE may be answered (KIP-890)
import { api } from '../api.ts'
import { int16, int32, int64, string, type Value } from '../schema.ts'

export const addOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: [0, 4],
  flexible: 3,
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    groupId: string,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
  },
})

export type AddOffsetsToTxnRequest = Value<typeof addOffsetsToTxn.request>
export type AddOffsetsToTxnResponse = Value<typeof addOffsetsToTxn.response>
