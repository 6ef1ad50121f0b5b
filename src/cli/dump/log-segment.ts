// Dumps a segment (.log, or a .checkpoint snapshot of KRaft): one line for each batch, with --deep one for each record.
// Promises to check every batch's checksum, and to say at which byte a damaged or cut-off tail begins.
// Leaves formats v0 and v1 at their headers.
import { KafkaError } from '../../wire/errors.ts'
import * as batch from '../../wire/records/batch.ts'
import { codecName } from '../../wire/records/compression/index.ts'
import { type Record, RecordReader } from '../../wire/records/record.ts'
import { textOrBase64, timeText } from '../record-text.ts'
import { FileWindow } from './file-window.ts'
import type { Dump, DumpOptions, DumpRow } from './row.ts'

const controlTypes = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const

export function* dumpSegment(path: string, options: DumpOptions): Dump {
  const file = new FileWindow(path)
  try {
    let position = 0
    while (position < file.size) {
      const left = file.size - position
      const tail = tailProblem(file, position)
      if (tail !== undefined) {
        const text = `${left} bytes at ${position}: ${tail.reason}`
        yield {
          fields: { kind: 'tail', position, bytes: left },
          text,
          problem: tail.isDamage ? text : undefined,
        }
        return
      }
      const size = batch.sizeInBytes(file.bytes(position, batch.PREFIX_BYTES), 0)
      const bytes = file.bytes(position, size)
      yield batchRow(bytes, position)
      if (options.deep) yield* recordRows(bytes)
      position += size
    }
  } finally {
    file.close()
  }
}

/** Why no whole batch begins at `position`; undefined when one does. */
function tailProblem(file: FileWindow, position: number): { reason: string; isDamage: boolean } | undefined {
  const left = file.size - position
  if (left < batch.PREFIX_BYTES) return { reason: 'too few for a batch', isDamage: true }
  const prefix = file.bytes(position, batch.PREFIX_BYTES)
  // A preallocated file is full of zeroes behind its last batch.
  if (prefix.every((byte) => byte === 0)) return { reason: 'zeroes (preallocated)', isDamage: false }
  const damage = batch.damageOf(prefix, 0)
  if (damage !== undefined) return { reason: `no batch: ${damage}`, isDamage: true }
  const size = batch.sizeInBytes(prefix, 0)
  return size > left ? { reason: `a batch of ${size} bytes is cut off`, isDamage: true } : undefined
}

function batchRow(bytes: Buffer, position: number): DumpRow {
  const valid = batch.hasValidCrc(bytes, 0)
  const magic = batch.magic(bytes, 0)
  const fields = {
    kind: 'batch',
    position,
    baseOffset: batch.baseOffset(bytes, 0),
    lastOffset: batch.lastOffset(bytes, 0),
    count: batch.recordsCount(bytes, 0),
    size: bytes.length,
    magic,
    compression: codecName(batch.codecOf(bytes, 0)) ?? `codec ${batch.codecOf(bytes, 0)}`,
    partitionLeaderEpoch: batch.partitionLeaderEpoch(bytes, 0),
    timestampType: batch.isLogAppendTime(bytes, 0) ? 'LogAppendTime' : 'CreateTime',
    baseTimestamp: batch.baseTimestamp(bytes, 0),
    maxTimestamp: batch.maxTimestamp(bytes, 0),
    producerId: batch.producerId(bytes, 0),
    producerEpoch: batch.producerEpoch(bytes, 0),
    baseSequence: batch.baseSequence(bytes, 0),
    lastSequence: batch.lastSequence(bytes, 0),
    isTransactional: batch.isTransactional(bytes, 0),
    isControl: batch.isControl(bytes, 0),
    deleteHorizonMs: batch.hasDeleteHorizon(bytes, 0) ? batch.baseTimestamp(bytes, 0) : null,
    crc: batch.crc(bytes, 0),
    crcIsValid: valid,
  }
  const problem = valid
    ? undefined
    : `the batch at byte ${position} (offset ${fields.baseOffset}) does not match its checksum`
  return { fields, text: batchText(fields), problem }
}

function batchText(row: {
  position: number
  baseOffset: number
  lastOffset: number
  count: number
  size: number
  magic: number
  compression: string
  partitionLeaderEpoch: number
  timestampType: string
  maxTimestamp: number
  producerId: number
  producerEpoch: number
  baseSequence: number
  lastSequence: number
  isTransactional: boolean
  isControl: boolean
  deleteHorizonMs: number | null
  crcIsValid: boolean
}): string {
  const producer =
    row.producerId < 0
      ? []
      : [
          `producer ${row.producerId}/${row.producerEpoch}`,
          ...(row.baseSequence < 0 ? [] : [`sequence ${row.baseSequence}-${row.lastSequence}`]),
        ]
  return [
    `${row.baseOffset}-${row.lastOffset}`,
    `at ${row.position}`,
    `size ${row.size}`,
    `count ${row.count}`,
    `epoch ${row.partitionLeaderEpoch}`,
    row.compression,
    `${row.timestampType} ${timeText(row.maxTimestamp)}`,
    ...producer,
    ...(row.magic === batch.MAGIC ? [] : [`format v${row.magic}`]),
    ...(row.isTransactional ? ['transactional'] : []),
    ...(row.isControl ? ['control'] : []),
    ...(row.deleteHorizonMs === null ? [] : [`delete horizon ${timeText(row.deleteHorizonMs)}`]),
    row.crcIsValid ? 'crc ok' : 'CRC WRONG',
  ].join('  ')
}

function* recordRows(bytes: Buffer): Dump {
  if (batch.magic(bytes, 0) !== batch.MAGIC) return
  const isControl = batch.isControl(bytes, 0)
  try {
    const reader = new RecordReader(bytes)
    while (reader.next()) yield isControl ? controlRow(reader.record()) : recordRow(reader.record())
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    yield {
      fields: { kind: 'damage', message: error.message },
      text: `  ${error.message}`,
      problem: error.message,
    }
  }
}

function recordRow({ offset, timestamp, key, value, headers }: Record): DumpRow {
  const fields = {
    kind: 'record',
    offset,
    timestamp,
    key: textOrBase64(key),
    value: textOrBase64(value),
    headers: headers.map((header) => [header.key, textOrBase64(header.value)]),
  }
  const shownHeaders = headers.length === 0 ? '' : `  headers ${JSON.stringify(fields.headers)}`
  const text = `  ${offset}  ${timeText(timestamp)}  key ${shown(fields.key)}  value ${shown(fields.value)}${shownHeaders}`
  return { fields, text }
}

function shown(part: string | null | { base64: string }): string {
  return part !== null && typeof part === 'object' ? `base64:${part.base64}` : JSON.stringify(part)
}

function controlRow({ offset, timestamp, key, value }: Record): DumpRow {
  const type = key !== null && key.length >= 4 ? key.readInt16BE(2) : -1
  const name = controlTypes[type] ?? `type ${type}`
  // Transaction markers: version int16 | coordinatorEpoch int32.
  const isMarker = type === 0 || type === 1
  const coordinatorEpoch = isMarker && value !== null && value.length >= 6 ? value.readInt32BE(2) : null
  const epoch = coordinatorEpoch === null ? '' : `  coordinator epoch ${coordinatorEpoch}`
  return {
    fields: { kind: 'control', offset, timestamp, type: name, coordinatorEpoch },
    text: `  ${offset}  ${timeText(timestamp)}  ${name}${epoch}`,
  }
}
