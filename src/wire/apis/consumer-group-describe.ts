// ConsumerGroupDescribe: epochs, members and assignments of groups of the new protocol (KIP-848). A group of the classic
// protocol is GROUP_ID_NOT_FOUND here: clients ask DescribeGroups then.
//
//  0  groups and members       1  + which protocol each member speaks (KIP-1099)
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int8,
  int16,
  int32,
  optional,
  since,
  string,
  struct,
  uuid,
  type Value,
} from '../schema.ts'

const assignment = struct({
  topicPartitions: array({
    topicId: uuid,
    topicName: string,
    partitions: array(int32),
  }),
})

const describedGroup = struct({
  errorCode: int16,
  errorMessage: optional(string),
  groupId: string,
  groupState: string,
  groupEpoch: int32,
  assignmentEpoch: int32,
  assignorName: string,
  members: array({
    memberId: string,
    instanceId: optional(string),
    rackId: optional(string),
    memberEpoch: int32,
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: optional(string),
    assignment,
    targetAssignment: assignment,
    /** -1 unknown, 0 classic, 1 consumer. */
    memberType: since(1, defaultsTo(int8, -1)),
  }),
  authorizedOperations: defaultsTo(int32, -0x80000000),
})

export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: int32,
    groups: array(describedGroup),
  },
})

export type ConsumerGroupDescribeRequest = Value<typeof consumerGroupDescribe.request>
export type ConsumerGroupDescribeResponse = Value<typeof consumerGroupDescribe.response>
