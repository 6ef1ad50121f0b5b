// ListGroups: the groups that this broker coordinates; a client asks all brokers.
//
//  0  group id, protocol type          1  + throttle time
//  2  throttled after the answer       3  flexible
//  4  + state, filter by state (KIP-518)
//  5  + type, filter by type (KIP-848)
import { api } from '../api.ts'
import { array, int16, int32, since, string, type Value } from '../schema.ts'

export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexible: 3,
  request: {
    statesFilter: since(4, array(string)),
    typesFilter: since(5, array(string)),
  },
  response: {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: since(4, string),
      groupType: since(5, string),
    }),
  },
})

export type ListGroupsRequest = Value<typeof listGroups.request>
export type ListGroupsResponse = Value<typeof listGroups.response>
