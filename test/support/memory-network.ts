// A network inside the process: connections that deliver at once, in order, and are cut when the test says so.
// Promises the order of real sockets and bytes that belong to their receiver. Leaves delay and loss to nobody yet.
import type { Listening, Network, Stream, StreamReader } from '../../src/lib/network.ts'
import type { Api } from '../../src/wire/api.ts'
import type { Input, Value } from '../../src/wire/schema.ts'
import { type Asker, ConnectionClosed, FrameCutter, readAnswer, requestBytes } from './raw-client.ts'

/** The broker's end of a connection. */
class MemoryStream implements Stream {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 50_000
  readonly localAddress = '127.0.0.1'
  readonly localPort: number
  readonly pendingBytes = 0
  readonly unsentBytes = 0
  private readonly peer: MemoryClient
  private reader: StreamReader | undefined
  private inbox: Buffer[] = []
  private isPaused = false
  private isClosed = false

  constructor(localPort: number, peer: MemoryClient) {
    this.localPort = localPort
    this.peer = peer
  }

  start(reader: StreamReader): void {
    this.reader = reader
    this.deliver()
  }

  write(bytes: Uint8Array, taken?: () => void): void {
    if (this.isClosed) return
    this.peer.arrived(Buffer.from(bytes))
    if (taken !== undefined) queueMicrotask(taken)
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.deliver()
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.peer.closed()
    this.reader?.closed()
  }

  /** The other side sent `bytes`. */
  receive(bytes: Buffer): void {
    this.inbox.push(bytes)
    this.deliver()
  }

  private deliver(): void {
    if (this.reader === undefined) return
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      for (let at = 0; at < next.length && !this.isClosed; ) {
        if (this.isPaused) {
          this.inbox.unshift(next.subarray(at))
          return
        }
        const target = this.reader.buffer()
        const length = next.copy(target, 0, at)
        at += length
        this.reader.arrived(length, target)
      }
    }
  }
}

interface Waiting {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

/** The client's end of a connection. */
export class MemoryClient implements Asker {
  isOpen = true
  private readonly stream: MemoryStream
  private readonly cutter = new FrameCutter()
  private readonly waiting: Waiting[] = []
  private correlationId = 0

  constructor(port: number, accept: (stream: Stream) => void) {
    this.stream = new MemoryStream(port, this)
    accept(this.stream)
  }

  async ask<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
  ): Promise<Value<A['response']>> {
    if (!this.isOpen) throw new ConnectionClosed('the connection is closed')
    const correlationId = ++this.correlationId
    const answer = new Promise<Buffer>((resolve, reject) => this.waiting.push({ resolve, reject }))
    this.stream.receive(requestBytes(api, version, request, correlationId))
    return readAnswer(api, version, await answer, correlationId)
  }

  /** The connection is cut: whatever waits for an answer will never know. */
  cut(): void {
    this.closed()
  }

  arrived(bytes: Buffer): void {
    if (!this.isOpen) return
    for (const frame of this.cutter.push(bytes)) this.waiting.shift()?.resolve(frame)
  }

  closed(): void {
    this.isOpen = false
    for (const { reject } of this.waiting.splice(0)) reject(new ConnectionClosed('no answer came'))
  }
}

export class MemoryNetwork implements Network {
  private readonly listening = new Map<number, (stream: Stream) => void>()
  private readonly clients: MemoryClient[] = []

  async listen(
    _host: string,
    port: number,
    _backlog: number,
    accept: (stream: Stream) => void,
  ): Promise<Listening> {
    const chosen = port === 0 ? 50_000 + this.listening.size : port
    this.listening.set(chosen, accept)
    return {
      port: chosen,
      close: async () => {
        this.listening.delete(chosen)
      },
    }
  }

  connect(): Promise<Stream> {
    return Promise.reject(new Error('brokers do not dial out in this network'))
  }

  dial(port: number): MemoryClient {
    const accept = this.listening.get(port)
    if (accept === undefined) throw new Error(`nobody listens on port ${port}`)
    const client = new MemoryClient(port, accept)
    this.clients.push(client)
    return client
  }

  /** Cuts every connection. */
  cut(): void {
    for (const client of this.clients.splice(0)) client.cut()
  }
}
