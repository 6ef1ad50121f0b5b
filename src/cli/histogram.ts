// Durations counted in buckets, for percentiles over millions of them.
// Promises a fixed size (25 KiB), and percentiles that are at most 1 % above the true value. Microseconds up to 35 minutes.
//
// Buckets are 1 µs wide below 256 µs; then 128 buckets for each doubling.

const STEPS = 128
const STEP_BITS = 7
const LARGEST_MICROS = 2 ** 31 - 1
const BUCKETS = (31 - STEP_BITS) * STEPS + STEPS

export class Histogram {
  count = 0
  private readonly buckets = new Uint32Array(BUCKETS)
  private sumMicros = 0
  private maxMicros = 0

  add(ms: number): void {
    const micros = Math.min(LARGEST_MICROS, Math.max(0, Math.round(ms * 1000)))
    this.buckets[bucketOf(micros)]!++
    this.count++
    this.sumMicros += micros
    if (micros > this.maxMicros) this.maxMicros = micros
  }

  /** The time in ms that `percent` of all were not above; 0 when there are none. */
  percentile(percent: number): number {
    // As with sorting: the smallest value that has at least this share at or below it.
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.buckets[bucket]!
      if (seen >= rank) return Math.min(upperBound(bucket), this.maxMicros) / 1000
    }
    return 0
  }

  maxMs(): number {
    return this.maxMicros / 1000
  }

  meanMs(): number {
    return this.count === 0 ? 0 : this.sumMicros / this.count / 1000
  }
}

function bucketOf(micros: number): number {
  const shift = Math.max(0, 31 - Math.clz32(micros) - STEP_BITS)
  return shift * STEPS + (micros >>> shift)
}

/** The largest value that falls into the bucket. */
function upperBound(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / STEPS) - 1)
  return (bucket - shift * STEPS + 1) * 2 ** shift - 1
}
