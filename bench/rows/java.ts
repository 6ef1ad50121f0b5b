// Rows of Kafka's Java clients: producer-perf in every cell of size, partitions, acks and codec; consumer-perf, and a consumer
// that is assigned its partitions; end to end.
// The Java client is the ceiling of most of these, so beside throughput it is the broker's CPU that tells.
import { removeTopic, withCpu } from '../broker-process.ts'
import { consume, consumeInGroup, endToEndLatency, producerPerf } from '../java-clients.ts'
import { atLeast, atMost, metric, type Row } from '../row.ts'
import { withWarmMemory } from '../warm-memory.ts'
import { newTopicName, onNewTopic, preload } from './raw.ts'

function producerRow(recordBytes: number, partitions: number, acks: '1' | 'all', codec: string): Row {
  return {
    kind: 'shared',
    id: `java-producer/${recordBytes}B/${partitions}p/acks=${acks}/${codec}`,
    metrics: [
      metric('throughput', 'MB/s', 'higher', [atLeast(1)], []),
      metric('CPU per GB', 's', 'lower', [atMost(0.4)], [atMost(0.25)]),
      metric('average latency', 'ms', 'lower'),
    ],
    measure: (broker, scale) =>
      onNewTopic(broker, partitions, {}, async (topic) => {
        const records = scale.amount(recordBytes === 100 ? 4e6 : 1e6)
        const { bootstrapServers } = broker
        const properties = { acks, 'compression.type': codec }
        const load = { bootstrapServers, topic, records, recordBytes, properties }
        const { cpu, result } = await withWarmMemory(broker, records * (recordBytes + 20), () =>
          withCpu(broker, () => producerPerf(load)),
        )
        return {
          throughput: result.megabytesPerSecond,
          'CPU per GB': cpu / ((records * recordBytes) / 1e9),
          'average latency': result.averageLatencyMs,
        }
      }),
  }
}

function consumerRow(partitions: number): Row {
  return {
    kind: 'shared',
    id: `java-consumer/1KiB/${partitions}p`,
    metrics: [
      metric('throughput', 'MB/s', 'higher', [atLeast(1)], []),
      metric('CPU per GB', 's', 'lower', [atMost(0.8)], [atMost(0.5)]),
    ],
    prepare: (broker, scale) => preload(broker, partitions, scale.amount(2e9)),
    measure: async (broker, _scale, prepared) => {
      const { topic, recordsPerPartition } = prepared as Awaited<ReturnType<typeof preload>>
      const wanted = recordsPerPartition * partitions
      const { cpu, result } = await withCpu(broker, () => consume(broker.bootstrapServers, topic, wanted))
      const gigabytes = result.bytes / 1e9
      return { throughput: (gigabytes * 1e3) / result.secondsFromFirstPoll, 'CPU per GB': cpu / gigabytes }
    },
    clean: (broker, prepared) => removeTopic(broker, (prepared as { topic: string }).topic),
  }
}

function consumerPerfRow(partitions: number, protocol: 'classic' | 'consumer'): Row {
  return {
    kind: 'shared',
    id: `java-consumer-perf/1KiB/${partitions}p/${protocol}`,
    metrics: [
      metric('throughput', 'MB/s', 'higher', [atLeast(1)], []),
      metric('CPU per GB', 's', 'lower', [atMost(0.8)], [atMost(0.5)]),
      metric('rebalance', 'ms', 'lower'),
    ],
    prepare: (broker, scale) => preload(broker, partitions, scale.amount(2e9)),
    measure: async (broker, _scale, prepared) => {
      const { topic, recordsPerPartition } = prepared as Awaited<ReturnType<typeof preload>>
      const records = recordsPerPartition * partitions
      const { bootstrapServers } = broker
      const { cpu, result } = await withCpu(broker, () =>
        consumeInGroup(bootstrapServers, topic, records, protocol),
      )
      return {
        throughput: result.megabytesPerSecond,
        'CPU per GB': cpu / (result.bytes / 1e9),
        rebalance: result.rebalanceMs,
      }
    },
    clean: (broker, prepared) => removeTopic(broker, (prepared as { topic: string }).topic),
  }
}

const endToEndRow: Row = {
  kind: 'shared',
  id: 'end-to-end/100B',
  metrics: [metric('average', 'ms', 'lower', [atMost(0.7)], [atMost(0.5)]), metric('p99', 'ms', 'lower')],
  measure: async (broker, scale) => {
    const topic = newTopicName()
    const { averageMs, p99Ms } = await endToEndLatency(broker.bootstrapServers, topic, scale.amount(10_000))
    await removeTopic(broker, topic)
    return { average: averageMs, p99: p99Ms }
  },
}

export const javaRows: readonly Row[] = [
  ...[100, 1024].flatMap((recordBytes) =>
    [1, 6].flatMap((partitions) =>
      (['1', 'all'] as const).flatMap((acks) =>
        ['none', 'lz4', 'zstd'].map((codec) => producerRow(recordBytes, partitions, acks, codec)),
      ),
    ),
  ),
  consumerRow(1),
  consumerRow(6),
  consumerPerfRow(1, 'classic'),
  consumerPerfRow(6, 'classic'),
  consumerPerfRow(6, 'consumer'),
  endToEndRow,
]
