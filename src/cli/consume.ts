// `odradek consume`: prints records of a topic, from where one wants, up to its present end or for ever.
// Promises each visible record once, in order within a partition, and an end: by count, end of log, idle time or interrupt.
// Leaves fetching to client/consumer.ts, printing to record-printer.ts, and groups to consume-group.ts.
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import * as admin from './client/admin.ts'
import type { Cluster } from './client/cluster.ts'
import { Consumer, type Position } from './client/consumer.ts'
import { consumeAsMember, type GroupProtocol } from './consume-group.ts'
import { CommandError, UsageError } from './failure.ts'
import type { Io } from './io.ts'
import { type ClusterFlags, inCluster, parsePartitions, wholeNumber, withCluster } from './options.ts'
import { counted } from './output.ts'
import { RecordPrinter } from './record-printer.ts'
import { type ShownPart, shownParts } from './record-text.ts'

interface ConsumeFlags extends ClusterFlags {
  readonly json: boolean
  readonly group?: string
  readonly protocol?: GroupProtocol
  readonly instanceId?: string
  readonly assignor?: string
  readonly fromBeginning?: true
  readonly offset?: number
  readonly timestamp?: number
  readonly partitions?: number[]
  readonly count?: number
  readonly follow: boolean
  readonly idle?: number
  readonly isolation: string
  readonly show: ReadonlySet<ShownPart>
  readonly separator: string
  readonly nullMarker: string
}

const MAX_WAIT_MS = 500
const MAX_BYTES = 16 * 1024 * 1024
const PARTITION_MAX_BYTES = 1024 * 1024

export function makeCommand(io: Io): Command {
  const command = withCluster(new Command('consume'))
    .description(
      'Print the records of a topic: all that are there (with --group all that the group has not read yet), or with --follow the ones that come',
    )
    .argument('<topics...>', 'one topic; with --group one or several')
    .option(
      '--from-beginning',
      'begin with the oldest record (the default without --follow); a group only where it has committed nothing',
    )
    .option(
      '-o, --offset <n>',
      'begin at this offset; -n begins n before the end',
      wholeNumber('--offset', -(2 ** 53), 2 ** 53),
    )
    .option('--timestamp <time>', 'begin at this time: ISO 8601, or ms since 1970', parseTime)
    .option('-p, --partitions <list>', 'only these, such as 0,2,5-7', parsePartitions)
    .option(
      '-n, --count <n>',
      'end after this many records',
      wholeNumber('--count', 1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '-f, --follow',
      'go on when the end is reached; begins at the end if no beginning is given',
      false,
    )
    .option('--idle <ms>', 'end when no record came for this long', wholeNumber('--idle', 1, 2 ** 31 - 1))
    .addOption(
      new Option('--isolation <level>', 'read_committed leaves out what was aborted or is not yet committed')
        .choices(['read_committed', 'read_uncommitted'])
        .default('read_uncommitted'),
    )
    .option(
      '--show <parts>',
      `what to print, of ${shownParts.join(', ')} (value without)`,
      parseShown,
      new Set<ShownPart>(['value']),
    )
    .option('--separator <text>', 'between the parts of a line', '\t')
    .option('--null-marker <text>', 'printed for a null key or value', 'null')
    .option('--json', 'one JSON object per line', false)
    .addHelpText(
      'after',
      `
Examples:
  $ odradek consume orders
  $ odradek consume orders --follow --show key,value
  $ odradek consume orders --offset -10
  $ odradek consume orders --timestamp 2026-01-01T00:00:00Z --count 100
  $ odradek consume orders --json | jq .value
  $ odradek consume orders payments --group billing
  $ odradek consume orders --group billing --follow --show partition,offset,value`,
    )
  return withGroup(command).action((topics: string[], flags: ConsumeFlags) => {
    const beginnings = [flags.fromBeginning, flags.offset, flags.timestamp].filter(
      (given) => given !== undefined,
    )
    if (beginnings.length > 1)
      throw new UsageError('give only one of --from-beginning, --offset and --timestamp')
    checkGroupFlags(topics, flags)
    const { group } = flags
    return inCluster(flags, (cluster) =>
      group === undefined
        ? consume(io, cluster, topics[0]!, flags)
        : consumeAsMember(io, cluster, topics, { ...flags, group }),
    )
  })
}

function withGroup(command: Command): Command {
  return command
    .option('-g, --group <group>', 'read as a member of this group, which remembers how far it has read')
    .addOption(
      new Option(
        '--protocol <protocol>',
        'of the group (without: what its members speak; if it has none, the newest the broker speaks)',
      ).choices(['classic', 'consumer']),
    )
    .option('--instance-id <id>', 'a static member: comes back under this name without a rebalance')
    .option(
      '--assignor <name>',
      'how partitions are shared: range or cooperative-sticky (classic), uniform or range (consumer)',
    )
}

function checkGroupFlags(topics: readonly string[], flags: ConsumeFlags): void {
  const { group, protocol, instanceId, assignor, offset, timestamp, partitions } = flags
  if (group === undefined) {
    if (topics.length > 1) throw new UsageError('several topics at once are for --group')
    const stray = { '--protocol': protocol, '--instance-id': instanceId, '--assignor': assignor }
    const given = Object.entries(stray).find(([, value]) => value !== undefined)
    if (given !== undefined) throw new UsageError(`${given[0]} is for members of a group: give --group`)
    return
  }
  if (group === '') throw new UsageError('--group: a group has a name')
  if (partitions !== undefined) {
    throw new UsageError(
      '--partitions: in a group the members share them out; leave --group or --partitions out',
    )
  }
  if (offset !== undefined || timestamp !== undefined) {
    throw new UsageError(
      '--offset and --timestamp: a group goes on where it has got to; `odradek groups reset-offsets` moves it',
    )
  }
}

async function consume(io: Io, cluster: Cluster, topic: string, flags: ConsumeFlags): Promise<void> {
  const readCommitted = flags.isolation === 'read_committed'
  const present = (await cluster.topic(topic)).partitions.map((row) => row.partitionIndex)
  const chosen = flags.partitions ?? present
  const missing = chosen.find((index) => !present.includes(index))
  if (missing !== undefined) {
    throw new CommandError(
      `${topic} has partitions 0 to ${present.length - 1}; there is no partition ${missing}`,
    )
  }
  const ends = await admin.offsetsFor(cluster, topic, chosen, admin.LATEST, readCommitted ? 1 : 0)
  const positions = await beginnings(cluster, topic, chosen, ends, flags)
  /** Partitions whose present end has not been reached, when reaching it matters. */
  const unfinished = new Set(
    flags.follow
      ? []
      : positions.filter((at) => at.offset < ends.get(at.index)!.offset).map((at) => at.index),
  )
  if (!flags.follow && unfinished.size === 0) return
  const consumer = new Consumer(
    cluster,
    {
      readCommitted,
      minBytes: 1,
      maxWaitMs: MAX_WAIT_MS,
      maxBytes: MAX_BYTES,
      partitionMaxBytes: PARTITION_MAX_BYTES,
    },
    flags.follow ? positions : positions.filter((at) => unfinished.has(at.index)),
  )
  const release = io.onInterrupt(() => consumer.close())
  const printer = new RecordPrinter(io, flags, flags.count)
  try {
    await printRecords(
      consumer,
      printer,
      flags.idle,
      (part) => {
        if (part.nextOffset >= ends.get(part.index)!.offset) unfinished.delete(part.index)
        return flags.follow || unfinished.size > 0
      },
      (part, offset) => flags.follow || offset < ends.get(part)!.offset,
    )
    if (io.notesAreTerminal) io.note(counted(printer.printed, 'record'))
  } finally {
    release()
    consumer.close()
  }
}

async function printRecords(
  consumer: Consumer,
  printer: RecordPrinter,
  idleMs: number | undefined,
  goOn: (part: { index: number; nextOffset: number }) => boolean,
  isWanted: (partition: number, offset: number) => boolean,
): Promise<void> {
  let lastRecordMs = systemClock.monotonicMs()
  for (let more = true; more && !printer.isDone && consumer.isOpen; ) {
    const parts = await consumer.poll()
    for (const part of parts) {
      await printer.print(part, (offset) => isWanted(part.index, offset))
      more = goOn(part)
    }
    const nowMs = systemClock.monotonicMs()
    if (parts.length > 0) lastRecordMs = nowMs
    else if (idleMs !== undefined && nowMs - lastRecordMs >= idleMs) break
  }
}

async function beginnings(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  ends: ReadonlyMap<number, admin.OffsetAt>,
  flags: ConsumeFlags,
): Promise<Position[]> {
  const { offset, timestamp } = flags
  const end = (index: number) => ends.get(index)!.offset
  if (timestamp !== undefined) {
    const found = await admin.offsetsFor(cluster, topic, partitions, timestamp)
    // No record is that young: begin with the next one to come.
    return partitions.map((index) => ({
      topic,
      index,
      offset: positive(found.get(index)!.offset, end(index)),
    }))
  }
  if (flags.follow && offset === undefined && flags.fromBeginning === undefined) {
    return partitions.map((index) => ({ topic, index, offset: end(index) }))
  }
  const starts = await admin.offsetsFor(cluster, topic, partitions, admin.EARLIEST)
  return partitions.map((index) => {
    const start = starts.get(index)!.offset
    if (offset === undefined) return { topic, index, offset: start }
    if (offset < 0) return { topic, index, offset: Math.max(start, end(index) + offset) }
    if (offset < start || (offset > end(index) && partitions.length === 1)) {
      throw new CommandError(
        `${topic}-${index} has offsets ${start} to ${end(index)}; there is no offset ${offset}`,
      )
    }
    return { topic, index, offset: Math.min(offset, end(index)) }
  })
}

function positive(offset: number, otherwise: number): number {
  return offset >= 0 ? offset : otherwise
}

function parseTime(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new UsageError(
    `--timestamp ${text}: expected ISO 8601, such as 2026-01-31T12:00:00Z, or milliseconds since 1970`,
  )
}

function parseShown(text: string): ReadonlySet<ShownPart> {
  const parts = text.split(',').map((part) => part.trim())
  const unknown = parts.find((part) => !shownParts.includes(part as ShownPart))
  if (unknown !== undefined) {
    throw new UsageError(`--show ${text}: ${unknown} is not one of ${shownParts.join(', ')}`)
  }
  return new Set(parts as ShownPart[])
}
