// ApiVersions (KIP-35, KIP-511, KIP-584): which APIs and versions a broker speaks, and which features its
// cluster has. The first request of most clients, so it must be readable on both sides before anything is
// agreed: the header of the answer never has tagged fields.
//
//  0  key, versions
//  1  + throttle time                    2  throttled after the answer (KIP-219)
//  3  flexible; name and version of the client; features, their epoch, whether ZooKeeper may be left
//  4  a supported feature may start at version 0
// A version above the last one known is answered with error 35 in the layout of version 0.
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int16,
  int32,
  int64,
  since,
  string,
  struct,
  tagged,
  type Value,
} from '../schema.ts'

const supportedFeatureKey = struct({
  name: string,
  minVersion: int16,
  maxVersion: int16,
})

const finalizedFeatureKey = struct({
  name: string,
  maxVersionLevel: int16,
  minVersionLevel: int16,
})

export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexible: 3,
  plainResponseHeader: true,
  request: {
    clientSoftwareName: since(3, string),
    clientSoftwareVersion: since(3, string),
  },
  response: {
    errorCode: int16,
    apiKeys: array({
      apiKey: int16,
      minVersion: int16,
      maxVersion: int16,
    }),
    throttleTimeMs: since(1, int32),
    supportedFeatures: tagged(0, array(supportedFeatureKey), 3),
    finalizedFeaturesEpoch: tagged(1, defaultsTo(int64, -1), 3),
    finalizedFeatures: tagged(2, array(finalizedFeatureKey), 3),
    zkMigrationReady: tagged(3, bool, 3),
  },
})

export type ApiVersionsRequest = Value<typeof apiVersions.request>
export type ApiVersionsResponse = Value<typeof apiVersions.response>
