// The segments of a log in the order of their base offsets; the last one is appended to.
// Promises look-up by offset in O(log n). Leaves making, filling and removing segments to the log.
import { assert } from '../lib/assert.ts'
import type { Segment } from './segment.ts'

export class Segments {
  private list: Segment[]

  constructor(list: readonly Segment[]) {
    this.list = [...list]
  }

  get count(): number {
    return this.list.length
  }

  get first(): Segment {
    return this.list[0]!
  }

  /** The segment that is appended to. */
  get active(): Segment {
    return this.list[this.list.length - 1]!
  }

  all(): readonly Segment[] {
    return this.list
  }

  at(index: number): Segment | undefined {
    return this.list[index]
  }

  get byteLength(): number {
    let total = 0
    for (const segment of this.list) total += segment.size
    return total
  }

  /** Index of the last segment whose base offset is at most `offset`; 0 when all are above it. */
  indexFor(offset: number): number {
    if (offset >= this.active.baseOffset) return this.list.length - 1
    let low = 0
    let high = this.list.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.list[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle - 1
    }
    return Math.max(0, high)
  }

  add(segment: Segment): void {
    assert(
      this.list.length === 0 || segment.baseOffset > this.active.baseOffset,
      'a new segment starts after the last',
    )
    this.list.push(segment)
  }

  /** Takes the oldest `count` segments out of the list. */
  takeFirst(count: number): Segment[] {
    return this.list.splice(0, count)
  }

  /** Takes all segments from `index` on out of the list. */
  takeFrom(index: number): Segment[] {
    return this.list.splice(index)
  }
}
