// Reading a log that was not closed in order: every batch from the recovery point on is checked, what is broken is cut.
// Promises that an unfinished write at the end is cut and reported with its bytes, and that whatever could be more than
// that (batches or segments behind the damage) is set aside in a file of its own. Leaves the rest of start-up to
// log-loader.ts.

import { parentOf } from '../lib/files/files.ts'
import * as batch from '../wire/records/batch.ts'
import { BatchScan } from './batch-scan.ts'
import type { LogEnvironment } from './environment.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { CompletedTransaction, ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { batchesSource } from './segment-source.ts'

/** The parts of a log that a scan fills. */
export interface Recovered {
  readonly environment: LogEnvironment
  readonly config: LogConfig
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly epochs: LeaderEpochs
}

/** How far into a damaged file to look for another good batch before keeping everything without looking further. */
const SEARCH_BYTES = 64 * 1024 * 1024
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1
const COPY_BYTES = 1024 * 1024

/**
 * Checks `segments`, which follow on each other to the end of the log, and cuts at the first damage. Returns those
 * that are left (at least one) and the end of the log.
 */
export function recoverSegments(
  recovered: Recovered,
  segments: readonly Segment[],
): { segments: Segment[]; endOffset: number } {
  const kept: Segment[] = []
  let endOffset = segments[0]!.baseOffset
  const isCompacted = recovered.config.cleanupPolicy.includes('compact')
  for (const [i, segment] of segments.entries()) {
    const misfit = i === 0 ? undefined : misfitOf(segment.baseOffset, endOffset, isCompacted)
    if (misfit !== undefined) {
      setAside(recovered.environment, segments.slice(i), misfit)
      break
    }
    if (i > 0) recovered.snapshots.take(segment.baseOffset, recovered.producers)
    const size = segment.size
    endOffset = Math.max(endOffset, segment.baseOffset)
    kept.push(segment)
    const scanned = scanSegment(recovered, segment, size)
    endOffset = Math.max(endOffset, scanned.endOffset)
    segment.isDirty = true
    if (scanned.damage !== undefined) {
      const damage = { reason: scanned.damage, size, endOffset }
      cut(recovered, segment, damage, segments.slice(i + 1))
      break
    }
  }
  return { segments: kept, endOffset }
}

/** Why a segment that begins at `baseOffset` cannot follow on one that ends at `endOffset`. */
function misfitOf(baseOffset: number, endOffset: number, isCompacted: boolean): string | undefined {
  if (baseOffset < endOffset)
    return `it begins at ${baseOffset}, but the segment before it ends at ${endOffset}`
  // The end of the segment before was lost at the border of a batch. Only compaction makes holes on purpose.
  if (baseOffset > endOffset && !isCompacted) {
    return `offsets ${endOffset} to ${baseOffset - 1}, which come before it, are missing`
  }
  return undefined
}

/** Fills the indexes of `segment`, the producers and the epochs from its batches; stops at damage. */
function scanSegment(
  recovered: Recovered,
  segment: Segment,
  size: number,
): { endOffset: number; damage: string | undefined } {
  segment.resetIndexes()
  segment.transactions.clear()
  const scan = new BatchScan(batchesSource(segment.file, size), 0, size, true)
  let endOffset = segment.baseOffset
  while (scan.next()) {
    const damage = damageOfWhole(scan, endOffset)
    if (damage !== undefined) return { endOffset, damage }
    noteProducers(recovered.producers, segment, scan, true)
    recovered.epochs.noteBatch(
      batch.partitionLeaderEpoch(scan.bytes, scan.at),
      batch.baseOffset(scan.bytes, scan.at),
    )
    segment.noteScanned(scan, recovered.config.indexIntervalBytes)
    endOffset = batch.lastOffset(scan.bytes, scan.at) + 1
  }
  if (segment.transactions.hasUnwritten) segment.transactions.write()
  return { endOffset, damage: scan.damage }
}

/** Lets a batch of a scan count for the producers and, if asked for, for the segment's aborted transactions. */
export function noteProducers(
  producers: ProducerState,
  segment: Segment,
  scan: BatchScan,
  indexTransactions: boolean,
): void {
  const { bytes, at, size, position } = scan
  if (batch.producerId(bytes, at) < 0) return
  let completed: CompletedTransaction | undefined
  if (batch.isControl(bytes, at) && bytes.byteLength - at < size) {
    // The walk has seen the header only, but what a marker says is in its record.
    const whole = Buffer.allocUnsafe(size)
    segment.readWritten(whole, position)
    completed = producers.append(whole, 0)
  } else {
    completed = producers.append(bytes, at)
  }
  if (completed === undefined || !completed.isAborted || !indexTransactions) return
  segment.transactions.append({ ...completed, lastStableOffset: producers.stableOffsetAfter(completed) })
}

function damageOfWhole(scan: BatchScan, endOffset: number): string | undefined {
  const { bytes, at } = scan
  if (batch.lastOffset(bytes, at) < endOffset) {
    return `offset ${batch.lastOffset(bytes, at)} where ${endOffset} or more was due`
  }
  if (!batch.hasValidCrc(bytes, at)) return 'the checksum of a batch does not fit its bytes'
  return undefined
}

/** Why the batches of a segment end before its file, which has `size` bytes, does; the last good one before `endOffset`. */
interface Damage {
  readonly reason: string
  readonly size: number
  readonly endOffset: number
}

/** Cuts `segment` behind its last good batch, and takes away the segments behind it. */
function cut(recovered: Recovered, segment: Segment, damage: Damage, later: readonly Segment[]): void {
  const { reason, size, endOffset } = damage
  const { environment } = recovered
  const position = segment.size
  const path = segment.file.path
  const where = `byte ${position}: ${reason}`
  const bytesCut = size - position
  const isMore =
    later.some((other) => other.size > 0) ||
    (!isZero(segment, position, size) && hasGoodBatch(segment, position + 1, size, endOffset))
  const keptAs = isMore ? copyAside(environment, segment, position, size) : undefined
  // What is appended next must not meet the old bytes again after another crash.
  segment.file.handle().truncateSync(position)
  segment.file.handle().syncSync()
  environment.report({ path, reason: where, action: isMore ? 'set aside' : 'cut', bytesCut, keptAs })
  setAside(environment, later, `it follows on the damage of ${path}`)
}

/** Takes segments out of the log without losing what is in them. */
function setAside(environment: LogEnvironment, segments: readonly Segment[], reason: string): void {
  for (const segment of segments) {
    const { path } = segment.file
    const { size } = segment
    const keptAs = freePath(environment, path)
    segment.setAside(keptAs)
    if (size > 0) environment.report({ path, reason, action: 'set aside', bytesCut: size, keptAs })
    else environment.files.unlinkSync(keptAs)
  }
  if (segments.length > 0) environment.files.syncDirectorySync(parentOf(segments[0]!.file.path))
}

/** Whether [from, end) was never filled: preallocated space, or blocks whose contents did not reach the device. */
function isZero(segment: Segment, from: number, end: number): boolean {
  const zeros = Buffer.alloc(Math.min(COPY_BYTES, end - from))
  const piece = Buffer.allocUnsafe(zeros.byteLength)
  for (let at = from; at < end; at += piece.byteLength) {
    const bytes = piece.subarray(0, Math.min(piece.byteLength, end - at))
    segment.readWritten(bytes, at)
    if (bytes.compare(zeros, 0, bytes.byteLength) !== 0) return false
  }
  return true
}

/**
 * Whether a good batch begins anywhere in [from, end): then the damage is more than an unfinished write. When it takes
 * too long to tell, it is taken for more.
 */
function hasGoodBatch(segment: Segment, from: number, end: number, endOffset: number): boolean {
  const source = batchesSource(segment.file, end)
  let leftToCheck = SEARCH_BYTES
  for (let start = from; start + batch.HEADER_BYTES <= end; ) {
    const bytes = source(start, batch.HEADER_BYTES)
    const last = bytes.byteLength - batch.HEADER_BYTES
    for (let at = 0; at <= last; at++) {
      if (bytes[at + batch.PREFIX_BYTES - 1] !== batch.MAGIC || batch.damageOf(bytes, at) !== undefined)
        continue
      const size = batch.sizeInBytes(bytes, at)
      const distance = batch.baseOffset(bytes, at) - endOffset
      if (size > end - start - at || distance < 0 || distance > MAX_RELATIVE_OFFSET) continue
      leftToCheck -= size
      if (leftToCheck < 0) return true
      const whole = Buffer.allocUnsafe(size)
      segment.readWritten(whole, start + at)
      if (batch.hasValidCrc(whole, 0)) return true
    }
    start += last + 1
    leftToCheck -= last + 1
    if (leftToCheck < 0) return true
  }
  return false
}

/** `<path>.corrupt`, or with a number when an earlier start has put something there: that is kept, too. */
export function freePath({ files }: LogEnvironment, path: string): string {
  let candidate = `${path}.corrupt`
  for (let i = 2; files.existsSync(candidate); i++) candidate = `${path}.${i}.corrupt`
  return candidate
}

function copyAside(environment: LogEnvironment, segment: Segment, position: number, size: number): string {
  const path = freePath(environment, `${segment.file.path}.${position}`)
  const copy = environment.files.openSync(path, 'create')
  try {
    const piece = Buffer.allocUnsafe(Math.min(COPY_BYTES, size - position))
    for (let at = position; at < size; at += piece.byteLength) {
      const bytes = piece.subarray(0, Math.min(piece.byteLength, size - at))
      segment.readWritten(bytes, at)
      copy.writeSync(bytes, at - position)
    }
    copy.syncSync()
  } finally {
    copy.closeSync()
  }
  return path
}
