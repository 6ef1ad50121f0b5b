// Reads a partition of an internal topic from its start to its end into a state machine.
// Promises that the event loop is free between two stretches of the log, that what a newer version wrote is passed over, and
// that bytes which are not what was written never become state. Leaves what the records mean to the machine.
import { type Clock, nextTurn } from '../lib/clock.ts'
import { release } from '../lib/memory.ts'
import type { Log } from '../log/log.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { RecordReader } from '../wire/records/record.ts'
import type { StateMachine } from './step.ts'

/** Second int16 of a control record's key: how a transaction ended. */
const COMMIT = 1
const ABORT = 0

export interface LoadOptions {
  readonly clock: Clock
  /** offsets.load.buffer.size: how much is read at a time, unless a single batch is larger. */
  readonly bufferBytes: number
  /** Asked between two stretches: false ends the loading. */
  readonly isWanted: () => boolean
}

export interface Loaded {
  readonly records: number
  readonly bytes: number
}

/** @throws KafkaError CORRUPT_MESSAGE when the log is damaged, and what reading its files throws */
export async function load<Rec>(log: Log, machine: StateMachine<Rec>, options: LoadOptions): Promise<Loaded> {
  let records = 0
  let bytes = 0
  const endOffset = log.writtenEndOffset
  for (let offset = log.startOffset; offset < endOffset && options.isWanted(); ) {
    const stretch = readStretch(log, offset, endOffset, options.bufferBytes)
    if (stretch.bytes.length === 0) break
    let nextOffset = offset
    for (let at = 0; at < stretch.bytes.length; at += batch.sizeInBytes(stretch.bytes, at)) {
      const problem = problemOf(stretch.bytes, at, nextOffset, endOffset)
      if (problem !== undefined) throw damaged(log, nextOffset, problem)
      records += replayBatch(stretch.bytes, at, offset, machine)
      nextOffset = batch.lastOffset(stretch.bytes, at) + 1
    }
    bytes += stretch.bytes.length
    // What comes next would be looked for by its offset, and not be found.
    if (stretch.nextOffset < nextOffset) throw damaged(log, nextOffset, 'the next batch has lower offsets')
    offset = nextOffset
    if (offset < endOffset) await nextTurn(options.clock)
  }
  return { records, bytes }
}

function readStretch(log: Log, offset: number, endOffset: number, maxBytes: number) {
  const { parts, byteLength, nextOffset } = log.read(offset, {
    maxBytes,
    limitOffset: endOffset,
    minOneBatch: true,
  })
  const bytes = Buffer.allocUnsafeSlow(byteLength)
  let at = 0
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      bytes.set(part, at)
      release(part)
    } else {
      for (let read = 0; read < part.byteLength; ) {
        const count = part.readSync(bytes.subarray(at + read, at + part.byteLength), read)
        if (count === 0) throw new Error(`${log.directory}: a segment ends before its batches do`)
        read += count
      }
      part.release()
    }
    at += part.byteLength
  }
  return { bytes, nextOffset }
}

function damaged(log: Log, offset: number, problem: string): KafkaError {
  return new KafkaError(
    errors.CORRUPT_MESSAGE,
    `${log.directory} is damaged where offset ${offset} is to follow: ${problem}`,
  )
}

/** What is wrong with the batch at `at`, which is to be the next one with records from `nextOffset` on. */
function problemOf(bytes: Buffer, at: number, nextOffset: number, endOffset: number): string | undefined {
  if (at + batch.HEADER_BYTES > bytes.length) return `${bytes.length - at} bytes are no batch`
  const damage = batch.damageOf(bytes, at)
  if (damage !== undefined) return damage
  if (at + batch.sizeInBytes(bytes, at) > bytes.length) return 'a batch goes on behind its end'
  // The reader of records says best what is wrong with an older format.
  if (batch.magic(bytes, at) !== batch.MAGIC) return undefined
  if (!batch.hasValidCrc(bytes, at)) return 'the checksum of a batch is wrong'
  const [first, last] = [batch.baseOffset(bytes, at), batch.lastOffset(bytes, at)]
  if (last < nextOffset || last >= endOffset) return `a batch has offsets ${first} to ${last}`
  return undefined
}

/** Records of the batch at `at` that are at or beyond `fromOffset`; returns how many there were. */
function replayBatch<Rec>(bytes: Buffer, at: number, fromOffset: number, machine: StateMachine<Rec>): number {
  const producerId = batch.producerId(bytes, at)
  const isControl = batch.isControl(bytes, at)
  const transaction = batch.isTransactional(bytes, at)
    ? { producerId, producerEpoch: batch.producerEpoch(bytes, at) }
    : undefined
  const reader = new RecordReader(bytes, at)
  let count = 0
  while (reader.next()) {
    const key = reader.key()
    if (reader.offset < fromOffset || key === null) continue
    count++
    if (isControl) {
      const kind = key.length >= 4 ? key.readInt16BE(2) : -1
      if (kind === COMMIT || kind === ABORT) machine.endTransaction(producerId, kind === COMMIT)
      continue
    }
    const record = machine.decode(key, reader.value())
    if (record === undefined) continue
    machine.replay(record, { offset: reader.offset, timestampMs: reader.timestamp, transaction })
  }
  return count
}
