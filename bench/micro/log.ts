// What the log alone costs, without sockets: appends with everything checked, and reads from memory and from the file.
// Run: node build/bench/micro/log.js [directory]   (by default a new one in the system's folder for temporary files)
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { resolveTopicConfig } from '../../src/config/topic-config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemFiles } from '../../src/lib/files/system.ts'
import { release } from '../../src/lib/memory.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { type LogEnvironment, logEnvironment } from '../../src/log/environment.ts'
import { type FileRange, Log } from '../../src/log/log.ts'
import { setBaseOffset } from '../../src/wire/records/batch.ts'
import { buildBatch } from '../../src/wire/records/build.ts'

const MEBIBYTE = 1024 * 1024
const GIGABYTE = 1e9
/** Bytes that one turn of the event loop brings in, as with a busy socket. */
const TURN_BYTES = 256 * 1024

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'odradek-log-'))
const config = resolveTopicConfig(parseBrokerConfig({}), new Map())

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function environment(tailMemoryBytes = 32 * MEBIBYTE): LogEnvironment {
  return logEnvironment({ files: systemFiles, clock: systemClock, random: systemRandom, tailMemoryBytes })
}

let logs = 0

function newLog(world: LogEnvironment): Log {
  const directory = join(root, `log-${logs++}`)
  systemFiles.makeDirectorySync(directory)
  return Log.open(world, { directory, config, isClean: true, recoveryPoint: 0, startOffset: 0 })
}

function report(name: string, bytes: number, wallMs: number, cpu: number, note = ''): void {
  const rate = (bytes / 1e6 / (wallMs / 1000)).toFixed(0).padStart(7)
  const cost = (cpu / (bytes / GIGABYTE)).toFixed(2).padStart(7)
  console.log(`${name.padEnd(46)}${rate} MB/s${cost} CPU-s/GB  ${note}`)
}

/** A batch of about `batchBytes` of records of `recordBytes`. */
function batchOf(batchBytes: number, recordBytes: number, producerId = -1): Buffer {
  const count = Math.max(1, Math.floor((batchBytes - 61) / recordBytes))
  const timestamp = systemClock.wallMs()
  const value = Buffer.alloc(recordBytes - 12, 120)
  const records = Array.from({ length: count }, () => ({ timestamp, value }))
  return buildBatch({ records, producerId, producerEpoch: producerId < 0 ? -1 : 0, baseSequence: -1 })
}

function measureAppend(name: string, batchBytes: number, recordBytes: number, retain: boolean): void {
  const total = 256 * MEBIBYTE
  const template = batchOf(batchBytes, recordBytes)
  const world = environment()
  const log = newLog(world)
  const count = Math.ceil(total / template.byteLength)
  const perTurn = Math.max(1, Math.floor(TURN_BYTES / template.byteLength))
  const startMs = systemClock.monotonicMs()
  const startCpu = cpuSeconds()
  for (let i = 0; i < count; i++) {
    // Memory that is given away is new each time; the copy stands for what the socket would have brought.
    const records = retain ? Buffer.from(template) : template
    setBaseOffset(records, 0, 0)
    log.append(records, { origin: 'client', leaderEpoch: 0, retain })
    if (i % perTurn === perTurn - 1) log.writeQueued()
  }
  log.writeQueued()
  const cpu = cpuSeconds() - startCpu
  const copied = (world.counter.bytesCopied / (count * template.byteLength)).toFixed(2)
  report(name, log.byteLength, systemClock.monotonicMs() - startMs, cpu, `${copied} bytes copied per byte`)
  log.abandon()
  rmSync(log.directory, { recursive: true, force: true })
}

/** Reads the last `bytes` of a log again and again, 1 MiB at a time, and takes file ranges in slices. */
async function measureRead(name: string, tailMemoryBytes: number, batchBytes: number): Promise<void> {
  const log = newLog(environment(tailMemoryBytes))
  const template = batchOf(batchBytes, 1000)
  const count = Math.floor((24 * MEBIBYTE) / template.byteLength)
  for (let i = 0; i < count; i++) {
    setBaseOffset(template, 0, 0)
    log.append(template, { origin: 'client', leaderEpoch: 0, retain: false })
    if (i % 16 === 0) log.writeQueued()
  }
  log.writeQueued()
  const slice = Buffer.allocUnsafeSlow(MEBIBYTE)
  const startMs = systemClock.monotonicMs()
  const startCpu = cpuSeconds()
  let bytes = 0
  let reads = 0
  while (systemClock.monotonicMs() - startMs < 1500) {
    for (let next = 0; next < log.writtenEndOffset; reads++) {
      const result = log.read(next, {
        maxBytes: MEBIBYTE,
        limitOffset: log.writtenEndOffset,
        minOneBatch: true,
      })
      for (const part of result.parts) {
        if (part instanceof Uint8Array) release(part)
        else await drain(part, slice)
      }
      bytes += result.byteLength
      next = result.nextOffset
    }
  }
  const wallMs = systemClock.monotonicMs() - startMs
  report(name, bytes, wallMs, cpuSeconds() - startCpu, `${((wallMs * 1000) / reads).toFixed(1)} us a read`)
  log.abandon()
}

async function drain(range: FileRange, slice: Buffer): Promise<void> {
  for (let at = 0; at < range.byteLength; ) at += await range.read(slice, at)
  range.release()
}

async function main(): Promise<void> {
  // Pages of the cache that were never used are dear on virtual machines: use them once before measuring.
  measureAppend('(warm-up)', MEBIBYTE, 1000, false)
  for (const retain of [false, true]) {
    const owner = retain ? 'given away' : 'copied once'
    measureAppend(`append 1 KiB batches, 100 B records, ${owner}`, 1024, 100, retain)
    measureAppend(`append 16 KiB batches, 100 B records, ${owner}`, 16 * 1024, 100, retain)
    measureAppend(`append 16 KiB batches, 1 KiB records, ${owner}`, 16 * 1024, 1000, retain)
    measureAppend(`append 1 MiB batches, 1 KiB records, ${owner}`, MEBIBYTE - 4096, 1000, retain)
  }
  await measureRead('read the tail, 16 KiB batches, from memory', 32 * MEBIBYTE, 16 * 1024)
  await measureRead('read, 16 KiB batches, from the file', 0, 16 * 1024)
  await measureRead('read, 1 KiB batches, from the file', 0, 1024)
}

try {
  await main()
} finally {
  rmSync(root, { recursive: true, force: true })
}
