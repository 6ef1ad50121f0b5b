// Finding batches by offset and handing them out, from memory where they are still there, else as a range of the file.
// Promises whole batches, O(log n) look-up, and for a reader that goes on where it stopped no look-up at all. Leaves
// sending the bytes to the connection, and who may see what to the partition.
import { retain } from '../lib/memory.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { BatchScan } from './batch-scan.ts'
import type { FileRange } from './log-file.ts'
import type { LogState } from './log-state.ts'
import type { Segment } from './segment.ts'
import { fileSource } from './segment-source.ts'

export interface ReadOptions {
  readonly maxBytes: number
  /** First offset that must not be returned: high watermark, last stable offset or log end. */
  readonly limitOffset: number
  /** Return the first batch even when it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean
  /**
   * More bytes than this are not handed out as views of memory, but as a range of the file, even if they are there: a
   * reader that is slow to take them holds them. No bound when absent.
   */
  readonly maxMemoryBytes?: number
}

export interface ReadResult {
  /**
   * Whole batches, the first of which contains the offset asked for. Empty when there is nothing below the limit. Views of
   * memory are retained and ranges of files held open for the caller, who releases each part once.
   */
  readonly parts: readonly (Uint8Array | FileRange)[]
  readonly byteLength: number
  /** What there would be in this segment without `maxBytes`. */
  readonly availableBytes: number
  /** Records below the limit lie in later segments, too. */
  readonly isContinued: boolean
  /** Every record of `parts` lies below this offset: where the next sequential read starts. */
  readonly nextOffset: number
}

/** Where earlier reads ended: the first batch at or beyond `offset` begins at `position`. */
interface Hint {
  readonly offset: number
  readonly segmentBase: number
  readonly position: number
}

function nothing(startOffset: number): ReadResult {
  return { parts: [], byteLength: 0, availableBytes: 0, isContinued: false, nextOffset: startOffset }
}

/** As many readers of one log as usual go on without a look-up. */
const HINTS = 8

export class LogReader {
  private readonly state: LogState
  private hints: Hint[] = []
  private nextHint = 0

  constructor(state: LogState) {
    this.state = state
  }

  /**
   * Batches from the one that contains `startOffset` on, from one segment.
   * @throws KafkaError OFFSET_OUT_OF_RANGE below the log's start or beyond its end, CORRUPT_MESSAGE at damage
   */
  read(startOffset: number, options: ReadOptions): ReadResult {
    const { state } = this
    if (startOffset < state.startOffset || startOffset > state.writtenEndOffset) {
      throw new KafkaError(
        errors.OFFSET_OUT_OF_RANGE,
        `offset ${startOffset} is not within ${state.startOffset} to ${state.writtenEndOffset}`,
      )
    }
    const limitOffset = Math.min(options.limitOffset, state.writtenEndOffset)
    const { segments } = state
    for (let i = segments.indexFor(startOffset); i < segments.count; i++) {
      const segment = segments.at(i)!
      if (Math.max(startOffset, segment.baseOffset) >= limitOffset) break
      const result = this.readSegment(segment, i, startOffset, limitOffset, options)
      if (result !== undefined) return result
    }
    return nothing(startOffset)
  }

  /** Forgets where reads ended: the log was cut. */
  forgetHints(): void {
    this.hints = []
    this.nextHint = 0
  }

  /** Undefined when the segment has nothing at or beyond `startOffset`. */
  private readSegment(
    segment: Segment,
    index: number,
    startOffset: number,
    limitOffset: number,
    options: ReadOptions,
  ): ReadResult | undefined {
    const start = this.positionOf(segment, startOffset)
    const nextBase = this.state.segments.at(index + 1)?.baseOffset ?? this.state.writtenEndOffset
    let end = segment.writtenSize
    if (start >= end) return undefined
    let nextOffset = nextBase
    if (limitOffset < nextBase) {
      end = this.positionOf(segment, limitOffset)
      nextOffset = limitOffset
    }
    if (end <= start) return nothing(startOffset)
    const availableBytes = end - start
    const isContinued = limitOffset > nextBase
    if (availableBytes > options.maxBytes) {
      const scan = this.cut(segment, start, end, options)
      if (scan.damage !== undefined) nextOffset = this.offsetBehind(segment, start, scan.position)
      else if (scan.position < end) nextOffset = batch.baseOffset(scan.bytes, scan.at)
      end = scan.position
      if (end <= start) return { ...nothing(startOffset), availableBytes, isContinued }
    }
    this.remember({ offset: nextOffset, segmentBase: segment.baseOffset, position: end })
    const parts = this.parts(segment, start, end, options)
    return { parts, byteLength: end - start, availableBytes, isContinued, nextOffset }
  }

  private parts(
    segment: Segment,
    start: number,
    end: number,
    { maxMemoryBytes = Number.POSITIVE_INFINITY }: ReadOptions,
  ): readonly (Uint8Array | FileRange)[] {
    const views = this.state.tail.views(segment.baseOffset, start, end)
    const { from, parts } = end - views.from <= maxMemoryBytes ? views : { from: end, parts: [] }
    for (const part of parts) retain(part)
    if (from === start) return parts
    const scan = this.scan(segment, start, end)
    if (!scan.next()) this.checkUndamaged(segment, scan)
    return [segment.file.range(start, from - start), ...parts]
  }

  /** A scan that stands on the first batch that does not fit any more; `end` is the limit's position. */
  private cut(segment: Segment, start: number, end: number, options: ReadOptions): BatchScan {
    const { index } = segment
    const slot = index.slotForPosition(start + options.maxBytes)
    const known = slot < 0 ? 0 : index.positionAt(slot)
    const scan = this.scan(segment, Math.max(start, known), segment.writtenSize)
    let isFirst = scan.position === start
    while (scan.next()) {
      const isAllowed =
        scan.position + scan.size - start <= options.maxBytes || (isFirst && options.minOneBatch)
      if (!isAllowed || scan.position >= end) return scan
      isFirst = false
    }
    // What comes before the damage is still good.
    if (scan.position === start) this.checkUndamaged(segment, scan)
    return scan
  }

  /** The offset behind the last batch of [start, end). */
  private offsetBehind(segment: Segment, start: number, end: number): number {
    const scan = this.scan(segment, start, end)
    let offset = segment.baseOffset
    while (scan.next()) offset = batch.lastOffset(scan.bytes, scan.at) + 1
    return offset
  }

  /**
   * Position of the first batch whose last offset is at or beyond `offset`; the end of what is written when there is
   * none in this segment.
   */
  positionOf(segment: Segment, offset: number): number {
    const end = segment.writtenSize
    if (offset <= segment.baseOffset) return 0
    if (offset >= this.state.writtenEndOffset) return end
    for (const hint of this.hints) {
      if (hint.offset === offset && hint.segmentBase === segment.baseOffset) return hint.position
    }
    const { index } = segment
    const relative = offset - segment.baseOffset
    const slot = index.slotForOffset(relative)
    if (slot >= 0 && index.offsetAt(slot) === relative) return index.positionAt(slot)
    const scan = this.scan(segment, slot < 0 ? 0 : index.positionAt(slot), end)
    while (scan.next()) if (batch.lastOffset(scan.bytes, scan.at) >= offset) return scan.position
    this.checkUndamaged(segment, scan)
    return end
  }

  /** A walk over headers in [position, end), through memory where the bytes are still there. */
  scan(segment: Segment, position: number, end: number): BatchScan {
    const { tail } = this.state
    const fromFile = fileSource(segment.file, end)
    const source = (at: number, needed: number): Buffer =>
      tail.bytesAt(segment.baseOffset, at, needed) ?? fromFile(at, needed)
    return new BatchScan(source, position, end)
  }

  checkUndamaged(segment: Segment, scan: BatchScan): void {
    if (scan.damage === undefined) return
    throw new KafkaError(
      errors.CORRUPT_MESSAGE,
      `${segment.file.path} is damaged at byte ${scan.position}: ${scan.damage}`,
    )
  }

  private remember(hint: Hint): void {
    for (const known of this.hints) {
      if (known.offset === hint.offset && known.segmentBase === hint.segmentBase) return
    }
    this.hints[this.nextHint] = hint
    this.nextHint = (this.nextHint + 1) % HINTS
  }
}
