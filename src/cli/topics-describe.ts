// `odradek topics describe`: configs, and for each partition its leader, replicas and offsets.
// Promises one table for each topic; offsets are left out where a partition has no leader. Leaves the calls to client/admin.ts.
import { Command } from 'commander'
import * as admin from './client/admin.ts'
import type { Cluster, TopicMetadata } from './client/cluster.ts'
import type { Io } from './io.ts'
import { type ClusterFlags, inCluster, withCluster, withJson } from './options.ts'
import { printJson, table } from './output.ts'

interface DescribeFlags extends ClusterFlags {
  readonly json: boolean
  readonly allConfigs: boolean
}

interface PartitionDescription {
  readonly partition: number
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offline: readonly number[]
  readonly startOffset: number | null
  readonly endOffset: number | null
}

interface TopicDescription {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string | null>>
  readonly partitions: readonly PartitionDescription[]
}

export function makeDescribe(io: Io): Command {
  const command = new Command('describe')
    .description('Show configs, leaders, replicas and offsets of topics (all of them when none is named)')
    .argument('[topics...]')
    .option('--all-configs', 'also those configs that are at their default', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek topics describe orders\n  $ odradek topics describe orders --all-configs --json',
    )
  return withJson(withCluster(command)).action((names: string[], flags: DescribeFlags) =>
    inCluster(flags, async (cluster) => {
      const described = await describe(cluster, names, flags.allConfigs)
      if (flags.json) return printJson(io, described)
      for (const topic of described) await io.print(topicText(topic, io.outputIsTerminal))
      return undefined
    }),
  )
}

async function describe(
  cluster: Cluster,
  names: readonly string[],
  allConfigs: boolean,
): Promise<TopicDescription[]> {
  const topics =
    names.length > 0 ? await admin.describeTopics(cluster, names) : await admin.listTopics(cluster)
  if (topics.length === 0) return []
  const configs = await admin.topicConfigs(
    cluster,
    topics.map((topic) => topic.name ?? ''),
  )
  const described: TopicDescription[] = []
  for (const topic of topics) {
    const name = topic.name ?? ''
    const entries = (configs.get(name) ?? []).filter((entry) => allConfigs || entry.isOverridden)
    described.push({
      name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      replicationFactor: topic.partitions[0]?.replicaNodes.length ?? 0,
      configs: Object.fromEntries(
        entries
          .map((entry): [string, string | null] => [entry.name, entry.value])
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      partitions: await describePartitions(cluster, topic),
    })
  }
  return described
}

async function describePartitions(cluster: Cluster, topic: TopicMetadata): Promise<PartitionDescription[]> {
  const led = topic.partitions.filter((row) => row.leaderId >= 0).map((row) => row.partitionIndex)
  const [starts, ends] = await Promise.all(
    [admin.EARLIEST, admin.LATEST].map((at) => admin.offsetsFor(cluster, topic.name ?? '', led, at)),
  )
  return topic.partitions
    .map((row) => ({
      partition: row.partitionIndex,
      leader: row.leaderId,
      leaderEpoch: row.leaderEpoch,
      replicas: row.replicaNodes,
      isr: row.isrNodes,
      offline: row.offlineReplicas,
      startOffset: starts!.get(row.partitionIndex)?.offset ?? null,
      endOffset: ends!.get(row.partitionIndex)?.offset ?? null,
    }))
    .sort((a, b) => a.partition - b.partition)
}

function topicText(topic: TopicDescription, drawn: boolean): string {
  const configs = Object.entries(topic.configs).map(([key, value]) => `${key}=${value ?? ''}`)
  const head = [
    `topic\t${topic.name}`,
    `id\t${topic.topicId}`,
    `replicas\t${topic.replicationFactor}`,
    ...configs.map((config) => `config\t${config}`),
  ]
  const headings = ['PARTITION', 'LEADER', 'EPOCH', 'REPLICAS', 'ISR', 'OFFLINE', 'START', 'END']
  const rows = topic.partitions.map((row) => [
    row.partition,
    row.leader < 0 ? 'none' : row.leader,
    row.leaderEpoch,
    row.replicas.join(','),
    row.isr.join(','),
    row.offline.join(',') || '-',
    row.startOffset,
    row.endOffset,
  ])
  const lines = drawn ? head.map((line) => line.replace('\t', ': ')) : head
  return `${lines.join('\n')}\n${table(headings, rows, drawn)}\n`
}
