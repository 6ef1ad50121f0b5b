// Percentiles out of buckets, against sorting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Histogram } from '../../src/cli/histogram.ts'

test('a percentile is never below the true one and at most 1 % above it', () => {
  const micros = fc.array(fc.oneof(fc.nat(300), fc.nat(100_000), fc.nat(2 ** 31 - 1)), {
    minLength: 1,
    maxLength: 300,
  })
  const agrees = (values: number[]) => {
    const histogram = new Histogram()
    for (const value of values) histogram.add(value / 1000)
    const sorted = values.toSorted((a, b) => a - b)
    for (const percent of [0, 1, 50, 95, 99, 99.9, 100]) {
      const exact = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1]! / 1000
      const found = histogram.percentile(percent)
      assert.ok(found >= exact - 1e-9 && found <= exact * 1.01 + 1e-9, `p${percent}: ${found} for ${exact}`)
    }
    assert.equal(histogram.percentile(100), histogram.maxMs())
    assert.equal(histogram.maxMs(), sorted.at(-1)! / 1000)
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length / 1000
    assert.ok(Math.abs(histogram.meanMs() - mean) < 1e-6 * Math.max(1, mean))
  }
  fc.assert(fc.property(micros, agrees))
})

test('known values: 1 to 100 ms', () => {
  const histogram = new Histogram()
  for (let ms = 1; ms <= 100; ms++) histogram.add(ms)
  assert.equal(histogram.count, 100)
  assert.ok(Math.abs(histogram.percentile(50) - 50) <= 0.5)
  assert.ok(Math.abs(histogram.percentile(99) - 99) <= 1)
  assert.equal(histogram.percentile(100), 100)
})

test('an empty one answers 0, negative and endless times are brought within bounds', () => {
  const histogram = new Histogram()
  assert.equal(histogram.percentile(99), 0)
  assert.equal(histogram.meanMs(), 0)
  histogram.add(-5)
  histogram.add(1e12)
  assert.equal(histogram.percentile(1), 0)
  assert.equal(histogram.percentile(100), (2 ** 31 - 1) / 1000)
})
