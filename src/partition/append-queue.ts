// Gathers the appends of one turn of the event loop, so that each log is written to once a turn, however many
// producers it has. Promises that nothing stays queued after the turn, and that a write starts early when much has
// gathered. Leaves what a write means (acknowledgement, high watermark) to the partition.
import type { Clock } from '../lib/clock.ts'

/** Something with queued bytes. */
export interface Writable {
  /** Writes what is queued. Deals with its own errors. */
  writeQueued(): void
}

/** With this much queued in one log a bigger write is no cheaper per byte. */
const EARLY_WRITE_BYTES = 1024 * 1024

export class AppendQueue {
  private readonly clock: Clock
  private dirty: Writable[] = []
  private isScheduled = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Promises a `writeQueued` before the turn ends. Called once for each log and write. */
  add(target: Writable): void {
    this.dirty.push(target)
    if (this.isScheduled) return
    this.isScheduled = true
    this.clock.endOfTurn(() => {
      this.isScheduled = false
      this.flush()
    })
  }

  /** Whether so much is queued that the write should not wait for the end of the turn. */
  isLarge(queuedBytes: number): boolean {
    return queuedBytes >= EARLY_WRITE_BYTES
  }

  /** Writes everything that is queued, now. */
  flush(): void {
    const targets = this.dirty
    this.dirty = []
    for (const target of targets) target.writeQueued()
  }
}
