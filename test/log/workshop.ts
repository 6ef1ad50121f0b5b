// What tests of the log work with: an environment on simulated files, settings, batches.
// Promises defaults that are Kafka's own, small segments only where asked for. Leaves the cases to the tests.

import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { resolveTopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import type { SimulatedFilesOptions } from '../../src/lib/files/simulated.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { release } from '../../src/lib/memory.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import {
  type EnvironmentOptions,
  type LogEnvironment,
  type LogReport,
  logEnvironment,
} from '../../src/log/environment.ts'
import { type FileRange, Log, type LogConfig, type OpenOptions, type ReadResult } from '../../src/log/log.ts'
import { LogDirectory } from '../../src/log/log-directory.ts'
import { baseOffset, sizeInBytes } from '../../src/wire/records/batch.ts'
import { type BatchOptions, buildBatch, type RecordToWrite } from '../../src/wire/records/build.ts'
import { type Record, records } from '../../src/wire/records/record.ts'

export const defaults: LogConfig = resolveTopicConfig(parseBrokerConfig({}), new Map())

export interface Workshop {
  readonly files: SimulatedFiles
  readonly clock: SimulatedClock
  readonly environment: LogEnvironment
  readonly reports: LogReport[]
  readonly failures: unknown[]
}

export function workshop(
  options: SimulatedFilesOptions & Partial<EnvironmentOptions> = {},
  seed = 1,
): Workshop {
  const clock = new SimulatedClock()
  const files = new SimulatedFiles({ ...options, wallMs: () => clock.wallMs() })
  return on(files, clock, options, seed)
}

/** Another start on the same disk: nothing of the process before is left. */
export function restarted(
  { files, clock }: Workshop,
  options: Partial<EnvironmentOptions> = {},
  seed = 2,
): Workshop {
  return on(files, clock, options, seed)
}

function on(
  files: SimulatedFiles,
  clock: SimulatedClock,
  options: Partial<EnvironmentOptions>,
  seed: number,
): Workshop {
  const reports: LogReport[] = []
  const failures: unknown[] = []
  const environment = logEnvironment({
    ...options,
    files,
    clock,
    random: new SeededRandom(seed),
    report: (report) => reports.push(report),
    directoryFailed: (_, error) => failures.push(error),
  })
  return { files, clock, environment, reports, failures }
}

export const DIRECTORY = 'data/topic-0'
/** The first segment of the log in it. */
export const SEGMENT = `${DIRECTORY}/00000000000000000000.log`

export function openLog(
  { environment }: Workshop,
  config: Partial<LogConfig> = {},
  options: Partial<OpenOptions> = {},
): Log {
  environment.files.makeDirectorySync(DIRECTORY)
  return Log.open(environment, {
    directory: DIRECTORY,
    config: { ...defaults, ...config },
    isClean: false,
    recoveryPoint: 0,
    startOffset: 0,
    ...options,
  })
}

/** A batch as a producer sends it: records of these values. */
export function batchOf(
  values: readonly (string | Buffer)[],
  options: BatchOptions & { timestamp?: number; key?: string | null } = {},
): Buffer {
  const { timestamp = 1_700_000_000_000, key = null } = options
  const written: RecordToWrite[] = values.map((value, i) => ({
    timestamp: timestamp + i,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
  }))
  return buildBatch({ ...options, records: written })
}

export function append(log: Log, records: Buffer, leaderEpoch = 0): number {
  return log.append(records, { origin: 'client', leaderEpoch, retain: false }).baseOffset
}

export function appendAndWrite(log: Log, records: Buffer, leaderEpoch = 0): number {
  const offset = append(log, records, leaderEpoch)
  log.writeQueued()
  return offset
}

/** All bytes of a read, from memory and from the file, copied; its parts are released. */
export function bytesOf(result: ReadResult): Buffer {
  const pieces = result.parts.map((part) => {
    if (part instanceof Uint8Array) {
      const copy = Buffer.from(part)
      release(part)
      return copy
    }
    const range = part as FileRange
    const bytes = Buffer.alloc(range.byteLength)
    let filled = 0
    while (filled < bytes.byteLength) {
      const count = range.readSync(bytes.subarray(filled), filled)
      if (count === 0) throw new Error('a range ends before its length')
      filled += count
    }
    range.release()
    return bytes
  })
  const bytes = Buffer.concat(pieces)
  if (bytes.byteLength !== result.byteLength) throw new Error('a read does not have the length it says')
  return bytes
}

export function batchesIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.byteLength; at += sizeInBytes(bytes, at)) {
    found.push(bytes.subarray(at, at + sizeInBytes(bytes, at)))
  }
  return found
}

/** Every record from `offset` to the end of what is written, read on and on with `maxBytes`. */
export function readAll(log: Log, offset = log.startOffset, maxBytes = 1 << 20): Record[] {
  const found: Record[] = []
  let next = offset
  while (next < log.writtenEndOffset) {
    const result = log.read(next, { maxBytes, limitOffset: log.writtenEndOffset, minOneBatch: true })
    if (result.byteLength === 0) throw new Error(`nothing to read at ${next}`)
    for (const batch of batchesIn(bytesOf(result))) {
      if (baseOffset(batch, 0) > log.writtenEndOffset) throw new Error('a batch from beyond the end')
      found.push(...records(batch))
    }
    if (result.nextOffset <= next) throw new Error(`the read at ${next} does not move on`)
    next = result.nextOffset
  }
  return found.filter((record) => record.offset >= offset)
}

export function valuesOf(found: readonly Record[]): string[] {
  return found.map((record) => record.value?.toString() ?? '')
}

/** Flips a bit of the byte at `position`. */
export function damage(world: Workshop, path: string, position: number): void {
  const handle = world.files.openSync(path, 'write')
  const byte = Buffer.alloc(1)
  handle.readSync(byte, position)
  byte[0] = byte[0]! ^ 0x10
  handle.writeSync(byte, position)
}

export const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg'
export const TOPIC_ID = 'AbCdEfGhIjKlMnOpQrStUg'

/** The log directory `data`. */
export const openDirectory = (
  { environment }: Workshop,
  options: { clusterId?: string; nodeId?: number } = {},
): LogDirectory => new LogDirectory(environment, { path: 'data', clusterId: CLUSTER, nodeId: 1, ...options })

/** A file in it. */
export const textIn = ({ files }: Workshop, name: string): string =>
  files.readFileSync(`data/${name}`).toString()
