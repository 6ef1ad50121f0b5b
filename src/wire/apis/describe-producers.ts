// DescribeProducers (KIP-664): the producers that partitions hold state of, with an open transaction if there
// is one.
//
//  0  flexible
import { api } from '../api.ts'
import { array, defaultsTo, int16, int32, int64, optional, string, struct, type Value } from '../schema.ts'

const partitionResponse = struct({
  partitionIndex: int32,
  errorCode: int16,
  errorMessage: optional(string),
  activeProducers: array({
    producerId: int64,
    producerEpoch: int32,
    lastSequence: defaultsTo(int32, -1),
    lastTimestamp: defaultsTo(int64, -1),
    coordinatorEpoch: int32,
    currentTxnStartOffset: defaultsTo(int64, -1),
  }),
})

export const describeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array({
      name: string,
      partitionIndexes: array(int32),
    }),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array(partitionResponse),
    }),
  },
})

export type DescribeProducersRequest = Value<typeof describeProducers.request>
export type DescribeProducersResponse = Value<typeof describeProducers.response>
