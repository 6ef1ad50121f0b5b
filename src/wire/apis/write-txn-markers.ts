// WriteTxnMarkers (KIP-98): a transaction coordinator has the leaders of partitions write the commit or abort
// marker. Between brokers only.
//
//  1  oldest, flexible                 2  + transaction version, for stricter epoch checks (KIP-1228)
import { api } from '../api.ts'
import { array, bool, int8, int16, int32, int64, since, string, struct, type Value } from '../schema.ts'

const writableTxnMarker = struct({
  producerId: int64,
  producerEpoch: int16,
  transactionResult: bool,
  topics: array({
    name: string,
    partitionIndexes: array(int32),
  }),
  coordinatorEpoch: int32,
  transactionVersion: since(2, int8),
})

const writableTxnMarkerTopicResult = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
  }),
})

export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [1, 2],
  flexible: 1,
  request: {
    markers: array(writableTxnMarker),
  },
  response: {
    markers: array({
      producerId: int64,
      topics: array(writableTxnMarkerTopicResult),
    }),
  },
})

export type WriteTxnMarkersRequest = Value<typeof writeTxnMarkers.request>
export type WriteTxnMarkersResponse = Value<typeof writeTxnMarkers.response>
