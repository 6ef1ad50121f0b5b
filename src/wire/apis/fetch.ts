// Fetch: record batches from partitions, for consumers and for followers. Sessions (KIP-227) name only what
// changed since the last request.
//
//  4  oldest: isolation level, last stable offset, aborted transactions
//  5  + log start offset
//  7  + fetch session, forgotten partitions     9  + leader epoch of the reader (KIP-320)
// 10  zstd may come (KIP-110)                11  + rack, preferred read replica (KIP-392)
// 12  flexible; epoch of the last fetched record, diverging epoch, current leader, snapshot id (KIP-595)
// 13  topic ids in place of names (KIP-516)  14  OFFSET_MOVED_TO_TIERED_STORAGE may be answered (KIP-405)
// 15  replica id moves into a tagged struct with the replica epoch (KIP-903)
// 16  + addresses of current leaders (KIP-951)
// 17  + directory of the follower (KIP-853)  18  + high watermark of the follower (KIP-1166)
import { api } from '../api.ts'
import {
  array,
  defaultsTo,
  int8,
  int16,
  int32,
  int64,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
  type Value,
} from '../schema.ts'

const replicaState = struct({
  replicaId: defaultsTo(int32, -1),
  replicaEpoch: defaultsTo(int64, -1),
})

const topic = struct({
  topic: until(12, string),
  topicId: since(13, uuid),
  partitions: array({
    partition: int32,
    currentLeaderEpoch: since(9, defaultsTo(int32, -1)),
    fetchOffset: int64,
    lastFetchedEpoch: since(12, defaultsTo(int32, -1)),
    logStartOffset: since(5, defaultsTo(int64, -1)),
    partitionMaxBytes: int32,
    replicaDirectoryId: tagged(0, uuid, 17),
    highWatermark: tagged(1, defaultsTo(int64, Number.MAX_SAFE_INTEGER), 18),
  }),
})

const forgottenTopic = struct({
  topic: until(12, string),
  topicId: since(13, uuid),
  partitions: array(int32),
})

const epochEndOffset = struct({
  epoch: defaultsTo(int32, -1),
  endOffset: defaultsTo(int64, -1),
})

const leaderIdAndEpoch = struct({
  leaderId: defaultsTo(int32, -1),
  leaderEpoch: defaultsTo(int32, -1),
})

const snapshotId = struct({
  endOffset: defaultsTo(int64, -1),
  epoch: defaultsTo(int32, -1),
})

const abortedTransaction = struct({
  producerId: int64,
  firstOffset: int64,
})

const partitionData = struct({
  partitionIndex: int32,
  errorCode: int16,
  highWatermark: int64,
  lastStableOffset: defaultsTo(int64, -1),
  logStartOffset: since(5, defaultsTo(int64, -1)),
  divergingEpoch: tagged(0, epochEndOffset, 12),
  currentLeader: tagged(1, leaderIdAndEpoch, 12),
  snapshotId: tagged(2, snapshotId, 12),
  abortedTransactions: nullable(array(abortedTransaction)),
  preferredReadReplica: since(11, defaultsTo(int32, -1)),
  records: nullable(records),
})

const nodeEndpoint = struct({
  nodeId: int32,
  host: string,
  port: int32,
  rack: optional(string),
})

export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexible: 12,
  request: {
    clusterId: tagged(0, optional(string), 12),
    replicaId: until(14, defaultsTo(int32, -1)),
    replicaState: tagged(1, replicaState, 15),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: defaultsTo(int32, 0x7fffffff),
    isolationLevel: int8,
    sessionId: since(7, int32),
    sessionEpoch: since(7, defaultsTo(int32, -1)),
    topics: array(topic),
    forgottenTopicsData: since(7, array(forgottenTopic)),
    rackId: since(11, string),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: since(7, int16),
    sessionId: since(7, int32),
    responses: array({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array(partitionData),
    }),
    nodeEndpoints: tagged(0, array(nodeEndpoint), 16),
  },
})

export type FetchRequest = Value<typeof fetch.request>
export type FetchResponse = Value<typeof fetch.response>
