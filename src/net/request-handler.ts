// What a connection asks of whoever handles its requests, and what it tells them of itself.
// Promises names for both sides; leaves order and bounds to connection.ts.
import type { Frame } from './frames.ts'
import type { Chunk } from './outbox.ts'

/** Bytes to send for one request, length prefix included. */
export interface Reply {
  readonly chunks: readonly Chunk[]
  readonly byteLength: number
}

/**
 * Handles one request. What it does before its first await fixes the request's place in the order of things.
 * `undefined` means that the request has no reply. To throw or reject closes the connection, after the replies to what
 * was asked before.
 */
export type RequestHandler = (
  frame: Frame,
  connection: ConnectionInfo,
) => Reply | undefined | Promise<Reply | undefined>

/** What a handler may know of the connection. */
export interface ConnectionInfo {
  readonly listenerName: string
  readonly remoteAddress: string
  readonly localAddress: string
  readonly localPort: number
  /** `tell` is called once if the connection closes before the function returned here is called. */
  readonly whenClosed: (tell: () => void) => () => void
  /** To be called while a request is handled: no further one of the connection is started before this one has its reply. */
  readonly answerFirst: () => void
}
