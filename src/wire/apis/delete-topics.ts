// DeleteTopics: removes topics with all their records.
//
//  1  oldest: names, throttle time     2  throttled after the answer
//  3  TOPIC_DELETION_DISABLED may be answered
//  4  flexible
//  5  + error message; THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
//  6  a list of structs, each a name or a topic id (KIP-516)
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
  uuid,
  type Value,
} from '../schema.ts'

const deleteTopicState = struct({
  name: optional(string),
  topicId: uuid,
})

export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: since(6, array(deleteTopicState)),
    topicNames: until(5, array(string)),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      name: nullable(string, 6),
      topicId: since(6, uuid),
      errorCode: int16,
      errorMessage: since(5, optional(string)),
    }),
  },
})

export type DeleteTopicsRequest = Value<typeof deleteTopics.request>
export type DeleteTopicsResponse = Value<typeof deleteTopics.response>
