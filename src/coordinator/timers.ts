// The timers of one shard, by key: sessions, rebalances, whatever its groups wait for.
// Promises one timer for each key, and that to put a deadline off, as every heartbeat does, costs no new timer of the clock.
// Leaves what happens at a deadline to the caller.
import type { Clock, Timer } from '../lib/clock.ts'

interface Deadline {
  dueMs: number
  fire: () => void
  /** When the clock wakes us: at the deadline or before. */
  wakeMs: number
  timer: Timer
}

export class Timers {
  private readonly clock: Clock
  private readonly deadlines = new Map<string, Deadline>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  get size(): number {
    return this.deadlines.size
  }

  schedule(key: string, delayMs: number, fire: () => void): void {
    const dueMs = this.clock.monotonicMs() + delayMs
    const known = this.deadlines.get(key)
    if (known !== undefined && known.wakeMs <= dueMs) {
      known.dueMs = dueMs
      known.fire = fire
      return
    }
    known?.timer.cancel()
    this.deadlines.set(key, { dueMs, fire, wakeMs: dueMs, timer: this.wakeAt(key, delayMs) })
  }

  cancel(key: string): void {
    this.deadlines.get(key)?.timer.cancel()
    this.deadlines.delete(key)
  }

  clear(): void {
    for (const { timer } of this.deadlines.values()) timer.cancel()
    this.deadlines.clear()
  }

  private wakeAt(key: string, delayMs: number): Timer {
    return this.clock.schedule(delayMs, () => this.woken(key))
  }

  private woken(key: string): void {
    const deadline = this.deadlines.get(key)
    if (deadline === undefined) return
    const leftMs = deadline.dueMs - this.clock.monotonicMs()
    if (leftMs > 0) {
      deadline.wakeMs = deadline.dueMs
      deadline.timer = this.wakeAt(key, leftMs)
      return
    }
    this.deadlines.delete(key)
    deadline.fire()
  }
}
