// DeleteAcls (KIP-140): removes the access rules that match filters, and tells which ones.
//
//  1  oldest: pattern type (KIP-290)   2  flexible
//  3  resource type "user" (KIP-373)
import { api } from '../api.ts'
import { array, defaultsTo, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const matchingAcl = struct({
  errorCode: int16,
  errorMessage: nullable(string),
  resourceType: int8,
  resourceName: string,
  patternType: defaultsTo(int8, 3),
  principal: string,
  host: string,
  operation: int8,
  permissionType: int8,
})

export const deleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    filters: array({
      resourceTypeFilter: int8,
      resourceNameFilter: nullable(string),
      patternTypeFilter: defaultsTo(int8, 3),
      principalFilter: nullable(string),
      hostFilter: nullable(string),
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: int32,
    filterResults: array({
      errorCode: int16,
      errorMessage: nullable(string),
      matchingAcls: array(matchingAcl),
    }),
  },
})

export type DeleteAclsRequest = Value<typeof deleteAcls.request>
export type DeleteAclsResponse = Value<typeof deleteAcls.response>
