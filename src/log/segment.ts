// A stretch of a log in one file, with its indexes: `00000000000000001700.log`, `.index`, `.timeindex`, `.txnindex`.
// Promises index entries as Apache Kafka 4.3 makes them and a way back to any earlier size. Leaves the order of
// segments, offsets and what may be appended to the log.
import { join } from 'node:path'
import { syncFile, writeWhole } from '../lib/files/files.ts'
import * as batch from '../wire/records/batch.ts'
import { BatchScan, type ByteSource } from './batch-scan.ts'
import type { LogEnvironment } from './environment.ts'
import type { LogConfig } from './log-config.ts'
import { LogFile } from './log-file.ts'
import { OffsetIndex, parseOffsetIndex } from './offset-index.ts'
import { fileSource } from './segment-source.ts'
import { noTimeEntries, parseTimeIndex, type TimeEntries, TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const INDEX_SUFFIXES = ['.index', '.timeindex', '.txnindex'] as const
const NO_ENTRIES = new Int32Array(0)
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1

/** `1700` -> `00000000000000001700`. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0')
}

/** Which files of a segment are there, apart from the log itself. */
export interface SegmentFiles {
  readonly transactionIndex: boolean
}

/** How far a segment had been appended to at some moment. */
export interface SegmentMark {
  readonly size: number
  readonly indexCount: number
  readonly timesCount: number
  readonly transactionsCount: number
  readonly bytesSinceIndexEntry: number
  readonly maxTimestamp: number
  readonly maxTimestampOffset: number
}

/** What a batch adds to a segment's indexes. */
export interface BatchEnd {
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly byteLength: number
}

export class Segment {
  readonly baseOffset: number
  readonly file: LogFile
  readonly index: OffsetIndex
  readonly times: TimeIndex
  readonly transactions: TransactionIndex
  /** Bytes of batches, those that wait to be written included. */
  size: number
  /** Bytes of batches that are in the file: what readers may see. */
  writtenSize: number
  /** Written to, but not yet forced to the device. */
  isDirty = false
  isSealed = false
  /** Removed or closed: no longer part of the log. */
  isGone = false
  private readonly environment: LogEnvironment
  private readonly path: string
  private readonly createdMs: number
  private readonly jitterMs: number
  private bytesSinceIndexEntry = 0
  /** Largest timestamp so far, NaN until the time index has been asked. */
  private knownMaxTimestamp = Number.NaN
  private maxTimestampOffset = -1
  /** Timestamp that the age of the segment counts from, NaN until the first batch has been asked. */
  private firstTimestamp = Number.NaN

  constructor(
    environment: LogEnvironment,
    directory: string,
    baseOffset: number,
    size: number,
    present: SegmentFiles,
    jitterMs = 0,
  ) {
    this.environment = environment
    this.baseOffset = baseOffset
    this.size = size
    this.writtenSize = size
    this.jitterMs = jitterMs
    this.path = join(directory, segmentName(baseOffset))
    this.createdMs = environment.clock.wallMs()
    this.file = new LogFile(environment.openFiles, `${this.path}.log`)
    this.index = new OffsetIndex(environment.indexMemory, () => this.loadIndex())
    this.times = new TimeIndex(environment.indexMemory, () => this.loadTimes())
    this.transactions = new TransactionIndex(
      environment.files,
      `${this.path}.txnindex`,
      present.transactionIndex,
    )
    if (size > 0) return
    // Whatever index files there are, they are about nothing.
    this.index.replace(NO_ENTRIES)
    this.times.replace(noTimeEntries)
  }

  /** Makes the file of a new segment. */
  create(config: LogConfig): void {
    const handle = this.file.handle('replace')
    if (config.preallocate) handle.truncateSync(config.segmentBytes)
  }

  get maxTimestamp(): number {
    if (Number.isNaN(this.knownMaxTimestamp)) {
      this.knownMaxTimestamp = this.size === 0 ? -1 : this.times.lastTimestamp
      this.maxTimestampOffset = this.size === 0 ? -1 : this.baseOffset + this.times.lastRelativeOffset
    }
    return this.knownMaxTimestamp
  }

  /** Last offset of the first batch that has the largest timestamp. */
  get offsetOfMaxTimestamp(): number {
    return this.maxTimestamp < 0 ? -1 : this.maxTimestampOffset
  }

  /** Takes note of a batch that goes to the end of this segment. */
  append(end: BatchEnd, indexIntervalBytes: number): void {
    if (end.maxTimestamp > this.maxTimestamp) {
      this.knownMaxTimestamp = end.maxTimestamp
      this.maxTimestampOffset = end.lastOffset
    }
    if (this.size === 0) this.firstTimestamp = end.maxTimestamp
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.index.append(end.lastOffset - this.baseOffset, this.size)
      this.times.appendIfLater(this.knownMaxTimestamp, this.maxTimestampOffset - this.baseOffset)
      this.bytesSinceIndexEntry = 0
    }
    this.bytesSinceIndexEntry += end.byteLength
    this.size += end.byteLength
  }

  /** Whether a batch that ends with `end` has to go into a new segment (Apache Kafka's rules). */
  mustRollFor(end: BatchEnd, config: LogConfig, nowMs: number): boolean {
    if (end.lastOffset - this.baseOffset > MAX_RELATIVE_OFFSET) return true
    if (this.size === 0) return false
    if (this.size > config.segmentBytes - end.byteLength) return true
    const entries = Math.floor(config.segmentIndexBytes / 8)
    if (this.index.count >= entries) return true
    if (this.times.count >= Math.floor(config.segmentIndexBytes / 12) - 1) return true
    return this.ageMs(end.maxTimestamp, nowMs) > config.segmentMs - this.jitterMs
  }

  /** Age as the rolling counts it: between record timestamps where there are any. */
  private ageMs(timestamp: number, nowMs: number): number {
    if (Number.isNaN(this.firstTimestamp)) this.firstTimestamp = this.timestampOfFirst()
    return this.firstTimestamp >= 0 ? timestamp - this.firstTimestamp : nowMs - this.createdMs
  }

  /** Largest timestamp of the first batch in the file. */
  private timestampOfFirst(): number {
    const header = fileSource(this.file, this.size)(0, batch.HEADER_BYTES)
    return header.byteLength < batch.HEADER_BYTES ? batch.NO_TIMESTAMP : batch.maxTimestamp(header, 0)
  }

  /** Fills `target` from `position` on; all of it must have been written. */
  readWritten(target: Buffer, position: number): void {
    this.file.handle().readSync(target, position)
  }

  mark(): SegmentMark {
    return {
      size: this.size,
      indexCount: this.index.count,
      timesCount: this.times.count,
      transactionsCount: this.transactions.count,
      bytesSinceIndexEntry: this.bytesSinceIndexEntry,
      maxTimestamp: this.maxTimestamp,
      maxTimestampOffset: this.maxTimestampOffset,
    }
  }

  /** Goes back to `mark`, the file included. */
  backTo(mark: SegmentMark): void {
    this.size = mark.size
    this.writtenSize = mark.size
    this.index.truncate(mark.indexCount)
    this.times.truncate(mark.timesCount)
    this.bytesSinceIndexEntry = mark.bytesSinceIndexEntry
    this.knownMaxTimestamp = mark.maxTimestamp
    this.maxTimestampOffset = mark.maxTimestampOffset
    this.file.handle().truncateSync(mark.size)
    this.transactions.truncate(mark.transactionsCount)
  }

  /**
   * Makes the indexes anew from the batches in [0, size), and cuts the segment to `size` first.
   * `source` gives the bytes.
   */
  rebuildTo(size: number, source: ByteSource, indexIntervalBytes: number): void {
    this.resetIndexes()
    const scan = new BatchScan(source, 0, size)
    while (scan.next()) this.noteScanned(scan, indexIntervalBytes)
  }

  /** Forgets the indexes; `noteScanned` fills them again, batch by batch. */
  resetIndexes(): void {
    this.isSealed = false
    this.index.unseal()
    this.times.unseal()
    this.index.replace(NO_ENTRIES)
    this.times.replace(noTimeEntries)
    this.knownMaxTimestamp = -1
    this.maxTimestampOffset = -1
    this.firstTimestamp = Number.NaN
    this.bytesSinceIndexEntry = 0
    this.size = 0
    this.writtenSize = 0
  }

  noteScanned(scan: BatchScan, indexIntervalBytes: number): void {
    const end = {
      lastOffset: batch.lastOffset(scan.bytes, scan.at),
      maxTimestamp: batch.maxTimestamp(scan.bytes, scan.at),
      byteLength: scan.size,
    }
    this.append(end, indexIntervalBytes)
    this.writtenSize = this.size
  }

  /** Where a walk has to begin that finds the end of a segment whose indexes are on the disk. */
  resumePosition(): number {
    const last = this.index.count - 1
    this.size = last < 0 ? 0 : this.index.positionAt(last)
    return this.size
  }

  /** Takes note of a batch of such a walk: of its end, but not again of entries that the indexes have. */
  noteResumed(scan: BatchScan, indexIntervalBytes: number): void {
    const isIndexed = this.index.count > 0 && this.index.positionAt(this.index.count - 1) === scan.position
    if (isIndexed) this.bytesSinceIndexEntry = 0
    this.noteScanned(scan, isIndexed ? Number.POSITIVE_INFINITY : indexIntervalBytes)
  }

  /** Cuts the segment at `position`, where a batch begins that holds or follows `offset`, and goes on from there. */
  truncateTo(position: number, offset: number, indexIntervalBytes: number): void {
    const relative = offset - this.baseOffset
    if (this.isSealed) {
      this.isSealed = false
      this.index.unseal()
      this.times.unseal()
    }
    this.index.truncate(position === 0 ? 0 : this.index.slotForPosition(position - 1) + 1)
    this.times.truncate(this.times.countBelow(relative))
    this.transactions.truncate(this.transactions.all().filter((entry) => entry.lastOffset < offset).length)
    this.file.handle().truncateSync(position)
    const start = this.resumePosition()
    this.knownMaxTimestamp = this.times.lastTimestamp
    this.maxTimestampOffset = this.baseOffset + this.times.lastRelativeOffset
    this.bytesSinceIndexEntry = 0
    const scan = new BatchScan(fileSource(this.file, position), start, position)
    while (scan.next()) this.noteResumed(scan, indexIntervalBytes)
    this.writtenSize = this.size
  }

  /** The segment is not appended to, and its index files are complete. */
  markSealed(): void {
    this.isSealed = true
    this.index.seal()
    this.times.seal()
  }

  /** Gives the file another name under which no log is looked for, and drops the indexes. */
  setAside(path: string): void {
    const { files } = this.environment
    this.forget()
    this.file.close()
    files.renameSync(`${this.path}.log`, path)
    for (const suffix of INDEX_SUFFIXES) files.unlinkSync(`${this.path}${suffix}`)
  }

  /** Writes the index files, the last time index entry included; afterwards their memory may be taken back. */
  seal(): void {
    this.writeIndexes()
    this.trim()
    this.markSealed()
    // The batches may be on the device already, the indexes are not.
    this.isDirty = true
  }

  /** Gives back what was preallocated and is not needed. */
  trim(): void {
    const handle = this.file.handle()
    if (handle.size() > this.size) handle.truncateSync(this.size)
  }

  /** Writes the index files as they are now, for a clean stop. */
  writeIndexes(): void {
    const { files } = this.environment
    if (this.maxTimestamp >= 0) {
      this.times.appendIfLater(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset)
    }
    writeWhole(files, `${this.path}.index`, this.index.toBytes())
    writeWhole(files, `${this.path}.timeindex`, this.times.toBytes())
    this.transactions.write()
  }

  /** Forces what was written to the device: batches, and the indexes of a segment that is complete. */
  async sync(): Promise<void> {
    this.isDirty = false
    await this.file.handle().datasync()
    if (!this.isSealed) return
    for (const suffix of INDEX_SUFFIXES) {
      if (!this.isGone) await syncFile(this.environment.files, `${this.path}${suffix}`)
    }
  }

  /** Takes the segment's files away: at once from the directory's listing, then off the event loop from the disk. */
  async remove(): Promise<void> {
    this.file.rename(`${this.path}.log.deleted`)
    this.forget()
    for (const suffix of INDEX_SUFFIXES) {
      this.environment.files.unlinkSync(`${this.path}${suffix}`)
    }
    await this.file.remove()
  }

  /** Closes the file and gives memory back. */
  close(): void {
    this.forget()
    this.file.close()
  }

  private forget(): void {
    this.isGone = true
    this.index.drop()
    this.times.drop()
  }

  private loadIndex(): Int32Array {
    const path = `${this.path}.index`
    const loaded = this.environment.files.existsSync(path)
      ? parseOffsetIndex(this.environment.files.readFileSync(path), this.size)
      : { damage: 'the file is missing' }
    if ('entries' in loaded) return loaded.entries
    return this.rebuilt(path, loaded.damage).index.contents()
  }

  private loadTimes(): TimeEntries {
    const path = `${this.path}.timeindex`
    const loaded = this.environment.files.existsSync(path)
      ? parseTimeIndex(this.environment.files.readFileSync(path))
      : { damage: 'the file is missing' }
    // A file without contents is what a loss of power may have left of it.
    const isLost =
      'entries' in loaded && loaded.entries.timestamps.length === 0 && this.timestampOfFirst() >= 0
    if ('entries' in loaded && !isLost) return loaded.entries
    const reason = 'damage' in loaded ? loaded.damage : 'it is empty, but the batches have times'
    return this.rebuilt(path, reason).times.contents()
  }

  /** The indexes as they should be, made by a second segment that reads the same file. */
  private rebuilt(path: string, reason: string): Segment {
    this.environment.report({ path, reason, action: 'rebuilt', bytesCut: 0 })
    const copy = new Segment(this.environment, join(this.path, '..'), this.baseOffset, 0, {
      transactionIndex: false,
    })
    copy.rebuildTo(this.size, fileSource(this.file, this.size), DEFAULT_INDEX_INTERVAL_BYTES)
    copy.writeIndexes()
    return copy
  }
}

/** Used where an index is made anew and the topic's own interval is not at hand. */
const DEFAULT_INDEX_INTERVAL_BYTES = 4096
