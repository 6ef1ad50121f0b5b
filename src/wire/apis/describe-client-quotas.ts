// DescribeClientQuotas (KIP-546): the quotas of users, client ids and addresses that match a filter.
//
//  0  filter and entries               1  flexible
import { api } from '../api.ts'
import { array, bool, float64, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const entryData = struct({
  entity: array({
    entityType: string,
    entityName: nullable(string),
  }),
  values: array({
    key: string,
    value: float64,
  }),
})

export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    components: array({
      entityType: string,
      matchType: int8,
      match: nullable(string),
    }),
    strict: bool,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    entries: nullable(array(entryData)),
  },
})

export type DescribeClientQuotasRequest = Value<typeof describeClientQuotas.request>
export type DescribeClientQuotasResponse = Value<typeof describeClientQuotas.response>
