// Which row of the columns holds the offset of which partition, for one topic of one group.
// Promises 16 bytes a partition and the order of the partitions. Leaves the rows to offset-columns.ts.

/** Up to here a list is copied to its exact size when it grows: most groups read few partitions of a topic. */
const EXACT_LENGTH = 128

export const NO_ROW = -1

export class PartitionRows {
  /** partition, row, partition, row, ...; ascending by partition. */
  private pairs: number[] = []

  get count(): number {
    return this.pairs.length / 2
  }

  /** The row of a partition, or NO_ROW. */
  get(partition: number): number {
    const at = this.position(partition)
    return this.pairs[at] === partition ? this.pairs[at + 1]! : NO_ROW
  }

  /** The partition must not have a row yet. */
  add(partition: number, row: number): void {
    const { pairs } = this
    const at = this.position(partition)
    if (pairs.length >= EXACT_LENGTH) {
      pairs.splice(at, 0, partition, row)
      return
    }
    // An array that is pushed to keeps room for 16 more elements.
    const grown = new Array<number>(pairs.length + 2)
    for (let i = 0; i < at; i++) grown[i] = pairs[i]!
    grown[at] = partition
    grown[at + 1] = row
    for (let i = at; i < pairs.length; i++) grown[i + 2] = pairs[i]!
    this.pairs = grown
  }

  /** Returns the row that the partition had, or NO_ROW. */
  remove(partition: number): number {
    const at = this.position(partition)
    if (this.pairs[at] !== partition) return NO_ROW
    const [, row] = this.pairs.splice(at, 2)
    return row!
  }

  *entries(): Generator<readonly [partition: number, row: number]> {
    const { pairs } = this
    for (let at = 0; at < pairs.length; at += 2) yield [pairs[at]!, pairs[at + 1]!]
  }

  /** Where the partition is, or would be. */
  private position(partition: number): number {
    const { pairs } = this
    let low = 0
    let high = pairs.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      if (pairs[middle * 2]! < partition) low = middle + 1
      else high = middle
    }
    return low * 2
  }
}
