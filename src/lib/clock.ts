// Time as a thing that is handed in: what the wall says, what has passed, and wake-up calls.
// Promises that no other file reads the system's clock or sets a timer, so that tests and simulations own time.
// Leaves ordering between equal deadlines to insertion order.

/** A wake-up call that has not happened yet. */
export interface Timer {
  /** Forgets the call. Harmless when it has already happened. */
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the epoch: what is written into records. May jump. */
  wallMs(): number
  /** Milliseconds from an arbitrary start, never going back: what time-outs are measured with. */
  monotonicMs(): number
  /** Calls `wake` once, `delayMs` from now. A pending timer does not keep the process alive. */
  schedule(delayMs: number, wake: () => void): Timer
  /** Calls `wake` at the end of this turn of the event loop, after the input that is already there was handled. */
  endOfTurn(wake: () => void): void
}

/** The longest delay Node's timers take; longer ones would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  endOfTurn(wake) {
    setImmediate(wake)
  },
}

/** Resolves at the end of this turn of the event loop: whoever has much to do lets others in. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.endOfTurn(resolve))
}

interface Pending {
  dueMs: number
  order: number
  wake: () => void
}

/** A clock that stands still until it is told to move: virtual time for tests and simulations. */
export class SimulatedClock implements Clock {
  private nowMs = 0
  private order = 0
  private pending: Pending[] = []
  private readonly startWallMs: number

  constructor(startWallMs = 1_700_000_000_000) {
    this.startWallMs = startWallMs
  }

  wallMs(): number {
    return this.startWallMs + this.nowMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  schedule(delayMs: number, wake: () => void): Timer {
    const entry = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.order++, wake }
    this.pending.push(entry)
    return {
      cancel: () => {
        this.pending = this.pending.filter((other) => other !== entry)
      },
    }
  }

  endOfTurn(wake: () => void): void {
    this.schedule(0, wake)
  }

  /** Moves time on by `ms`, waking everything that falls due in order of its deadline. */
  advance(ms: number): void {
    const targetMs = this.nowMs + ms
    for (let next = this.earliest(); next !== undefined && next.dueMs <= targetMs; next = this.earliest()) {
      this.pending = this.pending.filter((other) => other !== next)
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      next.wake()
    }
    this.nowMs = targetMs
  }

  /** The deadline of the next wake-up call in monotonic milliseconds, or undefined when none is pending. */
  nextDueMs(): number | undefined {
    return this.earliest()?.dueMs
  }

  private earliest(): Pending | undefined {
    let earliest: Pending | undefined
    for (const entry of this.pending) {
      const sooner =
        earliest === undefined ||
        entry.dueMs < earliest.dueMs ||
        (entry.dueMs === earliest.dueMs && entry.order < earliest.order)
      if (sooner) earliest = entry
    }
    return earliest
  }
}
