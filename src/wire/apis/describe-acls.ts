// DescribeAcls (KIP-140): the access rules that match a filter.
//
//  1  oldest: pattern type (KIP-290)   2  flexible
//  3  resource type "user" (KIP-373)
import { api } from '../api.ts'
import { array, defaultsTo, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const resource = struct({
  resourceType: int8,
  resourceName: string,
  patternType: defaultsTo(int8, 3),
  acls: array({
    principal: string,
    host: string,
    operation: int8,
    permissionType: int8,
  }),
})

export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    resourceTypeFilter: int8,
    resourceNameFilter: nullable(string),
    patternTypeFilter: defaultsTo(int8, 3),
    principalFilter: nullable(string),
    hostFilter: nullable(string),
    operation: int8,
    permissionType: int8,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    resources: array(resource),
  },
})

export type DescribeAclsRequest = Value<typeof describeAcls.request>
export type DescribeAclsResponse = Value<typeof describeAcls.response>
