// Runs the rows: A, B, A, B, ... on one machine, so that a ratio compares neighbours in time.
// Promises that a row which fails is reported and the others still run, that both long-lived brokers are warmed alike,
// and that no broker or data directory outlives the run. Leaves warm memory to the rows that write (warm-memory.ts).
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTopic } from './admin.ts'
import {
  type RunningBroker,
  removeDirectory,
  removeTopic,
  type SideName,
  startBroker,
} from './broker-process.ts'
import { judge, ratios, type Spread, type Target, type Verdict } from './maths.ts'
import { runRaw } from './raw-client.ts'
import type { AloneRow, Metric, Row, Sample, Scale, SharedRow, StartBroker, StartOptions } from './row.ts'

export interface RunOptions {
  readonly rounds: number
  readonly quick: boolean
  /** What runs as `ours` and as `theirs`; both Kafka shows what the harness itself adds (ratios near 1). */
  readonly sides: readonly [SideName, SideName]
  readonly entry: string
  readonly nodeArgs: readonly string[]
  readonly dataDir: string
  readonly heapMb: number
}

export interface MetricResult {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
  readonly ratio: Spread | null
  readonly must: readonly Target[]
  readonly aim: readonly Target[]
  readonly verdict: Verdict
}

export interface RowResult {
  readonly id: string
  readonly metrics: readonly MetricResult[]
  /** What the row took, both sides and all rounds together. */
  readonly seconds?: number
  /** What went wrong on either side; the figures above are then incomplete. */
  readonly errors: readonly string[]
}

export interface Progress {
  rowStarts(id: string): void
  rowEnds(result: RowResult): void
}

type Slot = 'ours' | 'theirs'
const slots = ['ours', 'theirs'] as const

export function scaleOf(quick: boolean): Scale {
  return { quick, amount: (full) => Math.round(quick ? full / 5 : full) }
}

export function metricResult(
  metric: Metric,
  samples: Readonly<Record<Slot, readonly Sample[]>>,
  isComparison: boolean,
): MetricResult {
  const values = (slot: Slot) => samples[slot].map((sample) => sample[metric.name] ?? Number.NaN)
  const [ours, theirs] = [values('ours').filter(Number.isFinite), values('theirs').filter(Number.isFinite)]
  const ratio = ratios(values('ours'), values('theirs'))
  const verdict = isComparison ? judge(metric.must, metric.aim, ours, ratio) : 'unjudged'
  return { ...metric, ours, theirs, ratio, verdict }
}

export class Bench {
  private readonly options: RunOptions
  private readonly scale: Scale
  private readonly shared = new Map<Slot, RunningBroker>()
  private directories = 0

  constructor(options: RunOptions) {
    this.options = options
    this.scale = scaleOf(options.quick)
    mkdirSync(options.dataDir, { recursive: true })
  }

  async run(rows: readonly Row[], progress: Progress): Promise<RowResult[]> {
    const results: RowResult[] = []
    try {
      for (const row of rows) {
        progress.rowStarts(row.id)
        const started = performance.now()
        const figures = row.kind === 'shared' ? await this.runShared(row) : await this.runAlone(row)
        const result = { ...figures, seconds: Math.round((performance.now() - started) / 1e3) }
        results.push(result)
        progress.rowEnds(result)
      }
    } finally {
      await this.close()
    }
    return results
  }

  private side(slot: Slot): SideName {
    return this.options.sides[slot === 'ours' ? 0 : 1]
  }

  private start(slot: Slot, options: StartOptions = {}): Promise<RunningBroker> {
    const { entry, nodeArgs, heapMb } = this.options
    const dataDir = options.dataDir ?? join(this.options.dataDir, `${slot}-${++this.directories}`)
    return startBroker(this.side(slot), { ...options, entry, nodeArgs, heapMb, dataDir })
  }

  private async sharedBroker(slot: Slot): Promise<RunningBroker> {
    const running = this.shared.get(slot)
    if (running !== undefined) return running
    const broker = await this.start(slot)
    this.shared.set(slot, broker)
    await warmUp(broker)
    return broker
  }

  private rounds(row: Row): number {
    return Math.min(this.options.rounds, row.maxRounds ?? Infinity)
  }

  private result(row: Row, samples: Record<Slot, Sample[]>, errors: readonly string[]): RowResult {
    const isComparison = this.options.sides[0] !== this.options.sides[1]
    return { id: row.id, metrics: row.metrics.map((m) => metricResult(m, samples, isComparison)), errors }
  }

  private async runShared(row: SharedRow): Promise<RowResult> {
    const samples: Record<Slot, Sample[]> = { ours: [], theirs: [] }
    const errors: string[] = []
    const prepared = new Map<Slot, unknown>()
    const failed = new Set<Slot>()
    const attempt = async (slot: Slot, work: (broker: RunningBroker) => Promise<void>) => {
      if (failed.has(slot)) return
      try {
        await work(await this.sharedBroker(slot))
      } catch (error) {
        failed.add(slot)
        errors.push(`${this.side(slot)}: ${error instanceof Error ? error.message : String(error)}`)
        await this.forget(slot)
      }
    }
    for (const slot of slots) {
      await attempt(slot, async (broker) => {
        prepared.set(slot, await row.prepare?.(broker, this.scale))
      })
    }
    // Nothing of what was prepared shall still be on its way to the disk when the first run is timed.
    spawnSync('sync')
    for (let round = 0; round < this.rounds(row); round++) {
      for (const slot of slots) {
        await attempt(slot, async (broker) => {
          samples[slot].push(await row.measure(broker, this.scale, prepared.get(slot)))
        })
      }
    }
    for (const slot of slots) await attempt(slot, async (broker) => row.clean?.(broker, prepared.get(slot)))
    return this.result(row, samples, errors)
  }

  private async runAlone(row: AloneRow): Promise<RowResult> {
    const samples: Record<Slot, Sample[]> = { ours: [], theirs: [] }
    const errors: string[] = []
    const sides = (this.options.quick ? row.quickSides : undefined) ?? row.sides
    await this.close()
    for (let round = 0; round < this.rounds(row); round++) {
      for (const slot of slots) {
        if (sides !== undefined && !sides.includes(this.side(slot))) continue
        const started: RunningBroker[] = []
        const start = async (options?: StartOptions) => {
          const broker = await this.start(slot, options)
          started.push(broker)
          return broker
        }
        const starter: StartBroker = Object.assign(start, {
          side: this.side(slot),
          entry: this.options.entry,
        })
        try {
          samples[slot].push(await row.measure(starter, this.scale))
        } catch (error) {
          errors.push(`${this.side(slot)}: ${error instanceof Error ? error.message : String(error)}`)
        }
        for (const broker of started) {
          await broker.kill()
          removeDirectory(broker.dataDir)
        }
      }
    }
    return this.result(row, samples, errors)
  }

  /** A broker that failed is not used again; the next row starts another. */
  private async forget(slot: Slot): Promise<void> {
    const broker = this.shared.get(slot)
    this.shared.delete(slot)
    if (broker === undefined) return
    await broker.kill()
    removeDirectory(broker.dataDir)
  }

  private async close(): Promise<void> {
    for (const [slot, broker] of [...this.shared]) {
      this.shared.delete(slot)
      // A clean end, so that a profile asked for is written.
      await broker.stop()
      removeDirectory(broker.dataDir)
    }
  }
}

/**
 * Lets either side compile its hot paths before anything is timed: some ten thousand requests of each kind. With less, a
 * quick run of large fetches (270 requests) would measure compilers.
 */
async function warmUp(broker: RunningBroker): Promise<void> {
  await createTopic(broker.port, 'warm-up', 3)
  const load = { port: broker.port, topic: 'warm-up', partitions: 3 }
  await runRaw('produce', { ...load, bytes: 40e6, batchBytes: 1024 })
  await runRaw('produce', { ...load, bytes: 400e6 })
  await runRaw('fetch', { ...load, bytes: 2e9, maxBytes: 65_536 })
  await runRaw('fetch', { ...load, bytes: 2e9 })
  await removeTopic(broker, 'warm-up')
}
