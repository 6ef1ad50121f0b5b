// ElectLeaders (KIP-183, KIP-460): has the controller elect leaders now, the preferred ones or, where data
// may be lost, any that is alive.
//
//  0  preferred leaders only
//  1  + type of election, error code of the whole answer
//  2  flexible
import { api } from '../api.ts'
import {
  array,
  defaultsTo,
  int8,
  int16,
  int32,
  nullable,
  since,
  string,
  struct,
  type Value,
} from '../schema.ts'

const topicPartitions = struct({
  topic: string,
  partitions: array(int32),
})

const replicaElectionResult = struct({
  topic: string,
  partitionResult: array({
    partitionId: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  }),
})

export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexible: 2,
  request: {
    electionType: since(1, int8),
    topicPartitions: nullable(array(topicPartitions)),
    timeoutMs: defaultsTo(int32, 60_000),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: since(1, int16),
    replicaElectionResults: array(replicaElectionResult),
  },
})

export type ElectLeadersRequest = Value<typeof electLeaders.request>
export type ElectLeadersResponse = Value<typeof electLeaders.response>
