// ListTransactions (KIP-664): the transactions that this broker coordinates; a client asks all brokers.
//
//  0  filters by state and producer id; flexible
//  1  + filter by age (KIP-994)
//  2  + filter by a pattern of the transactional id (KIP-1152)
import { api } from '../api.ts'
import { array, defaultsTo, int16, int32, int64, optional, since, string, type Value } from '../schema.ts'

export const listTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexible: 0,
  request: {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: since(1, defaultsTo(int64, -1)),
    transactionalIdPattern: since(2, optional(string)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({
      transactionalId: string,
      producerId: int64,
      transactionState: string,
    }),
  },
})

export type ListTransactionsRequest = Value<typeof listTransactions.request>
export type ListTransactionsResponse = Value<typeof listTransactions.response>
