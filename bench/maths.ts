// The arithmetic of the bench: medians, spreads, ratios of interleaved runs, and whether a target is met.
// Promises pure functions over plain numbers. Leaves to others what is measured and how it is shown.

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export type Verdict = 'aim' | 'must' | 'missed' | 'unjudged'

/** A bound on the median of the ratio ours / theirs, or on our own median in the metric's unit. */
export interface Target {
  readonly of: 'ratio' | 'ours'
  readonly atLeast?: number
  readonly atMost?: number
}

/** The middle value, or the mean of the two middle ones. Throws RangeError without values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median without values')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median with the lowest and the highest value; with few rounds the extremes are what can honestly be told. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) }
}

/**
 * Ratio of each round's pair. Only runs that followed each other are compared: the machine of the next round may be a
 * slower one. Rounds where either side has no value are left out; null when nothing is left.
 */
export function ratios(ours: readonly number[], theirs: readonly number[]): Spread | null {
  const pairs = ours
    .slice(0, theirs.length)
    .map((value, round) => value / theirs[round]!)
    .filter(Number.isFinite)
  return pairs.length === 0 ? null : spread(pairs)
}

function holds(target: Target, ours: number, ratio: number | undefined): boolean | undefined {
  const value = target.of === 'ours' ? ours : ratio
  if (value === undefined) return undefined
  return value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity)
}

/** 'aim' if every aim holds, 'must' if every must does, 'missed' if one does not, 'unjudged' without targets or values. */
export function judge(
  must: readonly Target[],
  aim: readonly Target[],
  ours: readonly number[],
  ratio: Spread | null,
): Verdict {
  if (ours.length === 0 || must.length === 0) return 'unjudged'
  const check = (targets: readonly Target[]) =>
    targets.map((target) => holds(target, median(ours), ratio?.median))
  const musts = check(must)
  if (musts.includes(false)) return 'missed'
  if (musts.includes(undefined)) return 'unjudged'
  return aim.length > 0 && check(aim).every((held) => held === true) ? 'aim' : 'must'
}

/** Three significant digits, no exponent: what the noise of a shared machine leaves of a figure. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const magnitude = Math.abs(value)
  if (magnitude === 0) return '0'
  if (magnitude >= 100) return value.toFixed(0)
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(magnitude))))
}

export function targetText(targets: readonly Target[], unit: string): string {
  return targets
    .map((target) => {
      const [sign, bound] = target.atLeast === undefined ? ['<=', target.atMost] : ['>=', target.atLeast]
      return `${sign} ${bound}${target.of === 'ratio' ? 'x' : ` ${unit}`}`
    })
    .join(', ')
}
