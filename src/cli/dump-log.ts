// `odradek dump-log`: shows what is in the files of a log directory, ours or Apache Kafka's, running or not.
// Promises to change nothing, to go on after damage, and exit code 1 when there was any. Leaves formats to dump/.
import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { dumpOffsetIndex, dumpSnapshot, dumpTimeIndex, dumpTransactionIndex } from './dump/indexes.ts'
import { dumpSegment } from './dump/log-segment.ts'
import type { Dump, DumpOptions } from './dump/row.ts'
import { dumpCheckpoint, dumpProperties } from './dump/text-files.ts'
import { CommandError, UsageError } from './failure.ts'
import type { Io } from './io.ts'
import { wholeNumber, withJson } from './options.ts'
import { counted } from './output.ts'

interface Flags extends DumpOptions {
  readonly json: boolean
  readonly recursive: boolean
  readonly limit: number
}

type Dumper = (path: string, options: DumpOptions) => Dump

/** What a file is, by its name; files that leave or arrive keep their name in front of a suffix. */
const dumpers: readonly (readonly [RegExp, Dumper])[] = [
  [/^\d{20}\.log(\.(deleted|cleaned|swap))?$/, dumpSegment],
  [/^\d{20}-\d{10}\.checkpoint$/, dumpSegment],
  [/\.index(\.(deleted|cleaned|swap))?$/, dumpOffsetIndex],
  [/\.timeindex(\.(deleted|cleaned|swap))?$/, dumpTimeIndex],
  [/\.txnindex(\.(deleted|cleaned|swap))?$/, dumpTransactionIndex],
  [/\.snapshot(\.deleted)?$/, dumpSnapshot],
  [/-checkpoint$/, dumpCheckpoint],
  [/^(partition\.metadata|meta\.properties|\.kafka_cleanshutdown)$/, dumpProperties],
]

export function makeCommand(io: Io): Command {
  const command = new Command('dump-log')
    .description('Show batches, indexes, producer snapshots and checkpoints; check their checksums')
    .argument('<paths...>', 'files, or directories of which every known file is shown')
    .option('-d, --deep', 'also the records in each batch', false)
    .option('-r, --recursive', 'also what is in directories within', false)
    .option(
      '-n, --limit <n>',
      'lines shown of each file; checks go on',
      wholeNumber('--limit', 0, 2 ** 40),
      Number.POSITIVE_INFINITY,
    )
    .addHelpText(
      'after',
      `
With --json each line is one object: {"file", "kind", ...}.

Examples:
  $ odradek dump-log data/orders-0
  $ odradek dump-log --deep data/orders-0/00000000000000000000.log
  $ odradek dump-log data --recursive --limit 0       only check everything
  $ odradek dump-log --json data/*-checkpoint`,
    )
  return withJson(command).action((paths: string[], flags: Flags) => dump(io, paths, flags))
}

async function dump(io: Io, paths: readonly string[], flags: Flags): Promise<void> {
  const files = paths.flatMap((path) => filesOf(path, flags.recursive, true))
  if (files.length === 0)
    throw new CommandError(
      `no log files in ${paths.join(', ')}${flags.recursive ? '' : '; --recursive looks deeper'}`,
    )
  const problems: string[] = []
  for (const { path, dumper } of files) {
    const hasHeading = !flags.json && files.length > 1 && flags.limit > 0
    if (hasHeading) await io.print(`${path}\n`)
    let shown = 0
    for (const row of dumper(path, flags)) {
      if (row.problem !== undefined) problems.push(`${path}: ${row.problem}`)
      if (shown++ >= flags.limit) continue
      await io.print(
        flags.json
          ? `${JSON.stringify({ file: path, ...row.fields, problem: row.problem })}\n`
          : `${row.text}\n`,
      )
    }
    if (hasHeading) await io.print('\n')
  }
  if (problems.length === 0) {
    if (io.notesAreTerminal) io.note(`${counted(files.length, 'file')}, nothing wrong`)
    return
  }
  throw new CommandError(`${counted(problems.length, 'problem')}, the first: ${problems[0]}`)
}

interface Found {
  readonly path: string
  readonly dumper: Dumper
}

function filesOf(path: string, recursive: boolean, isNamed: boolean): Found[] {
  if (statSync(path).isDirectory()) {
    if (!isNamed && !recursive) return []
    return readdirSync(path)
      .sort()
      .flatMap((name) => filesOf(join(path, name), recursive, false))
  }
  const known = dumpers.find(([name]) => name.test(basename(path)))?.[1]
  // A segment may have been copied under another name.
  const dumper = known ?? (isNamed && path.endsWith('.log') ? dumpSegment : undefined)
  if (dumper !== undefined) return [{ path, dumper }]
  if (!isNamed) return []
  throw new UsageError(
    `${path}: not a name of a log file; known are *.log, *.index, *.timeindex, *.txnindex, *.snapshot, *-checkpoint, partition.metadata and meta.properties`,
  )
}
