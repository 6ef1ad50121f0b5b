// Randomness as a thing that is handed in: from the system, or from a seed that replays.
// Promises that no other file draws random numbers. Leaves secrets (keys, salts) to node:crypto in src/security.
import { randomBytes } from 'node:crypto'

export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  /** A whole number in [0, bound). */
  below(bound: number): number
  /** `length` random bytes. */
  bytes(length: number): Buffer
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  below: (bound) => Math.floor(Math.random() * bound),
  bytes: (length) => randomBytes(length),
}

/** The same numbers for the same seed, on every machine (mulberry32). Not for secrets. */
export class SeededRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  bytes(length: number): Buffer {
    const drawn = Buffer.alloc(length)
    for (let i = 0; i < length; i++) drawn[i] = this.below(256)
    return drawn
  }
}
