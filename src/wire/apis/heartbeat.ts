// Heartbeat: a member of a classic group says that it is alive, and learns whether it has to join again.
//
//  0  group, generation, member      1  + throttle time
//  2  throttled after the answer     3  + group instance id (KIP-345)
//  4  flexible
import { api } from '../api.ts'
import { int16, int32, optional, since, string, type Value } from '../schema.ts'

export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, optional(string)),
  },
  response: {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
  },
})

export type HeartbeatRequest = Value<typeof heartbeat.request>
export type HeartbeatResponse = Value<typeof heartbeat.response>
