// ListOffsets: the offset for a timestamp, or for a special one: -1 latest, -2 earliest, -3 greatest
// timestamp, -4 earliest local, -5 latest in remote storage, -6 earliest awaiting upload.
//
//  1  oldest: one offset with its timestamp   2  + isolation level, throttle time
//  3  throttled after the answer              4  + leader epochs (KIP-320)
//  5  OFFSET_NOT_AVAILABLE may be answered (KIP-207)
//  6  flexible                                7  -3 is understood (KIP-734)
//  8  -4 is understood (KIP-405)              9  -5 is understood (KIP-1005)
// 10  + time limit, for answers from remote storage (KIP-1075)
// 11  -6 is understood (KIP-1023)
import { api } from '../api.ts'
import { array, defaultsTo, int8, int16, int32, int64, since, string, struct, type Value } from '../schema.ts'

const topic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    currentLeaderEpoch: since(4, defaultsTo(int32, -1)),
    timestamp: int64,
  }),
})

const topicResponse = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
    timestamp: defaultsTo(int64, -1),
    offset: defaultsTo(int64, -1),
    leaderEpoch: since(4, defaultsTo(int32, -1)),
  }),
})

export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexible: 6,
  request: {
    replicaId: int32,
    isolationLevel: since(2, int8),
    topics: array(topic),
    timeoutMs: since(10, int32),
  },
  response: {
    throttleTimeMs: since(2, int32),
    topics: array(topicResponse),
  },
})

export type ListOffsetsRequest = Value<typeof listOffsets.request>
export type ListOffsetsResponse = Value<typeof listOffsets.response>
