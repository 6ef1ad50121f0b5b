// The snapshot files of one log: which there are, taking new ones, getting the state back from the newest usable one.
// Promises that a damaged snapshot is reported, dropped and replaced by an older one and a longer scan. Leaves the
// form of a snapshot to producer-snapshot.ts and the scan to the loader.
import { join } from 'node:path'
import { writeWhole } from '../lib/files/files.ts'
import type { LogEnvironment } from './environment.ts'
import { parseSnapshot, snapshotToBytes } from './producer-snapshot.ts'
import { isExpired, type ProducerState } from './producer-state.ts'
import { segmentName } from './segment.ts'

export class ProducerSnapshots {
  private readonly environment: LogEnvironment
  private readonly directory: string
  /** Ascending. */
  private offsets: number[]

  constructor(environment: LogEnvironment, directory: string, offsets: readonly number[]) {
    this.environment = environment
    this.directory = directory
    this.offsets = offsets.toSorted((a, b) => a - b)
  }

  get newest(): number | undefined {
    return this.offsets.at(-1)
  }

  /** Writes the state before `offset`. Not forced to the device: a damaged one is only a longer scan. */
  write(offset: number, bytes: Buffer): void {
    writeWhole(this.environment.files, this.pathOf(offset), bytes)
    if (this.offsets.at(-1) === offset) return
    this.offsets = [...this.offsets.filter((other) => other !== offset), offset].sort((a, b) => a - b)
  }

  take(offset: number, producers: ProducerState): void {
    this.write(offset, snapshotToBytes(producers.all(), producers.size))
  }

  /** Fills `producers` from the newest usable snapshot at or below `endOffset`; returns its offset, if there was one. */
  restore(producers: ProducerState, endOffset: number): number | undefined {
    producers.clear()
    const nowMs = this.environment.clock.wallMs()
    for (const offset of this.offsets.filter((candidate) => candidate <= endOffset).reverse()) {
      const path = this.pathOf(offset)
      const entries = parseSnapshot(this.environment.files.readFileSync(path))
      if (typeof entries === 'string') {
        this.environment.report({ path, reason: entries, action: 'dropped', bytesCut: 0 })
        this.remove((other) => other === offset)
        continue
      }
      for (const entry of entries) {
        if (!isExpired(entry, nowMs, this.environment.producerIdExpirationMs)) producers.load(entry)
      }
      return offset
    }
    return undefined
  }

  /** Removes the snapshots whose offset `isUnwanted`. */
  remove(isUnwanted: (offset: number) => boolean): void {
    for (const offset of this.offsets.filter(isUnwanted)) {
      this.environment.files.unlinkSync(this.pathOf(offset))
    }
    this.offsets = this.offsets.filter((offset) => !isUnwanted(offset))
  }

  /** Keeps those at the base of a segment and the newest (Apache Kafka's rule). */
  removeStray(segmentBases: ReadonlySet<number>): void {
    const { newest } = this
    this.remove((offset) => offset !== newest && !segmentBases.has(offset))
  }

  private pathOf(offset: number): string {
    return join(this.directory, `${segmentName(offset)}.snapshot`)
  }
}
