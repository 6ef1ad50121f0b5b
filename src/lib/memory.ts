// Large buffers that are used again: for the collector, bytes outside its heap are the dearest kind of garbage.
// Promises that memory goes back to its pool only when every holder has let go. A holder that forgets to costs no more
// than a reuse: the collector takes the memory as it would any other. Leaves who holds what to the holders.
//
// Whoever keeps a view of memory it did not take calls `retain`, and `release` when done, exactly once each. Both do
// nothing for memory that is in no pool, so that nobody has to know where bytes come from.
import { assert } from './assert.ts'

interface Lease {
  readonly pool: MemoryPool
  readonly memory: Buffer
  holders: number
}

const leases = new WeakMap<ArrayBufferLike, Lease>()

/** Counts one more holder of the memory behind `bytes`. */
export function retain(bytes: Uint8Array): void {
  const lease = leases.get(bytes.buffer)
  if (lease !== undefined) lease.holders++
}

/** Counts one holder less. The memory may be overwritten from now on. */
export function release(bytes: Uint8Array): void {
  const lease = leases.get(bytes.buffer)
  if (lease === undefined) return
  assert(lease.holders > 0, 'memory is released by a holder of it')
  lease.holders--
  if (lease.holders === 0) lease.pool.takeBack(lease.memory)
}

/** Whether the memory behind `bytes` waits for its holders: a `release` must follow a `retain`. */
export function isPooled(bytes: Uint8Array): boolean {
  return leases.has(bytes.buffer)
}

/** Sizes are rounded up to a quarter of a power of two: at most a fifth is wasted. */
const SMALLEST_BYTES = 4096

function roundUp(byteLength: number): number {
  let step = SMALLEST_BYTES / 4
  while (step * 8 <= byteLength) step *= 2
  return Math.max(SMALLEST_BYTES, Math.ceil(byteLength / step) * step)
}

export class MemoryPool {
  private readonly maxIdleBytes: number
  /** By size; the size that was not asked for the longest comes first. */
  private readonly idle = new Map<number, Buffer[]>()
  private idleTotal = 0

  /** At most `maxIdleBytes` wait for their next use; sizes that nobody asks for go first. */
  constructor(maxIdleBytes: number) {
    this.maxIdleBytes = maxIdleBytes
  }

  get idleBytes(): number {
    return this.idleTotal
  }

  /** Memory of `byteLength` or a little more, with anything in it. The caller is its first holder. */
  take(byteLength: number): Buffer {
    const size = roundUp(byteLength)
    const known = this.idleOf(size).pop()
    if (known === undefined) {
      const memory = Buffer.allocUnsafeSlow(size)
      leases.set(memory.buffer, { pool: this, memory, holders: 1 })
      return memory
    }
    this.idleTotal -= size
    leases.get(known.buffer)!.holders = 1
    return known
  }

  /** Called by `release`. */
  takeBack(memory: Buffer): void {
    const size = memory.byteLength
    if (size > this.maxIdleBytes) return
    for (const [other, memories] of this.idle) {
      while (this.idleTotal + size > this.maxIdleBytes && memories.pop() !== undefined)
        this.idleTotal -= other
      if (this.idleTotal + size <= this.maxIdleBytes) break
      this.idle.delete(other)
    }
    this.idleOf(size).push(memory)
    this.idleTotal += size
  }

  private idleOf(size: number): Buffer[] {
    const memories = this.idle.get(size) ?? []
    this.idle.delete(size)
    this.idle.set(size, memories)
    return memories
  }
}

/** The pool of this process: frames that are larger than one read, and the tails of logs. */
export const processMemory = new MemoryPool(16 * 1024 * 1024)
