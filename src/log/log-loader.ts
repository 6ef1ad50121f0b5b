// Start-up of one log: from a directory, perhaps one that was left in the middle of a write, to a log that can go on.
// Promises the order of Apache Kafka 4.3's LogLoader, to touch little more than the last segment after a clean stop,
// and never to drop batches silently. Leaves checking batches to recovery.ts.
import { join } from 'node:path'
import * as batch from '../wire/records/batch.ts'
import { BatchScan } from './batch-scan.ts'
import { CheckpointError, parseEpochCheckpoint } from './checkpoint.ts'
import type { LogEnvironment } from './environment.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { type LogListing, listLog } from './log-files.ts'
import { EPOCH_CHECKPOINT, type LoadedLog } from './log-state.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { freePath, noteProducers, type Recovered, recoverSegments } from './recovery.ts'
import { Segment, segmentName } from './segment.ts'
import { fileSource } from './segment-source.ts'
import { Segments } from './segments.ts'

export interface OpenOptions {
  readonly directory: string
  readonly config: LogConfig
  /** The log was closed in order: what is in its files can be believed. */
  readonly isClean: boolean
  /** Everything below is on the device and need not be checked. */
  readonly recoveryPoint: number
  /** Log start as checkpointed; 0 when it is not. */
  readonly startOffset: number
}

/** Loads, repairs or makes the log in `options.directory`, which must exist. */
export function loadLog(environment: LogEnvironment, options: OpenOptions): LoadedLog {
  const listing = listLog(environment, options.directory)
  const recovered: Recovered = {
    environment,
    config: options.config,
    producers: new ProducerState(),
    snapshots: new ProducerSnapshots(environment, options.directory, listing.snapshotOffsets),
    epochs: new LeaderEpochs(),
  }
  const segments = listing.segmentBases.map((base) => existingSegment(environment, options, listing, base))
  if (segments.length === 0) return emptyLog(recovered, options)
  const epochsUsable = loadEpochs(recovered, options.directory, listing)
  const { kept, endOffset, isRecovered } = loadSegments(recovered, options, segments)
  if (options.startOffset > endOffset) return startAnew(recovered, options, kept)
  const startOffset = Math.max(options.startOffset, kept[0]!.baseOffset)
  if (!epochsUsable) scanEpochs(recovered.epochs, kept)
  recovered.epochs.truncateFromEnd(endOffset)
  recovered.epochs.truncateFromStart(startOffset)
  recovered.snapshots.remove((offset) => offset > endOffset)
  recovered.snapshots.removeStray(new Set(kept.map((segment) => segment.baseOffset)))
  for (const segment of kept.slice(0, -1)) settle(segment)
  return {
    ...recovered,
    segments: new Segments(kept),
    startOffset,
    endOffset,
    syncedEndOffset: isRecovered ? Math.min(options.recoveryPoint, endOffset) : endOffset,
    isComplete: !isRecovered,
  }
}

function existingSegment(
  environment: LogEnvironment,
  options: OpenOptions,
  listing: LogListing,
  base: number,
): Segment {
  const size = environment.files.sizeSync(join(options.directory, `${segmentName(base)}.log`)) ?? 0
  const { segmentJitterMs } = options.config
  const jitterMs = segmentJitterMs > 0 ? environment.random.below(segmentJitterMs) : 0
  const present = { transactionIndex: listing.transactionIndexes.has(base) }
  return new Segment(environment, options.directory, base, size, present, jitterMs)
}

/** Takes the segments as they are after a clean stop, else from the recovery point on as far as they are good. */
function loadSegments(
  recovered: Recovered,
  options: OpenOptions,
  segments: readonly Segment[],
): { kept: readonly Segment[]; endOffset: number; isRecovered: boolean } {
  const damagedIndex = firstDamagedTransactionIndex(recovered, segments)
  if (options.isClean && damagedIndex === undefined) {
    const endOffset = resume(segments.at(-1)!, recovered.config)
    if (endOffset !== undefined) {
      restoreProducers(recovered, segments, endOffset)
      return { kept: segments, endOffset, isRecovered: false }
    }
  }
  // A damaged last segment is checked in full even if the stop was clean.
  const recoveryPoint = options.isClean ? Number.POSITIVE_INFINITY : options.recoveryPoint
  // The segment that ends at the recovery point is looked through, too: its indexes are only as safe as what follows it.
  const notSynced = segments.findLastIndex((segment) => segment.baseOffset < recoveryPoint)
  const damaged = segments.findIndex((segment) => segment.baseOffset === damagedIndex)
  const first = Math.max(0, damaged < 0 ? notSynced : Math.min(notSynced, damaged))
  restoreProducers(recovered, segments.slice(0, first), segments[first]!.baseOffset)
  const { segments: good, endOffset } = recoverSegments(recovered, segments.slice(first))
  return { kept: [...segments.slice(0, first), ...good], endOffset, isRecovered: true }
}

/** Base offset of the first segment whose index of aborted transactions has to be made anew. */
function firstDamagedTransactionIndex(
  recovered: Recovered,
  segments: readonly Segment[],
): number | undefined {
  for (const segment of segments) {
    const reason = segment.transactions.damage()
    if (reason === undefined) continue
    const { path } = segment.transactions
    recovered.environment.report({ path, reason, action: 'rebuilt', bytesCut: 0 })
    return segment.baseOffset
  }
  return undefined
}

/** Walks from the last index entry to the end of the last segment; undefined when it does not end in order. */
function resume(segment: Segment, config: LogConfig): number | undefined {
  if (segment.size === 0) return segment.baseOffset
  const size = segment.size
  const scan = new BatchScan(fileSource(segment.file, size), segment.resumePosition(), size)
  let endOffset = segment.baseOffset
  while (scan.next()) {
    segment.noteResumed(scan, config.indexIntervalBytes)
    endOffset = batch.lastOffset(scan.bytes, scan.at) + 1
  }
  return scan.damage === undefined ? endOffset : undefined
}

/**
 * Producers as they were before `endOffset`: the newest snapshot, and what the segments say after it. A snapshot from
 * before the first segment misses what retention took: it would refuse producers that have gone on, so that they count
 * as unknown.
 */
export function restoreProducers(
  { producers, snapshots }: Pick<Recovered, 'producers' | 'snapshots'>,
  segments: readonly Segment[],
  endOffset: number,
): void {
  const snapshotOffset = snapshots.restore(producers, endOffset) ?? 0
  if (snapshotOffset < (segments[0]?.baseOffset ?? endOffset)) producers.clear()
  for (const [i, segment] of segments.entries()) {
    const nextBase = segments[i + 1]?.baseOffset ?? endOffset
    if (nextBase <= snapshotOffset || segment.size === 0) continue
    const scan = new BatchScan(fileSource(segment.file, segment.size), 0, segment.size)
    while (scan.next()) {
      if (batch.baseOffset(scan.bytes, scan.at) >= endOffset) break
      if (batch.baseOffset(scan.bytes, scan.at) < snapshotOffset) continue
      noteProducers(producers, segment, scan, false)
    }
  }
}

/** False when there are epochs, but they have to be read from the batches. */
function loadEpochs(recovered: Recovered, directory: string, listing: LogListing): boolean {
  if (!listing.names.has(EPOCH_CHECKPOINT)) return true
  const path = join(directory, EPOCH_CHECKPOINT)
  try {
    const text = recovered.environment.files.readFileSync(path).toString()
    // A file without contents is what a loss of power may have left of it.
    if (text === '') return false
    recovered.epochs.restore(parseEpochCheckpoint(text, path))
    recovered.epochs.isDirty = false
    return true
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    recovered.environment.report({ path, reason: error.message, action: 'rebuilt', bytesCut: 0 })
    return false
  }
}

function scanEpochs(epochs: LeaderEpochs, segments: readonly Segment[]): void {
  epochs.clear()
  for (const segment of segments) {
    const scan = new BatchScan(fileSource(segment.file, segment.size), 0, segment.size)
    while (scan.next()) {
      epochs.noteBatch(batch.partitionLeaderEpoch(scan.bytes, scan.at), batch.baseOffset(scan.bytes, scan.at))
    }
  }
  epochs.isDirty = true
}

/** Writes the indexes of a checked segment that is not appended to; those of others are loaded when needed. */
function settle(segment: Segment): void {
  if (segment.isDirty) segment.seal()
  else segment.markSealed()
}

function emptyLog(recovered: Recovered, options: OpenOptions): LoadedLog {
  const { environment, config } = recovered
  const { startOffset } = options
  const present = { transactionIndex: false }
  const segment = new Segment(environment, options.directory, startOffset, 0, present)
  segment.create(config)
  return {
    ...recovered,
    segments: new Segments([segment]),
    startOffset,
    endOffset: startOffset,
    syncedEndOffset: startOffset,
    isComplete: false,
  }
}

/** The checkpointed start lies beyond the end, so that nothing here can be read any more. */
function startAnew(recovered: Recovered, options: OpenOptions, segments: readonly Segment[]): LoadedLog {
  const { environment, snapshots, producers, epochs } = recovered
  for (const segment of segments) {
    const keptAs = freePath(environment, segment.file.path)
    environment.report({
      path: segment.file.path,
      reason: `it ends before the log's start, ${options.startOffset}`,
      action: 'set aside',
      bytesCut: segment.size,
      keptAs,
    })
    segment.setAside(keptAs)
  }
  snapshots.remove(() => true)
  producers.clear()
  epochs.clear()
  return emptyLog(recovered, options)
}
