// ConsumerGroupHeartbeat: the whole of the membership in a group of the new protocol (KIP-848): joining (epoch 0), staying,
// taking up and giving up partitions, leaving (-1), leaving for a while (-2). Null fields have not changed.
//
//  0  the coordinator names the member       1  + subscription by regular expression; members name themselves (KIP-1082)
import { api } from '../api.ts'
import {
  array,
  defaultsTo,
  int16,
  int32,
  optional,
  since,
  string,
  struct,
  uuid,
  type Value,
} from '../schema.ts'

const topicPartitions = struct({
  topicId: uuid,
  partitions: array(int32),
})

const assignment = struct({
  topicPartitions: array(topicPartitions),
})

export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: optional(string),
    rackId: optional(string),
    rebalanceTimeoutMs: defaultsTo(int32, -1),
    subscribedTopicNames: optional(array(string)),
    subscribedTopicRegex: since(1, optional(string, 1)),
    serverAssignor: optional(string),
    topicPartitions: optional(array(topicPartitions)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    memberId: optional(string),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: optional(assignment),
  },
})

export type ConsumerGroupHeartbeatRequest = Value<typeof consumerGroupHeartbeat.request>
export type ConsumerGroupHeartbeatResponse = Value<typeof consumerGroupHeartbeat.response>
