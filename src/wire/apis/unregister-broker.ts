// UnregisterBroker (KIP-500): forgets a broker that will not come back.
//
//  0  flexible
import { api } from '../api.ts'
import { int16, int32, nullable, string, type Value } from '../schema.ts'

export const unregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexible: 0,
  request: {
    brokerId: int32,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
})

export type UnregisterBrokerRequest = Value<typeof unregisterBroker.request>
export type UnregisterBrokerResponse = Value<typeof unregisterBroker.response>
