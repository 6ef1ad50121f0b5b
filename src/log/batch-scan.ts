// A walk over the batches of a segment, one header after the other.
// Promises that each header is whole and plausible before it is looked at, and says why the walk ended. Leaves where
// the bytes come from (memory or file) to the source, and checksums to whoever asks for whole batches.
import { damageOf, HEADER_BYTES, PREFIX_BYTES, sizeInBytes } from '../wire/records/batch.ts'

/**
 * Bytes of a segment from `position` on: at least `needed` of them unless the segment ends before. They need to stay
 * as they are only until the next call.
 */
export type ByteSource = (position: number, needed: number) => Buffer

export class BatchScan {
  /** Position of the current batch in the segment, and its bytes: `bytes` at `at`. */
  position: number
  size = 0
  bytes: Buffer = EMPTY
  at = 0
  /** Why the walk ended before the end; undefined while it has not. */
  damage: string | undefined
  private readonly source: ByteSource
  private readonly end: number
  private readonly wholeBatches: boolean
  private windowStart = 0

  /** Walks from `position`, which must be the start of a batch, to `end`. */
  constructor(source: ByteSource, position: number, end: number, wholeBatches = false) {
    this.source = source
    this.position = position
    this.end = end
    this.wholeBatches = wholeBatches
    this.windowStart = position
  }

  /** Moves to the next batch; false at the end or at damage, with `position` where that is. */
  next(): boolean {
    this.position += this.size
    this.size = 0
    const left = this.end - this.position
    if (left <= 0) return false
    if (left < PREFIX_BYTES) return this.stop(`${left} bytes are too few for a batch`)
    if (!this.have(Math.min(left, HEADER_BYTES))) return this.stop('the file ends early')
    const damage = damageOf(this.bytes, this.at)
    if (damage !== undefined) return this.stop(damage)
    const size = sizeInBytes(this.bytes, this.at)
    if (size > left) return this.stop(`a batch of ${size} bytes, but ${left} bytes are left`)
    if (this.wholeBatches && !this.have(size)) return this.stop('the file ends early')
    this.size = size
    return true
  }

  private stop(reason: string): boolean {
    this.damage = reason
    return false
  }

  /** Sees to it that `needed` bytes from the current position on are in the window. */
  private have(needed: number): boolean {
    const at = this.position - this.windowStart
    if (at + needed <= this.bytes.byteLength) {
      this.at = at
      return true
    }
    this.bytes = this.source(this.position, needed)
    this.windowStart = this.position
    this.at = 0
    return this.bytes.byteLength >= needed
  }
}

const EMPTY = Buffer.alloc(0)
