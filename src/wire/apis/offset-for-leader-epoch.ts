// OffsetForLeaderEpoch: where a leader epoch ended in the leader's log, so that a reader can see whether its
// own log diverged (KIP-101, KIP-320).
//
//  2  oldest: current leader epoch, throttle time
//  3  + replica id; -2 is a consumer that debugs
//  4  flexible
import { api } from '../api.ts'
import { array, defaultsTo, int16, int32, int64, since, string, struct, type Value } from '../schema.ts'

const offsetForLeaderTopic = struct({
  topic: string,
  partitions: array({
    partition: int32,
    currentLeaderEpoch: defaultsTo(int32, -1),
    leaderEpoch: int32,
  }),
})

const offsetForLeaderTopicResult = struct({
  topic: string,
  partitions: array({
    errorCode: int16,
    partition: int32,
    leaderEpoch: defaultsTo(int32, -1),
    endOffset: defaultsTo(int64, -1),
  }),
})

export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexible: 4,
  request: {
    replicaId: since(3, defaultsTo(int32, -2)),
    topics: array(offsetForLeaderTopic),
  },
  response: {
    throttleTimeMs: int32,
    topics: array(offsetForLeaderTopicResult),
  },
})

export type OffsetForLeaderEpochRequest = Value<typeof offsetForLeaderEpoch.request>
export type OffsetForLeaderEpochResponse = Value<typeof offsetForLeaderEpoch.response>
