// What a connection still has to send: bytes, and ranges of files that are read only when their turn comes.
// Promises that a slow reader holds at most one slice of a file in memory, and that order is kept.
// Leaves the order of replies to connection.ts.
import { deferred } from '../lib/deferred.ts'
import { isPooled, release } from '../lib/memory.ts'
import type { Stream } from '../lib/network.ts'

/** A stretch of bytes outside memory, such as a range of a log segment. */
export interface ByteRange {
  readonly byteLength: number
  /** Reads into `target` from `offset` bytes into the range. Resolves to how many bytes were read, at least 1. */
  read(target: Buffer, offset: number): Promise<number>
  /** Must be called once, when the range was sent or never will be. */
  release(): void
}

export type Chunk = Uint8Array | ByteRange

/** How much of a file is in memory at a time for one connection. */
const SLICE_BYTES = 512 * 1024

/** Slices are lent again and again; more than this many at rest are given back to the allocator. */
const IDLE_SLICES = 4

/** Slice memory shared by all connections of a broker. */
export class SlicePool {
  private readonly idle: Buffer[] = []
  /** Slices in use now: what slow readers of cold data cost. */
  lent = 0
  /** Bytes read from files so far. */
  bytesRead = 0

  take(): Buffer {
    this.lent++
    return this.idle.pop() ?? Buffer.allocUnsafeSlow(SLICE_BYTES)
  }

  give(slice: Buffer): void {
    this.lent--
    if (this.idle.length < IDLE_SLICES) this.idle.push(slice)
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
  private readonly failed: (error: Error) => void
  private readonly emptied: () => void
  private queue: Chunk[] = []
  private queuedBytes = 0
  private isPumping = false
  private isClosed = false

  /** `emptied` is called when ranges of files have held up the queue and it is empty again. */
  constructor(stream: Stream, slices: SlicePool, failed: (error: Error) => void, emptied: () => void) {
    this.stream = stream
    this.slices = slices
    this.failed = failed
    this.emptied = emptied
  }

  /** Bytes that the kernel has not taken yet, those in files included. */
  get pendingBytes(): number {
    return this.queuedBytes + this.stream.pendingBytes
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
        offset += await this.sendSlice(range, offset)
      }
    } finally {
      range.release()
    }
  }

  private async sendSlice(range: ByteRange, offset: number): Promise<number> {
    const slice = this.slices.take()
    try {
      const length = await range.read(
        slice.subarray(0, Math.min(slice.length, range.byteLength - offset)),
        offset,
      )
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
}
