// AlterConfigs (KIP-133): replaces the whole configuration of a resource; what is not named goes back to its
// default. IncrementalAlterConfigs took its place for clients.
//
//  0  resources and their configs      1  throttled after the answer
//  2  flexible
import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const resource = struct({
  resourceType: int8,
  resourceName: string,
  configs: array({
    name: string,
    value: nullable(string),
  }),
})

export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexible: 2,
  request: {
    resources: array(resource),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
    }),
  },
})

export type AlterConfigsRequest = Value<typeof alterConfigs.request>
export type AlterConfigsResponse = Value<typeof alterConfigs.response>
