// SaslAuthenticate (KIP-152): one step of the SASL exchange; the bytes belong to the mechanism.
//
//  0  tokens and outcome
//  1  + lifetime of the session, after which to authenticate again (KIP-368)
//  2  flexible
import { api } from '../api.ts'
import { bytes, int16, int64, nullable, since, string, type Value } from '../schema.ts'

export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexible: 2,
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: int16,
    errorMessage: nullable(string),
    authBytes: bytes,
    sessionLifetimeMs: since(1, int64),
  },
})

export type SaslAuthenticateRequest = Value<typeof saslAuthenticate.request>
export type SaslAuthenticateResponse = Value<typeof saslAuthenticate.response>
