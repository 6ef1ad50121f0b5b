// Frames: what stands around a message on a connection, in both directions. Promises to read the header of
// any request whose API and version have a schema, and of the rest as much as an answer or a line in the log
// needs. Leaves cutting the stream into frames to src/net, and unknown keys and versions to its caller.
//
//   frame             int32 size of what follows | header | message
//   request header    int16 key | int16 version | int32 correlation id | string client id, or null
//                     | from header 2 on: tagged fields
//   response header   int32 correlation id | from header 1 on: tagged fields
//
// The client id has an int16 length in header 2 as well, so that a broker can read it before it knows the
// version.
import type { Api } from './api.ts'
import { Reader } from './reader.ts'
import type { Input } from './schema.ts'
import { type Encoded, Writer } from './writer.ts'

/** Bytes of the size that opens a frame. */
export const FRAME_SIZE_BYTES = 4

export interface RequestHeader {
  readonly key: number
  readonly version: number
  readonly correlationId: number
  /** Null also when `api` is undefined. */
  readonly clientId: string | null
  /** The API when this version of it has a schema and is stable; else undefined: the body cannot be read. */
  readonly api: Api | undefined
  /** Where the message begins in the bytes that were given. */
  readonly bodyOffset: number
}

/**
 * Reads the header of the request in `bytes[offset, end)`, the frame without its size. `apiOf` knows the APIs by their keys.
 * @throws DecodeError when the bytes end early
 */
export function decodeRequestHeader(
  bytes: Buffer,
  offset: number,
  end: number,
  apiOf: (key: number) => Api | undefined,
): RequestHeader {
  const reader = new Reader(bytes, offset, end, 'RequestHeader')
  const key = reader.int16()
  const version = reader.int16()
  const correlationId = reader.int32()
  const known = apiOf(key)
  const api = known !== undefined && isServed(known, version) ? known : undefined
  if (api === undefined) {
    return { key, version, correlationId, clientId: null, api, bodyOffset: reader.position }
  }
  const clientId = reader.nullableString()
  if (api.requestHeaderVersion(version) === 2) reader.skipTaggedFields()
  return { key, version, correlationId, clientId, api, bodyOffset: reader.position }
}

export interface ResponseHeader {
  readonly correlationId: number
  /** Where the message begins in the bytes that were given. */
  readonly bodyOffset: number
}

/**
 * Reads the header of the response in `bytes[offset, end)`, the frame without its size.
 * @throws DecodeError when the bytes end early
 */
export function decodeResponseHeader(
  bytes: Buffer,
  offset: number,
  end: number,
  headerVersion: 0 | 1,
): ResponseHeader {
  const reader = new Reader(bytes, offset, end, 'ResponseHeader')
  const correlationId = reader.int32()
  if (headerVersion === 1) reader.skipTaggedFields()
  return { correlationId, bodyOffset: reader.position }
}

/** The whole frame of a request, its size in front. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: Input<A['request']>,
): Encoded {
  const writer = new Writer()
  writer.openFrame()
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.nullableString(clientId)
  if (api.requestHeaderVersion(version) === 2) writer.uvarint(0)
  api.request.encode(writer, request as never, version)
  return writer.finish()
}

/** The whole frame of a response, its size in front. */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  response: Input<A['response']>,
): Encoded {
  const writer = new Writer()
  writer.openFrame()
  writer.int32(correlationId)
  if (api.responseHeaderVersion(version) === 1) writer.uvarint(0)
  api.response.encode(writer, response as never, version)
  return writer.finish()
}

function isServed(api: Api, version: number): boolean {
  return version >= api.versions[0] && version <= Math.min(api.versions[1], api.advertised[1])
}
