// `odradek perf produce`: how fast records are acknowledged, and how late.
// Promises that at a fixed rate latency counts from when a record was due, so that a stalled broker cannot hide its stall.
// Leaves delivery to client/producer.ts.
import { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import type { Cluster } from './client/cluster.ts'
import { Producer } from './client/producer.ts'
import { CommandError, explain } from './failure.ts'
import { Histogram } from './histogram.ts'
import type { Io } from './io.ts'
import { type ClusterFlags, inCluster, wholeNumber, withCluster, withJson } from './options.ts'
import { type Progress, printMeasured, startProgress } from './perf-report.ts'
import { type DeliveryFlags, producerOptions, withDelivery } from './produce.ts'

interface Flags extends ClusterFlags, DeliveryFlags {
  readonly json: boolean
  readonly records: number
  readonly size: number
  readonly rate?: number
  readonly keys?: number
}

/** Random letters that values are cut from, so that compression has something to do but not everything. */
const POOL_BYTES = 256 * 1024
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789'
/** Records appended before the event loop has its turn. */
const TURN_RECORDS = 128

export function makePerfProduce(io: Io): Command {
  const command = new Command('produce')
    .description(
      'Write records as fast as possible, or at a fixed rate; a missing topic is made if the broker allows it',
    )
    .argument('<topic>')
    .option('-n, --records <n>', 'how many', wholeNumber('--records', 1, 2 ** 40), 100_000)
    .option('-s, --size <bytes>', 'bytes of each value', wholeNumber('--size', 0, 64 * 1024 * 1024), 1024)
    .option(
      '--rate <n>',
      'records per second; without it as many as are acknowledged',
      wholeNumber('--rate', 1, 100_000_000),
    )
    .option(
      '--keys <n>',
      'give each record one of n keys; without it none has a key',
      wholeNumber('--keys', 1, 2 ** 31 - 1),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ odradek perf produce load --records 1000000 --size 100
  $ odradek perf produce load --rate 1000 --records 30000 --linger 0
  $ odradek perf produce load --compression lz4 --acks 1 --no-idempotence --json`,
    )
  return withJson(withCluster(withDelivery(command, 0))).action((topic: string, flags: Flags) =>
    inCluster(flags, (cluster) => measure(io, cluster, topic, flags)),
  )
}

interface Run {
  readonly latency: Histogram
  acknowledged: number
  failed: number
  firstFailure: Error | undefined
  isStopped: boolean
}

async function measure(io: Io, cluster: Cluster, topic: string, flags: Flags): Promise<void> {
  const producer = new Producer(cluster, producerOptions(flags))
  await producer.start()
  await cluster.topic(topic, true)
  const run: Run = {
    latency: new Histogram(),
    acknowledged: 0,
    failed: 0,
    firstFailure: undefined,
    isStopped: false,
  }
  const progress = startProgress(io, flags.records, flags.json)
  const release = io.onInterrupt(() => {
    run.isStopped = true
  })
  const startedMs = systemClock.monotonicMs()
  try {
    await appendAll(producer, topic, flags, run, progress)
    await producer.flush()
  } finally {
    progress.stop()
    release()
  }
  const elapsedMs = systemClock.monotonicMs() - startedMs
  if (run.acknowledged === 0 && run.firstFailure !== undefined)
    throw new CommandError(explain(run.firstFailure))
  const { acknowledged: records, failed, latency } = run
  const acks = flags.acks === -1 ? 'all' : flags.acks
  const latencyOf = flags.acks === 0 ? 'sent (acks=0)' : `acknowledged (acks=${acks})`
  await printMeasured(
    io,
    { topic, records, bytes: records * flags.size, elapsedMs, latency, latencyOf, failed },
    flags.json,
  )
  if (failed > 0) throw new CommandError(`${failed} records failed, the first: ${explain(run.firstFailure)}`)
}

async function appendAll(
  producer: Producer,
  topic: string,
  flags: Flags,
  run: Run,
  progress: Progress,
): Promise<void> {
  const { records, rate } = flags
  const nextValue = makeValues(flags.size)
  const startedMs = systemClock.monotonicMs()
  for (let i = 0; i < records && !run.isStopped && run.failed === 0; i++) {
    let dueMs = systemClock.monotonicMs()
    if (rate !== undefined) {
      dueMs = startedMs + (i * 1000) / rate
      for (let nowMs = systemClock.monotonicMs(); nowMs < dueMs; nowMs = systemClock.monotonicMs()) {
        await pause(Math.max(1, dueMs - nowMs))
      }
    }
    const key = flags.keys === undefined ? null : Buffer.from(`key-${i % flags.keys}`)
    producer.append(topic, { timestamp: systemClock.wallMs(), key, value: nextValue() }, (error) => {
      if (error === undefined) {
        run.latency.add(systemClock.monotonicMs() - dueMs)
        run.acknowledged++
      } else {
        run.failed++
        run.firstFailure ??= error
      }
    })
    await producer.room()
    if (i % TURN_RECORDS === 0) {
      progress.update(run.acknowledged)
      await new Promise<void>((resolve) => systemClock.endOfTurn(resolve))
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.schedule(ms, resolve))
}

function makeValues(size: number): () => Buffer {
  const pool = Buffer.alloc(POOL_BYTES + size)
  for (let i = 0; i < pool.length; i++) pool[i] = ALPHABET.charCodeAt(systemRandom.below(ALPHABET.length))
  return () => {
    const start = systemRandom.below(POOL_BYTES)
    return pool.subarray(start, start + size)
  }
}
