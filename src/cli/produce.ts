// `odradek produce`: lines from standard input become records.
// Promises that it ends with exit code 0 only when every record was acknowledged, and names the line that was not.
// Leaves batching and delivery to client/producer.ts and the form of lines to record-text.ts.
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import type { Codec } from '../wire/records/compression/index.ts'
import type { Cluster } from './client/cluster.ts'
import { Producer, type ProducerOptions } from './client/producer.ts'
import { CommandError, explain, UsageError } from './failure.ts'
import type { Io } from './io.ts'
import { linesOf } from './lines.ts'
import {
  type ClusterFlags,
  inCluster,
  listed,
  parseAcks,
  parseCompression,
  wholeNumber,
  withCluster,
  withJson,
} from './options.ts'
import { counted, printJson } from './output.ts'
import { parseHeaders, parseLine } from './record-text.ts'

export interface DeliveryFlags {
  readonly acks: -1 | 0 | 1
  readonly idempotence: boolean
  readonly compression: Codec
  readonly linger: number
  readonly batchBytes: number
  readonly timeout: number
}

interface ProduceFlags extends ClusterFlags, DeliveryFlags {
  readonly json: boolean
  readonly keySeparator?: string
  readonly headerSeparator?: string
  readonly nullMarker?: string
  readonly header: string[]
  readonly partition?: number
}

const BUFFER_BYTES = 32 * 1024 * 1024
const REQUEST_BYTES = 1024 * 1024
const MAX_IN_FLIGHT = 5
const LARGEST_BATCH_BYTES = 64 * 1024 * 1024

/** Options about how records are delivered, shared with `perf produce`. */
export function withDelivery(command: Command, defaultLingerMs: number): Command {
  return command
    .addOption(
      new Option('-a, --acks <0|1|all>', 'who must have written a record before it counts')
        .default(-1, 'all')
        .argParser(parseAcks),
    )
    .option('--no-idempotence', 'allow duplicates after a retry')
    .addOption(
      new Option('-z, --compression <codec>', 'none, gzip, snappy, lz4 or zstd')
        .default(0, 'none')
        .argParser(parseCompression),
    )
    .option(
      '--linger <ms>',
      'wait for more records for a batch',
      wholeNumber('--linger', 0, 60_000),
      defaultLingerMs,
    )
    .option(
      '--batch-bytes <n>',
      'size at which a batch is sent, before compression',
      wholeNumber('--batch-bytes', 1, LARGEST_BATCH_BYTES),
      65_536,
    )
}

export function producerOptions(flags: DeliveryFlags): ProducerOptions {
  return {
    acks: flags.acks,
    // Without acks=all nobody can promise "exactly once": Kafka's own clients turn idempotence off then, too.
    idempotent: flags.idempotence && flags.acks === -1,
    compression: flags.compression,
    lingerMs: flags.linger,
    batchBytes: flags.batchBytes,
    maxInFlight: MAX_IN_FLIGHT,
    bufferBytes: BUFFER_BYTES,
    requestBytes: REQUEST_BYTES,
    deliveryTimeoutMs: flags.timeout,
  }
}

export function makeCommand(io: Io): Command {
  const command = new Command('produce')
    .description(
      'Write the lines of standard input as records; a missing topic is made if the broker allows it',
    )
    .argument('<topic>')
    .option('-k, --key-separator <text>', 'text between key and value; without it lines are values')
    .option('--header-separator <text>', 'text that ends name=value,name=value at the beginning of each line')
    .option('-H, --header <name=value>', 'a header for every record; may be repeated', listed, [])
    .option('--null-marker <text>', 'a key or value with this text is null (a null value is a tombstone)')
    .option(
      '-p, --partition <n>',
      'for every record, in place of one chosen by the key',
      wholeNumber('--partition', 0, 2 ** 31 - 1),
    )
    .addHelpText(
      'after',
      `
With --json each line is an object such as \`odradek consume --json\` prints; a result line is printed at the end:
  {"key": "k", "value": "v", "headers": [["name", "value"]], "partition": 0, "timestamp": 1700000000000}

Examples:
  $ echo 'hello' | odradek produce greetings
  $ echo 'user-1:{"name":"Ada"}' | odradek produce users --key-separator :
  $ odradek produce users --key-separator : --null-marker NULL <<< 'user-1:NULL'
  $ printf 'trace=42\\tk:v\\n' | odradek produce t --header-separator $'\\t' --key-separator :
  $ odradek consume a --json | odradek produce b --json
  $ odradek produce logs --compression zstd < access.log`,
    )
  return withJson(withCluster(withDelivery(command, 5))).action((topic: string, flags: ProduceFlags) => {
    if (flags.json && (flags.keySeparator !== undefined || flags.headerSeparator !== undefined)) {
      throw new UsageError(
        '--json lines name their key and headers: leave --key-separator and --header-separator out',
      )
    }
    if (flags.keySeparator === '' || flags.headerSeparator === '')
      throw new UsageError('a separator cannot be empty')
    return inCluster(flags, (cluster) => produceLines(io, cluster, topic, flags))
  })
}

async function produceLines(io: Io, cluster: Cluster, topic: string, flags: ProduceFlags): Promise<void> {
  const headers = flags.header.flatMap((text) => parseHeaders(text))
  const producer = new Producer(cluster, producerOptions(flags))
  await producer.start()
  await cluster.topic(topic, true)
  if (io.inputIsTerminal) io.note(`Each line becomes a record of ${topic}. End with Ctrl-D.`)
  const startedMs = systemClock.monotonicMs()
  const perPartition = new Map<number, number>()
  let sent = 0
  let failure: CommandError | undefined
  for await (const line of linesOf(io.input)) {
    if (failure !== undefined) break
    const lineNumber = ++sent
    const record = atLine(lineNumber, () => parseLine(line, flags, systemClock.wallMs()))
    const partition = flags.partition ?? record.partition
    const all = headers.length === 0 ? record.headers : [...(record.headers ?? []), ...headers]
    const toSend = { ...record, ...(all === undefined ? {} : { headers: all }), partition }
    const chosen = producer.append(topic, toSend, (error) => {
      if (error !== undefined) failure ??= new CommandError(`line ${lineNumber}: ${explain(error)}`)
    })
    perPartition.set(chosen, (perPartition.get(chosen) ?? 0) + 1)
    await producer.room()
  }
  await producer.flush()
  if (failure !== undefined) throw failure
  await report(io, topic, sent, perPartition, systemClock.monotonicMs() - startedMs, flags.json)
}

function atLine<T>(lineNumber: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof CommandError) throw new CommandError(`line ${lineNumber}: ${error.message}`)
    throw error
  }
}

function report(
  io: Io,
  topic: string,
  records: number,
  perPartition: ReadonlyMap<number, number>,
  elapsedMs: number,
  json: boolean,
): Promise<void> | undefined {
  const partitions = [...perPartition].sort(([a], [b]) => a - b)
  if (json) {
    return printJson(io, {
      topic,
      records,
      partitions: Object.fromEntries(partitions),
      elapsedMs: Math.round(elapsedMs),
    })
  }
  const where = partitions.map(([index, count]) => `partition ${index}: ${count}`).join(', ')
  io.note(`${counted(records, 'record')} written to ${topic}${records === 0 ? '' : ` (${where})`}`)
  return undefined
}
