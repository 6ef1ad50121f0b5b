// `odradek topics`: list, create, describe, delete, alter.
// Promises that nothing is changed when the command line is wrong, and one line about what was done.
// Leaves the calls to client/admin.ts and the description's layout to topics-describe.ts.
import { Command } from 'commander'
import { errors, KafkaError } from '../wire/errors.ts'
import * as admin from './client/admin.ts'
import { NoSuchTopicError } from './client/failure.ts'
import { UsageError } from './failure.ts'
import type { Io } from './io.ts'
import {
  type ClusterFlags,
  inCluster,
  keyValues,
  listed,
  wholeNumber,
  withCluster,
  withJson,
} from './options.ts'
import { counted, printJson, printTable } from './output.ts'
import { makeDescribe } from './topics-describe.ts'

const LARGEST_PARTITIONS = 100_000
const LARGEST_REPLICATION = 32_767

interface ListFlags extends ClusterFlags {
  readonly json: boolean
  readonly excludeInternal: boolean
}

interface CreateFlags extends ClusterFlags {
  readonly json: boolean
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Record<string, string>
  readonly ifNotExists: boolean
  readonly dryRun: boolean
}

interface DeleteFlags extends ClusterFlags {
  readonly json: boolean
  readonly ifExists: boolean
}

interface AlterFlags extends ClusterFlags {
  readonly json: boolean
  readonly partitions?: number
  readonly config: Record<string, string>
  readonly deleteConfig: string[]
}

export function makeCommand(io: Io): Command {
  const command = new Command('topics').description('List, create, describe, delete and alter topics')
  for (const child of [makeList(io), makeCreate(io), makeDescribe(io), makeDelete(io), makeAlter(io)]) {
    command.addCommand(child)
  }
  return command.addHelpText(
    'after',
    `
Examples:
  $ odradek topics list
  $ odradek topics create orders --partitions 3 --config retention.ms=86400000
  $ odradek topics describe orders
  $ odradek topics alter orders --partitions 6 --delete-config retention.ms
  $ odradek topics delete orders`,
  )
}

function makeList(io: Io): Command {
  const command = new Command('list')
    .description('List topics with their partitions and replicas')
    .option('--exclude-internal', 'leave out topics of the cluster itself, such as __consumer_offsets', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek topics list\n  $ odradek topics list --json | jq -r .[].name',
    )
  return withJson(withCluster(command)).action((flags: ListFlags) =>
    inCluster(flags, async (cluster) => {
      const topics = (await admin.listTopics(cluster)).filter(
        (topic) => !flags.excludeInternal || !topic.isInternal,
      )
      const rows = topics.map(({ name, partitions, topicId, isInternal }) => ({
        name: name ?? '',
        partitions: partitions.length,
        replicationFactor: partitions[0]?.replicaNodes.length ?? 0,
        isInternal,
        topicId,
      }))
      if (flags.json) return printJson(io, rows)
      const headings = ['TOPIC', 'PARTITIONS', 'REPLICAS', 'INTERNAL']
      return printTable(
        io,
        headings,
        rows.map((row) => [row.name, row.partitions, row.replicationFactor, row.isInternal ? 'yes' : 'no']),
      )
    }),
  )
}

function makeCreate(io: Io): Command {
  const command = new Command('create')
    .description('Create a topic')
    .argument('<topic>')
    .option('-p, --partitions <n>', "number of partitions (the broker's default without)", partitionCount, -1)
    .option(
      '-r, --replication-factor <n>',
      "copies of each partition (the broker's default without)",
      wholeNumber('--replication-factor', 1, LARGEST_REPLICATION),
      -1,
    )
    .option('-c, --config <key=value>', 'a topic config; may be repeated', keyValues('--config'), {})
    .option('--if-not-exists', 'a topic that is there already is no failure', false)
    .option('--dry-run', 'only check whether it could be created', false)
    .addHelpText(
      'after',
      `
Examples:
  $ odradek topics create orders
  $ odradek topics create orders --partitions 12 --replication-factor 3
  $ odradek topics create latest --config cleanup.policy=compact --config segment.bytes=10485760`,
    )
  return withJson(withCluster(command)).action((name: string, flags: CreateFlags) =>
    inCluster(flags, async (cluster) => {
      const { partitions, replicationFactor, config: configs, json } = flags
      try {
        const wanted = { name, partitions, replicationFactor, configs }
        const made = await admin.createTopic(cluster, wanted, flags.dryRun)
        if (json) {
          const { numPartitions, topicId } = made
          const { replicationFactor: copies } = made
          return printJson(io, {
            name,
            partitions: numPartitions,
            replicationFactor: copies,
            topicId,
            dryRun: flags.dryRun,
          })
        }
        const shape = made.numPartitions > 0 ? ` with ${counted(made.numPartitions, 'partition')}` : ''
        return io.print(flags.dryRun ? `${name} could be created${shape}\n` : `created ${name}${shape}\n`)
      } catch (error) {
        const isThere = error instanceof KafkaError && error.error === errors.TOPIC_ALREADY_EXISTS
        if (!isThere || !flags.ifNotExists) throw error
        return json ? printJson(io, { name, existed: true }) : io.print(`${name} is there already\n`)
      }
    }),
  )
}

function makeDelete(io: Io): Command {
  const command = new Command('delete')
    .description('Delete topics and all their records')
    .argument('<topics...>')
    .option('--if-exists', 'a topic that is not there is no failure', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek topics delete orders\n  $ odradek topics delete a b c --if-exists',
    )
  return withJson(withCluster(command)).action((names: string[], flags: DeleteFlags) =>
    inCluster(flags, async (cluster) => {
      const deleted: string[] = []
      for (const name of names) {
        try {
          await admin.deleteTopic(cluster, name)
          deleted.push(name)
          if (!flags.json) await io.print(`deleted ${name}\n`)
        } catch (error) {
          if (!(error instanceof NoSuchTopicError && flags.ifExists)) throw error
          if (!flags.json) await io.print(`${name} is not there\n`)
        }
      }
      return flags.json ? printJson(io, { deleted }) : undefined
    }),
  )
}

function makeAlter(io: Io): Command {
  const command = new Command('alter')
    .description('Add partitions to a topic, set and remove its configs')
    .argument('<topic>')
    .option('-p, --partitions <n>', 'the number of partitions it shall have; more than now', partitionCount)
    .option('-c, --config <key=value>', 'set a config; may be repeated', keyValues('--config'), {})
    .option('-d, --delete-config <key>', 'back to the default; may be repeated', listed, [])
    .addHelpText(
      'after',
      `
Examples:
  $ odradek topics alter orders --partitions 6
  $ odradek topics alter orders --config retention.ms=3600000 --delete-config max.message.bytes`,
    )
  return withJson(withCluster(command)).action((name: string, flags: AlterFlags) =>
    inCluster(flags, async (cluster) => {
      const { partitions, config, deleteConfig } = flags
      const configs = Object.keys(config).length + deleteConfig.length
      if (partitions === undefined && configs === 0) {
        throw new UsageError('nothing to alter: give --partitions, --config or --delete-config')
      }
      if (configs > 0) await admin.alterTopicConfigs(cluster, name, config, deleteConfig)
      if (partitions !== undefined) await admin.addPartitions(cluster, name, partitions)
      if (flags.json) return printJson(io, { name, partitions, config, deleteConfig })
      const done = [
        ...Object.entries(config).map(([key, value]) => `${key}=${value}`),
        ...deleteConfig.map((key) => `${key} back to its default`),
        ...(partitions === undefined ? [] : [counted(partitions, 'partition')]),
      ]
      return io.print(`altered ${name}: ${done.join(', ')}\n`)
    }),
  )
}

function partitionCount(text: string): number {
  return wholeNumber('--partitions', 1, LARGEST_PARTITIONS)(text)
}
