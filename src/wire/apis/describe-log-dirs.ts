// DescribeLogDirs (KIP-113): the log directories of a broker with the size and lag of the replicas in them.
//
//  1  oldest: throttled after the answer   2  flexible
//  3  + error code of the whole answer
//  4  + size of the volume and what is free on it (KIP-827)
//  5  + whether the directory takes new replicas (KIP-1066)
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  struct,
  type Value,
} from '../schema.ts'

const describableLogDirTopic = struct({
  topic: string,
  partitions: array(int32),
})

const topic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    partitionSize: int64,
    offsetLag: int64,
    isFutureKey: bool,
  }),
})

export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 5],
  flexible: 2,
  request: {
    topics: nullable(array(describableLogDirTopic)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: since(3, int16),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array(topic),
      totalBytes: since(4, defaultsTo(int64, -1)),
      usableBytes: since(4, defaultsTo(int64, -1)),
      isCordoned: since(5, bool),
    }),
  },
})

export type DescribeLogDirsRequest = Value<typeof describeLogDirs.request>
export type DescribeLogDirsResponse = Value<typeof describeLogDirs.response>
