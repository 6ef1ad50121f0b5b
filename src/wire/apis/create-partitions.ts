// CreatePartitions (KIP-195): gives topics more partitions; fewer is not possible.
//
//  0  topics, counts, assignments      1  throttled after the answer
//  2  flexible
//  3  THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, optional, string, struct, type Value } from '../schema.ts'

const assignment = struct({
  brokerIds: array(int32),
})

export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexible: 2,
  request: {
    topics: array({
      name: string,
      count: int32,
      assignments: nullable(array(assignment)),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      name: string,
      errorCode: int16,
      errorMessage: optional(string),
    }),
  },
})

export type CreatePartitionsRequest = Value<typeof createPartitions.request>
export type CreatePartitionsResponse = Value<typeof createPartitions.response>
