// DeleteGroups (KIP-229): removes groups without members, with their offsets.
//
//  0  group ids                        1  throttled after the answer
//  2  flexible
import { api } from '../api.ts'
import { array, int16, int32, string, type Value } from '../schema.ts'

export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexible: 2,
  request: {
    groupsNames: array(string),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      groupId: string,
      errorCode: int16,
    }),
  },
})

export type DeleteGroupsRequest = Value<typeof deleteGroups.request>
export type DeleteGroupsResponse = Value<typeof deleteGroups.response>
