// `odradek groups reset-offsets`: moves what groups have committed, with the modes of Kafka's kafka-consumer-groups.
// Promises that nothing is written without --execute, nothing of any group when one of them cannot be reset, and never
// under the feet of members. Leaves the new offsets to reset-plan.ts.
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { systemClock } from '../../lib/clock.ts'
import type { Cluster } from '../client/cluster.ts'
import { NoSuchGroupError } from '../client/failure.ts'
import {
  committedOffsets,
  isOccupied,
  listGroups,
  type PartitionOffset,
  partitionName,
  setOffsets,
  type TopicPartition,
} from '../client/group-admin.ts'
import { describeGroup } from '../client/group-describe.ts'
import { CommandError, UsageError } from '../failure.ts'
import { type Io, readTextFile } from '../io.ts'
import { type ClusterFlags, inCluster, wholeNumber, withCluster, withJson } from '../options.ts'
import { type Cell, counted, printJson, printTable } from '../output.ts'
import { parseDateTime, parseDuration } from './durations.ts'
import { chosenPartitions, membersText, type TopicChoice, topicChoices, untilEmpty } from './names.ts'
import { type FileRow, offsetsText, parseOffsets } from './offsets-file.ts'
import { type Mode, type Plan, type PlannedOffset, plan } from './reset-plan.ts'

interface ResetFlags extends ClusterFlags {
  readonly json: boolean
  readonly toEarliest?: true
  readonly toLatest?: true
  readonly toCurrent?: true
  readonly toOffset?: number
  readonly shiftBy?: number
  readonly byDuration?: number
  readonly toDatetime?: number
  readonly fromFile?: string
  readonly topic?: TopicChoice[]
  readonly allTopics?: true
  readonly allGroups?: true
  readonly execute: boolean
  readonly dryRun?: true
  readonly export?: string
}

const LARGEST = Number.MAX_SAFE_INTEGER
const STANDARD_OUTPUT = '-'

export function makeResetOffsets(io: Io): Command {
  const offset = (option: string, min: number) => wholeNumber(option, min, LARGEST)
  const command = new Command('reset-offsets')
    .description('Move what groups have committed: shows what would be done, and does it with --execute')
    .argument('[groups...]')
    .option('--to-earliest', 'to the oldest record')
    .option('--to-latest', 'to the end: what is there now is passed over')
    .option('--to-offset <n>', 'to this offset', offset('--to-offset', 0))
    .option('--shift-by <n>', 'n records on, or back with -n', offset('--shift-by', -LARGEST))
    .option(
      '--to-datetime <time>',
      'to the first record from this time on (ISO 8601)',
      parseDateTime('--to-datetime'),
    )
    .option(
      '--by-duration <duration>',
      'to the first record that is no older than this (ISO 8601, such as PT1H30M)',
      parseDuration('--by-duration'),
    )
    .option('--to-current', 'to what is committed; to the end where nothing is')
    .option('--from-file <file>', 'as in this file: lines of [group,]topic,partition,offset')
    .option(
      '-t, --topic <topic[:partitions]>',
      'such as orders or orders:0,2-4; may be repeated',
      topicChoices,
    )
    .option('--all-topics', 'every partition that the group has committed something for')
    .option('--all-groups', 'every group')
    .option('--execute', 'commit the new offsets', false)
    .option('--dry-run', 'only show them (so it is without --execute)')
    .option(
      '--export <file>',
      'write the new offsets to this file, for --from-file; - prints them instead of the table',
    )
    .addHelpText(
      'after',
      `
The members have to be stopped first: while they live the offsets are theirs.

Examples:
  $ odradek groups reset-offsets billing --topic orders --to-earliest
  $ odradek groups reset-offsets billing --topic orders:0,2 --shift-by -100 --execute
  $ odradek groups reset-offsets billing --all-topics --by-duration P1D --execute
  $ odradek groups reset-offsets billing --all-topics --to-current --export before.csv
  $ odradek groups reset-offsets billing --from-file before.csv --execute`,
    )
  return withJson(withCluster(command)).action((groupIds: string[], flags: ResetFlags) => {
    const mode = modeOf(flags)
    checkScope(groupIds, flags, mode)
    return inCluster(flags, (cluster) => reset(io, cluster, groupIds, flags, mode))
  })
}

const MODES =
  '--to-earliest, --to-latest, --to-offset, --shift-by, --to-datetime, --by-duration, --to-current, --from-file'

/** What is asked for, `file` before the file was read. */
type AskedMode =
  | Exclude<Mode, { kind: 'file' }>
  | { readonly kind: 'file'; readonly rows: readonly FileRow[] }

function modeOf(flags: ResetFlags): AskedMode {
  const { toOffset, shiftBy, byDuration, toDatetime, fromFile } = flags
  const asked: (() => AskedMode)[] = []
  if (flags.toEarliest) asked.push(() => ({ kind: 'earliest' }))
  if (flags.toLatest) asked.push(() => ({ kind: 'latest' }))
  if (flags.toCurrent) asked.push(() => ({ kind: 'current' }))
  if (toOffset !== undefined) asked.push(() => ({ kind: 'offset', offset: toOffset }))
  if (shiftBy !== undefined) asked.push(() => ({ kind: 'shift', by: shiftBy }))
  if (toDatetime !== undefined) asked.push(() => ({ kind: 'time', timestampMs: toDatetime }))
  if (byDuration !== undefined) {
    asked.push(() => ({ kind: 'time', timestampMs: Math.max(0, systemClock.wallMs() - byDuration) }))
  }
  if (fromFile !== undefined) {
    asked.push(() => ({ kind: 'file', rows: parseOffsets(readTextFile(fromFile), fromFile) }))
  }
  if (asked.length !== 1) throw new UsageError(`say where to, with one of ${MODES}`)
  return asked[0]!()
}

function checkScope(groupIds: readonly string[], flags: ResetFlags, mode: AskedMode): void {
  const { topic, allTopics, allGroups, execute, dryRun } = flags
  const isOfFile = mode.kind === 'file'
  if (execute && dryRun) throw new UsageError('give only one of --execute and --dry-run')
  if (groupIds.length > 0 && allGroups) throw new UsageError('name groups or give --all-groups, not both')
  if (isOfFile && (topic !== undefined || allTopics || allGroups)) {
    throw new UsageError(
      'the file of --from-file says which partitions: leave --topic, --all-topics and --all-groups out',
    )
  }
  if (!isOfFile && (topic === undefined) === (allTopics === undefined)) {
    throw new UsageError('say which topics, with --topic (it may be repeated) or --all-topics')
  }
  const namesGroups = isOfFile && mode.rows.every(({ groupId }) => groupId !== undefined)
  if (groupIds.length === 0 && !allGroups && !namesGroups) {
    throw new UsageError('say which groups, by their names or with --all-groups')
  }
  if (isOfFile && groupIds.length !== 1 && mode.rows.some(({ groupId }) => groupId === undefined)) {
    throw new UsageError(
      'lines of topic,partition,offset are for one group: name it, or give each line its group',
    )
  }
}

async function reset(
  io: Io,
  cluster: Cluster,
  groupIds: readonly string[],
  flags: ResetFlags,
  mode: AskedMode,
): Promise<void> {
  const groups = await groupsOf(cluster, groupIds, flags, mode)
  const plans = new Map<string, Plan>()
  const missing: string[] = []
  for (const groupId of groups) {
    if (!(await isThere(cluster, groupId))) missing.push(groupId)
    plans.set(groupId, await planFor(cluster, groupId, flags, mode))
  }
  const offsets = new Map([...plans].map(([groupId, { rows }]) => [groupId, rows]))
  if (flags.execute) for (const [groupId, rows] of offsets) await commit(cluster, groupId, rows)
  for (const { remarks } of plans.values()) for (const remark of remarks) io.note(remark)
  await show(io, offsets, flags)
  const all = counted([...offsets.values()].flat().length, 'offset')
  for (const groupId of missing) {
    io.note(
      `group ${groupId} ${flags.execute ? 'did not exist and was made' : 'does not exist; --execute makes it'}`,
    )
  }
  io.note(flags.execute ? `${all} committed` : 'nothing was changed; --execute commits these offsets')
}

async function groupsOf(
  cluster: Cluster,
  groupIds: readonly string[],
  flags: ResetFlags,
  mode: AskedMode,
): Promise<readonly string[]> {
  if (flags.allGroups) {
    const listings = await listGroups(cluster)
    const groups = listings.filter(({ type }) => ['classic', 'consumer', ''].includes(type))
    if (groups.length === 0) throw new CommandError('there are no groups')
    return groups.map(({ groupId }) => groupId)
  }
  if (mode.kind !== 'file') return [...new Set(groupIds)]
  const named = [...new Set(mode.rows.map(({ groupId }) => groupId ?? groupIds[0]!))]
  const chosen = groupIds.length === 0 ? named : [...new Set(groupIds)]
  const absent = chosen.find((groupId) => !named.includes(groupId))
  if (absent !== undefined)
    throw new CommandError(`the file has no line for group ${absent}; it has ${named.join(', ')}`)
  return chosen
}

/** Whether the group exists. @throws CommandError when it has members */
async function isThere(cluster: Cluster, groupId: string): Promise<boolean> {
  try {
    const group = await describeGroup(cluster, groupId)
    if (group.members.length === 0) return true
    throw new CommandError(
      `group ${groupId} has ${membersText(group)}: its offsets can be moved ${untilEmpty(group)}; nothing was changed`,
    )
  } catch (error) {
    if (error instanceof NoSuchGroupError) return false
    throw error
  }
}

async function planFor(cluster: Cluster, groupId: string, flags: ResetFlags, mode: AskedMode): Promise<Plan> {
  const committed = await committedOffsets(cluster, groupId)
  if (mode.kind === 'file') {
    const offsets = mode.rows.filter((row) => row.groupId === undefined || row.groupId === groupId)
    return plan(cluster, groupId, { kind: 'file', offsets }, [], committed)
  }
  if (flags.topic !== undefined) {
    return plan(cluster, groupId, mode, await chosenPartitions(cluster, flags.topic), committed)
  }
  if (committed.length === 0) {
    if (flags.allGroups) return { rows: [], remarks: [] }
    throw new CommandError(`group ${groupId} has committed nothing yet: name topics with --topic`)
  }
  const { present, gone } = await parted(cluster, committed)
  const { rows, remarks } = await plan(cluster, groupId, mode, present, committed)
  return {
    rows,
    remarks: [...remarks, ...gone.map((row) => `${partitionName(row)} is gone, and left as it is`)],
  }
}

/** Those partitions that still exist, and those that do not. */
async function parted(cluster: Cluster, committed: readonly PartitionOffset[]) {
  const { topics } = await cluster.retrying(() =>
    cluster.refresh([...new Set(committed.map(({ topic }) => topic))]),
  )
  const isThere = ({ topic, partition }: TopicPartition) =>
    topics.some(
      ({ name, errorCode, partitions }) =>
        name === topic && errorCode === 0 && partitions.some((row) => row.partitionIndex === partition),
    )
  return { present: committed.filter(isThere), gone: committed.filter((row) => !isThere(row)) }
}

async function commit(cluster: Cluster, groupId: string, rows: readonly PlannedOffset[]): Promise<void> {
  if (rows.length === 0) return
  try {
    await setOffsets(cluster, groupId, rows)
  } catch (error) {
    if (!isOccupied(error)) throw error
    throw new CommandError(`somebody joined group ${groupId} just now: its offsets were not changed`)
  }
}

function show(
  io: Io,
  groups: ReadonlyMap<string, readonly PlannedOffset[]>,
  flags: ResetFlags,
): Promise<void> | undefined {
  if (flags.export !== undefined && flags.export !== STANDARD_OUTPUT) {
    writeFileSync(flags.export, offsetsText(groups))
  }
  if (flags.export === STANDARD_OUTPUT) return io.print(offsetsText(groups))
  const all = [...groups].flatMap(([groupId, rows]) => rows.map((row) => ({ groupId, ...row })))
  if (flags.json)
    return printJson(
      io,
      all.map((row) => ({ ...row, executed: flags.execute })),
    )
  const headings = ['GROUP', 'TOPIC', 'PARTITION', 'BEFORE', 'NEW', 'CHANGE', 'OLDEST', 'END']
  const rows = all.map(({ groupId, topic, partition, before, offset, startOffset, endOffset }): Cell[] => [
    groupId,
    topic,
    partition,
    before,
    offset,
    before === null ? null : offset - before,
    startOffset,
    endOffset,
  ])
  return printTable(io, headings, rows)
}
