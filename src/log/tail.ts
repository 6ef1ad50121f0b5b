// The most recently appended bytes of one log, in memory: what waits to be written, and what readers at the end want.
// Promises that memory is not written again while the tail or a reader that retained it holds it, and that nothing
// unwritten is evicted. Knows bytes by segment and position; leaves offsets to the indexes.
//
//   chunks, oldest first; each is one run of bytes of one segment, neighbours need not touch:
//   [segment 0: 700 ..... 956) [segment 0: 956 ... 4000) [segment 120: 0 ........ 4096)

import type { CopyCounter } from '../lib/copy-counter.ts'
import { processMemory, release, retain } from '../lib/memory.ts'
import type { Evictable, MemoryBudget } from './memory-budget.ts'

/** Below this, copying is cheaper than one more part in a gathered write. */
const ADOPT_BYTES = 4096
/** Bytes that fill less of their memory than this are copied: they would keep the rest of it from being used. */
const ADOPT_SHARE = 1 / 8
/** A quiet log gets little memory at a time; each next chunk is twice as large. */
const SMALLEST_CHUNK_BYTES = 4096
const LARGEST_CHUNK_BYTES = 256 * 1024

class Chunk implements Evictable {
  readonly segmentBase: number
  readonly start: number
  /** Position behind the last byte used. */
  end: number
  memory: Buffer
  heldBytes: number
  private readonly owner: Tail

  constructor(owner: Tail, segmentBase: number, start: number, memory: Buffer, used: number) {
    this.owner = owner
    this.segmentBase = segmentBase
    this.start = start
    this.end = start + used
    this.memory = memory
    this.heldBytes = memory.byteLength
  }

  get spareBytes(): number {
    return this.memory.byteLength - (this.end - this.start)
  }

  view(from: number, to: number): Buffer {
    return this.memory.subarray(from - this.start, to - this.start)
  }

  evict(): boolean {
    return this.owner.evict(this)
  }
}

export class Tail {
  private chunks: Chunk[] = []
  private readonly budget: MemoryBudget
  private readonly counter: CopyCounter
  private nextChunkBytes = SMALLEST_CHUNK_BYTES
  /** Where the unwritten bytes begin: they are not evictable. */
  private writtenSegment = 0
  private writtenPosition = 0

  constructor(budget: MemoryBudget, counter: CopyCounter) {
    this.budget = budget
    this.counter = counter
  }

  /**
   * Puts `bytes` at `position` of a segment, which must be its end, and returns them as they lie in the tail's
   * memory, to be changed in place before they are written. `mayKeep`: their memory may be retained.
   */
  append(bytes: Buffer, mayKeep: boolean, segmentBase: number, position: number): Buffer {
    const pinnedBytes = bytes.buffer.byteLength
    if (mayKeep && bytes.byteLength >= Math.max(ADOPT_BYTES, pinnedBytes * ADOPT_SHARE)) {
      retain(bytes)
      this.add(new Chunk(this, segmentBase, position, bytes, bytes.byteLength))
      return bytes
    }
    const chunk = this.chunkFor(bytes.byteLength, segmentBase, position)
    const placed = chunk.view(position, position + bytes.byteLength)
    placed.set(bytes)
    chunk.end += bytes.byteLength
    this.counter.bytesCopied += bytes.byteLength
    return placed
  }

  /** Whether the byte at `position` is in memory. */
  covers(segmentBase: number, position: number): boolean {
    return this.find(segmentBase, position) >= 0
  }

  /** At least `count` bytes from `position` on as they lie in one chunk; undefined when they do not. */
  bytesAt(segmentBase: number, position: number, count: number): Buffer | undefined {
    const chunk = this.chunks[this.find(segmentBase, position)]
    if (chunk === undefined || chunk.end - position < count) return undefined
    return chunk.view(position, chunk.end)
  }

  /**
   * Views of [position, end) of a segment, oldest first. Bytes before the first one in memory are left out; the
   * position where the views begin is returned with them.
   */
  views(segmentBase: number, position: number, end: number): { from: number; parts: Buffer[] } {
    const parts: Buffer[] = []
    let from = end
    for (let i = this.find(segmentBase, end - 1); i >= 0 && from > position; i--) {
      const chunk = this.chunks[i]!
      if (chunk.segmentBase !== segmentBase || chunk.end < from) break
      const start = Math.max(position, chunk.start)
      parts.push(chunk.view(start, from))
      from = start
    }
    parts.reverse()
    return { from, parts }
  }

  /** Notes that everything before `position` of that segment, and all older segments, is in the files. */
  written(segmentBase: number, position: number): void {
    this.writtenSegment = segmentBase
    this.writtenPosition = position
    if (this.budget.heldBytes > this.budget.limitBytes) this.budget.trim()
  }

  /** Drops everything from `position` of that segment on, younger segments included. */
  truncate(segmentBase: number, position: number): void {
    for (let last = this.chunks.at(-1); last !== undefined; last = this.chunks.at(-1)) {
      if (last.segmentBase < segmentBase) return
      if (last.segmentBase === segmentBase && last.end <= position) return
      this.budget.drop(last)
      this.chunks.pop()
      if (last.segmentBase > segmentBase || last.start >= position) {
        release(last.memory)
      } else {
        // The memory behind the cut may be in a reader's hands: it is not appended to again.
        this.add(
          new Chunk(this, segmentBase, last.start, last.view(last.start, position), position - last.start),
        )
        return
      }
    }
  }

  /** Drops what belongs to segments below `segmentBase`, which are gone. */
  dropBefore(segmentBase: number): void {
    while (this.chunks.length > 0 && this.chunks[0]!.segmentBase < segmentBase) {
      const oldest = this.chunks.shift()!
      this.budget.drop(oldest)
      release(oldest.memory)
    }
  }

  clear(): void {
    for (const chunk of this.chunks) {
      this.budget.drop(chunk)
      release(chunk.memory)
    }
    this.chunks = []
  }

  /** Called by the budget. */
  evict(chunk: Chunk): boolean {
    const { writtenSegment, writtenPosition } = this
    if (chunk.start === chunk.end) return false // about to be filled
    const isWritten =
      chunk.segmentBase < writtenSegment ||
      (chunk.segmentBase === writtenSegment && chunk.end <= writtenPosition)
    if (!isWritten) return false
    const index = this.chunks.indexOf(chunk)
    if (index === 0) this.chunks.shift()
    else if (index > 0) this.chunks.splice(index, 1)
    if (this.chunks.length === 0) this.nextChunkBytes = SMALLEST_CHUNK_BYTES
    release(chunk.memory)
    return true
  }

  /** A chunk whose next free byte is the one for `position`. */
  private chunkFor(needed: number, segmentBase: number, position: number): Chunk {
    const last = this.chunks.at(-1)
    if (last !== undefined && last.spareBytes >= needed) {
      if (last.segmentBase === segmentBase && last.end === position) return last
      // Another run begins, but the rest of the memory is still good.
      const spare = last.memory.subarray(last.end - last.start)
      this.budget.resize(last, -spare.byteLength)
      last.memory = last.memory.subarray(0, last.end - last.start)
      last.heldBytes = last.memory.byteLength
      retain(spare)
      return this.add(new Chunk(this, segmentBase, position, spare, 0))
    }
    const capacity = Math.max(needed, this.nextChunkBytes)
    // No chunk may take so much of the budget that few are left.
    const largest = Math.max(SMALLEST_CHUNK_BYTES, Math.min(LARGEST_CHUNK_BYTES, this.budget.limitBytes / 8))
    this.nextChunkBytes = Math.min(largest, this.nextChunkBytes * 2)
    return this.add(new Chunk(this, segmentBase, position, processMemory.take(capacity), 0))
  }

  private add(chunk: Chunk): Chunk {
    this.chunks.push(chunk)
    this.budget.hold(chunk)
    return chunk
  }

  /** Index of the chunk that has the byte at `position`, -1 when none has. */
  private find(segmentBase: number, position: number): number {
    let low = 0
    let high = this.chunks.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const chunk = this.chunks[middle]!
      if (chunk.segmentBase < segmentBase || (chunk.segmentBase === segmentBase && chunk.end <= position)) {
        low = middle + 1
      } else if (chunk.segmentBase > segmentBase || chunk.start > position) {
        high = middle - 1
      } else {
        return middle
      }
    }
    return -1
  }
}
