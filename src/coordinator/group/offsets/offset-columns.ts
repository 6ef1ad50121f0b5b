// Many committed offsets in little memory: one row for each, its numbers in columns.
// Promises some fifty bytes a row and no object that the garbage collector would have to look at. Rows that are given back
// are used again; the columns never shrink. Leaves which row is whose to offset-store.ts.

/** What a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** When it expires, for clients that said how long to keep it (OffsetCommit 2 to 4); -1: the broker decides. */
  readonly expireTimestampMs: number
  /** ZERO_UUID: unknown, as in records of Kafka before 4.2. */
  readonly topicId: string
  /** Offset, in the log, of the record that says so: the later one counts. */
  readonly recordOffset: number
}

const FIRST_ROWS = 16
const GROWTH = 1.5

export class OffsetColumns {
  private offsets = new Float64Array(FIRST_ROWS)
  private leaderEpochs = new Int32Array(FIRST_ROWS)
  private commitTimestampsMs = new Float64Array(FIRST_ROWS)
  private recordOffsets = new Float64Array(FIRST_ROWS)
  private readonly metadata: string[] = []
  private readonly topicIds: string[] = []
  /** Few clients say how long to keep an offset. */
  private readonly expireTimestampsMs = new Map<number, number>()
  private readonly free: number[] = []
  private used = 0

  /** Rows that hold an offset. */
  get count(): number {
    return this.used - this.free.length
  }

  add(offset: CommittedOffset): number {
    const row = this.free.pop() ?? this.used++
    if (row >= this.offsets.length) this.grow()
    this.write(row, offset)
    return row
  }

  write(row: number, offset: CommittedOffset): void {
    this.offsets[row] = offset.offset
    this.leaderEpochs[row] = offset.leaderEpoch
    this.commitTimestampsMs[row] = offset.commitTimestampMs
    this.recordOffsets[row] = offset.recordOffset
    this.metadata[row] = offset.metadata
    // Every commit brings its own copy of the id's text: the one that is here serves as well.
    if (this.topicIds[row] !== offset.topicId) this.topicIds[row] = offset.topicId
    if (offset.expireTimestampMs === -1) this.expireTimestampsMs.delete(row)
    else this.expireTimestampsMs.set(row, offset.expireTimestampMs)
  }

  read(row: number): CommittedOffset {
    return {
      offset: this.offsets[row]!,
      leaderEpoch: this.leaderEpochs[row]!,
      metadata: this.metadata[row]!,
      commitTimestampMs: this.commitTimestampsMs[row]!,
      expireTimestampMs: this.expireTimestampsMs.get(row) ?? -1,
      topicId: this.topicIds[row]!,
      recordOffset: this.recordOffsets[row]!,
    }
  }

  topicId(row: number): string {
    return this.topicIds[row]!
  }

  recordOffset(row: number): number {
    return this.recordOffsets[row]!
  }

  remove(row: number): void {
    this.metadata[row] = ''
    this.topicIds[row] = ''
    this.expireTimestampsMs.delete(row)
    this.free.push(row)
  }

  private grow(): void {
    const rows = Math.ceil(this.offsets.length * GROWTH)
    this.offsets = copied(this.offsets, new Float64Array(rows))
    this.leaderEpochs = copied(this.leaderEpochs, new Int32Array(rows))
    this.commitTimestampsMs = copied(this.commitTimestampsMs, new Float64Array(rows))
    this.recordOffsets = copied(this.recordOffsets, new Float64Array(rows))
  }
}

function copied<Column extends Float64Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
