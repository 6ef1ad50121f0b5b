// Draws results as SVG: for every figure with a ratio, how many times better than Kafka we are, with its spread.
// Promises one picture with a logarithmic axis where right of 1 is better for us, whatever way the figure itself counts.
import { writeFileSync } from 'node:fs'
import { type CustomSeriesOption, init } from 'echarts'
import type { Spread } from './maths.ts'
import type { RowResult } from './run.ts'

interface Point {
  readonly label: string
  readonly better: Spread
  readonly must: number | undefined
  readonly isMissed: boolean
}

function inverse(ratio: Spread): Spread {
  return { median: 1 / ratio.median, low: 1 / ratio.high, high: 1 / ratio.low }
}

/** The figures worth a mark: those with a ratio and a target of it, turned so that more is better. */
export function points(results: readonly RowResult[]): Point[] {
  return results.flatMap((row) =>
    row.metrics.flatMap((metric) => {
      if (metric.ratio === null || metric.must.length === 0) return []
      const better = metric.better === 'higher' ? metric.ratio : inverse(metric.ratio)
      if (![better.low, better.median, better.high].every((value) => Number.isFinite(value) && value > 0))
        return []
      const bound = metric.must.find((target) => target.of === 'ratio')
      const must = bound && (bound.atLeast ?? 1 / bound.atMost!)
      return [{ label: `${row.id}  ${metric.name}`, better, must, isMissed: metric.verdict === 'missed' }]
    }),
  )
}

/** Beyond this the axis would leave no room for the rest. */
const MOST_SHOWN = 64
const LEAST_SHOWN = 1 / 8
const clamp = (times: number): number => Math.min(MOST_SHOWN, Math.max(LEAST_SHOWN, times))

const colours = { met: '#2a7ab0', missed: '#c8452b', must: '#777777' }

function spreadSeries(shown: readonly Point[]): CustomSeriesOption {
  return {
    type: 'custom',
    data: shown.map((point, index) => [clamp(point.better.low), index, clamp(point.better.high)]),
    encode: { x: [0, 2], y: 1 },
    renderItem: (_parameters, api) => {
      const index = api.value(1) as number
      const [x1, y] = api.coord([api.value(0), index]) as [number, number]
      const [x2] = api.coord([api.value(2), index]) as [number, number]
      const stroke = shown[index]!.isMissed ? colours.missed : colours.met
      return { type: 'line', shape: { x1, y1: y, x2, y2: y }, style: { stroke, lineWidth: 2 } }
    },
  }
}

export function drawPlot(results: readonly RowResult[], title: string): string {
  const shown = points(results)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 1100, height: 110 + shown.length * 18 })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: {
      text: title,
      subtext: `times better than Apache Kafka (${MOST_SHOWN} or more at the edge); | is the least asked for; red missed it`,
      left: 10,
    },
    grid: { left: 330, right: 40, top: 70, bottom: 30 },
    xAxis: {
      type: 'log',
      logBase: 2,
      min: (extent: { min: number }) => Math.min(0.5, extent.min),
      max: MOST_SHOWN,
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: shown.map((point) => point.label),
      axisLabel: { interval: 0, fontSize: 11 },
      axisTick: { show: false },
    },
    series: [
      spreadSeries(shown),
      {
        type: 'scatter',
        symbolSize: 8,
        data: shown.map((point, index) => ({
          value: [clamp(point.better.median), index],
          itemStyle: { color: point.isMissed ? colours.missed : colours.met },
        })),
      },
      {
        type: 'scatter',
        symbol: 'rect',
        symbolSize: [2, 14],
        itemStyle: { color: colours.must },
        data: shown.flatMap((point, index) => (point.must === undefined ? [] : [[point.must, index]])),
      },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

export function writePlot(path: string, results: readonly RowResult[], title: string): void {
  writeFileSync(path, drawPlot(results, title))
}
