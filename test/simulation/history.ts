// What clients of one partition have seen, and what must therefore be true: the checkers of the simulation.
// Promises to fail at the first answer that contradicts an earlier one. Leaves doing things to the scenario.
import assert from 'node:assert/strict'
import type { Record } from '../../src/wire/records/record.ts'

/** One batch of an idempotent producer; sent again until it is acknowledged. */
export interface SentBatch {
  readonly producerId: number
  readonly baseSequence: number
  readonly values: readonly string[]
  /** Where it was acknowledged. */
  baseOffset: number | undefined
  /**
   * The answer to it was lost, and a later one of its producer was acknowledged, so it must be there. After a restart the
   * broker knows only the last batch of each producer, as Apache Kafka does, and refuses the repetition as out of order.
   */
  isImplied?: boolean
}

export class PartitionHistory {
  readonly name: string
  readonly batches: SentBatch[] = []
  /** Largest offset up to which records were deleted. */
  deletedTo = 0
  /** What was ever seen or acknowledged at an offset. */
  private readonly known = new Map<number, string>()
  private highestAcknowledged = -1
  private highWatermark = 0

  constructor(name: string) {
    this.name = name
  }

  /** A new life of the broker begins: what it tells may start anew, but not below what is certain. */
  restarted(): void {
    this.highWatermark = 0
  }

  acknowledged(batch: SentBatch, baseOffset: number): void {
    if (batch.baseOffset !== undefined) {
      assert.equal(
        baseOffset,
        batch.baseOffset,
        `${this.name}: a repetition is answered with its first offset`,
      )
    }
    batch.baseOffset = baseOffset
    for (const [i, value] of batch.values.entries()) this.learn(baseOffset + i, value)
    this.highestAcknowledged = Math.max(this.highestAcknowledged, baseOffset + batch.values.length - 1)
  }

  /** A reader was told this high watermark. */
  toldHighWatermark(offset: number): void {
    assert.ok(
      offset >= this.highWatermark,
      `${this.name}: high watermark ${offset} after ${this.highWatermark}`,
    )
    assert.ok(
      offset > this.highestAcknowledged,
      `${this.name}: high watermark ${offset}, but ${this.highestAcknowledged} was acknowledged`,
    )
    this.highWatermark = offset
  }

  /** A reader was given these records for a fetch at `offset`. */
  read(offset: number, found: readonly Record[]): void {
    let next: number | undefined
    for (const record of found) {
      if (next !== undefined) assert.equal(record.offset, next, `${this.name}: offsets have no gaps`)
      next = record.offset + 1
      assert.ok(
        record.offset < this.highWatermark,
        `${this.name}: nothing above the high watermark is served`,
      )
      this.learn(record.offset, record.value?.toString() ?? '')
    }
    if (found.length > 0) assert.ok(found[0]!.offset <= offset, `${this.name}: nothing is skipped`)
  }

  /** Checks everything there is, from the log's start to its end: each batch once, in the order of its producer. */
  assertComplete(logStartOffset: number, found: readonly Record[]): void {
    assert.ok(logStartOffset <= this.deletedTo, `${this.name}: only what was deleted is gone`)
    const positions = new Map<string, number>()
    for (const { offset, value } of found) {
      const text = value!.toString()
      assert.ok(!positions.has(text), `${this.name}: ${text} is there twice`)
      positions.set(text, offset)
    }
    const lastOf = new Map<number, number>()
    for (const batch of this.batches) {
      const { producerId, values } = batch
      const baseOffset = batch.baseOffset ?? (batch.isImplied ? positions.get(values[0]!) : undefined)
      // Deleted in the meantime, perhaps.
      if (batch.isImplied && baseOffset === undefined && logStartOffset > 0) continue

      assert.ok(baseOffset !== undefined, `${this.name}: ${values[0]} was acknowledged in the end`)
      for (const [i, value] of values.entries()) {
        if (baseOffset + i < logStartOffset) continue
        assert.equal(
          positions.get(value),
          baseOffset + i,
          `${this.name}: ${value} is where it was acknowledged`,
        )
      }
      const last = lastOf.get(producerId) ?? -1
      assert.ok(
        baseOffset > last,
        `${this.name}: batches of a producer are in the order in which it sent them`,
      )
      lastOf.set(producerId, baseOffset)
    }
    const sent = new Set(this.batches.flatMap(({ values }) => values))
    for (const text of positions.keys()) assert.ok(sent.has(text), `${this.name}: nobody sent ${text}`)
  }

  private learn(offset: number, value: string): void {
    const before = this.known.get(offset)
    if (before === undefined) this.known.set(offset, value)
    else assert.equal(value, before, `${this.name}: offset ${offset} was ${before} before`)
  }
}
