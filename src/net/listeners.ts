// The doors of a broker: one listening socket for each configured listener, and the connections that came in by them.
// Promises the bounds of Kafka's settings: max.connections (further clients wait, as in Kafka), max.connections.per.ip
// (closed at once), connections.max.idle.ms. Leaves what clients ask to the request handler.
import type { Clock, Timer } from '../lib/clock.ts'
import type { CopyCounter } from '../lib/copy-counter.ts'
import type { Logger } from '../lib/logger.ts'
import type { Listening, Network, Stream } from '../lib/network.ts'
import {
  Connection,
  type ConnectionLimits,
  type ConnectionShared,
  type RequestHandler,
} from './connection.ts'
import { ListenError } from './listen-error.ts'
import { SlicePool } from './outbox.ts'

export interface ListenerAddress {
  readonly name: string
  /** Empty: all interfaces. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** Read anew for every client: a limit may be altered while running (`limitsChanged`). */
export interface ListenersOptions {
  readonly addresses: readonly ListenerAddress[]
  readonly limits: ConnectionLimits
  /** max.connections */
  readonly maxConnections: number
  /** max.connections.per.ip with its overrides applied. */
  readonly maxConnectionsFrom: (ip: string) => number
  /** connections.max.idle.ms; below 0: never. */
  readonly maxIdleMs: number
  /** socket.listen.backlog.size */
  readonly backlog: number
}

export interface ListenersEnvironment {
  readonly network: Network
  readonly clock: Clock
  readonly logger: Logger
  readonly handle: RequestHandler
  /** Copies of received bytes are added to it. */
  readonly counter?: CopyCounter
}

/** Read into by every connection in turn: nothing stays in it between two events. */
const RECEIVE_BUFFER_BYTES = 256 * 1024

/** Lines about connections in ten seconds: whoever comes and goes thousands of times must not fill the log. */
const MOST_LINES = 100
const LINES_MS = 10_000

export class Listeners {
  private readonly options: ListenersOptions
  private readonly environment: ListenersEnvironment
  private readonly shared: ConnectionShared
  private readonly connections = new Set<Connection>()
  private readonly connectionsFrom = new Map<string, number>()
  private readonly waiting: { stream: Stream; listenerName: string }[] = []
  private readonly open: { address: ListenerAddress; listening: Listening }[] = []
  private idleSweep: Timer | undefined
  private isServing = false
  private isClosed = false
  private linesSinceMs = 0
  private lines = 0
  /** Lines that were left out since the last one. */
  private untold = 0

  constructor(options: ListenersOptions, environment: ListenersEnvironment) {
    this.options = options
    this.environment = environment
    this.shared = {
      receiveBuffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES),
      slices: new SlicePool(),
      clock: environment.clock,
      handle: environment.handle,
      counter: environment.counter ?? { bytesCopied: 0 },
    }
  }

  /** Bytes of answers that were read from files, for measuring. */
  get bytesRead(): number {
    return this.shared.slices.bytesRead
  }

  get connectionCount(): number {
    return this.connections.size
  }

  /**
   * Opens every listener, or none: throws ListenError naming the one that failed. Returns the ports by name. Clients
   * that connect now wait until `serve`.
   */
  async listen(): Promise<ReadonlyMap<string, number>> {
    const ports = new Map<string, number>()
    for (const address of this.options.addresses) {
      try {
        const listening = await this.environment.network.listen(
          address.host === '' ? '::' : address.host,
          address.port,
          this.options.backlog,
          (stream) => this.accept(stream, address.name),
        )
        this.open.push({ address, listening })
        ports.set(address.name, listening.port)
      } catch (error) {
        await this.close()
        throw new ListenError(explain(address, error as NodeJS.ErrnoException), { cause: error })
      }
    }
    this.scheduleIdleSweep()
    return ports
  }

  /** Begins to answer. */
  serve(): void {
    this.isServing = true
    this.limitsChanged()
  }

  /** A limit was altered: clients that wait may be allowed in now. */
  limitsChanged(): void {
    if (!this.isServing) return
    for (const { stream, listenerName } of this.waiting.splice(0)) this.accept(stream, listenerName)
  }

  /** Stops accepting and closes every connection. */
  async close(): Promise<void> {
    this.isClosed = true
    this.idleSweep?.cancel()
    const closing = this.open.splice(0).map(({ listening }) => listening.close())
    for (const { stream } of this.waiting.splice(0)) stream.destroy()
    for (const connection of [...this.connections]) connection.close()
    await Promise.all(closing)
  }

  private accept(stream: Stream, listenerName: string): void {
    const from = stream.remoteAddress
    if (this.isClosed || (this.connectionsFrom.get(from) ?? 0) >= this.options.maxConnectionsFrom(from)) {
      if (!this.isClosed) {
        this.warn('connection refused: max.connections.per.ip is reached', { from })
      }
      stream.destroy()
      return
    }
    if (!this.isServing || this.connections.size >= this.options.maxConnections) {
      this.holdBack(stream, listenerName)
      return
    }
    this.begin(stream, listenerName)
  }

  /** The broker is not ready or max.connections is reached: the client waits, as it would in the kernel's own queue. */
  private holdBack(stream: Stream, listenerName: string): void {
    if (this.waiting.length >= this.options.backlog) {
      this.warn('connection refused: max.connections and the backlog are full', {
        from: stream.remoteAddress,
      })
      stream.destroy()
      return
    }
    this.waiting.push({ stream, listenerName })
  }

  private begin(stream: Stream, listenerName: string): void {
    const connection = new Connection(
      stream,
      listenerName,
      this.options.limits,
      this.shared,
      (ended, error) => this.ended(ended, error),
    )
    this.connections.add(connection)
    const from = connection.remoteAddress
    this.connectionsFrom.set(from, (this.connectionsFrom.get(from) ?? 0) + 1)
    connection.start()
  }

  private ended(connection: Connection, error?: Error): void {
    if (!this.connections.delete(connection)) return
    const from = connection.remoteAddress
    const left = (this.connectionsFrom.get(from) ?? 1) - 1
    if (left === 0) this.connectionsFrom.delete(from)
    else this.connectionsFrom.set(from, left)
    if (error !== undefined && !isOrdinaryDisconnect(error)) {
      this.warn('connection closed', { from, reason: error.message })
    }
    const next = this.waiting.shift()
    if (next !== undefined && !this.isClosed) this.accept(next.stream, next.listenerName)
  }

  private warn(message: string, fields: { readonly [name: string]: string }): void {
    const { clock, logger } = this.environment
    const nowMs = clock.monotonicMs()
    if (nowMs - this.linesSinceMs >= LINES_MS) {
      this.linesSinceMs = nowMs
      this.lines = 0
    }
    if (this.lines >= MOST_LINES) {
      this.untold++
      return
    }
    this.lines++
    logger.warn(message, this.untold === 0 ? fields : { ...fields, others: this.untold })
    this.untold = 0
  }

  private scheduleIdleSweep(): void {
    const { maxIdleMs } = this.options
    if (maxIdleMs < 0 || this.isClosed) return
    const everyMs = Math.max(10, Math.min(maxIdleMs / 4, 10_000))
    this.idleSweep = this.environment.clock.schedule(everyMs, () => {
      const nowMs = this.environment.clock.monotonicMs()
      for (const connection of [...this.connections]) connection.closeIfIdle(nowMs, maxIdleMs)
      this.scheduleIdleSweep()
    })
  }
}

function isOrdinaryDisconnect(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function explain(address: ListenerAddress, error: NodeJS.ErrnoException): string {
  const where = `listener ${address.name}://${address.host}:${address.port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return `${where}: the port is taken by another process; end that one or choose another port in listeners`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${where}: this machine has no such address; use one of its own in listeners`
    case 'EACCES':
      return `${where}: this user may not open the port; choose one above 1023 in listeners`
    default:
      return `${where}: ${error.message}`
  }
}
