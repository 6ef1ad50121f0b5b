// DescribeGroups: state, protocol and members of groups of the classic protocol.
//
//  0  groups and members               1  + throttle time
//  2  throttled after the answer       3  + authorised operations, on demand (KIP-430)
//  4  + group instance id (KIP-345)    5  flexible
//  6  + error message; an unknown group is GROUP_ID_NOT_FOUND and no longer "Dead" (KIP-1043)
import { api } from '../api.ts'
import {
  array,
  bool,
  bytes,
  defaultsTo,
  int16,
  int32,
  optional,
  since,
  string,
  struct,
  type Value,
} from '../schema.ts'

const describedGroup = struct({
  errorCode: int16,
  errorMessage: since(6, optional(string)),
  groupId: string,
  groupState: string,
  protocolType: string,
  protocolData: string,
  members: array({
    memberId: string,
    groupInstanceId: since(4, optional(string)),
    clientId: string,
    clientHost: string,
    memberMetadata: bytes,
    memberAssignment: bytes,
  }),
  authorizedOperations: since(3, defaultsTo(int32, -0x80000000)),
})

export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexible: 5,
  request: {
    groups: array(string),
    includeAuthorizedOperations: since(3, bool),
  },
  response: {
    throttleTimeMs: since(1, int32),
    groups: array(describedGroup),
  },
})

export type DescribeGroupsRequest = Value<typeof describeGroups.request>
export type DescribeGroupsResponse = Value<typeof describeGroups.response>
