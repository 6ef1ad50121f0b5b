// Cuts a byte stream into frames: a 4-byte length, then that many bytes.
// Promises that a frame which arrives whole is a view of the receive buffer (no copy), and that the rest of a frame
// which does not is read by the socket straight into memory of its own. Leaves what is in a frame to the reader.
//
//   | length int32 | bytes ...          | length int32 | bytes ...

import type { CopyCounter } from '../lib/copy-counter.ts'
import { processMemory, release } from '../lib/memory.ts'

/** One frame: `bytes[start..end)` without its length prefix. */
export interface Frame {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** True when the memory may be kept beyond the current call, by `retain`; false when it is overwritten at once. */
  readonly isOwned: boolean
}

/** A length prefix that cannot be: the connection has no future. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const LENGTH_BYTES = 4
/** A claim of more than twice this is believed only when this much of the frame has arrived. */
const TRUSTED_BYTES = 4 * 1024 * 1024

/** What strangers say first, as far as it is mistaken for a length. */
const TLS_HANDSHAKE = 0x1603
const httpMethods: ReadonlySet<string> = new Set(['GET ', 'HEAD', 'POST', 'PUT ', 'OPTI'])

function hint(length: number): string {
  if (length >>> 16 === TLS_HANDSHAKE) return '. That is how TLS begins; this listener speaks PLAINTEXT'
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeInt32BE(length)
  if (httpMethods.has(bytes.toString('latin1'))) return '. That is how HTTP begins; this is a Kafka listener'
  return ''
}

export class FrameReader {
  private readonly receiveBuffer: Buffer
  private readonly maxFrameBytes: number
  private readonly deliver: (frame: Frame) => void
  private readonly counter: CopyCounter
  /** The first bytes of a length that is not whole yet. */
  private readonly lengthBytes = Buffer.alloc(LENGTH_BYTES)
  private lengthFilled = 0
  /** A frame that is not whole yet, in memory of its own. */
  private partial: Buffer | undefined
  private partialFilled = 0
  private partialLength = 0

  /** `receiveBuffer` may be shared by all connections of a thread: nothing stays in it after `arrived` returns. */
  constructor(
    receiveBuffer: Buffer,
    maxFrameBytes: number,
    deliver: (frame: Frame) => void,
    counter: CopyCounter = { bytesCopied: 0 },
  ) {
    this.receiveBuffer = receiveBuffer
    this.maxFrameBytes = maxFrameBytes
    this.deliver = deliver
    this.counter = counter
  }

  /** Where the next bytes are to be read into. */
  buffer(): Buffer {
    if (this.partial === undefined) return this.receiveBuffer
    if (this.partialFilled === this.partial.length) this.growPartial()
    // Memory comes in round sizes: what lies behind the frame is the next one's.
    return this.partial.subarray(this.partialFilled, this.partialLength)
  }

  /** Bytes were read into what `buffer` returned. Throws FrameError on an impossible length. */
  arrived(length: number, buffer: Buffer): void {
    if (this.partial !== undefined && buffer.buffer === this.partial.buffer) {
      this.partialFilled += length
      this.deliverPartialWhenWhole()
      return
    }
    this.take(buffer, 0, length, false)
  }

  /** Cuts `bytes[from..to)`; `isOwned` says whether frames may be kept as views of it. */
  take(bytes: Buffer, from: number, to: number, isOwned: boolean): void {
    let at = from
    while (at < to) {
      if (this.partial !== undefined) {
        at += this.appendToPartial(bytes, at, to)
        continue
      }
      if (this.lengthFilled > 0 || to - at < LENGTH_BYTES) {
        at = this.takeLengthBytes(bytes, at, to)
        continue
      }
      const length = this.checkLength(bytes.readInt32BE(at))
      const start = at + LENGTH_BYTES
      const end = start + length
      if (end > to) {
        this.startPartial(length)
        at = start
        continue
      }
      at = end
      this.deliver({ bytes, start, end, isOwned })
    }
  }

  private takeLengthBytes(bytes: Buffer, at: number, to: number): number {
    const taken = Math.min(LENGTH_BYTES - this.lengthFilled, to - at)
    bytes.copy(this.lengthBytes, this.lengthFilled, at, at + taken)
    this.lengthFilled += taken
    if (this.lengthFilled === LENGTH_BYTES) {
      this.lengthFilled = 0
      this.startPartial(this.checkLength(this.lengthBytes.readInt32BE(0)))
    }
    return at + taken
  }

  private checkLength(length: number): number {
    if (length > 0 && length <= this.maxFrameBytes) return length
    throw new FrameError(
      `a frame announced ${length} bytes; socket.request.max.bytes allows 1 to ${this.maxFrameBytes}${hint(length)}`,
    )
  }

  private startPartial(length: number): void {
    this.partial = processMemory.take(length > 2 * TRUSTED_BYTES ? TRUSTED_BYTES : length)
    this.partialFilled = 0
    this.partialLength = length
  }

  private growPartial(): void {
    // All the rest at once: growing step by step would copy a frame more than once.
    const grown = processMemory.take(this.partialLength)
    this.copy(this.partial!, 0, this.partialFilled, grown, 0)
    release(this.partial!)
    this.partial = grown
  }

  private appendToPartial(bytes: Buffer, at: number, to: number): number {
    if (this.partialFilled === this.partial!.length) this.growPartial()
    const room = Math.min(this.partial!.length, this.partialLength) - this.partialFilled
    const taken = Math.min(room, to - at)
    this.copy(bytes, at, at + taken, this.partial!, this.partialFilled)
    this.partialFilled += taken
    this.deliverPartialWhenWhole()
    return taken
  }

  private copy(bytes: Buffer, from: number, to: number, target: Buffer, at: number): void {
    this.counter.bytesCopied += bytes.copy(target, at, from, to)
  }

  private deliverPartialWhenWhole(): void {
    if (this.partialFilled < this.partialLength) return
    const bytes = this.partial!
    this.partial = undefined
    this.deliver({ bytes, start: 0, end: this.partialLength, isOwned: true })
    release(bytes)
  }
}
