// A number of bytes that many logs share for what they keep in memory although it is on disk.
// Promises that the oldest (or least recently touched) goes first. Leaves what is held, and how to get it back, to
// the holders.

/** Something in memory that can be dropped because it can be read again. */
export interface Evictable {
  /** Counted when it is held; must not change without `resize`. */
  readonly heldBytes: number
  /** Drops the memory; false when that is not possible now. */
  evict(): boolean
}

export class MemoryBudget {
  readonly limitBytes: number
  private readonly items = new Set<Evictable>()
  private total = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get heldBytes(): number {
    return this.total
  }

  hold(item: Evictable): void {
    if (this.items.has(item)) return
    this.items.add(item)
    this.total += item.heldBytes
    if (this.total > this.limitBytes) this.trim()
  }

  /** Makes `item` the youngest. */
  touch(item: Evictable): void {
    if (this.items.delete(item)) this.items.add(item)
  }

  /** Notes that `item` holds `differenceBytes` more than before. */
  resize(item: Evictable, differenceBytes: number): void {
    if (this.items.has(item)) this.total += differenceBytes
  }

  /** Forgets `item`, whose holder has dropped it. */
  drop(item: Evictable): void {
    if (this.items.delete(item)) this.total -= item.heldBytes
  }

  /** Evicts until the rest fits. What cannot go now becomes the youngest; each item is asked once. */
  trim(): void {
    let untried = this.items.size
    for (const item of this.items) {
      if (this.total <= this.limitBytes || untried-- === 0) return
      const { heldBytes } = item
      this.items.delete(item)
      if (item.evict()) this.total -= heldBytes
      else this.items.add(item)
    }
  }
}
