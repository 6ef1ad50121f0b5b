// Shows results: a table for a terminal, one in Markdown for docs/benchmarks.md, and a line for a log.
// Promises the same columns in each: figures of both sides, their ratio with its spread, the targets, and whether met.
import Table from 'cli-table3'
import { figure, median, targetText, type Verdict } from './maths.ts'
import type { MetricResult, RowResult } from './run.ts'

export interface Labels {
  readonly ours: string
  readonly theirs: string
}

const head = (labels: Labels): string[] => {
  return ['row', 'figure', labels.ours, labels.theirs, 'ratio (spread)', 'must', 'aim', 'verdict']
}

const verdictText: Record<Verdict, string> = {
  aim: 'aim met',
  must: 'must met',
  missed: 'MISSED',
  unjudged: '',
}

function medianText(values: readonly number[], unit: string): string {
  return values.length === 0 ? '-' : `${figure(median(values))} ${unit}`
}

export function ratioText(metric: MetricResult): string {
  if (metric.ratio === null) return '-'
  const { median: middle, low, high } = metric.ratio
  return `${figure(middle)}x (${figure(low)}..${figure(high)})`
}

/** The cells of one metric, in the order of the head; the row's name only on its first line. */
function cells(row: RowResult, metric: MetricResult, index: number): string[] {
  return [
    index === 0 ? row.id : '',
    metric.name,
    medianText(metric.ours, metric.unit),
    medianText(metric.theirs, metric.unit),
    ratioText(metric),
    targetText(metric.must, metric.unit),
    targetText(metric.aim, metric.unit),
    verdictText[metric.verdict],
  ]
}

export function terminalTable(results: readonly RowResult[], labels: Labels): string {
  const table = new Table({ head: head(labels), style: { head: [], border: [], compact: true } })
  for (const row of results) table.push(...row.metrics.map((metric, index) => cells(row, metric, index)))
  const errors = results.flatMap((row) => row.errors.map((error) => `${row.id}: ${error}`))
  return [table.toString(), ...errors].join('\n')
}

export function markdownTable(results: readonly RowResult[], labels: Labels): string {
  const line = (words: readonly string[]) =>
    `| ${words.map((word) => word.replaceAll('|', '\\|')).join(' | ')} |`
  const columns = head(labels)
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...results.flatMap((row) => row.metrics.map((metric, index) => line(cells(row, metric, index)))),
  ].join('\n')
}

/** One line a row, for output that is not a terminal. */
export function rowLine(row: RowResult): string {
  const figures = row.metrics.map((metric) => {
    const verdict = verdictText[metric.verdict]
    return `${metric.name} ${medianText(metric.ours, metric.unit)} / ${medianText(metric.theirs, metric.unit)} = ${ratioText(metric)}${verdict && ` ${verdict}`}`
  })
  const took = row.seconds === undefined ? '' : ` (${row.seconds} s)`
  return [`${row.id}${took}: ${figures.join('; ')}`, ...row.errors.map((error) => `  ${error}`)].join('\n')
}

/** How many metrics met their aim, their must, or missed. */
export function summary(results: readonly RowResult[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { aim: 0, must: 0, missed: 0, unjudged: 0 }
  for (const metric of results.flatMap((row) => row.metrics)) counts[metric.verdict]++
  return counts
}
