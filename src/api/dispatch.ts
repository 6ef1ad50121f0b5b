// From a frame to its answer: header, codec, handler, codec.
// Promises Kafka's rules for what cannot be understood (KIP-35, KIP-511): ApiVersions of a newer client is answered in
// version 0, everything else closes the connection. Leaves the meaning of requests to their handlers.
import type { Api } from '../wire/api.ts'
import { apiVersions } from '../wire/apis/api-versions.ts'
import { errors } from '../wire/errors.ts'
import { decodeRequestHeader, encodeResponse, type RequestHeader } from '../wire/frame.ts'
import type { Encoded } from '../wire/writer.ts'
import { type ApiVersionsAnswer, answerApiVersions } from './api-versions.ts'
import type { BrokerContext, RequestContext } from './context.ts'
import { type Handler, handlers, ownHandlers } from './handlers.ts'

/** A request that has no answer: the connection is closed, as Kafka does. */
export class UnsupportedRequestError extends Error {
  override readonly name = 'UnsupportedRequestError'
}

/** A frame as the socket layer hands it over. */
export interface RequestFrame {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Whether the memory may be kept beyond the call, by `retain`; else it is overwritten as soon as the call returns. */
  readonly isOwned: boolean
}

/** What is known of the connection a request came by. */
export type Origin = Pick<
  RequestContext,
  'listenerName' | 'localAddress' | 'localPort' | 'remoteAddress' | 'whenClosed'
> & {
  /** Called for a request that has to be answered before a further one of its connection is started. */
  readonly answerFirst?: () => void
}

type Outcome = Encoded | undefined | Promise<Encoded | undefined>

export class Dispatcher {
  private readonly broker: BrokerContext
  private readonly byKey: (Handler | undefined)[] = []
  /** Their keys are far from the others: too far for a list. */
  private readonly own = new Map(ownHandlers.map((handler) => [handler.api.key, handler]))
  private readonly served: ApiVersionsAnswer['apiKeys']
  private readonly apiOf = (key: number): Api | undefined =>
    key === apiVersions.key ? apiVersions : this.handlerOf(key)?.api

  constructor(broker: BrokerContext) {
    this.broker = broker
    for (const handler of handlers) this.byKey[handler.api.key] = handler
    this.served = servedApis()
  }

  /**
   * Handles one request. `undefined`: there is no answer (acks = 0). Throws, at once or later, when the connection has
   * to be closed; the message says why.
   */
  dispatch(frame: RequestFrame, origin: Origin): Outcome {
    const header = decodeRequestHeader(frame.bytes, frame.start, frame.end, this.apiOf)
    const { key, version, correlationId } = header
    if (key === apiVersions.key) return this.apiVersions(header, frame, origin)
    const handler = this.handlerOf(key)
    if (handler === undefined || header.api === undefined || !isServed(handler.api, version)) {
      throw new UnsupportedRequestError(`API ${key} version ${version} is not served here`)
    }
    const isInPlace = handler.readsInPlace
    // Handlers that keep views of the request need bytes that stay as they are.
    const bytes = isInPlace ? frame.bytes : Buffer.from(frame.bytes.subarray(frame.start, frame.end))
    const shift = isInPlace ? 0 : frame.start
    const { api } = handler
    const request = api.request.decode(bytes, header.bodyOffset - shift, frame.end - shift, version)
    const context = this.context(header, frame.isOwned || !isInPlace, origin)
    const response = handler.handle(request as never, context)
    if (response === undefined) return undefined
    if (!(response instanceof Promise)) return encodeResponse(api, version, correlationId, response as never)
    if (handler.isAlone) origin.answerFirst?.()
    return response.then((value) =>
      value === undefined ? undefined : encodeResponse(api, version, correlationId, value as never),
    )
  }

  private handlerOf(key: number): Handler | undefined {
    return this.byKey[key] ?? this.own.get(key)
  }

  private context(header: RequestHeader, bytesAreOwned: boolean, origin: Origin): RequestContext {
    return {
      apiVersion: header.version,
      correlationId: header.correlationId,
      clientId: header.clientId,
      listenerName: origin.listenerName,
      localAddress: origin.localAddress,
      localPort: origin.localPort,
      remoteAddress: origin.remoteAddress,
      whenClosed: origin.whenClosed,
      broker: this.broker,
      bytesAreOwned,
    }
  }

  private apiVersions(header: RequestHeader, frame: RequestFrame, origin: Origin): Encoded {
    const { version, correlationId } = header
    if (header.api === undefined) {
      const [minVersion, maxVersion] = apiVersions.advertised
      return encodeResponse(apiVersions, 0, correlationId, {
        errorCode: errors.UNSUPPORTED_VERSION.code,
        apiKeys: [{ apiKey: apiVersions.key, minVersion, maxVersion }],
      })
    }
    const request = apiVersions.request.decode(frame.bytes, header.bodyOffset, frame.end, version)
    const answer = answerApiVersions(request, this.context(header, false, origin), this.served)
    return encodeResponse(apiVersions, version, correlationId, answer)
  }
}

function isServed(api: Api, version: number): boolean {
  return version >= api.advertised[0] && version <= api.advertised[1]
}

/** What ApiVersions tells, in order of the keys. */
export function servedApis(): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return [apiVersions, ...handlers.map(({ api }) => api)]
    .sort((one, other) => one.key - other.key)
    .map(({ key, advertised: [minVersion, maxVersion] }) => ({ apiKey: key, minVersion, maxVersion }))
}
