// `odradek groups delete` and `odradek groups delete-offsets`.
// Promises that a group with members is refused with their names, and to go on to the next group or partition after a refusal.
import { Command } from 'commander'
import { errors, type KafkaError } from '../../wire/errors.ts'
import type { Cluster } from '../client/cluster.ts'
import { NoSuchGroupError } from '../client/failure.ts'
import {
  committedOffsets,
  deleteGroup,
  deleteOffsets,
  isOccupied,
  partitionName,
  type TopicPartition,
} from '../client/group-admin.ts'
import { describeGroup } from '../client/group-describe.ts'
import { CommandError, explain } from '../failure.ts'
import type { Io } from '../io.ts'
import { type ClusterFlags, inCluster, withCluster, withJson } from '../options.ts'
import { counted, printJson } from '../output.ts'
import { membersText, naming, type TopicChoice, topicChoices, untilEmpty } from './names.ts'

interface DeleteFlags extends ClusterFlags {
  readonly json: boolean
  readonly ifExists: boolean
}

interface DeleteOffsetsFlags extends ClusterFlags {
  readonly json: boolean
  readonly topic: TopicChoice[]
}

export function makeDelete(io: Io): Command {
  const command = new Command('delete')
    .description('Delete groups with all their offsets; they must have no members')
    .argument('<groups...>')
    .option('--if-exists', 'a group that is not there is no failure', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek groups delete billing\n  $ odradek groups delete a b c --if-exists',
    )
  return withJson(withCluster(command)).action((groupIds: string[], flags: DeleteFlags) =>
    inCluster(flags, async (cluster) => {
      const deleted: string[] = []
      const failures: string[] = []
      for (const groupId of groupIds) {
        try {
          await naming(cluster, () => deleteEmpty(cluster, groupId))
          deleted.push(groupId)
          if (!flags.json) await io.print(`deleted ${groupId}\n`)
        } catch (error) {
          const isGone = error instanceof NoSuchGroupError
          if (isGone && flags.ifExists) {
            if (!flags.json) await io.print(`${groupId} is not there\n`)
          } else if (isGone || error instanceof CommandError) failures.push(explain(error))
          else throw error
        }
      }
      if (flags.json) await printJson(io, { deleted })
      if (failures.length > 0) throw new CommandError(failures.join('\n'))
    }),
  )
}

async function deleteEmpty(cluster: Cluster, groupId: string): Promise<void> {
  try {
    await deleteGroup(cluster, groupId)
  } catch (error) {
    if (!isOccupied(error)) throw error
    const group = await describeGroup(cluster, groupId)
    throw new CommandError(
      `group ${groupId} has ${membersText(group)}: it can be deleted ${untilEmpty(group)}`,
    )
  }
}

export function makeDeleteOffsets(io: Io): Command {
  const command = new Command('delete-offsets')
    .description('Delete what a group has committed for topics that no member is subscribed to')
    .argument('<group>')
    .requiredOption(
      '-t, --topic <topic[:partitions]>',
      'such as orders or orders:0,2-4; may be repeated',
      topicChoices,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ odradek groups delete-offsets billing --topic orders
  $ odradek groups delete-offsets billing --topic orders:0-2 --topic payments`,
    )
  return withJson(withCluster(command)).action((groupId: string, flags: DeleteOffsetsFlags) =>
    inCluster(flags, async (cluster) => {
      const chosen = await naming(cluster, () => committedPartitions(cluster, groupId, flags.topic))
      const refused = await naming(cluster, () => deleteOffsets(cluster, groupId, chosen))
      const deleted = chosen.filter((row) => !refused.has(partitionName(row)))
      if (flags.json) await printJson(io, { groupId, deleted })
      else if (deleted.length > 0) {
        await io.print(
          `deleted ${counted(deleted.length, 'offset')} of group ${groupId}: ${deleted.map(partitionName).join(', ')}\n`,
        )
      }
      if (refused.size > 0) throw new CommandError(refusal(groupId, refused))
    }),
  )
}

/** Those of the chosen partitions for which there is an offset; topics that are gone can be named too. */
async function committedPartitions(
  cluster: Cluster,
  groupId: string,
  choices: readonly TopicChoice[],
): Promise<TopicPartition[]> {
  await describeGroup(cluster, groupId)
  const committed = await committedOffsets(cluster, groupId)
  return choices.flatMap(({ topic, partitions }) => {
    const found = committed.filter(
      (row) => row.topic === topic && (partitions === undefined || partitions.includes(row.partition)),
    )
    const missing = partitions?.find((index) => !found.some(({ partition }) => partition === index))
    if (found.length > 0 && missing === undefined) {
      return found.map(({ partition }) => ({ topic, partition }))
    }
    const topics = [...new Set(committed.map((row) => row.topic))]
    const others = topics.length === 0 ? 'nothing at all' : `offsets of ${topics.join(', ')}`
    const what = missing === undefined ? topic : `${topic}-${missing}`
    throw new CommandError(`group ${groupId} has committed no offset of ${what}; it has committed ${others}`)
  })
}

function refusal(groupId: string, refused: ReadonlyMap<string, KafkaError>): string {
  const isSubscribed = ({ error }: KafkaError) => error === errors.GROUP_SUBSCRIBED_TO_TOPIC
  const inUse = [...refused].filter(([, error]) => isSubscribed(error)).map(([partition]) => partition)
  const others = [...refused].filter(([, error]) => !isSubscribed(error)).map(([, error]) => explain(error))
  const look = `\`odradek groups describe ${groupId} --members\``
  const lines = [
    `group ${groupId}: members are subscribed to the topic of ${inUse.join(', ')}; stop them first (${look} shows them)`,
  ]
  return [...(inUse.length > 0 ? lines : []), ...others].join('\n')
}
