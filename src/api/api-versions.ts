// ApiVersions: which APIs are spoken here, and in which versions (KIP-35, KIP-511).
// Promises to name exactly what is in the table of handlers, and the features that clients or tools look for. A client too new for us is answered in version 0, so that
// it can try again; leaves that to dispatch.ts.
//
//  3 name and version of the client's software  4 supported features may start at version 0
import type { ApiVersionsRequest, apiVersions } from '../wire/apis/api-versions.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

export type ApiVersionsAnswer = Input<typeof apiVersions.response>

const NAMED_VERSION = 3
/** What the name and version of a client's software may look like (KIP-511). */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/**
 * What the whole cluster has switched on (KIP-584). `group.version` 1: groups may speak the consumer protocol (KIP-848).
 * Clients take up features whose epoch has grown; nothing can be switched here, so one epoch is enough.
 */
const features = [{ name: 'group.version', minVersion: 0, maxVersion: 1, level: 1 }] as const
const FEATURES_EPOCH = 0
/** Clients that ask in an earlier version take a smallest version of 0 for an error. */
const ZERO_VERSION = 4

export function answerApiVersions(
  request: ApiVersionsRequest,
  context: RequestContext,
  served: ApiVersionsAnswer['apiKeys'],
): ApiVersionsAnswer {
  const isNamed =
    context.apiVersion < NAMED_VERSION ||
    (SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion))
  if (!isNamed) return { errorCode: errors.INVALID_REQUEST.code, apiKeys: [] }
  return {
    errorCode: 0,
    apiKeys: served,
    supportedFeatures: features.filter(
      ({ minVersion }) => minVersion > 0 || context.apiVersion >= ZERO_VERSION,
    ),
    finalizedFeaturesEpoch: FEATURES_EPOCH,
    finalizedFeatures: features.map(({ name, level }) => ({
      name,
      minVersionLevel: level,
      maxVersionLevel: level,
    })),
  }
}
