// What the bench shows: the table's cells, the plot's points, and what is read from the Java tools.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseConsumerPerf, parseEndToEnd, parseProducerPerf } from '../../bench/java-clients.ts'
import { drawPlot, points } from '../../bench/plot.ts'
import { atLeast, atMost, metric } from '../../bench/row.ts'
import { metricResult, type RowResult, scaleOf } from '../../bench/run.ts'
import { markdownTable, rowLine, summary, terminalTable } from '../../bench/table.ts'

const labels = { ours: 'Ours', theirs: 'Theirs' }
const throughput = metric('throughput', 'MB/s', 'higher', [atLeast(3)], [atLeast(5)])
const cpu = metric('CPU per GB', 's', 'lower', [atMost(0.33)], [atMost(0.17)])

const samples = {
  ours: [
    { throughput: 400, 'CPU per GB': 1 },
    { throughput: 500, 'CPU per GB': 1.2 },
  ],
  theirs: [
    { throughput: 100, 'CPU per GB': 2 },
    { throughput: 100, 'CPU per GB': 2 },
  ],
}

const row: RowResult = {
  id: 'raw/1p',
  metrics: [metricResult(throughput, samples, true), metricResult(cpu, samples, true)],
  errors: [],
}
const failed: RowResult = {
  id: 'raw/2p',
  metrics: [metricResult(throughput, { ours: [], theirs: [] }, true)],
  errors: ['ours: gone'],
}

describe('table', () => {
  test('a line holds both medians, the ratio with its spread, the targets and the verdict', () => {
    const [, , first, second] = markdownTable([row], labels).split('\n')
    assert.equal(
      first,
      '| raw/1p | throughput | 450 MB/s | 100 MB/s | 4.50x (4.00..5.00) | >= 3x | >= 5x | must met |',
    )
    assert.equal(
      second,
      '|  | CPU per GB | 1.10 s | 2.00 s | 0.550x (0.500..0.600) | <= 0.33x | <= 0.17x | MISSED |',
    )
  })

  test('a row that failed is shown without figures and with its error', () => {
    const shown = terminalTable([row, failed], labels)
    assert.match(shown, /raw\/2p: ours: gone/)
    assert.match(rowLine(failed), /raw\/2p: throughput - \/ - = -/)
    assert.deepEqual(summary([row, failed]), { aim: 0, must: 1, missed: 1, unjudged: 1 })
  })

  test('nothing is judged where both sides are the same broker', () => {
    assert.equal(metricResult(throughput, samples, false).verdict, 'unjudged')
  })

  test('quick is a fifth of the work', () => {
    assert.equal(scaleOf(true).amount(1e9), 2e8)
    assert.equal(scaleOf(false).amount(1e9), 1e9)
  })
})

describe('plot', () => {
  test('a lower figure counts as the inverse, so that right of one is better for us', () => {
    const [higher, lower] = points([row, failed])
    assert.equal(higher?.better.median, 4.5)
    assert.equal(higher?.must, 3)
    assert.deepEqual([lower?.better.low, lower?.better.high], [1 / 0.6, 1 / 0.5])
    assert.equal(lower?.isMissed, true)
    assert.equal(points([row, failed]).length, 2)
  })

  test('the picture names every figure it marks', () => {
    const svg = drawPlot([row], 'a run')
    assert.match(svg, /^<svg/)
    assert.match(svg, /raw\/1p {1,2}CPU per GB/)
  })
})

describe('output of the Java tools', () => {
  test('the steady state of producer-perf is taken where it is printed', () => {
    const whole =
      '500000 records sent, 125817.8 records/sec (12.00 MB/sec), 1291.76 ms avg latency, 1630.00 ms max latency, 1399 ms 50th, 1566 ms 95th, 1605 ms 99th, 1626 ms 99.9th.\n'
    const steady =
      '300000 steady state records sent, 200000.0 records/sec (19.07 MB/sec), 6.34 ms avg latency, 12.00 ms max latency, 6 ms 50th, 10 ms 95th, 11 ms 99th, 12 ms 99.9th.\n'
    assert.deepEqual(parseProducerPerf(whole + steady, 100), {
      recordsPerSecond: 200_000,
      megabytesPerSecond: 20,
      averageLatencyMs: 6.34,
      p99LatencyMs: 11,
    })
    assert.equal(parseProducerPerf(whole, 100).p99LatencyMs, 1605)
    assert.throws(() => parseProducerPerf('no summary', 100), /printed no summary/)
  })

  test('rate, bytes and rebalance of consumer-perf, in units of ten', () => {
    const names =
      'start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n'
    const figures =
      '2026-11-23 08:00:00:000, 2026-11-23 08:00:02:000, 100.0000, 50.0000, 102400, 51200.0, 500, 1500, 66.6667, 68266.7\n'
    const { megabytesPerSecond, rebalanceMs, bytes } = parseConsumerPerf(`a warning\n${names}${figures}`)
    assert.ok(Math.abs(megabytesPerSecond - 69.905) < 0.001, `${megabytesPerSecond}`)
    assert.deepEqual([rebalanceMs, bytes], [500, 104_857_600])
    assert.throws(() => parseConsumerPerf(names), /printed no figures/)
  })

  test('average and 99th percentile of EndToEndLatency', () => {
    const printed = '0\t82.87\nAvg latency: 2.3328 ms\nPercentiles: 50th = 1, 99th = 11, 99.9th = 82\n'
    assert.deepEqual(parseEndToEnd(printed), { averageMs: 2.3328, p99Ms: 11 })
    assert.throws(() => parseEndToEnd(''), /printed no summary/)
  })
})
