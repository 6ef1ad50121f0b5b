// Runs LogFixture.java (what a log directory can hold) and Kafka's DumpLogSegments, and parses what they print.
// Leaves judging the numbers to the tests.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerUnderTest, InteropTarget } from '../support/broker-under-test.ts'
import { type JavaTools, javaClasspath, smallJvm } from '../support/java-programs.ts'
import { runOk, sleep } from '../support/processes.ts'

/** One moment for all runs of one test process: an hour ago, so that retention leaves the records alone. */
const baseTimeMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000

/** What DeleteRecords moved is on disk only after the next checkpoint, in Kafka by default up to a minute later. */
export const quickCheckpoints = (target: InteropTarget): Record<string, string> => ({
  'log.flush.start.offset.checkpoint.interval.ms': '300',
  // Kafka begins with its first round of all such tasks half a minute after its start.
  ...(target === 'apache' && { 'log.initial.task.delay.ms': '300' }),
})

/** Waits until `quickCheckpoints` have surely written the last change. */
export const checkpointTaken = (): Promise<void> => sleep(1000)

export type FixtureCommand = 'write' | 'write-all' | 'read' | 'configs' | 'append'

/** Runs one command of LogFixture; gives its lines. Throws with its complaint if it fails. */
export async function fixture(command: FixtureCommand, broker: BrokerUnderTest): Promise<string[]> {
  const args = ['-cp', await javaClasspath(), 'LogFixture', command, broker.bootstrapServers, `${baseTimeMs}`]
  const { stdout } = await runOk('java', [...smallJvm, ...args], { timeoutMs: 180_000 })
  return stdout.split('\n').filter((line) => line !== '')
}

/** Records per partition as `read` counts them: `{ 'fx.deleted-0': { start: 37, end: 100, records: 63 } }`. */
export function countsIn(
  lines: readonly string[],
): Map<string, { start: number; end: number; records: number }> {
  const counts = new Map<string, { start: number; end: number; records: number }>()
  for (const line of lines) {
    const found = /^(\S+) read_uncommitted start=(\d+) end=(\d+) records=(\d+) /.exec(line)
    if (found) {
      counts.set(found[1]!, { start: Number(found[2]), end: Number(found[3]), records: Number(found[4]) })
    }
  }
  return counts
}

/** Fails with the lines that differ, and only those. */
export function assertSameLines(actual: readonly string[], expected: readonly string[]): void {
  const missing = expected.filter((line) => !actual.includes(line))
  const unexpected = actual.filter((line) => !expected.includes(line))
  if (missing.length + unexpected.length > 0 || actual.length !== expected.length) {
    assert.fail(`missing:\n${missing.join('\n')}\ninstead:\n${unexpected.join('\n')}`)
  }
}

/** Files of a partition with this ending, in order of their offsets. */
export const filesOf = (logDir: string, partition: string, ending: string): string[] =>
  readdirSync(join(logDir, partition))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(logDir, partition, name))

/** Directories of the fixture's partitions. */
export const partitionsIn = (logDir: string): string[] =>
  readdirSync(logDir)
    .filter((name) => /^fx\..*-\d+$/.test(name))
    .sort()

export interface DumpedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly count: number
  readonly isValid: boolean
  readonly codec: string
  readonly producerId: number
  readonly leaderEpoch: number
  /** Offsets of the records inside, by deep iteration. */
  readonly offsets: number[]
}

const dumpTool = 'org.apache.kafka.tools.DumpLogSegments'

/** DumpLogSegments --deep-iteration over one segment. Throws if the tool complains or prints a line that is no batch or record. */
export async function dumpLog(tools: JavaTools, file: string): Promise<DumpedBatch[]> {
  const lines = (await tools.ok(dumpTool, '--deep-iteration', '--files', file)).trim().split('\n')
  const batches: DumpedBatch[] = []
  if (lines.shift() !== `Dumping ${file}`) throw new Error(`not a dump of ${file}`)
  if (!/^Log starting offset: \d+$/.test(lines.shift() ?? ''))
    throw new Error(`no starting offset in ${file}`)
  for (const line of lines) {
    const record = /^\| offset: (\d+) /.exec(line)
    if (record) {
      batches.at(-1)!.offsets.push(Number(record[1]))
      continue
    }
    const field = (name: string) => new RegExp(`\\b${name}: (\\S+)`).exec(line)?.[1]
    if (!line.startsWith('baseOffset: ')) throw new Error(`${file}: unexpected line: ${line}`)
    batches.push({
      baseOffset: Number(field('baseOffset')),
      lastOffset: Number(field('lastOffset')),
      count: Number(field('count')),
      isValid: field('isvalid') === 'true',
      codec: field('compresscodec') ?? '',
      producerId: Number(field('producerId')),
      leaderEpoch: Number(field('partitionLeaderEpoch')),
      offsets: [],
    })
  }
  return batches
}

/** What DumpLogSegments prints of other files, without the line that names each file. */
export async function dumpOther(
  tools: JavaTools,
  files: readonly string[],
  ...flags: string[]
): Promise<string[]> {
  if (files.length === 0) return []
  const printed = await tools.ok(dumpTool, ...flags, '--files', files.join(','))
  return printed.split('\n').filter((line) => line !== '' && !line.startsWith('Dumping '))
}
