// Requests that wait for a partition to move: a produce for its records to be committed, a fetch for enough bytes.
// Promises that each wait ends once, at its deadline at the latest, and costs nothing while nothing happens.
// Leaves what is answered to the handlers.
import type { Clock, Timer } from '../lib/clock.ts'
import { type Deferred, deferred } from '../lib/deferred.ts'

/** A fetch that found too little: ends when `missingBytes` have become readable, or something else is to be told. */
export class FetchWait {
  private missingBytes: number
  private readonly done: Deferred
  private readonly timer: Timer
  private readonly sources: FetchWaits[] = []

  constructor(clock: Clock, maxWaitMs: number, missingBytes: number) {
    this.missingBytes = missingBytes
    this.done = deferred()
    this.timer = clock.schedule(maxWaitMs, () => this.end())
  }

  /** Resolves when it is worth reading again. */
  get promise(): Promise<void> {
    return this.done.promise
  }

  /** `countsBytes` is false for a source that gives all it may already: its bytes are nothing to wait for. */
  join(source: FetchWaits, countsBytes = true): void {
    this.sources.push(source)
    source.add(this, countsBytes)
  }

  bytesArrived(byteLength: number): void {
    this.missingBytes -= byteLength
    if (this.missingBytes <= 0) this.end()
  }

  end(): void {
    this.timer.cancel()
    for (const source of this.sources) source.delete(this)
    this.sources.length = 0
    this.done.resolve()
  }
}

/** The fetches that wait for one partition. */
export class FetchWaits {
  private waits: Set<FetchWait> | undefined
  /** Those that only want to know when there is nothing to wait for any more. */
  private others: Set<FetchWait> | undefined

  add(wait: FetchWait, countsBytes: boolean): void {
    if (countsBytes) (this.waits ??= new Set()).add(wait)
    else (this.others ??= new Set()).add(wait)
  }

  delete(wait: FetchWait): void {
    this.waits?.delete(wait)
    this.others?.delete(wait)
  }

  bytesArrived(byteLength: number): void {
    if (this.waits === undefined || this.waits.size === 0) return
    for (const wait of [...this.waits]) wait.bytesArrived(byteLength)
  }

  /** The partition can no longer be waited for: deleted, or led by another. */
  endAll(): void {
    for (const wait of [...(this.waits ?? []), ...(this.others ?? [])]) wait.end()
  }
}

interface CommitWait {
  readonly offset: number
  readonly done: Deferred<boolean>
  readonly timer: Timer
}

/** The produces that wait for one partition's high watermark. */
export class CommitWaits {
  private readonly clock: Clock
  private waits: CommitWait[] = []

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Resolves true when the high watermark has passed `offset`, false when that took too long. */
  wait(offset: number, timeoutMs: number): Promise<boolean> {
    const done = deferred<boolean>()
    const timer = this.clock.schedule(timeoutMs, () => {
      this.waits = this.waits.filter((other) => other !== wait)
      done.resolve(false)
    })
    const wait = { offset, done, timer }
    this.waits.push(wait)
    return done.promise
  }

  /** The high watermark has moved. */
  advanced(highWatermark: number): void {
    if (this.waits.length === 0) return
    this.finish((wait) => wait.offset < highWatermark, true)
  }

  /** Nothing will be committed here any more. */
  endAll(): void {
    this.finish(() => true, false)
  }

  private finish(isOver: (wait: CommitWait) => boolean, outcome: boolean): void {
    const over = this.waits.filter(isOver)
    this.waits = this.waits.filter((wait) => !isOver(wait))
    for (const wait of over) {
      wait.timer.cancel()
      wait.done.resolve(outcome)
    }
  }
}
