// JoinGroup: enters a group of the classic protocol and waits for the others; the answer makes one member the
// leader and tells it of all.
//
//  0  session timeout only                     1  + rebalance timeout (KIP-62)
//  2  + throttle time                          3  throttled after the answer
//  4  a first join is answered with MEMBER_ID_REQUIRED and the id to come back with (KIP-394)
//  5  + group instance id (KIP-345)            6  flexible
//  7  the answer names the protocol type; the protocol name may be null (KIP-559)
//  8  + reason for joining (KIP-800)
//  9  + the leader may be told to skip the assignment (KIP-814)
import { api } from '../api.ts'
import {
  array,
  bool,
  bytes,
  defaultsTo,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  type Value,
} from '../schema.ts'

export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexible: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: since(1, defaultsTo(int32, -1)),
    memberId: string,
    groupInstanceId: since(5, optional(string)),
    protocolType: string,
    protocols: array({
      name: string,
      metadata: bytes,
    }),
    reason: since(8, optional(string)),
  },
  response: {
    throttleTimeMs: since(2, int32),
    errorCode: int16,
    generationId: defaultsTo(int32, -1),
    protocolType: since(7, optional(string)),
    protocolName: nullable(string, 7),
    leader: string,
    skipAssignment: since(9, bool),
    memberId: string,
    members: array({
      memberId: string,
      groupInstanceId: since(5, optional(string)),
      metadata: bytes,
    }),
  },
})

export type JoinGroupRequest = Value<typeof joinGroup.request>
export type JoinGroupResponse = Value<typeof joinGroup.response>
