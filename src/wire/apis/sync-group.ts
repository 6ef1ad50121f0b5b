// SyncGroup: the leader of a classic group hands in the assignment, every member gets its own part of it.
//
//  0  group, generation, assignments   1  + throttle time
//  2  throttled after the answer       3  + group instance id (KIP-345)
//  4  flexible
//  5  both sides name protocol type and protocol; a mismatch is INCONSISTENT_GROUP_PROTOCOL (KIP-559)
import { api } from '../api.ts'
import { array, bytes, int16, int32, optional, since, string, type Value } from '../schema.ts'

export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, optional(string)),
    protocolType: since(5, optional(string)),
    protocolName: since(5, optional(string)),
    assignments: array({
      memberId: string,
      assignment: bytes,
    }),
  },
  response: {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    protocolType: since(5, optional(string)),
    protocolName: since(5, optional(string)),
    assignment: bytes,
  },
})

export type SyncGroupRequest = Value<typeof syncGroup.request>
export type SyncGroupResponse = Value<typeof syncGroup.response>
