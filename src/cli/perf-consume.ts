// `odradek perf consume`: how fast a topic is read from its beginning, and how long each fetch takes.
// Promises that every batch's checksum is checked; records are only taken apart with --decode. Leaves fetching to client/consumer.ts.
import { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import * as admin from './client/admin.ts'
import type { Cluster } from './client/cluster.ts'
import { Consumer } from './client/consumer.ts'
import type { FetchedPartition } from './client/fetched.ts'
import { CommandError } from './failure.ts'
import { Histogram } from './histogram.ts'
import type { Io } from './io.ts'
import {
  type ClusterFlags,
  inCluster,
  parsePartitions,
  wholeNumber,
  withCluster,
  withJson,
} from './options.ts'
import { printMeasured, startProgress } from './perf-report.ts'

interface Flags extends ClusterFlags {
  readonly json: boolean
  readonly records?: number
  readonly partitions?: number[]
  readonly decode: boolean
  readonly fetchBytes: number
}

const MAX_WAIT_MS = 500
const LARGEST_FETCH_BYTES = 128 * 1024 * 1024

export function makePerfConsume(io: Io): Command {
  const command = new Command('consume')
    .description('Read a topic from its beginning to its present end')
    .argument('<topic>')
    .option(
      '-n, --records <n>',
      'end after this many; waits for them if they are not there yet',
      wholeNumber('--records', 1, 2 ** 40),
    )
    .option('-p, --partitions <list>', 'only these, such as 0,2,5-7', parsePartitions)
    .option('--decode', 'decompress and take apart every record, as an application would', false)
    .option(
      '--fetch-bytes <n>',
      'bytes asked for of one partition at a time',
      wholeNumber('--fetch-bytes', 1, LARGEST_FETCH_BYTES),
      1024 * 1024,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek perf consume load\n  $ odradek perf consume load --records 1000000 --decode --json',
    )
  return withJson(withCluster(command)).action((topic: string, flags: Flags) =>
    inCluster(flags, (cluster) => measure(io, cluster, topic, flags)),
  )
}

async function measure(io: Io, cluster: Cluster, topic: string, flags: Flags): Promise<void> {
  const partitions =
    flags.partitions ?? (await cluster.topic(topic)).partitions.map((row) => row.partitionIndex)
  const [starts, ends] = await Promise.all([
    admin.offsetsFor(cluster, topic, partitions, admin.EARLIEST),
    admin.offsetsFor(cluster, topic, partitions, admin.LATEST),
  ])
  const there = partitions.reduce(
    (sum, index) => sum + ends.get(index)!.offset - starts.get(index)!.offset,
    0,
  )
  if (there === 0 && flags.records === undefined)
    throw new CommandError(`${topic} is empty: nothing to measure`)
  const latency = new Histogram()
  const consumer = new Consumer(
    cluster,
    {
      readCommitted: false,
      minBytes: 1,
      maxWaitMs: MAX_WAIT_MS,
      maxBytes: flags.fetchBytes * partitions.length,
      partitionMaxBytes: flags.fetchBytes,
      onAnswer: (elapsedMs) => latency.add(elapsedMs),
    },
    partitions.map((index) => ({ topic, index, offset: starts.get(index)!.offset })),
  )
  const progress = startProgress(io, flags.records ?? there, flags.json)
  const release = io.onInterrupt(() => consumer.close())
  const unfinished = new Set(
    partitions.filter((index) => ends.get(index)!.offset > starts.get(index)!.offset),
  )
  let records = 0
  let bytes = 0
  const startedMs = systemClock.monotonicMs()
  const isDone = () => (flags.records === undefined ? unfinished.size === 0 : records >= flags.records)
  try {
    while (!isDone() && consumer.isOpen) {
      for (const part of await consumer.poll()) {
        records += flags.decode ? decoded(part) : counted(part)
        bytes += part.byteLength
        if (part.nextOffset >= ends.get(part.index)!.offset) unfinished.delete(part.index)
      }
      progress.update(Math.min(records, flags.records ?? there))
    }
  } finally {
    progress.stop()
    release()
    consumer.close()
  }
  const elapsedMs = systemClock.monotonicMs() - startedMs
  await printMeasured(
    io,
    { topic, records, bytes, elapsedMs, latency, latencyOf: 'of one fetch' },
    flags.json,
  )
}

function counted(part: FetchedPartition): number {
  part.verify()
  return part.countRecords()
}

function decoded(part: FetchedPartition): number {
  let count = 0
  for (const _ of part.records()) count++
  return count
}
