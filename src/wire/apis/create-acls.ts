// CreateAcls (KIP-140): adds access rules.
//
//  1  oldest: pattern type (KIP-290)   2  flexible
//  3  resource type "user" (KIP-373)
import { api } from '../api.ts'
import { array, defaultsTo, int8, int16, int32, nullable, string, type Value } from '../schema.ts'

export const createAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: defaultsTo(int8, 3),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: nullable(string),
    }),
  },
})

export type CreateAclsRequest = Value<typeof createAcls.request>
export type CreateAclsResponse = Value<typeof createAcls.response>
