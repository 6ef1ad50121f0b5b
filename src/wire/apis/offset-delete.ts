// OffsetDelete (KIP-496): removes committed offsets of topics that a group no longer subscribes to.
//
//  0  never flexible
import { api, NEVER_FLEXIBLE } from '../api.ts'
import { array, int16, int32, string, struct, type Value } from '../schema.ts'

const requestTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
  }),
})

const responseTopic = struct({
  name: string,
  partitions: array({
    partitionIndex: int32,
    errorCode: int16,
  }),
})

export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexible: NEVER_FLEXIBLE,
  request: {
    groupId: string,
    topics: array(requestTopic),
  },
  response: {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array(responseTopic),
  },
})

export type OffsetDeleteRequest = Value<typeof offsetDelete.request>
export type OffsetDeleteResponse = Value<typeof offsetDelete.response>
