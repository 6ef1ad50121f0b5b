// DescribeUserScramCredentials (KIP-554): which SCRAM mechanisms users have, with the iterations; never the
// secrets.
//
//  0  flexible
import { api } from '../api.ts'
import { array, int8, int16, int32, nullable, string, struct, type Value } from '../schema.ts'

const userName = struct({
  name: string,
})

const result = struct({
  user: string,
  errorCode: int16,
  errorMessage: nullable(string),
  credentialInfos: array({
    mechanism: int8,
    iterations: int32,
  }),
})

export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: {
    users: nullable(array(userName)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    results: array(result),
  },
})

export type DescribeUserScramCredentialsRequest = Value<typeof describeUserScramCredentials.request>
export type DescribeUserScramCredentialsResponse = Value<typeof describeUserScramCredentials.response>
