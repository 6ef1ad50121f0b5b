// One connection to a broker: requests go out at once, answers come back in order and are matched by correlation id.
// Promises one outcome for each request (answer, time-out or disconnect) and the highest version both sides speak.
// Leaves which broker to ask, and whether to try again, to cluster.ts.
import type { Clock, Timer } from '../../lib/clock.ts'
import { type Deferred, deferred } from '../../lib/deferred.ts'
import { retain } from '../../lib/memory.ts'
import { connect, type Stream } from '../../lib/network.ts'
import { type Frame, FrameReader } from '../../net/frames.ts'
import type { Api } from '../../wire/api.ts'
import { apiVersions } from '../../wire/apis/api-versions.ts'
import { errors } from '../../wire/errors.ts'
import { decodeResponseHeader, encodeRequest } from '../../wire/frame.ts'
import type { Input, Value } from '../../wire/schema.ts'
import {
  type Address,
  addressText,
  check,
  DisconnectedError,
  HungUpError,
  ProtocolError,
  TimeoutError,
  UnreachableError,
} from './failure.ts'

const RECEIVE_BYTES = 64 * 1024

export interface ConnectionOptions {
  readonly clientId: string
  /** Limit for making a connection. */
  readonly connectTimeoutMs: number
  /** Limit for an answer, counted from the request. */
  readonly requestTimeoutMs: number
  /** Answers above this end the connection. */
  readonly maxResponseBytes: number
  readonly clock: Clock
}

export interface RequestOptions {
  /** Takes the place of `requestTimeoutMs`. */
  readonly timeoutMs?: number
  /** The highest version to use. */
  readonly maxVersion?: number
  /** Asks although the broker does not say that it speaks it: one of our own APIs. Others close the connection then. */
  readonly isUnadvertised?: boolean
}

interface Waiting {
  readonly correlationId: number
  readonly api: Api
  readonly version: number
  readonly outcome: Deferred<unknown>
  readonly timer: Timer
}

type VersionRange = readonly [min: number, max: number]

export class Connection {
  readonly address: Address
  private readonly stream: Stream
  private readonly options: ConnectionOptions
  private readonly frames: FrameReader
  private readonly waiting: Waiting[] = []
  private readonly leaving = new Set<Deferred<void>>()
  private readonly closings: (() => void)[] = []
  private correlationId = 0
  private failure: Error | undefined
  /** What the broker speaks, by API key; only ApiVersions until it has said so. */
  private spoken: ReadonlyMap<number, VersionRange> = new Map([[apiVersions.key, [0, 3]]])

  private constructor(address: Address, stream: Stream, options: ConnectionOptions) {
    this.address = address
    this.stream = stream
    this.options = options
    const receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES)
    this.frames = new FrameReader(receiveBuffer, options.maxResponseBytes, (frame) => this.accept(frame))
    stream.start({
      buffer: () => this.frames.buffer(),
      arrived: (length, buffer) => this.receive(length, buffer),
      closed: (error) => this.fail(this.disconnected(error)),
      drained() {},
    })
  }

  /** Connects and learns which versions the broker speaks. Throws UnreachableError, ProtocolError and what `request` throws. */
  static async open(address: Address, options: ConnectionOptions): Promise<Connection> {
    let stream: Stream
    try {
      stream = await connect(address.host, address.port, options.connectTimeoutMs)
    } catch (error) {
      const { code = 'ETIMEDOUT', message } = error as NodeJS.ErrnoException
      throw new UnreachableError([address], code, message)
    }
    const connection = new Connection(address, stream, options)
    try {
      await connection.negotiate()
    } catch (error) {
      connection.close()
      if (error instanceof DisconnectedError) {
        throw new HungUpError(`${addressText(address)} closed the connection at the first request`)
      }
      throw error
    }
    return connection
  }

  get isOpen(): boolean {
    return this.failure === undefined
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.waiting.length
  }

  /** Calls `then` once, when the connection is gone. */
  onClose(then: () => void): void {
    if (this.failure === undefined) this.closings.push(then)
    else then()
  }

  /** The version that a request would use, or undefined when there is none in common. */
  versionOf(api: Api, maxVersion = Number.POSITIVE_INFINITY): number | undefined {
    const range = this.spoken.get(api.key)
    if (range === undefined) return undefined
    const version = Math.min(range[1], api.advertised[1], maxVersion)
    return version < Math.max(range[0], api.versions[0]) ? undefined : version
  }

  /** Sends a request and answers the response. Throws DisconnectedError, TimeoutError, ProtocolError; error codes are the caller's. */
  request<A extends Api>(
    api: A,
    request: Input<A['request']>,
    options: RequestOptions = {},
  ): Promise<Value<A['response']>> {
    const version = options.isUnadvertised ? api.advertised[1] : this.agreedVersion(api, options.maxVersion)
    const correlationId = this.transmit(api, version, request)
    const outcome = deferred<unknown>()
    const limitMs = options.timeoutMs ?? this.options.requestTimeoutMs
    const timer = this.options.clock.schedule(limitMs, () => this.expire(api, limitMs))
    this.waiting.push({ correlationId, api, version, outcome, timer })
    return outcome.promise as Promise<Value<A['response']>>
  }

  /** Sends a request that has no answer (Produce with acks 0). Resolves when the bytes have left for the kernel. */
  tell<A extends Api>(api: A, request: Input<A['request']>, options: RequestOptions = {}): Promise<void> {
    const left = deferred()
    this.leaving.add(left)
    this.transmit(api, this.agreedVersion(api, options.maxVersion), request, () => {
      this.leaving.delete(left)
      left.resolve()
    })
    return left.promise
  }

  close(): void {
    this.fail(new DisconnectedError(`the connection to ${addressText(this.address)} was closed`))
  }

  private agreedVersion(api: Api, maxVersion?: number): number {
    const version = this.versionOf(api, maxVersion)
    if (version !== undefined) return version
    const range = this.spoken.get(api.key)
    const theirs = range === undefined ? 'does not speak it' : `speaks versions ${range[0]} to ${range[1]}`
    throw new ProtocolError(
      `${api.name} is needed in versions ${api.versions[0]} to ${api.versions[1]}; ${addressText(this.address)} ${theirs}`,
    )
  }

  private transmit<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
    taken?: () => void,
  ): number {
    if (this.failure !== undefined) throw this.failure
    const correlationId = this.correlationId++ & 0x7fffffff
    const { chunks } = encodeRequest(api, version, correlationId, this.options.clientId, request)
    this.stream.cork()
    for (const [i, chunk] of chunks.entries()) {
      this.stream.write(chunk as Uint8Array, i === chunks.length - 1 ? taken : undefined)
    }
    this.stream.uncork()
    return correlationId
  }

  private async negotiate(): Promise<void> {
    const identity = { clientSoftwareName: 'odradek-cli', clientSoftwareVersion: '0.1.0' }
    let answer = await this.request(apiVersions, identity)
    if (answer.errorCode === errors.UNSUPPORTED_VERSION.code) {
      answer = await this.request(apiVersions, {}, { maxVersion: 0 })
    }
    check(answer.errorCode, null, 'ApiVersions')
    this.spoken = new Map(answer.apiKeys.map((row) => [row.apiKey, [row.minVersion, row.maxVersion]]))
  }

  private receive(length: number, buffer: Buffer): void {
    try {
      this.frames.arrived(length, buffer)
    } catch (error) {
      this.fail(new ProtocolError(`${addressText(this.address)} sent no Kafka answer: ${messageOf(error)}`))
    }
  }

  private accept(frame: Frame): void {
    // What is decoded keeps views of the frame: the receive buffer is written to again, so its frames are copied; memory of
    // the pool is kept for good, since nobody can tell when the last view is let go.
    if (frame.isOwned) retain(frame.bytes)
    const bytes = frame.isOwned ? frame.bytes : Buffer.from(frame.bytes.subarray(frame.start, frame.end))
    const start = frame.isOwned ? frame.start : 0
    const end = frame.isOwned ? frame.end : bytes.length
    const waiting = this.waiting.shift()
    if (waiting === undefined) throw new ProtocolError('an answer to no request')
    waiting.timer.cancel()
    try {
      waiting.outcome.resolve(decodeAnswer(waiting, bytes, start, end))
    } catch (error) {
      waiting.outcome.reject(new ProtocolError(`${waiting.api.name} answer: ${messageOf(error)}`))
      throw error
    }
  }

  /** Answers come in order: once one is late, nothing behind it can be trusted to come. */
  private expire(api: Api, limitMs: number): void {
    const late = `${addressText(this.address)} did not answer ${api.name} within ${limitMs} ms`
    this.fail(new TimeoutError(late))
  }

  private disconnected(error?: Error): Error {
    const why = error === undefined ? '' : `: ${error.message}`
    return new DisconnectedError(`${addressText(this.address)} closed the connection${why}`)
  }

  private fail(failure: Error): void {
    if (this.failure !== undefined) return
    this.failure = failure
    this.stream.destroy()
    for (const { timer, outcome } of this.waiting.splice(0)) {
      timer.cancel()
      outcome.reject(failure)
    }
    for (const left of this.leaving) left.reject(failure)
    this.leaving.clear()
    for (const closing of this.closings.splice(0)) closing()
  }
}

function decodeAnswer(waiting: Waiting, bytes: Buffer, start: number, end: number): unknown {
  const { api, version } = waiting
  const header = decodeResponseHeader(bytes, start, end, api.responseHeaderVersion(version))
  if (header.correlationId !== waiting.correlationId) {
    throw new ProtocolError(
      `correlation id ${header.correlationId} where ${waiting.correlationId} was expected`,
    )
  }
  // A broker that does not know our version of ApiVersions says so in the layout of version 0 (KIP-511).
  const isRefusal = api.key === apiVersions.key && version > 0 && bytes.readInt16BE(header.bodyOffset) !== 0
  return api.response.decode(bytes, header.bodyOffset, end, isRefusal ? 0 : version)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
