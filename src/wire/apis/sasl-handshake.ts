// SaslHandshake (KIP-43): names the SASL mechanism, and learns which ones the listener offers.
//
//  0  the exchange follows as bare tokens, without headers
//  1  the exchange follows in SaslAuthenticate requests (KIP-152)
// Never flexible: older clients would misread the versions (KAFKA-9577).
import { api, NEVER_FLEXIBLE } from '../api.ts'
import { array, int16, string, type Value } from '../schema.ts'

export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexible: NEVER_FLEXIBLE,
  request: {
    mechanism: string,
  },
  response: {
    errorCode: int16,
    mechanisms: array(string),
  },
})

export type SaslHandshakeRequest = Value<typeof saslHandshake.request>
export type SaslHandshakeResponse = Value<typeof saslHandshake.response>
