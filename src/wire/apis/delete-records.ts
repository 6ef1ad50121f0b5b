// DeleteRecords (KIP-107): moves the log start offset of partitions forward, so that what lies below can go.
// Offset -1 is the high watermark.
//
//  0  topics, partitions, offsets      1  throttled after the answer
//  2  flexible
import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct, type Value } from '../schema.ts'

const topic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    offset: int64,
  }),
})

const topicResult = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    lowWatermark: int64,
    errorCode: int16,
  }),
})

export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexible: 2,
  request: {
    topics: array(topic),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    topics: array(topicResult),
  },
})

export type DeleteRecordsRequest = Value<typeof deleteRecords.request>
export type DeleteRecordsResponse = Value<typeof deleteRecords.response>
