// What a row of the bench is: a piece of work done by each side in turn, the figures it gives, and where they must stand.
// Promises types and the small constructors of targets; the rows themselves are in rows/, the running of them in run.ts.
import type { RunningBroker, SideName } from './broker-process.ts'
import type { Target } from './maths.ts'

export interface Metric {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly must: readonly Target[]
  readonly aim: readonly Target[]
}

/** One figure per metric, by name. */
export type Sample = Readonly<Record<string, number>>

export interface Scale {
  /** True when a rough answer in a fifth of the time will do. */
  readonly quick: boolean
  /** `full` bytes (or records), or a fifth of them. */
  amount(full: number): number
}

interface AnyRow {
  /** What `--only` matches, e.g. `raw-produce/16KiB/1p/acks=1`. */
  readonly id: string
  readonly metrics: readonly Metric[]
  /** The fewest rounds that make sense, where a row is slow and steady; otherwise `--rounds`. */
  readonly maxRounds?: number
}

/** Works on the long-lived broker of each side. */
export interface SharedRow extends AnyRow {
  readonly kind: 'shared'
  /** Once per side before the rounds; what it returns is given to every `measure`. */
  prepare?(broker: RunningBroker, scale: Scale): Promise<unknown>
  measure(broker: RunningBroker, scale: Scale, prepared: unknown): Promise<Sample>
  clean?(broker: RunningBroker, prepared: unknown): Promise<void>
}

/** Starts and ends its own broker in every round. */
export interface AloneRow extends AnyRow {
  readonly kind: 'alone'
  /** Sides that can do it; both by default. */
  readonly sides?: readonly SideName[]
  /** The same with `--quick`, where one side takes minutes and its figures decide nothing. */
  readonly quickSides?: readonly SideName[]
  measure(start: StartBroker, scale: Scale): Promise<Sample>
}

export interface StartOptions {
  readonly properties?: Readonly<Record<string, string>>
  readonly dataDir?: string
}

export interface StartBroker {
  (options?: StartOptions): Promise<RunningBroker>
  readonly side: SideName
  /** Path of our broker's entry, for rows that load it themselves. */
  readonly entry: string
}

export type Row = SharedRow | AloneRow

export const atLeast = (value: number): Target => ({ of: 'ratio', atLeast: value })
export const atMost = (value: number): Target => ({ of: 'ratio', atMost: value })
export const oursAtMost = (value: number): Target => ({ of: 'ours', atMost: value })

export function metric(
  name: string,
  unit: string,
  better: Metric['better'],
  must: readonly Target[] = [],
  aim: readonly Target[] = [],
): Metric {
  return { name, unit, better, must, aim }
}
