// What a batch must be before a leader appends it, and what the topic's settings make of it.
// Promises the checks of Apache Kafka 4.3 in its order and with its codes, in place and without opening compressed
// batches unless compaction or a forced codec needs it. Leaves sequences and epochs of producers to producer-state.ts.
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { BatchBuilder } from '../wire/records/build.ts'
import { type Codec, codecs, isCodec } from '../wire/records/compression/index.ts'
import { RecordReader } from '../wire/records/record.ts'
import type { LogConfig } from './log-config.ts'
import { walkRecords } from './record-walk.ts'

/** What is wrong with one record, for ProduceResponse v8 and later (KIP-467). */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** A batch is refused because of some of its records. */
export class RecordsError extends KafkaError {
  readonly recordErrors: readonly RecordError[]

  constructor(error: KafkaError['error'], message: string, recordErrors: readonly RecordError[]) {
    super(error, message)
    this.recordErrors = recordErrors
  }
}

/** The bytes are not one batch of today's format: nothing further was looked at. */
export class BatchShapeError extends KafkaError {}

/** What a topic's settings ask of every batch, computed once per change of settings. */
export interface AppendRules {
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly isCompacted: boolean
  readonly isLogAppendTime: boolean
  readonly beforeMaxMs: number
  readonly afterMaxMs: number
  /** The codec in which batches are stored; undefined for the producer's own. */
  readonly forcedCodec: Codec | undefined
  readonly compressionLevel: number | undefined
}

const levels = {
  gzip: (config: LogConfig) => config.compressionGzipLevel,
  lz4: (config: LogConfig) => config.compressionLz4Level,
  zstd: (config: LogConfig) => config.compressionZstdLevel,
} as const

export function appendRules(config: LogConfig): AppendRules {
  const { compressionType } = config
  const forcedCodec =
    compressionType === 'producer'
      ? undefined
      : compressionType === 'uncompressed'
        ? codecs.none
        : codecs[compressionType]
  const level = compressionType in levels ? levels[compressionType as keyof typeof levels] : undefined
  return {
    maxMessageBytes: config.maxMessageBytes,
    segmentBytes: config.segmentBytes,
    isCompacted: config.cleanupPolicy.includes('compact'),
    isLogAppendTime: config.messageTimestampType === 'LogAppendTime',
    beforeMaxMs: config.messageTimestampBeforeMaxMs,
    afterMaxMs: config.messageTimestampAfterMaxMs,
    forcedCodec,
    compressionLevel: level?.(config),
  }
}

/** Where batches have to be opened, each may unfold to so many times its size: logs of JSON do, at the most. */
const USUAL_UNFOLDING = 16
/** What the batches of one request may unfold to beyond that, all together: half a second's work. */
const EXTRA_UNFOLDED_BYTES = 64 * 1024 * 1024
/** As many records at fault are named, the others only counted. */
const MOST_RECORD_ERRORS = 10_000

/** How far the batches of one request may still unfold: a megabyte of bombs could otherwise keep the broker busy for minutes. */
export interface Unfolding {
  /** What is left of the bytes that are more than usual. */
  extraBytes: number
}

export function newUnfolding(): Unfolding {
  return { extraBytes: EXTRA_UNFOLDED_BYTES }
}

const refuse = (message: string): KafkaError => new KafkaError(errors.INVALID_RECORD, message)
const misshapen = (message: string): KafkaError => new BatchShapeError(errors.INVALID_RECORD, message)

/**
 * Checks a client's records and returns the batch to append: a view of `records`, changed in place where the topic
 * asks for it, or new memory when the batch had to be compressed differently.
 * @throws KafkaError INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE,
 *   UNSUPPORTED_COMPRESSION_TYPE; RecordsError INVALID_TIMESTAMP or INVALID_RECORD with the records at fault
 */
export function checkFromClient(
  records: Buffer,
  rules: AppendRules,
  nowMs: number,
  unfolding: Unfolding = newUnfolding(),
): Buffer {
  const bytes = oneBatch(records)
  if (batch.baseOffset(bytes, 0) !== 0) {
    throw refuse(`a producer's batch starts at offset 0, this one at ${batch.baseOffset(bytes, 0)}`)
  }
  checkSize(bytes, rules)
  if (!batch.hasValidCrc(bytes, 0)) {
    throw new KafkaError(errors.CORRUPT_MESSAGE, 'the checksum of the batch does not fit its bytes')
  }
  checkHeader(bytes)
  const codec = batch.codecOf(bytes, 0) as Codec
  const wantedCodec = rules.forcedCodec ?? codec
  if (wantedCodec !== codec || (codec !== codecs.none && rules.isCompacted)) {
    return opened(bytes, wantedCodec, rules, nowMs, unfolding)
  }
  if (codec === codecs.none) checkPlain(bytes, rules, nowMs)
  else checkCompressed(bytes, rules, nowMs)
  return bytes
}

/**
 * Checks a batch of this broker's own making (markers, group state) and returns it as it has to be appended.
 * @throws KafkaError MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_RECORD
 */
export function checkFromCoordinator(records: Buffer, rules: AppendRules, nowMs: number): Buffer {
  const bytes = oneBatch(records)
  checkSize(bytes, rules)
  if (rules.isLogAppendTime) setAppendTime(bytes, nowMs)
  return bytes
}

/** The first batch in `records`, which must be the only whole one: the rest of a cut tail is dropped. */
function oneBatch(records: Buffer): Buffer {
  if (records.byteLength < batch.PREFIX_BYTES) throw misshapen('there is no whole batch')
  const damage = batch.damageOf(records, 0)
  if (damage !== undefined) {
    throw new KafkaError(errors.CORRUPT_MESSAGE, `this is not a batch: ${damage}`)
  }
  if (batch.magic(records, 0) !== batch.MAGIC) {
    throw misshapen(`batches have format 2, this one has ${batch.magic(records, 0)}`)
  }
  const size = batch.sizeInBytes(records, 0)
  if (size > records.byteLength) {
    throw misshapen(`the batch says it has ${size} bytes, but ${records.byteLength} came`)
  }
  const left = records.byteLength - size
  if (left >= batch.PREFIX_BYTES && batch.sizeInBytes(records, size) <= left) {
    throw misshapen('a partition takes exactly one batch in a request')
  }
  return left === 0 ? records : records.subarray(0, size)
}

function checkSize(bytes: Buffer, rules: AppendRules): void {
  const size = bytes.byteLength
  if (size > rules.maxMessageBytes) {
    throw new KafkaError(
      errors.MESSAGE_TOO_LARGE,
      `the batch has ${size} bytes, max.message.bytes allows ${rules.maxMessageBytes}`,
    )
  }
  if (size > rules.segmentBytes) {
    throw new KafkaError(
      errors.RECORD_LIST_TOO_LARGE,
      `the batch has ${size} bytes, segment.bytes allows ${rules.segmentBytes}`,
    )
  }
}

function checkHeader(bytes: Buffer): void {
  const count = batch.recordsCount(bytes, 0)
  const lastOffsetDelta = batch.lastOffsetDelta(bytes, 0)
  if (lastOffsetDelta < 0) throw refuse(`the last offset delta is ${lastOffsetDelta}`)
  if (count <= 0) throw refuse(`the batch announces ${count} records`)
  if (lastOffsetDelta + 1 !== count) {
    throw refuse(`the batch announces ${count} records, but its last offset delta is ${lastOffsetDelta}`)
  }
  if (batch.isControl(bytes, 0)) throw refuse('control batches are not accepted from clients')
  if (batch.producerId(bytes, 0) >= 0 && batch.baseSequence(bytes, 0) < 0) {
    throw refuse('the batch has a producer id but no sequence')
  }
  const codec = batch.codecOf(bytes, 0)
  if (!isCodec(codec)) {
    throw new KafkaError(errors.UNSUPPORTED_COMPRESSION_TYPE, `compression codec ${codec} is not known`)
  }
}

function checkPlain(bytes: Buffer, rules: AppendRules, nowMs: number): void {
  const count = batch.recordsCount(bytes, 0)
  const saysAppendTime = batch.isLogAppendTime(bytes, 0)
  const base = batch.baseTimestamp(bytes, 0)
  const walk = walkRecords(bytes, batch.HEADER_BYTES, bytes.byteLength, count, base)
  if (walk.damage !== undefined) throw refuse(`record ${walk.damagedIndex}: ${walk.damage}`)
  // A batch that says LogAppendTime gives all its records the time in its header.
  const max = saysAppendTime ? batch.maxTimestamp(bytes, 0) : Math.max(batch.NO_TIMESTAMP, walk.maxTimestamp)
  const min = saysAppendTime ? max : walk.minTimestamp
  const isTimeRefused = rules.isLogAppendTime
    ? saysAppendTime
    : (saysAppendTime && max === batch.NO_TIMESTAMP) ||
      !isInRange(max, rules, nowMs) ||
      !isInRange(min, rules, nowMs)
  if (isTimeRefused || (rules.isCompacted && walk.hasNullKey))
    throw recordsAtFault(bytes, new RecordReader(bytes), rules, nowMs)
  if (rules.isLogAppendTime) {
    setAppendTime(bytes, nowMs)
    return
  }
  if (!saysAppendTime && max === batch.maxTimestamp(bytes, 0)) return
  batch.setLogAppendTime(bytes, 0, false)
  batch.setMaxTimestamp(bytes, 0, max)
  batch.writeCrc(bytes, 0)
}

/** A compressed batch stays closed: its header stands for its records. */
function checkCompressed(bytes: Buffer, rules: AppendRules, nowMs: number): void {
  const codec = batch.codecOf(bytes, 0)
  if (!looksLike(codec, bytes))
    throw refuse(`the records are not what the codec of the batch, ${codec}, makes`)
  const saysAppendTime = batch.isLogAppendTime(bytes, 0)
  const max = batch.maxTimestamp(bytes, 0)
  if (rules.isLogAppendTime) {
    if (saysAppendTime) throw timestampError([{ batchIndex: 0, batchIndexErrorMessage: APPEND_TIME_IS_OURS }])
    setAppendTime(bytes, nowMs)
    return
  }
  if (saysAppendTime && max === batch.NO_TIMESTAMP) {
    throw timestampError([{ batchIndex: 0, batchIndexErrorMessage: APPEND_TIME_IS_OURS }])
  }
  for (const timestamp of [max, batch.baseTimestamp(bytes, 0)]) {
    if (isInRange(timestamp, rules, nowMs)) continue
    throw timestampError([{ batchIndex: 0, batchIndexErrorMessage: outOfRange(timestamp, rules, nowMs) }])
  }
  if (!saysAppendTime) return
  batch.setLogAppendTime(bytes, 0, false)
  batch.writeCrc(bytes, 0)
}

/** Decompresses within what is left for the request. What was tried in vain counts, too: it took as long. */
function open(bytes: Buffer, unfolding: Unfolding): RecordReader {
  const usualBytes = USUAL_UNFOLDING * bytes.byteLength
  const { extraBytes } = unfolding
  unfolding.extraBytes = 0
  const reader = new RecordReader(bytes, 0, usualBytes + extraBytes)
  unfolding.extraBytes = Math.min(extraBytes, usualBytes + extraBytes - reader.bytes.byteLength)
  return reader
}

/** Opens a batch because its keys must be seen or its codec must change. */
function opened(
  bytes: Buffer,
  wantedCodec: Codec,
  rules: AppendRules,
  nowMs: number,
  unfolding: Unfolding,
): Buffer {
  const reader = open(bytes, unfolding)
  let isInOrder = true
  const saysAppendTime = batch.isLogAppendTime(bytes, 0)
  let isFaulty =
    saysAppendTime && (rules.isLogAppendTime || batch.maxTimestamp(bytes, 0) === batch.NO_TIMESTAMP)
  for (let index = 0; reader.next(); index++) {
    if (reader.offsetDelta !== index) isInOrder = false
    if (!rules.isLogAppendTime && !isInRange(reader.timestamp, rules, nowMs)) isFaulty = true
    if (rules.isCompacted && reader.keyLength < 0) isFaulty = true
  }
  reader.restart()
  if (isFaulty) throw recordsAtFault(bytes, reader, rules, nowMs)
  if (isInOrder && wantedCodec === batch.codecOf(bytes, 0)) {
    if (rules.isLogAppendTime) setAppendTime(bytes, nowMs)
    return bytes
  }
  const rebuilt = rebuild(bytes, reader, wantedCodec, rules, nowMs)
  checkSize(rebuilt, rules)
  return rebuilt
}

/** Record by record: all of them at once would be many times the batch. */
function rebuild(
  bytes: Buffer,
  reader: RecordReader,
  compression: Codec,
  rules: AppendRules,
  nowMs: number,
): Buffer {
  const builder = new BatchBuilder({
    compression,
    compressionLevel: rules.compressionLevel,
    producerId: batch.producerId(bytes, 0),
    producerEpoch: batch.producerEpoch(bytes, 0),
    baseSequence: batch.baseSequence(bytes, 0),
    transactional: batch.isTransactional(bytes, 0),
    appendTimestamp: rules.isLogAppendTime ? nowMs : undefined,
  })
  while (reader.next()) {
    const { timestamp } = reader
    const encodedHeaders = reader.encodedHeaders()
    builder.append({ timestamp, key: reader.key(), value: reader.value(), encodedHeaders })
  }
  return builder.build()
}

/** Stamps the broker's time on all records (KIP-32). */
function setAppendTime(bytes: Buffer, nowMs: number): void {
  batch.setLogAppendTime(bytes, 0, true)
  batch.setMaxTimestamp(bytes, 0, nowMs)
  batch.writeCrc(bytes, 0)
}

function isInRange(timestamp: number, rules: AppendRules, nowMs: number): boolean {
  if (timestamp === batch.NO_TIMESTAMP || !Number.isFinite(timestamp)) return true
  return nowMs - timestamp <= rules.beforeMaxMs && timestamp - nowMs <= rules.afterMaxMs
}

const APPEND_TIME_IS_OURS = 'the batch says LogAppendTime, which only the broker sets'

function outOfRange(timestamp: number, rules: AppendRules, nowMs: number): string {
  const earliest = Math.max(0, nowMs - rules.beforeMaxMs)
  return `timestamp ${timestamp} is outside of the allowed range, ${earliest} to ${nowMs + rules.afterMaxMs}`
}

function timestampError(recordErrors: readonly RecordError[], count = recordErrors.length): RecordsError {
  const message = `${count} record(s) with a timestamp that the topic does not accept`
  return new RecordsError(errors.INVALID_TIMESTAMP, message, recordErrors)
}

/** Names the records at fault, `reader` being before the first; a timestamp at fault decides the code of the whole. */
function recordsAtFault(
  bytes: Buffer,
  reader: RecordReader,
  rules: AppendRules,
  nowMs: number,
): RecordsError {
  const recordErrors: RecordError[] = []
  const isOurTime = batch.isLogAppendTime(bytes, 0)
  let timesAtFault = 0
  let keysAtFault = 0
  const note = (batchIndex: number, batchIndexErrorMessage: string) => {
    if (recordErrors.length < MOST_RECORD_ERRORS) recordErrors.push({ batchIndex, batchIndexErrorMessage })
  }
  for (let batchIndex = 0; reader.next(); batchIndex++) {
    if (isOurTime && (rules.isLogAppendTime || reader.timestamp === batch.NO_TIMESTAMP)) {
      timesAtFault++
      note(batchIndex, APPEND_TIME_IS_OURS)
    } else if (!rules.isLogAppendTime && !isInRange(reader.timestamp, rules, nowMs)) {
      timesAtFault++
      note(batchIndex, outOfRange(reader.timestamp, rules, nowMs))
    } else if (rules.isCompacted && reader.keyLength < 0) {
      keysAtFault++
      note(batchIndex, 'a compacted topic does not accept a record without a key')
    }
  }
  if (timesAtFault > 0) return timestampError(recordErrors, timesAtFault + keysAtFault)
  const message = `${keysAtFault} record(s) without a key in a compacted topic`
  return new RecordsError(errors.INVALID_RECORD, message, recordErrors)
}

/** Whether compressed bytes start as their codec's do. Snappy has no mark of its own. */
function looksLike(codec: number, bytes: Buffer): boolean {
  const at = batch.HEADER_BYTES
  if (bytes.byteLength < at + 4) return false
  if (codec === codecs.gzip) return bytes[at] === 0x1f && bytes[at + 1] === 0x8b
  const frame = bytes.readUInt32LE(at)
  if (codec === codecs.lz4) return frame === 0x184d2204
  // Zstandard allows frames to be skipped before its own.
  if (codec === codecs.zstd) return frame === 0xfd2fb528 || frame >>> 4 === 0x184d2a5
  return true
}
