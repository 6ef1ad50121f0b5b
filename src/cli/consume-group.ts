// `odradek consume --group`: prints records as a member of a group, beginning where the group has got to.
// Promises to commit only what was printed, and to leave the group in every case. Leaves membership to client/group-member*.ts.
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { consumerGroupHeartbeat } from '../wire/apis/consumer-group-heartbeat.ts'
import * as admin from './client/admin.ts'
import type { Cluster } from './client/cluster.ts'
import { Consumer, type Position } from './client/consumer.ts'
import { NoSuchGroupError } from './client/failure.ts'
import {
  committedOffsets,
  groupedByTopic,
  type PartitionOffset,
  partitionName,
  type TopicPartition,
} from './client/group-admin.ts'
import { classicAssignors } from './client/group-assignors.ts'
import { describeGroup } from './client/group-describe.ts'
import type { GroupMember, PartitionHolder } from './client/group-member.ts'
import { ClassicMember } from './client/group-member-classic.ts'
import { ConsumerMember } from './client/group-member-consumer.ts'
import { CommandError, UsageError } from './failure.ts'
import { partitionsText } from './groups/names.ts'
import type { Io } from './io.ts'
import { counted } from './output.ts'
import { RecordPrinter } from './record-printer.ts'
import type { PrintFormat } from './record-text.ts'

export type GroupProtocol = 'classic' | 'consumer'

export interface GroupReadingFlags extends PrintFormat {
  readonly group: string
  readonly protocol?: GroupProtocol
  readonly instanceId?: string
  readonly assignor?: string
  readonly fromBeginning?: true
  readonly follow: boolean
  readonly count?: number
  readonly idle?: number
  readonly isolation: string
}

const MAX_WAIT_MS = 500
const MAX_BYTES = 4 * 1024 * 1024
const PARTITION_MAX_BYTES = 1024 * 1024
const COMMIT_EVERY_MS = 1000
const SESSION_TIMEOUT_MS = 45_000
const REBALANCE_TIMEOUT_MS = 60_000
const HEARTBEAT_INTERVAL_MS = 1000
const METADATA_AGE_MS = 30_000

/** Joins the group and prints: what it has not read yet, or with `follow` also what comes. */
export async function consumeAsMember(
  io: Io,
  cluster: Cluster,
  topics: readonly string[],
  flags: GroupReadingFlags,
): Promise<void> {
  for (const topic of topics) await cluster.topic(topic)
  const makeMember = await memberMaker(cluster, topics, flags)
  await new GroupReading(io, cluster, flags, makeMember).run()
}

type MakeMember = (holder: PartitionHolder) => GroupMember

async function memberMaker(
  cluster: Cluster,
  topics: readonly string[],
  flags: GroupReadingFlags,
): Promise<MakeMember> {
  const protocol = flags.protocol ?? (await protocolOf(cluster, flags.group))
  const named = flags.assignor === undefined ? [] : [flags.assignor]
  const unknown = named.find((name) => protocol === 'classic' && !classicAssignors.has(name))
  if (unknown !== undefined) {
    const known = [...classicAssignors.keys()].join(', ')
    throw new UsageError(
      `--assignor ${unknown}: not one of ${known}, which this member can apply as a leader`,
    )
  }
  const options = {
    groupId: flags.group,
    topics: [...new Set(topics)].sort(),
    instanceId: flags.instanceId ?? null,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    metadataAgeMs: METADATA_AGE_MS,
  }
  if (protocol === 'classic') {
    const assignors = named.length > 0 ? named : [...classicAssignors.keys()]
    return (holder) => new ClassicMember(cluster, { ...options, assignors }, holder)
  }
  const isSpoken = await cluster.askCoordinator(
    flags.group,
    async (connection) => connection.versionOf(consumerGroupHeartbeat) !== undefined,
  )
  if (!isSpoken)
    throw new CommandError('the broker does not speak the consumer protocol (KIP-848): --protocol classic')
  return (holder) => new ConsumerMember(cluster, { ...options, assignors: named }, holder, systemRandom)
}

/** That of the members who are there; else the newer one, if the broker speaks it. */
async function protocolOf(cluster: Cluster, groupId: string): Promise<GroupProtocol> {
  try {
    const group = await describeGroup(cluster, groupId)
    if (group.members.length > 0) return group.type
  } catch (error) {
    if (!(error instanceof NoSuchGroupError)) throw error
  }
  return cluster.askCoordinator(groupId, async (connection) =>
    connection.versionOf(consumerGroupHeartbeat) === undefined ? 'classic' : 'consumer',
  )
}

interface Progress extends PartitionOffset {
  /** What the group has for it, as far as this member knows. */
  readonly committed: number | undefined
}

/** The partitions that the member has at the moment, and how far they were printed. */
class GroupReading implements PartitionHolder {
  private readonly io: Io
  private readonly cluster: Cluster
  private readonly flags: GroupReadingFlags
  private readonly member: GroupMember
  private readonly consumer: Consumer
  private readonly printer: RecordPrinter
  private readonly progress = new Map<string, Progress>()
  /** The present ends that are still to be reached, unless one follows. */
  private readonly ends = new Map<string, number>()
  private readonly isolationLevel: number
  private isInterrupted = false
  private isUnread = false

  constructor(io: Io, cluster: Cluster, flags: GroupReadingFlags, makeMember: MakeMember) {
    const readCommitted = flags.isolation === 'read_committed'
    this.io = io
    this.cluster = cluster
    this.flags = flags
    this.isolationLevel = readCommitted ? 1 : 0
    this.printer = new RecordPrinter(io, flags, flags.count)
    this.consumer = new Consumer(
      cluster,
      {
        readCommitted,
        minBytes: 1,
        maxWaitMs: MAX_WAIT_MS,
        maxBytes: MAX_BYTES,
        partitionMaxBytes: PARTITION_MAX_BYTES,
      },
      [],
    )
    this.member = makeMember(this)
  }

  async run(): Promise<void> {
    const end = () => {
      this.isInterrupted = true
      this.member.stop()
      this.wake()
    }
    const release = this.io.onInterrupt(end)
    // Somebody who was told nothing of it would hold the partitions until its session ends.
    const releaseReader = this.io.onReaderGone(() => {
      this.isUnread = true
      end()
    })
    try {
      await this.read()
      this.member.stop()
      await this.commit()
      if (this.io.notesAreTerminal) this.io.note(counted(this.printer.printed, 'record'))
    } finally {
      this.consumer.close()
      await this.member.leave()
      release()
      releaseReader()
    }
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.io.notesAreTerminal) this.io.note(`took up ${partitionsText(partitions)}`)
    const positions = await this.beginnings(partitions)
    this.consumer.assign(positions)
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.giveUp(partitions)
    await this.commit()
    this.forget(partitions)
    if (this.io.notesAreTerminal) this.io.note(`gave up ${partitionsText(partitions)}`)
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.giveUp(partitions)
    this.forget(partitions)
    this.io.note(
      `lost ${partitionsText(partitions)}: the group took this member for gone; others may print the same records`,
    )
  }

  wake(): void {
    this.consumer.wake()
  }

  private async read(): Promise<void> {
    const { follow, idle } = this.flags
    let lastRecordMs = systemClock.monotonicMs()
    let lastCommitMs = lastRecordMs
    while (!this.isInterrupted && !this.printer.isDone) {
      if (this.member.needsAttention) {
        await this.member.attend()
        lastRecordMs = systemClock.monotonicMs()
      }
      if (!follow && this.hasReachedEnds()) return
      const parts = await this.consumer.poll()
      for (const part of parts) {
        const { topic, index: partition } = part
        this.moveOn({ topic, partition, offset: await this.printer.print(part) })
      }
      const nowMs = systemClock.monotonicMs()
      if (parts.length > 0) lastRecordMs = nowMs
      if (parts.length === 0 || nowMs - lastCommitMs >= COMMIT_EVERY_MS) {
        await this.commit()
        lastCommitMs = nowMs
      }
      if (idle !== undefined && nowMs - lastRecordMs >= idle && !this.member.needsAttention) return
    }
  }

  private hasReachedEnds(): boolean {
    if (!this.member.isSettled || this.ends.size > 0) return false
    if (this.member.partitions.length === 0) {
      this.io.note('no partitions for this member: the others have them all')
    }
    return true
  }

  private moveOn(row: PartitionOffset): void {
    const name = partitionName(row)
    const before = this.progress.get(name)
    if (before === undefined) return
    this.progress.set(name, { ...before, offset: row.offset })
    if (row.offset >= (this.ends.get(name) ?? Number.POSITIVE_INFINITY)) this.ends.delete(name)
  }

  /** How much of the last that was printed somebody read is not known once the reader is gone: the group reads it again. */
  private async commit(): Promise<void> {
    if (this.isUnread) return
    const due = [...this.progress.values()].filter(({ offset, committed }) => offset !== committed)
    if (!(await this.member.commit(due))) return
    for (const row of due) this.progress.set(partitionName(row), { ...row, committed: row.offset })
  }

  private giveUp(partitions: readonly TopicPartition[]): void {
    const names = new Set(partitions.map(partitionName))
    this.consumer.giveUp((topic, partition) => names.has(partitionName({ topic, partition })))
  }

  private forget(partitions: readonly TopicPartition[]): void {
    for (const name of partitions.map(partitionName)) {
      this.progress.delete(name)
      this.ends.delete(name)
    }
  }

  /** Where the group has got to; where it has committed nothing, the oldest record, or the end when one follows. */
  private async beginnings(partitions: readonly TopicPartition[]): Promise<Position[]> {
    const { fromBeginning, follow, group } = this.flags
    const committed = new Map(
      (await committedOffsets(this.cluster, group)).map((row) => [partitionName(row), row.offset]),
    )
    const positions: Position[] = []
    for (const [topic, rows] of groupedByTopic(partitions)) {
      const indexes = rows.map(({ partition }) => partition)
      const [starts, ends] = await Promise.all([
        admin.offsetsFor(this.cluster, topic, indexes, admin.EARLIEST),
        admin.offsetsFor(this.cluster, topic, indexes, admin.LATEST, this.isolationLevel),
      ])
      for (const { partition } of rows) {
        const name = partitionName({ topic, partition })
        const start = starts.get(partition)!.offset
        const end = ends.get(partition)!.offset
        const known = committed.get(name)
        const first = follow && !fromBeginning ? end : start
        const offset = known === undefined ? first : Math.min(Math.max(known, start), end)
        if (known !== undefined && known !== offset) {
          this.io.note(
            `${name}: the group is at ${known}, but there are ${start} to ${end}; going on at ${offset}`,
          )
        }
        this.progress.set(name, { topic, partition, offset, committed: known })
        if (!follow && offset < end) this.ends.set(name, end)
        positions.push({ topic, index: partition, offset })
      }
    }
    return positions
  }
}
