// Which leader epoch wrote which offsets of a log (KIP-101, KIP-279): the start offset of each epoch.
// Promises growing epochs and growing start offsets, whatever is assigned. Leaves the file to the log, and comparing
// with other replicas to the followers.
import type { EpochStart } from './checkpoint.ts'

export interface EpochEndOffset {
  /** The largest epoch known that is not above the one asked for; -1 when undefined. */
  readonly leaderEpoch: number
  /** Where that epoch ends; -1 when undefined. */
  readonly endOffset: number
}

const UNDEFINED: EpochEndOffset = { leaderEpoch: -1, endOffset: -1 }

export class LeaderEpochs {
  private starts: EpochStart[]
  /** Whether the file does not say all of this yet. */
  isDirty = false

  constructor(starts: readonly EpochStart[] = []) {
    this.starts = [...starts]
  }

  /** -1 when there is none. */
  get latest(): number {
    return this.starts.at(-1)?.epoch ?? -1
  }

  get latestStartOffset(): number {
    return this.starts.at(-1)?.startOffset ?? -1
  }

  all(): readonly EpochStart[] {
    return this.starts
  }

  /** Notes that `epoch` begins at `startOffset`. Entries that this contradicts, by epoch or by offset, go. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || startOffset < 0) return
    const last = this.starts.at(-1)
    if (last !== undefined && last.epoch === epoch) return
    this.starts = this.starts.filter((start) => start.epoch < epoch && start.startOffset < startOffset)
    this.starts.push({ epoch, startOffset })
    this.isDirty = true
  }

  /** Takes note of the epoch of a batch at `baseOffset`, which begins a new one if it is larger than all before. */
  noteBatch(epoch: number, baseOffset: number): void {
    if (epoch > this.latest) this.assign(epoch, baseOffset)
  }

  /** Where the records of `epoch` end, in a log that ends at `logEndOffset`. */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset {
    if (epoch === UNDEFINED.leaderEpoch || this.starts.length === 0) return UNDEFINED
    if (epoch === this.latest) return { leaderEpoch: epoch, endOffset: logEndOffset }
    const next = this.starts.findIndex((start) => start.epoch > epoch)
    if (next < 0) return UNDEFINED
    const { startOffset } = this.starts[next]!
    // An epoch older than all that are known ends where the first one begins.
    return { leaderEpoch: next === 0 ? epoch : this.starts[next - 1]!.epoch, endOffset: startOffset }
  }

  /** The epoch under which the record at `offset` was written; undefined when it is before all that are known. */
  epochOf(offset: number): number | undefined {
    return this.starts.findLast((start) => start.startOffset <= offset)?.epoch
  }

  /** Forgets epochs that begin at or beyond `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    this.replace(this.starts.filter((start) => start.startOffset < endOffset))
  }

  /** Forgets epochs that end at or before `startOffset`; the one that reaches over it begins there. */
  truncateFromStart(startOffset: number): void {
    const kept = this.starts.findLastIndex((start) => start.startOffset <= startOffset)
    if (kept < 0 || (kept === 0 && this.starts[0]!.startOffset === startOffset)) return
    const reaching = { epoch: this.starts[kept]!.epoch, startOffset }
    this.starts = [reaching, ...this.starts.slice(kept + 1)]
    this.isDirty = true
  }

  /** Goes back to an earlier state, as `all()` told it. */
  restore(starts: readonly EpochStart[]): void {
    this.replace([...starts])
  }

  clear(): void {
    this.replace([])
  }

  private replace(starts: EpochStart[]): void {
    if (starts.length !== this.starts.length) this.isDirty = true
    this.starts = starts
  }
}
