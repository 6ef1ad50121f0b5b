// What a connection still has to send: bytes, and ranges of files that are read only when their turn comes.
// Promises that a slow reader holds at most one slice of a file in memory, that order is kept, and that neither a fast
// reader nor a slow disk keeps the event loop from others. Leaves the order of replies to connection.ts.
import { type Clock, nextTurn } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import { isPooled, processMemory, release } from '../lib/memory.ts'
import type { Stream } from '../lib/network.ts'

/** A stretch of bytes outside memory, such as a range of a log segment. */
export interface ByteRange {
  readonly byteLength: number
  /** Reads into `target` from `offset` bytes into the range. Resolves to how many bytes were read. */
  read(target: Buffer, offset: number): Promise<number>
  /** The same at once, however long the disk takes. */
  readSync(target: Buffer, offset: number): number
  /** Must be called once, when the range was sent or never will be. */
  release(): void
}

export type Chunk = Uint8Array | ByteRange

/** How much of a file is in memory at a time for one connection (docs/decisions/0004-sendfile.md). */
const SLICE_BYTES = 512 * 1024
/** With this many slices lent, mostly to slow readers, further ones are small. */
const LARGE_SLICES = 64
const SMALL_SLICE_BYTES = 64 * 1024

/** Reading a slice from the page cache takes a tenth of this; what takes longer came from the disk. */
const SLOW_READ_MS = 2
/** So many slices are read off the event loop after a slow one, before the next is risked; twice as many each time. */
const SHORTEST_DETOUR = 4
const LONGEST_DETOUR = 1024

/** Slice memory shared by all connections of a broker. */
export class SlicePool {
  /** Slices in use now: what slow readers of cold data cost. */
  lent = 0
  /** Bytes read from files so far. */
  bytesRead = 0

  take(): Buffer {
    this.lent++
    return processMemory.take(this.lent > LARGE_SLICES ? SMALL_SLICE_BYTES : SLICE_BYTES)
  }

  give(slice: Buffer): void {
    this.lent--
    release(slice)
  }
}

function isBytes(chunk: Chunk): chunk is Uint8Array {
  return chunk instanceof Uint8Array
}

/** Gives back what unsent chunks hold. */
export function discard(chunks: readonly Chunk[]): void {
  for (const chunk of chunks) {
    if (isBytes(chunk)) release(chunk)
    else chunk.release()
  }
}

export class Outbox {
  private readonly stream: Stream
  private readonly slices: SlicePool
  private readonly clock: Clock
  private readonly failed: (error: Error) => void
  private readonly emptied: () => void
  private queue: Chunk[] = []
  private queuedBytes = 0
  private isPumping = false
  /** How much of the range that is being sent has left. */
  private bytesOfRange = 0
  private isClosed = false
  private bytesThisTurn = 0
  /** Reads left to do off the event loop. */
  private detour = 0
  private nextDetour = SHORTEST_DETOUR

  /** `emptied` is called when ranges of files have held up the queue and it is empty again. */
  constructor(
    stream: Stream,
    slices: SlicePool,
    clock: Clock,
    failed: (error: Error) => void,
    emptied: () => void,
  ) {
    this.stream = stream
    this.slices = slices
    this.clock = clock
    this.failed = failed
    this.emptied = emptied
  }

  /** Bytes that the kernel has not taken yet, those in files included. */
  get pendingBytes(): number {
    return this.queuedBytes + this.stream.pendingBytes
  }

  /** As `pendingBytes`, but shrinking while a large write is under way: what tells a slow client from a dead one. */
  get unsentBytes(): number {
    return this.queuedBytes - this.bytesOfRange + this.stream.unsentBytes
  }

  /** True while a range of a file is being sent: what comes after it waits here. */
  get isSending(): boolean {
    return this.isPumping
  }

  send(chunks: readonly Chunk[]): void {
    if (this.isClosed) {
      discard(chunks)
      return
    }
    for (const chunk of chunks) {
      if (!this.isPumping && isBytes(chunk)) {
        this.sendBytes(chunk)
        continue
      }
      this.queue.push(chunk)
      this.queuedBytes += chunk.byteLength
      if (!this.isPumping) {
        this.isPumping = true
        this.pump().catch((error: Error) => this.failed(error))
      }
    }
  }

  /** Forgets what is queued and gives back what it holds. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    // The range being pumped is released by the pump itself.
    discard(this.queue.splice(this.isPumping ? 1 : 0))
  }

  /** Bytes of a log's tail were retained for this: they are let go when the kernel has them. */
  private sendBytes(bytes: Uint8Array): void {
    if (isPooled(bytes)) this.stream.write(bytes, () => release(bytes))
    else this.stream.write(bytes)
  }

  private async pump(): Promise<void> {
    while (this.queue.length > 0 && !this.isClosed) {
      const chunk = this.queue[0]
      if (isBytes(chunk)) {
        this.sendBytes(chunk)
      } else {
        await this.sendRange(chunk)
      }
      this.queue.shift()
      this.queuedBytes -= chunk.byteLength
    }
    this.isPumping = false
    this.emptied()
  }

  private async sendRange(range: ByteRange): Promise<void> {
    try {
      for (let offset = 0; offset < range.byteLength && !this.isClosed; ) {
        const length = await this.sendSlice(range, offset)
        offset += length
        this.bytesOfRange = offset
        await this.othersFirst(length)
      }
    } finally {
      this.bytesOfRange = 0
      range.release()
    }
  }

  private async sendSlice(range: ByteRange, offset: number): Promise<number> {
    const slice = this.slices.take()
    try {
      const target = slice.subarray(0, Math.min(slice.length, range.byteLength - offset))
      const reading = this.read(range, target, offset)
      const length = typeof reading === 'number' ? reading : await reading
      if (length === 0) throw new Error(`a file ended ${range.byteLength - offset} bytes before its range`)
      this.slices.bytesRead += length
      if (this.isClosed) return length
      const taken = deferred()
      this.stream.write(slice.subarray(0, length), () => taken.resolve())
      await taken.promise
      return length
    } finally {
      this.slices.give(slice)
    }
  }

  /**
   * From the page cache a read costs half as much at once as by way of the thread pool. Nothing tells beforehand whether
   * the bytes are there; a slow read tells that they were not, and that the next ones had better not be waited for.
   */
  private read(range: ByteRange, target: Buffer, offset: number): number | Promise<number> {
    if (this.detour > 0) {
      this.detour--
      return range.read(target, offset)
    }
    const startedMs = this.clock.monotonicMs()
    const length = range.readSync(target, offset)
    if (this.clock.monotonicMs() - startedMs < SLOW_READ_MS) {
      this.nextDetour = SHORTEST_DETOUR
    } else {
      this.detour = this.nextDetour
      this.nextDetour = Math.min(2 * this.nextDetour, LONGEST_DETOUR)
    }
    return length
  }

  /** Waits for the next turn of the event loop when a reader who takes everything at once has had enough of this one. */
  private async othersFirst(sentBytes: number): Promise<void> {
    this.bytesThisTurn += sentBytes
    if (this.bytesThisTurn < SLICE_BYTES) return
    this.bytesThisTurn = 0
    await nextTurn(this.clock)
  }
}
