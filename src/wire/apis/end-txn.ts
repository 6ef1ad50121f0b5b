// EndTxn (KIP-98): commits or aborts a transaction.
//
//  0  transaction and verdict          1  throttled after the answer
//  2  PRODUCER_FENCED may be answered (KIP-588)
//  3  flexible
//  4  TRANSACTION_ABORTABLE may be answered (KIP-890)
//  5  every transaction ends with a new epoch, which the answer carries (KIP-890)
import { api } from '../api.ts'
import { bool, defaultsTo, int16, int32, int64, since, string, type Value } from '../schema.ts'

export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    committed: bool,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: since(5, defaultsTo(int64, -1)),
    producerEpoch: since(5, defaultsTo(int16, -1)),
  },
})

export type EndTxnRequest = Value<typeof endTxn.request>
export type EndTxnResponse = Value<typeof endTxn.response>
