// One client's connection: frames in, replies out, in the order of the requests.
// Promises pipelining (the next request starts when the one before has fixed its order), bounded memory (a client that
// does not read its replies is not read from), and that one connection's trouble stays its own.
// Leaves the meaning of requests to the handler it is given.
import type { Clock } from '../lib/clock.ts'
import type { CopyCounter } from '../lib/copy-counter.ts'
import { processMemory, release, retain } from '../lib/memory.ts'
import type { Stream, StreamReader } from '../lib/network.ts'
import { type Frame, FrameReader } from './frames.ts'
import { type Chunk, discard, Outbox, type SlicePool } from './outbox.ts'

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
}

export interface ConnectionLimits {
  /** socket.request.max.bytes */
  readonly maxRequestBytes: number
  /** Requests of one connection that may be under way at once. */
  readonly maxInFlightRequests: number
  /** Unsent reply bytes above which the connection's own reading stops. */
  readonly maxPendingBytes: number
}

/** What all connections of a broker share. */
export interface ConnectionShared {
  readonly receiveBuffer: Buffer
  readonly slices: SlicePool
  readonly clock: Clock
  readonly handle: RequestHandler
  /** Copies of received bytes: frames that came in parts, and frames that had to wait. */
  readonly counter: CopyCounter
}

interface Slot {
  isDone: boolean
  reply?: Reply | undefined
  /** The request has no answer but the end of the connection. */
  failure?: Error
  /** It came behind such a request: nobody waits for its reply. */
  isDropped?: boolean
}

export class Connection implements StreamReader, ConnectionInfo {
  readonly listenerName: string
  readonly remoteAddress: string
  readonly localAddress: string
  readonly localPort: number
  /** Monotonic time of the last bytes in or out, for connections.max.idle.ms. */
  lastActiveMs: number

  private readonly stream: Stream
  private readonly limits: ConnectionLimits
  private readonly shared: ConnectionShared
  private readonly frames: FrameReader
  private readonly outbox: Outbox
  private readonly gone: (connection: Connection, error?: Error) => void
  private slots: Slot[] = []
  /** Frames that arrived while the connection was not allowed to start more requests. */
  private waiting: Frame[] = []
  /** Bytes of replies that wait for one before them. */
  private heldBytes = 0
  private lastUnsentBytes = 0
  private isPaused = false
  private isCorked = false
  /** A request that ends the connection has come: no further one is started. */
  private isEnding = false
  /** The client sends no more, but waits for its answers. */
  private hasClientEnded = false
  /** Why the connection ends as soon as everything is sent. */
  private failure: Error | undefined
  private isClosed = false
  private whoWantsToKnow: Set<() => void> | undefined

  constructor(
    stream: Stream,
    listenerName: string,
    limits: ConnectionLimits,
    shared: ConnectionShared,
    gone: (connection: Connection, error?: Error) => void,
  ) {
    this.stream = stream
    this.listenerName = listenerName
    this.limits = limits
    this.shared = shared
    this.gone = gone
    this.remoteAddress = stream.remoteAddress
    this.localAddress = stream.localAddress
    this.localPort = stream.localPort
    this.lastActiveMs = shared.clock.monotonicMs()
    this.frames = new FrameReader(
      shared.receiveBuffer,
      limits.maxRequestBytes,
      (frame) => this.offer(frame),
      shared.counter,
    )
    this.outbox = new Outbox(
      stream,
      shared.slices,
      shared.clock,
      (error) => this.close(error),
      () => this.drained(),
    )
  }

  /**
   * Closes the connection when nothing has moved on it for longer than `maxIdleMs`: a client that is silent, or one that
   * does not take its replies. Who waits for a reply is not idle, unless it has ended its side: it may be gone.
   */
  closeIfIdle(nowMs: number, maxIdleMs: number): void {
    const { unsentBytes } = this.outbox
    if (unsentBytes !== this.lastUnsentBytes) {
      this.lastUnsentBytes = unsentBytes
      this.lastActiveMs = nowMs
    }
    const isWaitingForUs = unsentBytes === 0 && this.slots.length > 0 && !this.hasClientEnded
    if (isWaitingForUs || nowMs - this.lastActiveMs <= maxIdleMs) return
    if (unsentBytes === 0) this.close()
    else this.close(new Error(`idle: no byte of ${unsentBytes} was taken within connections.max.idle.ms`))
  }

  readonly whenClosed = (tell: () => void): (() => void) => {
    this.whoWantsToKnow ??= new Set()
    this.whoWantsToKnow.add(tell)
    return () => this.whoWantsToKnow?.delete(tell)
  }

  start(): void {
    this.stream.start(this)
  }

  buffer(): Buffer {
    return this.frames.buffer()
  }

  arrived(length: number, buffer: Buffer): void {
    if (this.isClosed) return
    this.lastActiveMs = this.shared.clock.monotonicMs()
    this.cork()
    try {
      this.frames.arrived(length, buffer)
    } catch (error) {
      this.refuse(error as Error)
    } finally {
      this.uncork()
    }
    this.pauseOrResume()
  }

  /** What the client has asked for is answered first, as in Kafka. */
  ended(): void {
    this.hasClientEnded = true
    this.goOn()
  }

  closed(error?: Error): void {
    this.close(error)
  }

  drained(): void {
    this.lastActiveMs = this.shared.clock.monotonicMs()
    this.goOn()
  }

  close(error: Error | undefined = this.failure): void {
    if (this.isClosed) return
    this.isClosed = true
    this.waiting = []
    for (const slot of this.slots) if (slot.reply !== undefined) discard(slot.reply.chunks)
    this.slots = []
    this.outbox.close()
    this.stream.destroy()
    const told = this.whoWantsToKnow
    this.whoWantsToKnow = undefined
    for (const tell of told ?? []) tell()
    this.gone(this, error)
  }

  private get mayStart(): boolean {
    return (
      !this.isEnding &&
      this.slots.length < this.limits.maxInFlightRequests &&
      this.heldBytes + this.outbox.pendingBytes <= this.limits.maxPendingBytes
    )
  }

  private offer(frame: Frame): void {
    if (this.isClosed || this.isEnding) return
    if (this.waiting.length === 0 && this.mayStart) {
      this.handle(frame)
      return
    }
    // The receive buffer is about to be overwritten: what has to wait moves out. At most one buffer's worth does.
    if (frame.isOwned) retain(frame.bytes)
    this.waiting.push(frame.isOwned ? frame : this.moved(frame))
  }

  private moved({ bytes, start, end }: Frame): Frame {
    const memory = processMemory.take(end - start)
    this.shared.counter.bytesCopied += bytes.copy(memory, 0, start, end)
    return { bytes: memory, start: 0, end: end - start, isOwned: true }
  }

  private handle(frame: Frame): void {
    const outcome = this.shared.handle(frame, this)
    if (outcome === undefined) return
    if (!(outcome instanceof Promise)) {
      if (this.slots.length === 0) this.outbox.send(outcome.chunks)
      else {
        this.slots.push({ isDone: true, reply: outcome })
        this.heldBytes += outcome.byteLength
      }
      return
    }
    const slot: Slot = { isDone: false }
    this.slots.push(slot)
    outcome.then(
      (reply) => this.fill(slot, reply),
      (error) => this.fail(slot, error as Error),
    )
  }

  private fill(slot: Slot, reply: Reply | undefined): void {
    if (this.isClosed || slot.isDropped) {
      if (reply !== undefined) discard(reply.chunks)
      return
    }
    slot.isDone = true
    slot.reply = reply
    this.heldBytes += reply?.byteLength ?? 0
    if (this.slots[0] === slot) this.sendReady()
  }

  /** Something came that has no answer but the end of the connection. */
  private refuse(error: Error): void {
    if (this.isClosed || this.isEnding) return
    const slot: Slot = { isDone: false }
    this.slots.push(slot)
    this.fail(slot, error)
  }

  /** The request of `slot` ends the connection: what was asked before it is answered, what came after it is not. */
  private fail(slot: Slot, failure: Error): void {
    if (this.isClosed || slot.isDropped) return
    this.isEnding = true
    this.waiting = []
    slot.isDone = true
    slot.failure = failure
    for (const dropped of this.slots.splice(this.slots.indexOf(slot) + 1)) {
      dropped.isDropped = true
      if (dropped.reply !== undefined) discard(dropped.reply.chunks)
    }
    if (this.slots[0] === slot) this.sendReady()
    this.pauseOrResume()
  }

  private sendReady(): void {
    this.corkUntilSettled()
    let done = 0
    for (; done < this.slots.length && this.slots[done].isDone; done++) {
      const { reply, failure } = this.slots[done]
      if (reply !== undefined) {
        this.heldBytes -= reply.byteLength
        this.outbox.send(reply.chunks)
      }
      this.failure ??= failure
    }
    this.slots.splice(0, done)
    this.goOn()
  }

  /** Replies have left, or no more requests will come: what next? */
  private goOn(): void {
    if (this.failure === undefined) this.startWaiting()
    const isAllAnswered = this.hasClientEnded && this.slots.length === 0 && this.waiting.length === 0
    if (this.failure !== undefined || isAllAnswered) this.endWhenSent()
  }

  private endWhenSent(): void {
    if (this.isClosed || this.outbox.isSending) return
    if (this.outbox.pendingBytes === 0) this.close()
    else this.stream.end()
  }

  private startWaiting(): void {
    if (this.isClosed) return
    while (this.waiting.length > 0 && this.mayStart && !this.isClosed) {
      const frame = this.waiting.shift()!
      try {
        this.handle(frame)
      } catch (error) {
        this.refuse(error as Error)
      }
      release(frame.bytes)
    }
    this.pauseOrResume()
  }

  private pauseOrResume(): void {
    if (this.isClosed) return
    const mustPause = this.waiting.length > 0 || !this.mayStart
    if (mustPause === this.isPaused) return
    this.isPaused = mustPause
    if (mustPause) this.stream.pause()
    else this.stream.resume()
  }

  private cork(): void {
    if (this.isCorked) return
    this.isCorked = true
    this.stream.cork()
  }

  private uncork(): void {
    if (!this.isCorked) return
    this.isCorked = false
    this.stream.uncork()
  }

  /** Replies that are settled by the same event leave in one system call. */
  private corkUntilSettled(): void {
    if (this.isCorked) return
    this.cork()
    process.nextTick(() => {
      this.uncork()
      this.pauseOrResume()
    })
  }
}
