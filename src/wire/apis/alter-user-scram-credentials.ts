// AlterUserScramCredentials (KIP-554): sets and removes SCRAM credentials; the password arrives salted.
//
//  0  flexible
import { api } from '../api.ts'
import { array, bytes, int8, int16, int32, nullable, string, type Value } from '../schema.ts'

export const alterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: {
    deletions: array({
      name: string,
      mechanism: int8,
    }),
    upsertions: array({
      name: string,
      mechanism: int8,
      iterations: int32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      user: string,
      errorCode: int16,
      errorMessage: nullable(string),
    }),
  },
})

export type AlterUserScramCredentialsRequest = Value<typeof alterUserScramCredentials.request>
export type AlterUserScramCredentialsResponse = Value<typeof alterUserScramCredentials.response>
