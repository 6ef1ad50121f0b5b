// LeaveGroup: members go at once instead of waiting for their session to expire.
//
//  0  one member by id               1  + throttle time
//  2  throttled after the answer
//  3  a list of members, by id or by group instance id, each with its own error (KIP-345)
//  4  flexible                       5  + reason for leaving (KIP-800)
import { api } from '../api.ts'
import {
  array,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  struct,
  until,
  type Value,
} from '../schema.ts'

const memberIdentity = struct({
  memberId: string,
  groupInstanceId: optional(string),
  reason: since(5, optional(string)),
})

const memberResponse = struct({
  memberId: string,
  groupInstanceId: nullable(string),
  errorCode: int16,
})

export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    memberId: until(2, string),
    members: since(3, array(memberIdentity)),
  },
  response: {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    members: since(3, array(memberResponse)),
  },
})

export type LeaveGroupRequest = Value<typeof leaveGroup.request>
export type LeaveGroupResponse = Value<typeof leaveGroup.response>
