// AlterClientQuotas (KIP-546): sets and removes quotas of users, client ids and addresses.
//
//  0  entries and operations           1  flexible
import { api } from '../api.ts'
import { array, bool, float64, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const entryData = struct({
  entity: array({
    entityType: string,
    entityName: nullable(string),
  }),
  ops: array({
    key: string,
    value: float64,
    remove: bool,
  }),
})

const responseEntryData = struct({
  errorCode: int16,
  errorMessage: nullable(string),
  entity: array({
    entityType: string,
    entityName: nullable(string),
  }),
})

export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    entries: array(entryData),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    entries: array(responseEntryData),
  },
})

export type AlterClientQuotasRequest = Value<typeof alterClientQuotas.request>
export type AlterClientQuotasResponse = Value<typeof alterClientQuotas.response>
