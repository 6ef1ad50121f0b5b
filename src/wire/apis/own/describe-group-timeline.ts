// DescribeGroupTimeline: what happened to groups and why, as their coordinator remembers it. Kafka has nothing like it: the
// key lies outside its range, and ApiVersions does not tell of it (docs/decisions/0005-private-apis.md).
//
//  0  groups and their events, oldest first; the coordinator keeps a limited number of them, and none over its restart
import { api } from '../../api.ts'
import { array, defaultsTo, int16, int32, int64, optional, string, type Value } from '../../schema.ts'

export const describeGroupTimeline = api({
  key: 20000,
  name: 'DescribeGroupTimeline',
  versions: [0, 0],
  flexible: 0,
  request: {
    groupIds: array(string),
  },
  response: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: optional(string),
      groupId: string,
      events: array({
        /** Milliseconds since the epoch. */
        atMs: int64,
        /** A word such as `member-joined`; later versions of the broker may know others. */
        kind: string,
        /** The generation or the group epoch after it; -1 where there is none. */
        generation: defaultsTo(int32, -1),
        memberId: optional(string),
        groupInstanceId: optional(string),
        clientId: optional(string),
        clientHost: optional(string),
        /** Why, in one sentence. */
        reason: string,
      }),
    }),
  },
})

export type DescribeGroupTimelineRequest = Value<typeof describeGroupTimeline.request>
export type DescribeGroupTimelineResponse = Value<typeof describeGroupTimeline.response>
