// InitProducerId: a producer id and epoch for an idempotent producer; for a transactional one also the end of
// what its predecessor left open.
//
//  0  transactional id, time limit            1  throttled after the answer
//  2  flexible
//  3  + producer id and epoch held so far, to recover with (KIP-360)
//  4  PRODUCER_FENCED may be answered (KIP-588)
//  5  TRANSACTION_ABORTABLE may be answered (KIP-890)
//  6  + two-phase commit (KIP-939): not stable in 4.3, so not advertised
import { api } from '../api.ts'
import { bool, defaultsTo, int16, int32, int64, nullable, since, string, type Value } from '../schema.ts'

export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 6],
  advertised: [0, 5],
  flexible: 2,
  request: {
    transactionalId: nullable(string),
    transactionTimeoutMs: int32,
    producerId: since(3, defaultsTo(int64, -1)),
    producerEpoch: since(3, defaultsTo(int16, -1)),
    enable2Pc: since(6, bool),
    keepPreparedTxn: since(6, bool),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: defaultsTo(int64, -1),
    producerEpoch: int16,
    ongoingTxnProducerId: since(6, defaultsTo(int64, -1)),
    ongoingTxnProducerEpoch: since(6, defaultsTo(int16, -1)),
  },
})

export type InitProducerIdRequest = Value<typeof initProducerId.request>
export type InitProducerIdResponse = Value<typeof initProducerId.response>
