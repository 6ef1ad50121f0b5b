// ISO 8601 as people write it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDateTime, parseDuration } from '../../../src/cli/groups/durations.ts'

test('durations of weeks, days, hours, minutes and seconds', () => {
  const parse = parseDuration('--by-duration')
  const minute = 60_000
  for (const [text, ms] of [
    ['PT90S', 90_000],
    ['PT1H30M', 90 * minute],
    ['P1D', 24 * 60 * minute],
    ['P2W', 14 * 24 * 60 * minute],
    ['P1DT2H3M4.5S', (26 * 60 + 3) * minute + 4500],
    ['pt0,25s', 250],
    ['-PT1M', -minute],
  ] as const) {
    assert.equal(parse(text), ms, text)
  }
  for (const text of ['', 'P', 'PT', 'P1DT', '1h', 'PT1H2', 'P1Y', 'P1M', 'PT-1H', '90', 'PT1S1M']) {
    assert.throws(() => parse(text), /--by-duration .*: expected an ISO 8601 duration.*PT1H30M/, text)
  }
})

test('times are UTC unless they say otherwise', () => {
  const parse = parseDateTime('--to-datetime')
  const noon = Date.parse('2026-01-31T12:00:00Z')
  for (const text of [
    '2026-01-31T12:00:00',
    '2026-01-31T12:00:00.000',
    '2026-01-31T12:00:00Z',
    '2026-01-31T14:00:00+02:00',
    '2026-01-31T14:00+0200',
  ]) {
    assert.equal(parse(text), noon, text)
  }
  assert.equal(parse('2026-01-31'), Date.parse('2026-01-31T00:00:00Z'))
  for (const text of ['', 'yesterday', '31.1.2026', '2026-13-01', '12:00', '1769860800000']) {
    assert.throws(() => parse(text), /--to-datetime .*: expected ISO 8601/, text)
  }
})
