// ListConfigResources: the names of what settings of its own can be given to. Began as the list of client metrics
// subscriptions (KIP-714).
//
//  0  client metrics only      1  + the types asked for, none meaning all that are supported (KIP-1142)
import { api } from '../api.ts'
import { array, defaultsTo, int8, int16, int32, since, string, type Value } from '../schema.ts'

export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexible: 0,
  request: {
    resourceTypes: since(1, array(int8)),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    configResources: array({
      resourceName: string,
      /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
      resourceType: since(1, defaultsTo(int8, 16)),
    }),
  },
})

export type ListConfigResourcesRequest = Value<typeof listConfigResources.request>
export type ListConfigResourcesResponse = Value<typeof listConfigResources.response>
