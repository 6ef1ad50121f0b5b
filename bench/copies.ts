// Bytes copied in user space per byte produced and per byte fetched: our broker in this process, the raw client outside.
// Promises counts, not estimates: every place on the way that copies adds up what it copied (src/lib/copy-counter.ts).
// What the kernel copies between sockets, page cache and user space is not counted; what is read from files is told.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Broker } from '../src/broker.ts'
import { parseBrokerConfig } from '../src/config/broker-config.ts'
import { systemClock } from '../src/lib/clock.ts'
import { systemFiles } from '../src/lib/files/system.ts'
import { createLogger } from '../src/lib/logger.ts'
import { systemNetwork } from '../src/lib/network.ts'
import { systemRandom } from '../src/lib/random.ts'
import { cacheDirectory } from '../test/support/apache-kafka.ts'
import { createTopic } from './admin.ts'
import { type RawOptions, type RawResult, runRaw } from './raw-client.ts'

interface Load {
  readonly name: string
  readonly batchBytes: number
  readonly inFlight: number
  readonly bytes: number
  readonly connections?: number
  readonly partitions?: number
}

const loads: readonly Load[] = [
  { name: '1 KiB', batchBytes: 1024, inFlight: 64, bytes: 100e6 },
  { name: '1 KiB, 3 partitions', batchBytes: 1024, inFlight: 64, bytes: 100e6, partitions: 3 },
  { name: '1 KiB, 500 in flight', batchBytes: 1024, inFlight: 500, bytes: 100e6 },
  { name: '1 KiB, 2000 in flight', batchBytes: 1024, inFlight: 2000, bytes: 100e6 },
  { name: '3 KiB, 200 in flight', batchBytes: 3072, inFlight: 200, bytes: 100e6 },
  { name: '16 KiB', batchBytes: 16_384, inFlight: 32, bytes: 500e6 },
  { name: '16 KiB, 8 connections', batchBytes: 16_384, inFlight: 8, bytes: 500e6, connections: 8 },
  { name: '1 MiB', batchBytes: 1_048_000, inFlight: 5, bytes: 1e9 },
  { name: '5 MiB', batchBytes: 5_242_880, inFlight: 5, bytes: 500e6 },
  { name: '9 MiB', batchBytes: 9_437_184, inFlight: 5, bytes: 500e6 },
  { name: '25 MiB', batchBytes: 26_214_400, inFlight: 5, bytes: 500e6 },
]

const TAIL_BYTES = 2e6

/** One line of the table; figures are per byte of batches. */
export interface CopyRow {
  readonly work: string
  readonly received: number
  readonly appended: number
  readonly copied: number
  /** Read from files into slices: one copy by the kernel. */
  readonly readFromFiles: number
}

async function startBroker(dataDir: string): Promise<Broker> {
  const entries = new Map(
    Object.entries({
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'log.dirs': dataDir,
      'message.max.bytes': '100000000',
    }),
  )
  return Broker.start({
    config: parseBrokerConfig(entries),
    staticEntries: entries,
    files: systemFiles,
    network: systemNetwork,
    clock: systemClock,
    random: systemRandom,
    logger: createLogger('warn'),
  })
}

async function measure(
  broker: Broker,
  work: string,
  mode: 'produce' | 'fetch',
  options: Omit<RawOptions, 'port'>,
): Promise<{ row: CopyRow; result: RawResult }> {
  const before = broker.copies
  const result = await runRaw(mode, { port: broker.port, ...options })
  const after = broker.copies
  const received = (after.received - before.received) / result.bytes
  const appended = (after.appended - before.appended) / result.bytes
  const readFromFiles = (after.readFromFiles - before.readFromFiles) / result.bytes
  return { row: { work, received, appended, copied: received + appended, readFromFiles }, result }
}

async function measureLoad(broker: Broker, load: Load, topic: string): Promise<CopyRow[]> {
  const { name, batchBytes, inFlight, bytes, connections = 1, partitions = 1 } = load
  await createTopic(broker.port, topic, partitions)
  const options = { topic, partitions, bytes, connections }
  const produced = await measure(broker, `produce ${name}`, 'produce', { ...options, batchBytes, inFlight })
  const endOffset = produced.result.records / partitions
  const recordBytes = produced.result.bytes / produced.result.records
  const maxBytes = Math.max(1_048_576, batchBytes * 1.1)
  const read = { ...options, maxBytes, endOffset }
  const cold = await measure(broker, `fetch ${name}, page cache`, 'fetch', {
    ...read,
    endOffset: endOffset / 2,
  })
  const startOffset = Math.max(0, endOffset - Math.max(1, Math.floor(TAIL_BYTES / recordBytes)))
  const tail = await measure(broker, `fetch ${name}, tail`, 'fetch', { ...read, startOffset })
  return [produced.row, cold.row, tail.row]
}

function line(row: CopyRow): string {
  const figures = [row.received, row.appended, row.copied, row.readFromFiles]
  return row.work.padEnd(46) + figures.map((figure) => figure.toFixed(4).padStart(12)).join('')
}

/** Runs all loads; prints a table, or JSON. */
export async function runCopies(isJson = false): Promise<void> {
  const dataDir = mkdtempSync(join(cacheDirectory('bench'), 'copies-'))
  const rows: CopyRow[] = []
  try {
    const broker = await startBroker(dataDir)
    try {
      if (!isJson) {
        console.log('Bytes copied in user space per byte of batches\n')
        console.log(
          `${''.padEnd(46)}${['received', 'to the tail', 'together', 'from files'].map((head) => head.padStart(12)).join('')}`,
        )
      }
      for (const [index, load] of loads.entries()) {
        const measured = await measureLoad(broker, load, `copies-${index}`)
        rows.push(...measured)
        if (!isJson) for (const row of measured) console.log(line(row))
      }
    } finally {
      await broker.close()
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
  if (isJson) console.log(JSON.stringify(rows, null, 2))
}
