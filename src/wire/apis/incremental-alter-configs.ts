// IncrementalAlterConfigs (KIP-339): sets (0), deletes (1), appends to (2) or subtracts from (3) single
// configuration values.
//
//  0  resources and operations         1  flexible
import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const alterConfigsResource = struct({
  resourceType: int8,
  resourceName: string,
  configs: array({
    name: string,
    configOperation: int8,
    value: nullable(string),
  }),
})

export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexible: 1,
  request: {
    resources: array(alterConfigsResource),
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

export type IncrementalAlterConfigsRequest = Value<typeof incrementalAlterConfigs.request>
export type IncrementalAlterConfigsResponse = Value<typeof incrementalAlterConfigs.response>
