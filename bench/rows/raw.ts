// Rows of the raw client: produce and fetch at several batch sizes, the latency of single records, fsync before every ack.
// Targets are those of the design: raw produce 3x (16 KiB and up) and 4x (1 KiB), raw fetch 1.5x, latency 0.6x, fsync 2x.
import { createTopic } from '../admin.ts'
import { type RunningBroker, removeTopic, withCpu } from '../broker-process.ts'
import { type RawOptions, type RawResult, runRaw } from '../raw-client.ts'
import {
  atLeast,
  atMost,
  type Metric,
  metric,
  oursAtMost,
  type Row,
  type Sample,
  type Scale,
} from '../row.ts'
import { withWarmMemory } from '../warm-memory.ts'

const acksName = (acks: 1 | -1) => (acks === 1 ? '1' : 'all')

let topics = 0
export const newTopicName = (): string => `bench-${process.pid}-${++topics}`

/** Creates a topic, works on it, removes it. */
export async function onNewTopic<T>(
  broker: RunningBroker,
  partitions: number,
  configs: Readonly<Record<string, string>>,
  work: (topic: string) => Promise<T>,
): Promise<T> {
  const topic = newTopicName()
  await createTopic(broker.port, topic, partitions, configs)
  try {
    return await work(topic)
  } finally {
    await removeTopic(broker, topic)
  }
}

const throughput = (must: number, aim: number): Metric =>
  metric('throughput', 'MB/s', 'higher', [atLeast(must)], [atLeast(aim)])

function rates(bytes: number, raw: RawResult, cpu: number): Sample {
  return { throughput: raw.megabytesPerSecond, 'CPU per GB': cpu / (bytes / 1e9) }
}

interface BatchSize {
  readonly name: string
  readonly bytes: number
  readonly inFlight: number
  readonly volume: number
  readonly metrics: readonly Metric[]
}

const batchSizes: readonly BatchSize[] = [
  {
    name: '1KiB',
    bytes: 1024,
    inFlight: 64,
    volume: 150e6,
    metrics: [throughput(4, 6), metric('CPU per GB', 's', 'lower', [atMost(0.2)], [atMost(0.12)])],
  },
  {
    name: '16KiB',
    bytes: 16384,
    inFlight: 32,
    volume: 1e9,
    metrics: [
      throughput(3, 5),
      metric('CPU per GB', 's', 'lower', [atMost(0.33)], [atMost(0.17), oursAtMost(0.8)]),
    ],
  },
  {
    name: '1MiB',
    bytes: 1_048_000,
    inFlight: 5,
    volume: 2e9,
    // The design sets no bound for 1 MiB: shown, not judged. Its prototype reached 2.2x and 0.69x.
    metrics: [metric('throughput', 'MB/s', 'higher'), metric('CPU per GB', 's', 'lower')],
  },
]

function produceRow(size: BatchSize, partitions: number, acks: 1 | -1): Row {
  return {
    kind: 'shared',
    id: `raw-produce/${size.name}/${partitions}p/acks=${acksName(acks)}`,
    metrics: size.metrics,
    measure: (broker, scale) =>
      onNewTopic(broker, partitions, {}, async (topic) => {
        const options: RawOptions = {
          port: broker.port,
          topic,
          partitions,
          acks,
          batchBytes: size.bytes,
          inFlight: size.inFlight,
          bytes: scale.amount(size.volume),
        }
        const { cpu, result } = await withWarmMemory(broker, options.bytes!, () =>
          withCpu(broker, () => runRaw('produce', options)),
        )
        return rates(result.bytes, result, cpu)
      }),
  }
}

interface Preloaded {
  readonly topic: string
  readonly bytes: number
  readonly recordsPerPartition: number
}

export async function preload(
  broker: RunningBroker,
  partitions: number,
  bytes: number,
  batchBytes = 16384,
): Promise<Preloaded> {
  const topic = newTopicName()
  await createTopic(broker.port, topic, partitions)
  const inFlight = batchBytes > 100_000 ? 5 : 64
  const done = await runRaw('produce', { port: broker.port, topic, partitions, batchBytes, bytes, inFlight })
  return { topic, bytes: done.bytes, recordsPerPartition: done.records / partitions }
}

const fetchMetrics = [throughput(1.5, 2.5), metric('CPU per GB', 's', 'lower', [atMost(0.7)], [atMost(0.4)])]

// A reader this close to the end is what is meant by tail; it goes over the same bytes again and again.
const tailBytes = 2e6

function fetchRow(size: BatchSize, partitions: number, from: 'page-cache' | 'tail'): Row {
  return {
    kind: 'shared',
    id: `raw-fetch/${from}/${size.name}/${partitions}p`,
    metrics: fetchMetrics,
    prepare: (broker: RunningBroker, scale: Scale) =>
      preload(
        broker,
        partitions,
        scale.amount(from === 'tail' ? 200e6 : Math.min(1e9, 4 * size.volume)),
        size.bytes,
      ),
    measure: async (broker, scale, prepared) => {
      const { topic, bytes, recordsPerPartition } = prepared as Preloaded
      const recordBytes = bytes / partitions / recordsPerPartition
      const tailRecords = Math.floor(tailBytes / recordBytes)
      const options: RawOptions = {
        port: broker.port,
        topic,
        partitions,
        bytes: scale.amount(4e9),
        startOffset: from === 'tail' ? Math.max(0, recordsPerPartition - tailRecords) : 0,
        endOffset: recordsPerPartition,
      }
      const { cpu, result } = await withCpu(broker, () => runRaw('fetch', options))
      return rates(result.bytes, result, cpu)
    },
    clean: (broker, prepared) => removeTopic(broker, (prepared as Preloaded).topic),
  }
}

/** A consumer that keeps up with a producer: what most topics see most of the time. No target was set for it. */
const followRow: Row = {
  kind: 'shared',
  id: 'raw-follow/16KiB/3p',
  metrics: [metric('throughput', 'MB/s', 'higher'), metric('CPU per GB in and out', 's', 'lower')],
  measure: (broker, scale) =>
    onNewTopic(broker, 3, {}, async (topic) => {
      const load = { port: broker.port, topic, partitions: 3, bytes: scale.amount(1e9) }
      const { cpu, result } = await withWarmMemory(broker, load.bytes, () =>
        withCpu(broker, async () => {
          const both = [runRaw('fetch', { ...load, follow: 1 }), runRaw('produce', load)] as const
          return (await Promise.all(both))[0]
        }),
      )
      return { throughput: result.megabytesPerSecond, 'CPU per GB in and out': cpu / (result.bytes / 1e9) }
    }),
}

function latencyRow(rate: number): Row {
  const bounds = [[atMost(0.6)], [atMost(0.4)]] as const
  return {
    kind: 'shared',
    id: `latency/${rate}-per-second`,
    metrics: [
      metric('p50', 'us', 'lower', ...bounds),
      metric('p99', 'us', 'lower', [atMost(0.6)], [atMost(0.3)]),
      metric('CPU per 1,000 records', 'ms', 'lower'),
    ],
    measure: (broker, scale) =>
      onNewTopic(broker, 1, {}, async (topic) => {
        const options = { port: broker.port, topic, rate, seconds: scale.quick ? 3 : 10, recordBytes: 100 }
        const { cpu, result } = await withCpu(broker, () => runRaw('latency', options))
        const { p50, p99 } = result.latencyUs!
        return { p50, p99, 'CPU per 1,000 records': (cpu * 1e3) / (result.records / 1e3) }
      }),
  }
}

const fsyncRow: Row = {
  kind: 'shared',
  id: 'fsync/16KiB/50-in-flight',
  metrics: [
    metric('throughput', 'MB/s', 'higher', [atLeast(2)], [atLeast(4)]),
    metric('CPU per GB', 's', 'lower'),
    metric('p99', 'us', 'lower'),
  ],
  measure: (broker, scale) =>
    onNewTopic(broker, 1, { 'flush.messages': '1' }, async (topic) => {
      const options = { port: broker.port, topic, inFlight: 50, bytes: scale.amount(250e6) }
      const { cpu, result } = await withWarmMemory(broker, options.bytes, () =>
        withCpu(broker, () => runRaw('produce', options)),
      )
      return { ...rates(result.bytes, result, cpu), p99: result.latencyUs!.p99 }
    }),
}

export const rawRows: readonly Row[] = [
  ...batchSizes.flatMap((size) =>
    [1, 3].flatMap((partitions) => ([1, -1] as const).map((acks) => produceRow(size, partitions, acks))),
  ),
  ...batchSizes.flatMap((size) => [1, 3].map((partitions) => fetchRow(size, partitions, 'page-cache'))),
  ...[1, 3].map((partitions) => fetchRow(batchSizes[1]!, partitions, 'tail')),
  followRow,
  latencyRow(1000),
  latencyRow(10_000),
  fsyncRow,
]
