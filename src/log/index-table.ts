// The entries of an index: brought from the disk at first use, in memory while it is appended to, and afterwards only as
// long as the budget of all indexes has room. Promises that a table which is appended to is never taken back.
// Leaves what an entry is, and looking one up, to offset-index.ts and time-index.ts.
import type { Evictable, MemoryBudget } from './memory-budget.ts'

export abstract class IndexTable<Entries> implements Evictable {
  /** Entries with room for more; undefined while not in memory. */
  protected entries: Entries | undefined
  protected used = 0
  private readonly budget: MemoryBudget
  private readonly load: () => Entries
  private sealed = false

  /** `load` brings the entries from the disk at first use (none for a new segment). */
  constructor(budget: MemoryBudget, load: () => Entries) {
    this.budget = budget
    this.load = load
  }

  get count(): number {
    this.table()
    return this.used
  }

  get heldBytes(): number {
    return this.entries === undefined ? 0 : this.byteLengthOf(this.entries)
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    this.table()
    this.used = Math.min(this.used, count)
  }

  /** From now on nothing is appended and the file is complete: the memory may be taken back. */
  seal(): void {
    this.sealed = true
    if (this.entries !== undefined) this.budget.hold(this)
  }

  /** The table is appended to again, after a truncation. */
  unseal(): void {
    this.sealed = false
    this.budget.drop(this)
  }

  evict(): boolean {
    this.entries = undefined
    return true
  }

  /** Forgets the memory for good. */
  drop(): void {
    this.budget.drop(this)
    this.entries = undefined
  }

  /** Takes other entries in place of its own. */
  replace(entries: Entries): void {
    this.entries = entries
    this.used = this.countOf(entries)
  }

  /** Memory that the entries take, spare room included. */
  protected abstract byteLengthOf(entries: Entries): number

  /** How many entries there are when no room is spare. */
  protected abstract countOf(entries: Entries): number

  /** The entries, in memory from now on. */
  protected table(): Entries {
    if (this.entries !== undefined) return this.entries
    const loaded = this.load()
    this.replace(loaded)
    // The budget may be so small that it takes the memory back at once; this call still uses it.
    if (this.sealed) this.budget.hold(this)
    return loaded
  }

  /** The entries, for a look-up: what is looked at stays longest. */
  protected consulted(): Entries {
    const table = this.table()
    if (this.sealed) this.budget.touch(this)
    return table
  }
}
