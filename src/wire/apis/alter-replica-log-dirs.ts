// AlterReplicaLogDirs (KIP-113): moves replicas to another log directory of the same broker.
//
//  1  oldest: throttled after the answer   2  flexible
import { api } from '../api.ts'
import { array, int16, int32, string, struct, type Value } from '../schema.ts'

const alterReplicaLogDir = struct({
  path: string,
  topics: array({
    name: string,
    partitions: array(int32),
  }),
})

const alterReplicaLogDirTopicResult = struct({
  topicName: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
  }),
})

export const alterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: [1, 2],
  flexible: 2,
  request: {
    dirs: array(alterReplicaLogDir),
  },
  response: {
    throttleTimeMs: int32,
    results: array(alterReplicaLogDirTopicResult),
  },
})

export type AlterReplicaLogDirsRequest = Value<typeof alterReplicaLogDirs.request>
export type AlterReplicaLogDirsResponse = Value<typeof alterReplicaLogDirs.response>
