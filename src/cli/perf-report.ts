// What a measurement came to: one line each for throughput and latency, or one JSON object; and a bar while it runs.
// Promises that the bar is drawn only for a person, on standard error. Leaves measuring to perf-produce.ts and perf-consume.ts.
import { SingleBar } from 'cli-progress'
import type { Histogram } from './histogram.ts'
import type { Io } from './io.ts'
import { bytesText, counted, grouped, printJson } from './output.ts'

export interface Measured {
  readonly topic: string
  readonly records: number
  readonly bytes: number
  readonly elapsedMs: number
  readonly latency: Histogram
  /** What the latency is of, such as `acknowledged (acks=all)`. */
  readonly latencyOf: string
  readonly failed?: number
}

export function percentiles(latency: Histogram) {
  const rounded = (ms: number) => Math.round(ms * 1000) / 1000
  return {
    mean: rounded(latency.meanMs()),
    p50: rounded(latency.percentile(50)),
    p95: rounded(latency.percentile(95)),
    p99: rounded(latency.percentile(99)),
    p999: rounded(latency.percentile(99.9)),
    max: rounded(latency.maxMs()),
  }
}

export function printMeasured(io: Io, measured: Measured, json: boolean): Promise<void> | undefined {
  const { topic, records, bytes, elapsedMs, latency, failed = 0 } = measured
  const seconds = Math.max(elapsedMs, 0.001) / 1000
  const recordsPerSecond = records / seconds
  const bytesPerSecond = bytes / seconds
  const latencyMs = percentiles(latency)
  if (json) {
    const rates = {
      recordsPerSecond: Math.round(recordsPerSecond),
      bytesPerSecond: Math.round(bytesPerSecond),
    }
    return printJson(io, {
      topic,
      records,
      bytes,
      failed,
      elapsedMs: Math.round(elapsedMs),
      ...rates,
      latencyMs,
    })
  }
  const latencies = Object.entries(latencyMs)
    .map(([name, ms]) => `${name === 'p999' ? 'p99.9' : name} ${ms.toFixed(ms < 10 ? 2 : 1)}`)
    .join('  ')
  const failures = failed === 0 ? '' : `failed      ${counted(failed, 'record')}\n`
  return io.print(
    `${topic}: ${counted(records, 'record')}, ${bytesText(bytes)} in ${seconds.toFixed(2)} s\n${failures}` +
      `throughput  ${grouped(Math.round(recordsPerSecond))} records/s, ${bytesText(bytesPerSecond)}/s\n` +
      `latency ms  ${latencies}  (${measured.latencyOf})\n`,
  )
}

export interface Progress {
  update(done: number): void
  stop(): void
}

/** A bar up to `total` for a person; nothing for a pipe. */
export function startProgress(io: Io, total: number, json: boolean): Progress {
  if (!io.notesAreTerminal || json) return { update() {}, stop() {} }
  const bar = new SingleBar({
    format: '{bar} {percentage}%  {value}/{total} records  {duration_formatted}',
    stream: io.notesStream,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  })
  bar.start(total, 0)
  return {
    update: (done) => bar.update(done),
    stop: () => bar.stop(),
  }
}
