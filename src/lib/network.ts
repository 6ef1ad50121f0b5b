// Byte streams between processes: the one file that touches node:net.
// Promises that received bytes land in memory the reader chose (no copy), and that writes are gathered while corked.
// Leaves frames, requests and bounds to net/ (server side) and cli/client (client side).
import { connect as connectSocket, createServer, type Server, Socket } from 'node:net'

/** Where a stream's bytes go. The stream reads straight into `buffer()`; nothing else is held for it. */
export interface StreamReader {
  /** Memory for the next bytes, at least one byte long. Asked for before every read. */
  buffer(): Buffer
  /** `length` bytes were written to the start of the buffer that was last handed out. */
  arrived(length: number, buffer: Buffer): void
  /** The other side has finished sending; it may still be reading. Without this the stream is closed then. */
  ended?(): void
  /** The stream is gone. Called once. */
  closed(error?: Error): void
  /** Everything written so far has left for the kernel. */
  drained(): void
}

/** A connected byte stream. Delivers nothing until `start`. */
export interface Stream {
  readonly remoteAddress: string
  readonly remotePort: number
  /** Our own address: for an accepted stream, the one the client dialled. */
  readonly localAddress: string
  readonly localPort: number
  /** Bytes written but not yet taken by the kernel. */
  readonly pendingBytes: number
  /** What is left of the write under way, which `pendingBytes` counts in full until all of it has left. */
  readonly unsentBytes: number
  start(reader: StreamReader): void
  /** Sends `bytes` as they are; they must not change until `taken` is called. */
  write(bytes: Uint8Array, taken?: () => void): void
  /** Holds writes back so that they leave in one system call at `uncork`. */
  cork(): void
  uncork(): void
  /** Stops reading: the kernel's window fills and the other side has to wait. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface Listening {
  readonly port: number
  /** Stops accepting. Streams that are open stay open. */
  close(): Promise<void>
}

export interface Network {
  /** Accepts streams on `host:port` (port 0: any free one). Rejects with the system's error, e.g. EADDRINUSE. */
  listen(host: string, port: number, backlog: number, accept: (stream: Stream) => void): Promise<Listening>
  /** Rejects with the system's error, e.g. ECONNREFUSED, or after `timeoutMs`. */
  connect(host: string, port: number, timeoutMs: number): Promise<Stream>
}

/** What this file needs of the handle under a socket; absent in a Node that changed its insides. */
interface UserBufferHandle {
  useUserBuffer?: unknown
}

class SocketStream implements Stream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Not reading yet, until `start` puts another socket in its place. */
  private socket: Socket
  private readonly accepted: Socket
  private reader: StreamReader | undefined
  private isClosed = false

  /** `accepted` must not be reading. */
  constructor(accepted: Socket) {
    this.accepted = accepted
    this.socket = accepted
    this.remoteAddress = accepted.remoteAddress ?? ''
    this.remotePort = accepted.remotePort ?? 0
    this.localAddress = accepted.localAddress ?? ''
    this.localPort = accepted.localPort ?? 0
    accepted.setNoDelay(true)
    accepted.on('error', (error) => this.close(error))
    accepted.on('close', () => this.close())
  }

  get pendingBytes(): number {
    return this.socket.writableLength
  }

  get unsentBytes(): number {
    const { _handle: handle } = this.socket as unknown as { _handle?: { writeQueueSize?: number } | null }
    return handle?.writeQueueSize ?? this.socket.writableLength
  }

  start(reader: StreamReader): void {
    this.reader = reader
    if (this.isClosed) {
      reader.closed()
      return
    }
    const wrapped = wrapHandle(this.accepted, reader)
    if (wrapped === undefined) this.socket.on('data', (bytes: Buffer) => this.deliverCopy(bytes))
    else this.socket = wrapped
    this.socket.on('error', (error) => this.close(error))
    this.socket.on('close', () => this.close())
    this.socket.on('end', () => {
      if (reader.ended === undefined) this.close()
      else if (!this.isClosed) reader.ended()
    })
    this.socket.on('drain', () => this.reader?.drained())
    this.socket.resume()
  }

  write(bytes: Uint8Array, taken?: () => void): void {
    if (this.isClosed) return
    this.socket.write(bytes, taken)
  }

  cork(): void {
    this.socket.cork()
  }

  uncork(): void {
    this.socket.uncork()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    if (!this.isClosed) this.socket.resume()
  }

  end(): void {
    this.socket.destroySoon()
  }

  destroy(): void {
    this.socket.destroy()
  }

  private deliverCopy(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.isClosed; ) {
      const target = this.reader!.buffer()
      const length = bytes.copy(target, 0, at)
      at += length
      this.reader!.arrived(length, target)
    }
  }

  private close(error?: Error): void {
    if (this.isClosed) return
    this.isClosed = true
    this.socket.destroy()
    // The server counts the socket it accepted, not the one that took over its handle.
    this.accepted.destroy()
    this.reader?.closed(error)
  }
}

/**
 * `net.Server` cannot make sockets that read into memory of ours (the `onread` option), only `new net.Socket` can: so the
 * accepted socket gives up its handle to one. Returns undefined where the handle has no such ability.
 */
function wrapHandle(accepted: Socket, reader: StreamReader): Socket | undefined {
  const owner = accepted as unknown as { _handle: UserBufferHandle | null }
  const handle = owner._handle
  if (handle === null || typeof handle.useUserBuffer !== 'function') return undefined
  owner._handle = null
  const options = {
    handle,
    // Nothing is read before resume(): the reader may still be making itself ready.
    manualStart: true,
    allowHalfOpen: true,
    onread: {
      buffer: () => reader.buffer(),
      callback: (length: number, bytes: Uint8Array) => {
        reader.arrived(length, bytes as Buffer)
        return true
      },
    },
  }
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
}

function listenOn(server: Server, host: string, port: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

export const systemNetwork: Network = {
  async listen(host, port, backlog, accept) {
    const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (socket) =>
      accept(new SocketStream(socket)),
    )
    await listenOn(server, host, port, backlog)
    // Running out of file descriptors fails an accept; it must not end the process.
    server.on('error', () => {})
    const address = server.address()
    return {
      port: typeof address === 'object' && address !== null ? address.port : port,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    }
  },

  connect(host, port, timeoutMs) {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port, noDelay: true, allowHalfOpen: true })
      socket.pause()
      socket.setTimeout(timeoutMs, () => {
        socket.destroy(new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`))
      })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.off('error', reject)
        resolve(new SocketStream(socket))
      })
    })
  },
}

/** Connects with the system's network: what command-line tools use. */
export const connect = systemNetwork.connect
