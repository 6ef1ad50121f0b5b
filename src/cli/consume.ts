// `odradek consume`: prints records of a topic, from where one wants, up to its present end or for ever.
// Promises each visible record once, in order within a partition, and an end: by count, end of log, idle time or interrupt.
// Leaves fetching to client/consumer.ts and the form of lines to record-text.ts.
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import * as admin from './client/admin.ts'
import type { Cluster } from './client/cluster.ts'
import { Consumer, type Position } from './client/consumer.ts'
import { CommandError, UsageError } from './failure.ts'
import type { Io } from './io.ts'
import { type ClusterFlags, inCluster, parsePartitions, wholeNumber, withCluster } from './options.ts'
import { counted } from './output.ts'
import { type PrintFormat, recordLine, type ShownPart, shownParts } from './record-text.ts'

interface ConsumeFlags extends ClusterFlags {
  readonly json: boolean
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
/** Printed text is gathered up to this before it is written. */
const OUTPUT_CHUNK_CHARACTERS = 32 * 1024

export function makeCommand(io: Io): Command {
  const command = withCluster(new Command('consume'))
    .description('Print the records of a topic: all that are there, or with --follow the ones that come')
    .argument('<topic>')
    .option('--from-beginning', 'begin with the oldest record (the default without --follow)')
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
  $ odradek consume orders --json | jq .value`,
    )
  return command.action((topic: string, flags: ConsumeFlags) => {
    const beginnings = [flags.fromBeginning, flags.offset, flags.timestamp].filter(
      (given) => given !== undefined,
    )
    if (beginnings.length > 1)
      throw new UsageError('give only one of --from-beginning, --offset and --timestamp')
    return inCluster(flags, (cluster) => consume(io, cluster, topic, flags))
  })
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
  try {
    const printed = await printRecords(
      io,
      consumer,
      flags,
      (part) => {
        if (part.nextOffset >= ends.get(part.index)!.offset) unfinished.delete(part.index)
        return flags.follow || unfinished.size > 0
      },
      (part, offset) => flags.follow || offset < ends.get(part)!.offset,
    )
    if (io.notesAreTerminal) io.note(counted(printed, 'record'))
  } finally {
    release()
    consumer.close()
  }
}

type GoOn = (part: { index: number; nextOffset: number }) => boolean
type IsWanted = (partition: number, offset: number) => boolean

async function printRecords(
  io: Io,
  consumer: Consumer,
  flags: ConsumeFlags,
  goOn: GoOn,
  isWanted: IsWanted,
): Promise<number> {
  const format: PrintFormat = flags
  let left = flags.count ?? Number.POSITIVE_INFINITY
  let printed = 0
  let lastRecordMs = systemClock.monotonicMs()
  for (let more = true; more && left > 0 && consumer.isOpen; ) {
    const parts = await consumer.poll()
    for (const part of parts) {
      let text = ''
      for (const record of part.records()) {
        if (left === 0) break
        if (!isWanted(part.index, record.offset)) continue
        text += `${recordLine(record, part.topic, part.index, format)}\n`
        left--
        printed++
        if (text.length < OUTPUT_CHUNK_CHARACTERS) continue
        await io.print(text)
        text = ''
      }
      if (text !== '') await io.print(text)
      more = goOn(part)
    }
    const nowMs = systemClock.monotonicMs()
    if (parts.length > 0) lastRecordMs = nowMs
    else if (flags.idle !== undefined && nowMs - lastRecordMs >= flags.idle) break
  }
  return printed
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
