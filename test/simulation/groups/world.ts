// Virtual time for a coordinator and its clients, and a network between them that delays, loses and repeats nothing.
// Promises that a seed decides everything. Leaves what is sent to the clients, and what comes of it to the coordinator.
import type { ClusterImage } from '../../../src/cluster/image.ts'
import { SeededRandom } from '../../../src/lib/random.ts'

/** Chances between 0 and 1. */
export interface Faults {
  /** A request never arrives. */
  readonly requestLost: number
  /** The request is carried out, its answer never arrives. */
  readonly answerLost: number
  /** A request or an answer takes up to `longestDelayMs` instead of some milliseconds. */
  readonly slow: number
  /**
   * The client gives a request up, and it arrives all the same, perhaps after later ones. Not for what is only safe in
   * order, with Apache Kafka as here: commits, and heartbeats of the consumer protocol, whose answers tell only what is new.
   */
  readonly late: number
  /** Records of a step cannot be appended. */
  readonly appendFails: number
}

export const NO_FAULTS: Faults = { requestLost: 0, answerLost: 0, slow: 0, late: 0, appendFails: 0 }

/** Below every request's time-out: what arrives at all arrives before its client gives it up. */
export const LONGEST_DELAY_MS = 5000

interface Event {
  readonly atMs: number
  readonly run: () => void
}

export class World {
  /** Milliseconds since the beginning. */
  nowMs = 0
  faults = NO_FAULTS
  image: ClusterImage
  /** The topics that a leader of a classic group last shared out. */
  sharedOut = ''
  readonly random: SeededRandom
  /** What happens, for people. Undefined: nobody reads it. */
  private readonly lines: string[] | undefined
  /** In the order of their times; events of the same time in the order in which they were wanted. */
  private readonly events: Event[] = []

  constructor(seed: number, image: ClusterImage, lines: string[] | undefined) {
    this.random = new SeededRandom(seed)
    this.image = image
    this.lines = lines
  }

  get nextMs(): number | undefined {
    return this.events[0]?.atMs
  }

  /** Has `run` called in so many milliseconds. */
  after(delayMs: number, run: () => void): void {
    const atMs = this.nowMs + delayMs
    let at = this.events.length
    while (at > 0 && this.events[at - 1]!.atMs > atMs) at--
    this.events.splice(at, 0, { atMs, run })
  }

  runNext(): void {
    const event = this.events.shift()!
    this.nowMs = event.atMs
    event.run()
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.fraction() < probability
  }

  /** A whole number of milliseconds from `least` to below `most`. */
  between(least: number, most: number): number {
    return least + this.random.below(most - least)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)]!
  }

  /** How long a message is on its way. */
  delayMs(): number {
    return this.chance(this.faults.slow) ? this.between(0, LONGEST_DELAY_MS) : this.between(1, 10)
  }

  say(who: string, text: () => string): void {
    this.sayIf(who, text)
  }

  sayIf(who: string, tell: () => string | undefined): void {
    if (this.lines === undefined) return
    const text = tell()
    if (text === undefined) return
    this.lines.push(`${(this.nowMs / 1000).toFixed(3).padStart(9)}  ${who.padEnd(12)} ${text}`)
  }
}
