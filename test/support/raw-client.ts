// A client of bytes and codecs and nothing else, for tests of what a broker does on the wire: any bytes can be sent.
// Promises answers in the order in which they come, and an end of the connection that can be waited for. Leaves what a
// well-behaved client would do (versions, retries, leaders) out.
import { connect, type Socket } from 'node:net'
import type { Api } from '../../src/wire/api.ts'
import { apiVersions } from '../../src/wire/apis/api-versions.ts'
import { decodeResponseHeader, encodeRequest } from '../../src/wire/frame.ts'
import type { Input, Value } from '../../src/wire/schema.ts'
import { flatten } from '../../src/wire/writer.ts'

/** What anything that can be asked for an answer looks like: a socket, or a connection inside this process. */
export interface Asker {
  ask<A extends Api>(api: A, version: number, request: Input<A['request']>): Promise<Value<A['response']>>
}

/** The broker closed the connection while an answer was due. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed'
}

const SIZE_BYTES = 4

/** The whole frame of a request. */
export function requestBytes<A extends Api>(
  api: A,
  version: number,
  request: Input<A['request']>,
  correlationId = 1,
  clientId: string | null = 'test',
): Buffer {
  return flatten(encodeRequest(api, version, correlationId, clientId, request))
}

/** Reads an answer: `frame` is without its size. Throws when it answers another request. */
export function readAnswer<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
  correlationId = 1,
): Value<A['response']> {
  const header = decodeResponseHeader(frame, 0, frame.length, api.responseHeaderVersion(version))
  if (header.correlationId !== correlationId) {
    throw new Error(`an answer to request ${header.correlationId} where one to ${correlationId} was due`)
  }
  // What the broker cannot read of ApiVersions it answers in the layout of version 0 (KIP-511).
  const isRefusal = api.key === apiVersions.key && frame.readInt16BE(header.bodyOffset) === 35
  return api.response.decode(frame, header.bodyOffset, frame.length, isRefusal ? 0 : version) as Value<
    A['response']
  >
}

/** `bytes` with their size in front. */
export function framed(bytes: Buffer | string): Buffer {
  const body = Buffer.from(bytes)
  const size = Buffer.alloc(SIZE_BYTES)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** Cuts a stream of answers into frames. */
export class FrameCutter {
  private pieces: Buffer[] = []
  private byteLength = 0

  push(bytes: Buffer): Buffer[] {
    this.pieces.push(bytes)
    this.byteLength += bytes.length
    const frames: Buffer[] = []
    while (this.byteLength >= SIZE_BYTES) {
      const first = this.pieces[0]!
      const head = first.length >= SIZE_BYTES ? first : this.whole()
      const end = SIZE_BYTES + head.readInt32BE(0)
      if (this.byteLength < end) break
      const all = this.whole()
      frames.push(all.subarray(SIZE_BYTES, end))
      this.pieces = [all.subarray(end)]
      this.byteLength -= end
    }
    return frames
  }

  private whole(): Buffer {
    if (this.pieces.length > 1) this.pieces = [Buffer.concat(this.pieces)]
    return this.pieces[0]!
  }
}

interface Waiting {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

export class RawClient implements Asker {
  readonly socket: Socket
  clientId: string | null = 'test'
  /** Bytes received so far. */
  bytesReceived = 0
  /** Resolves when the broker has ended the connection, however it did. */
  readonly closed: Promise<void>
  private readonly cutter = new FrameCutter()
  private readonly arrived: Buffer[] = []
  private readonly waiting: Waiting[] = []
  private correlationId = 0
  private isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => this.receive(bytes))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()))
    void this.closed.then(() => {
      this.isClosed = true
      for (const { reject } of this.waiting.splice(0)) reject(new ConnectionClosed('no answer came'))
    })
  }

  static connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        // A half-open socket does not close by itself when the other side has ended.
        socket.on('end', () => socket.end())
        resolve(new RawClient(socket))
      })
    })
  }

  get isOpen(): boolean {
    return !this.isClosed
  }

  /** Sends bytes as they are. */
  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** Sends a request and resolves with its answer; the answers of several requests come in their order. */
  async ask<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
  ): Promise<Value<A['response']>> {
    const correlationId = ++this.correlationId
    this.send(requestBytes(api, version, request, correlationId, this.clientId))
    return readAnswer(api, version, await this.frame(), correlationId)
  }

  /** Sends a request that has no answer. */
  tell<A extends Api>(api: A, version: number, request: Input<A['request']>): void {
    this.send(requestBytes(api, version, request, ++this.correlationId, this.clientId))
  }

  /** The next frame, without its size. Rejects with ConnectionClosed. */
  frame(): Promise<Buffer> {
    const next = this.arrived.shift()
    if (next !== undefined) return Promise.resolve(next)
    if (this.isClosed) return Promise.reject(new ConnectionClosed('the connection is closed'))
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  close(): void {
    this.socket.destroy()
  }

  private receive(bytes: Buffer): void {
    this.bytesReceived += bytes.length
    for (const frame of this.cutter.push(bytes)) {
      const waiting = this.waiting.shift()
      if (waiting === undefined) this.arrived.push(frame)
      else waiting.resolve(frame)
    }
  }
}
