// One client's connection: frames in, replies out, in the order of the requests.
// Promises pipelining (the next request starts when the one before has fixed its order), bounded memory (a client that
// does not read its replies is not read from), and that one connection's trouble stays its own.
// Leaves the meaning of requests to the handler it is given.
import type { Clock } from '../lib/clock.ts'
import type { CopyCounter } from '../lib/copy-counter.ts'
import { processMemory, release, retain } from '../lib/memory.ts'
import type { Stream, StreamReader } from '../lib/network.ts'
import { type Frame, FrameReader } from './frames.ts'
import { discard, Outbox, type SlicePool } from './outbox.ts'
import type { ConnectionInfo, Reply, RequestHandler } from './request-handler.ts'

export type { ConnectionInfo, Reply, RequestHandler } from './request-handler.ts'

/**
 * Requests of one connection that came together are worked on for so long before other connections are looked after:
 * thousands of small ones with much work each fit into one read.
 */
const TURN_MS = 20
/** Requests under way may have so many bytes before no further one is started. */
const MOST_REQUEST_BYTES = 16 * 1024 * 1024
/** Smaller frames are not worth memory from the pool, whose smallest piece is as large. */
const POOLED_FRAME_BYTES = 4096

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
  readonly requestBytes: number
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
  /** Bytes of the requests that have a slot. */
  private requestBytes = 0
  /** The request that has to have its reply before another is started. */
  private exclusive: Slot | undefined
  private isExclusiveAsked = false
  /** Since when requests of this connection are worked on without a pause. */
  private turnStartedMs = 0
  private isFirstOfTurn = true
  /** It has had its turn: others first. */
  private isResting = false
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

  readonly answerFirst = (): void => {
    this.isExclusiveAsked = true
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
    this.turnStartedMs = this.lastActiveMs
    this.isFirstOfTurn = true
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
      !this.isResting &&
      this.exclusive === undefined &&
      this.requestBytes <= MOST_REQUEST_BYTES &&
      this.slots.length < this.limits.maxInFlightRequests &&
      this.heldBytes + this.outbox.pendingBytes <= this.limits.maxPendingBytes
    )
  }

  private offer(frame: Frame): void {
    if (this.isClosed || this.isEnding) return
    if (this.waiting.length === 0 && this.mayStart && !this.hasHadItsTurn()) {
      this.handle(frame)
      return
    }
    // The receive buffer is about to be overwritten: what has to wait moves out. At most one buffer's worth does.
    if (frame.isOwned) retain(frame.bytes)
    this.waiting.push(frame.isOwned ? frame : this.moved(frame))
  }

  private moved({ bytes, start, end }: Frame): Frame {
    const length = end - start
    const memory = length < POOLED_FRAME_BYTES ? Buffer.allocUnsafe(length) : processMemory.take(length)
    this.shared.counter.bytesCopied += bytes.copy(memory, 0, start, end)
    return { bytes: memory, start: 0, end: length, isOwned: true }
  }

  /** Who asks one thing at a time is not asked for the time. */
  private hasHadItsTurn(): boolean {
    const { clock } = this.shared
    if (this.isFirstOfTurn) this.isFirstOfTurn = false
    else if (clock.monotonicMs() - this.turnStartedMs > TURN_MS) this.rest()
    return this.isResting
  }

  private rest(): void {
    this.isResting = true
    const { clock } = this.shared
    clock.endOfTurn(() => {
      this.isResting = false
      this.turnStartedMs = clock.monotonicMs()
      this.isFirstOfTurn = true
      this.goOn()
    })
  }

  private handle(frame: Frame): void {
    const requestBytes = frame.end - frame.start
    this.isExclusiveAsked = false
    const outcome = this.shared.handle(frame, this)
    if (outcome === undefined) return
    if (!(outcome instanceof Promise)) {
      if (this.slots.length === 0) this.outbox.send(outcome.chunks)
      else {
        this.hold({ requestBytes, isDone: true, reply: outcome })
        this.heldBytes += outcome.byteLength
      }
      return
    }
    const slot: Slot = { requestBytes, isDone: false }
    this.hold(slot)
    if (this.isExclusiveAsked) this.exclusive = slot
    outcome.then(
      (reply) => this.fill(slot, reply),
      (error) => this.fail(slot, error as Error),
    )
  }

  private hold(slot: Slot): void {
    this.slots.push(slot)
    this.requestBytes += slot.requestBytes
  }

  private letGo(from: number, count: number): Slot[] {
    const slots = this.slots.splice(from, count)
    for (const { requestBytes } of slots) this.requestBytes -= requestBytes
    return slots
  }

  private fill(slot: Slot, reply: Reply | undefined): void {
    if (this.isClosed || slot.isDropped) {
      if (reply !== undefined) discard(reply.chunks)
      return
    }
    slot.isDone = true
    slot.reply = reply
    this.heldBytes += reply?.byteLength ?? 0
    const wasExclusive = this.exclusive === slot
    if (wasExclusive) this.exclusive = undefined
    if (this.slots[0] === slot) this.sendReady()
    else if (wasExclusive) this.startWaiting()
  }

  /** Something came that has no answer but the end of the connection. */
  private refuse(error: Error): void {
    if (this.isClosed || this.isEnding) return
    const slot: Slot = { requestBytes: 0, isDone: false }
    this.hold(slot)
    this.fail(slot, error)
  }

  /** The request of `slot` ends the connection: what was asked before it is answered, what came after it is not. */
  private fail(slot: Slot, failure: Error): void {
    if (this.isClosed || slot.isDropped) return
    this.isEnding = true
    this.waiting = []
    slot.isDone = true
    slot.failure = failure
    for (const dropped of this.letGo(this.slots.indexOf(slot) + 1, this.slots.length)) {
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
    this.letGo(0, done)
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
    while (this.waiting.length > 0 && this.mayStart && !this.hasHadItsTurn() && !this.isClosed) {
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
