// Options that several commands share, and how their values are read.
// Promises UsageError naming the option, the value and what would be right. Leaves which options there are to each command.
import { type Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { type Codec, type CodecName, codecs } from '../wire/records/compression/index.ts'
import { Cluster } from './client/cluster.ts'
import type { Address } from './client/failure.ts'
import { UsageError } from './failure.ts'
import type { Io } from './io.ts'

export const DEFAULT_BOOTSTRAP = '127.0.0.1:9092'
export const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_PORT = 9092
const LARGEST_PORT = 65_535
const CONNECT_TIMEOUT_MS = 5_000

export interface ClusterFlags {
  readonly bootstrapServer: Address[]
  readonly timeout: number
}

/** Adds `--bootstrap-server` and `--timeout`. */
export function withCluster(command: Command): Command {
  return command
    .addOption(
      new Option('-b, --bootstrap-server <host:port,...>', 'brokers to begin with')
        .default(parseAddresses(DEFAULT_BOOTSTRAP), DEFAULT_BOOTSTRAP)
        .argParser(parseAddresses),
    )
    .addOption(
      new Option('--timeout <ms>', 'limit for each call to the cluster')
        .default(DEFAULT_TIMEOUT_MS)
        .argParser(wholeNumber('--timeout', 1, 2 ** 31 - 1)),
    )
}

export function withJson(command: Command): Command {
  return command.option('--json', 'JSON for programs instead of text for people', false)
}

/** Runs `work` with a client for the cluster, which is closed in every case. */
export async function inCluster<T>(flags: ClusterFlags, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = new Cluster({
    bootstrap: flags.bootstrapServer,
    clientId: 'odradek-cli',
    connectTimeoutMs: Math.min(flags.timeout, CONNECT_TIMEOUT_MS),
    requestTimeoutMs: flags.timeout,
    callTimeoutMs: flags.timeout,
    clock: systemClock,
  })
  try {
    return await work(cluster)
  } finally {
    cluster.close()
  }
}

/** `host:port,host:port`; IPv6 addresses in brackets; port 9092 when there is none. */
export function parseAddresses(text: string): Address[] {
  return text.split(',').map((part) => {
    const found = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(part.trim())
    const host = found?.[1] ?? found?.[2]
    const port = found?.[3] === undefined ? DEFAULT_PORT : Number(found[3])
    if (host === undefined || port < 1 || port > LARGEST_PORT) {
      throw new UsageError(
        `--bootstrap-server ${part}: expected host:port, with a port from 1 to ${LARGEST_PORT}`,
      )
    }
    return { host, port }
  })
}

/** A parser of whole numbers within bounds, for commander. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value
    throw new UsageError(`${option} ${text}: expected a whole number from ${min} to ${max}`)
  }
}

/** `0,2,5-7` */
export function parsePartitions(text: string): number[] {
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const range = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part.trim())
    const first = Number(range?.[1])
    const last = range?.[2] === undefined ? first : Number(range[2])
    if (range === null || last < first || last - first > 100_000) {
      throw new UsageError(`--partitions ${text}: expected numbers or ranges, such as 0,2,5-7`)
    }
    for (let index = first; index <= last; index++) found.add(index)
  }
  return [...found].sort((a, b) => a - b)
}

/** A collector of repeated `key=value` options, for commander. */
export function keyValues(
  option: string,
): (text: string, before?: Record<string, string>) => Record<string, string> {
  return (text, before = {}) => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`${option} ${text}: expected key=value`)
    return { ...before, [text.slice(0, at).trim()]: text.slice(at + 1).trim() }
  }
}

/** A collector of repeated options, for commander. */
export function listed(text: string, before: string[] = []): string[] {
  return [...before, text]
}

export function parseCompression(text: string): Codec {
  if (Object.hasOwn(codecs, text)) return codecs[text as CodecName]
  throw new UsageError(`--compression ${text}: expected one of ${Object.keys(codecs).join(', ')}`)
}

export function parseAcks(text: string): -1 | 0 | 1 {
  const acks = { all: -1, '-1': -1, '0': 0, '1': 1 } as const
  if (Object.hasOwn(acks, text)) return acks[text as keyof typeof acks]
  throw new UsageError(`--acks ${text}: expected 0, 1 or all`)
}

/** What a command module offers to program.ts. */
export interface CommandModule {
  readonly makeCommand: (io: Io) => Command
}
