// UpdateFeatures (KIP-584): raises or lowers the finalised version of features.
//
//  0  may allow a downgrade; flexible
//  1  + type of upgrade in place of that, validate only (KIP-778)
//  2  one outcome for the whole request
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int8,
  int16,
  int32,
  nullable,
  since,
  string,
  struct,
  until,
  type Value,
} from '../schema.ts'

const updatableFeatureResult = struct({
  feature: string,
  errorCode: int16,
  errorMessage: nullable(string),
})

export const updateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexible: 0,
  request: {
    timeoutMs: defaultsTo(int32, 60_000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: until(0, bool),
      upgradeType: since(1, defaultsTo(int8, 1)),
    }),
    validateOnly: since(1, bool),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    results: until(1, array(updatableFeatureResult)),
  },
})

export type UpdateFeaturesRequest = Value<typeof updateFeatures.request>
export type UpdateFeaturesResponse = Value<typeof updateFeatures.response>
