// Groups and partitions as they are named on the command line.
// Promises errors that name what there is: the nearest group, the partitions of a topic. Leaves the calls to client/.
import * as admin from '../client/admin.ts'
import type { Cluster } from '../client/cluster.ts'
import { NoSuchGroupError } from '../client/failure.ts'
import { listGroups, type TopicPartition } from '../client/group-admin.ts'
import type { GroupDescription } from '../client/group-describe.ts'
import { CommandError, UsageError } from '../failure.ts'
import { parsePartitions } from '../options.ts'
import { counted } from '../output.ts'

/** Runs `work`; a group that is not there is told along with those that are. */
export async function naming<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof NoSuchGroupError)) throw error
    const others = await listGroups(cluster).catch(() => [])
    throw new NoSuchGroupError(
      error.groupId,
      others.map(({ groupId }) => groupId),
    )
  }
}

/** A topic, and which of its partitions; undefined: all of them. */
export interface TopicChoice {
  readonly topic: string
  readonly partitions: readonly number[] | undefined
}

/** A collector of repeated `topic` and `topic:0,2,5-7`, for commander. */
export function topicChoices(text: string, before: readonly TopicChoice[] = []): TopicChoice[] {
  const found = /^([^:]+)(?::(.*))?$/.exec(text.trim())
  if (found === null) throw new UsageError(`--topic ${text}: expected topic or topic:0,2,5-7`)
  const [, topic, list] = found
  return [...before, { topic: topic!, partitions: list === undefined ? undefined : parsePartitions(list) }]
}

/** The partitions that are meant, each once. @throws NoSuchTopicError, CommandError naming a partition that is not there */
export async function chosenPartitions(
  cluster: Cluster,
  choices: readonly TopicChoice[],
): Promise<TopicPartition[]> {
  const chosen = new Map<string, TopicPartition>()
  for (const { topic, partitions } of choices) {
    const [described] = await admin.describeTopics(cluster, [topic])
    const present = described!.partitions.map((row) => row.partitionIndex).sort((a, b) => a - b)
    const missing = partitions?.find((index) => !present.includes(index))
    if (missing !== undefined) {
      throw new CommandError(
        `${topic} has partitions 0 to ${present.length - 1}; there is no partition ${missing}`,
      )
    }
    for (const partition of partitions ?? present) chosen.set(`${topic}-${partition}`, { topic, partition })
  }
  return [...chosen.values()]
}

/** `2 members (client-a at 10.0.0.1, client-b at 10.0.0.2)`; static ones by the name that they keep. */
export function membersText({ members }: GroupDescription): string {
  const shown = 3
  const named = members.slice(0, shown).map(({ clientId, clientHost, groupInstanceId }) => {
    const name = groupInstanceId === null ? clientId : `static member ${groupInstanceId}, ${clientId}`
    return `${name} at ${clientHost}`
  })
  const rest = members.length > shown ? [`${members.length - shown} more`] : []
  return `${counted(members.length, 'member')} (${[...named, ...rest].join('; ')})`
}

/** What has to happen before a group has no members; static ones stay for a while after they stopped. */
export function untilEmpty({ members }: GroupDescription): string {
  const withStatic = members.some(({ groupInstanceId }) => groupInstanceId !== null)
  return withStatic
    ? 'once all have stopped, and the sessions of static ones have ended'
    : 'once all have stopped'
}

/** A member id without most of its UUID: `billing-1b2c3d4e`. Only for people: two may look the same. */
export function shortMemberId(memberId: string): string {
  return memberId.replace(/([\da-f]{8})(-[\da-f]{4}){3}-[\da-f]{12}$/, '$1')
}

/** `0-2,5` */
export function rangesText(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b)
  const ranges: [number, number][] = []
  for (const number of sorted) {
    const last = ranges.at(-1)
    if (last !== undefined && number === last[1] + 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',')
}

/** `orders:0-2,5 payments:1`, in the form that --topic takes; `-` for none. */
export function partitionsText(partitions: readonly TopicPartition[]): string {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  const texts = [...byTopic].map(([topic, numbers]) => `${topic}:${rangesText(numbers)}`)
  return texts.length === 0 ? '-' : texts.join(' ')
}
