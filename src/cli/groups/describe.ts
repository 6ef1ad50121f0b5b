// `odradek groups describe`: how far a group has read each partition and who reads it; its members; its state.
// Promises a row for every partition that was committed or assigned, with `-` where something is not known: no commit yet,
// a topic that is gone, a partition without a leader. Leaves the calls to client/.
import { Command } from 'commander'
import * as admin from '../client/admin.ts'
import type { Cluster } from '../client/cluster.ts'
import { addressText } from '../client/failure.ts'
import {
  byPartition,
  committedOffsets,
  groupedByTopic,
  listGroups,
  partitionName,
  type TopicPartition,
} from '../client/group-admin.ts'
import { describeGroup, type GroupDescription, type MemberDescription } from '../client/group-describe.ts'
import type { Io } from '../io.ts'
import { type ClusterFlags, inCluster, withCluster, withJson } from '../options.ts'
import { type Cell, printJson, table } from '../output.ts'
import { naming, partitionsText, shortMemberId } from './names.ts'

interface DescribeFlags extends ClusterFlags {
  readonly json: boolean
  readonly offsets: boolean
  readonly members: boolean
  readonly state: boolean
}

interface PartitionProgress extends TopicPartition {
  readonly committedOffset: number | null
  readonly endOffset: number | null
  readonly lag: number | null
  readonly member: MemberDescription | null
}

interface Described extends GroupDescription {
  readonly lag: number
  readonly partitions: readonly PartitionProgress[]
}

export function makeDescribe(io: Io): Command {
  const command = new Command('describe')
    .description('Show how far groups have read, their members, their state (all groups when none is named)')
    .argument('[groups...]')
    .option('--offsets', 'committed offsets and lag of each partition (the default)', false)
    .option('--members', 'the members and what each has been given', false)
    .option('--state', 'state, assignor, epochs and coordinator', false)
    .addHelpText(
      'after',
      `
Examples:
  $ odradek groups describe billing
  $ odradek groups describe billing --members
  $ odradek groups describe --state
  $ odradek groups describe billing --json | jq .[0].lag`,
    )
  return withJson(withCluster(command)).action((names: string[], flags: DescribeFlags) =>
    inCluster(flags, async (cluster) => {
      const asked = names.length > 0 ? names : await describable(cluster)
      const described: Described[] = []
      for (const groupId of asked) {
        described.push(await naming(cluster, () => describe(cluster, groupId)))
      }
      if (flags.json) return printJson(io, described.map(jsonOf))
      const drawn = io.outputIsTerminal
      if (flags.state) await io.print(stateText(described, drawn))
      for (const group of described) {
        if (flags.members) await io.print(membersSection(group, drawn))
        if (flags.offsets || !(flags.state || flags.members)) await io.print(offsetsSection(group, drawn))
      }
      return undefined
    }),
  )
}

async function describable(cluster: Cluster): Promise<string[]> {
  const listings = await listGroups(cluster)
  return listings
    .filter(({ type }) => ['classic', 'consumer', ''].includes(type))
    .map(({ groupId }) => groupId)
}

async function describe(cluster: Cluster, groupId: string): Promise<Described> {
  const group = await describeGroup(cluster, groupId)
  const committed = new Map(
    (await committedOffsets(cluster, groupId)).map((row) => [partitionName(row), row]),
  )
  const owners = new Map<string, MemberDescription>()
  const rows = new Map<string, TopicPartition>(committed)
  for (const member of group.members) {
    for (const partition of member.assignment) {
      owners.set(partitionName(partition), member)
      rows.set(partitionName(partition), partition)
    }
  }
  const ends = await endOffsets(cluster, [...rows.values()])
  const partitions = [...rows.values()].sort(byPartition).map((row) => {
    const name = partitionName(row)
    const committedOffset = committed.get(name)?.offset ?? null
    const endOffset = ends.get(name) ?? null
    const lag =
      committedOffset === null || endOffset === null ? null : Math.max(0, endOffset - committedOffset)
    const member = owners.get(name) ?? null
    return { topic: row.topic, partition: row.partition, committedOffset, endOffset, lag, member }
  })
  const lag = partitions.reduce((sum, row) => sum + (row.lag ?? 0), 0)
  return { ...group, lag, partitions }
}

/** Where the logs end; partitions that are not there or have no leader are left out. */
async function endOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<Map<string, number>> {
  const byTopic = groupedByTopic(partitions)
  if (byTopic.size === 0) return new Map()
  const { topics } = await cluster.retrying(() => cluster.refresh([...byTopic.keys()]))
  const ends = new Map<string, number>()
  for (const [topic, rows] of byTopic) {
    const present = topics.find(({ name, errorCode }) => name === topic && errorCode === 0)?.partitions ?? []
    const led = present.filter(({ leaderId }) => leaderId >= 0).map(({ partitionIndex }) => partitionIndex)
    const asked = rows.map(({ partition }) => partition).filter((partition) => led.includes(partition))
    if (asked.length === 0) continue
    for (const [partition, { offset }] of await admin.offsetsFor(cluster, topic, asked, admin.LATEST)) {
      ends.set(partitionName({ topic, partition }), offset)
    }
  }
  return ends
}

function jsonOf({ partitions, ...group }: Described) {
  return {
    ...group,
    coordinator: addressText(group.coordinator),
    partitions: partitions.map(({ member, ...row }) => ({
      ...row,
      memberId: member?.memberId ?? null,
      groupInstanceId: member?.groupInstanceId ?? null,
      clientId: member?.clientId ?? null,
      clientHost: member?.clientHost ?? null,
    })),
  }
}

function headText(group: Described, drawn: boolean): string {
  const idle = group.members.filter(({ assignment }) => assignment.length === 0).length
  const without = idle > 0 && group.members.length > 0 ? ` (${idle} without partitions)` : ''
  const lines = [
    `group\t${group.groupId}`,
    `type\t${group.type}${group.assignor === '' ? '' : `, ${group.assignor}`}`,
    `state\t${group.state}`,
    ...(group.epoch === null ? [] : [`epoch\t${group.epoch}`]),
    `members\t${group.members.length}${without}`,
  ]
  return `${lines.map((line) => (drawn ? line.replace('\t', ': ') : line)).join('\n')}\n`
}

function offsetsSection(group: Described, drawn: boolean): string {
  const total = drawn ? `lag: ${group.lag}\n` : `lag\t${group.lag}\n`
  const head = `${headText(group, drawn)}${total}`
  if (group.partitions.length === 0) {
    const nothing = group.members.length === 0 ? 'nothing committed' : 'nothing assigned or committed yet'
    return `${head}${nothing}\n\n`
  }
  const headings = ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'MEMBER', 'CLIENT', 'HOST']
  const rows = group.partitions.map(({ topic, partition, committedOffset, endOffset, lag, member }) => [
    topic,
    partition,
    committedOffset,
    endOffset,
    lag,
    idText(member?.memberId, drawn),
    member?.clientId ?? '-',
    member?.clientHost ?? '-',
  ])
  return `${head}${table(headings, rows, drawn)}\n`
}

function idText(memberId: string | undefined, drawn: boolean): string {
  if (memberId === undefined) return '-'
  return drawn ? shortMemberId(memberId) : memberId
}

function membersSection(group: Described, drawn: boolean): string {
  const head = headText(group, drawn)
  if (group.members.length === 0) return `${head}no members\n\n`
  const isMoving = ({ assignment, targetAssignment }: MemberDescription) =>
    targetAssignment !== null && partitionsText(targetAssignment) !== partitionsText(assignment)
  const withTarget = group.members.some(isMoving)
  const withEpoch = group.type === 'consumer'
  const headings = [
    'MEMBER',
    'INSTANCE',
    'CLIENT',
    'HOST',
    ...(withEpoch ? ['EPOCH', 'PROTOCOL'] : []),
    'COUNT',
    'PARTITIONS',
    ...(withTarget ? ['SHALL HAVE'] : []),
  ]
  const rows = group.members.map((member): Cell[] => [
    idText(member.memberId, drawn),
    member.groupInstanceId ?? '-',
    member.clientId,
    member.clientHost,
    ...(withEpoch ? [member.epoch, member.protocol ?? '-'] : []),
    member.assignment.length,
    partitionsText(member.assignment),
    ...(withTarget ? [partitionsText(member.targetAssignment!)] : []),
  ])
  return `${head}${table(headings, rows, drawn)}\n`
}

function stateText(groups: readonly Described[], drawn: boolean): string {
  const headings = ['GROUP', 'TYPE', 'STATE', 'ASSIGNOR', 'EPOCH', 'MEMBERS', 'LAG', 'COORDINATOR']
  const rows = groups.map((group) => [
    group.groupId,
    group.type,
    group.state,
    group.assignor || '-',
    group.epoch,
    group.members.length,
    group.lag,
    addressText(group.coordinator),
  ])
  return table(headings, rows, drawn)
}
