// One of the files that tell an offset for each partition of a log directory, and what it says at this moment.
// Promises that a partition which is made anew never inherits what the file said of one with the same name, even if the
// process ends at once, and that partitions which could not be opened keep their lines. Leaves the form of the file to
// checkpoint.ts and when to write to the directory.
import { type Files, writeAtomically, writeAtomicallyLater } from '../lib/files/files.ts'
import { formatOffsetCheckpoint, type PartitionOffset, parseOffsetCheckpoint } from './checkpoint.ts'

export class OffsetCheckpoint {
  readonly path: string
  private readonly files: Files
  /** What the file says that is still true. */
  private entries = new Map<string, PartitionOffset>()
  /** What it will say once the write that is under way has ended. */
  private coming: Map<string, PartitionOffset> | undefined
  /** Partitions that are gone, but may still stand in the file. */
  private readonly stale = new Set<string>()
  private purges = 0

  constructor(files: Files, path: string) {
    this.files = files
    this.path = path
  }

  /** Reads the file, if there is one. Throws CheckpointError. */
  read(): void {
    if (!this.files.existsSync(this.path)) return
    const text = this.files.readFileSync(this.path).toString()
    this.entries = byKey(parseOffsetCheckpoint(text, this.path))
  }

  /** The offset that the file told, undefined when it told none. */
  offsetOf(key: string): number | undefined {
    return this.entries.get(key)?.offset
  }

  /** The partition is gone: nothing that the file says of it is true any longer. */
  forget(key: string): void {
    const stood = this.entries.delete(key)
    if (this.coming?.delete(key) || stood) this.stale.add(key)
  }

  /** Forgets the partitions that are not among `keys`. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of [...this.entries.keys()]) if (!keys.has(key)) this.forget(key)
  }

  /** Sees to it that the file on the device says nothing of a partition that is about to be made. It may block. */
  clear(key: string): void {
    this.forget(key)
    if (!this.stale.has(key)) return
    // A write that is under way may bring old lines back: it is done again.
    this.purges++
    writeAtomically(this.files, this.path, formatOffsetCheckpoint([...this.entries.values()]))
    this.stale.clear()
  }

  /** Writes the `offsets` of this moment, and for partitions that are not open what the file said before. */
  async write(offsets: () => readonly PartitionOffset[], isOpen: (key: string) => boolean): Promise<void> {
    for (;;) {
      const { purges } = this
      const left = [...this.stale]
      this.coming = this.merged(offsets(), isOpen)
      try {
        await writeAtomicallyLater(this.files, this.path, formatOffsetCheckpoint([...this.coming.values()]))
        if (purges !== this.purges) continue
        this.entries = this.coming
        for (const key of left) this.stale.delete(key)
        return
      } catch (error) {
        // Another write has taken the file from under this one.
        if (purges === this.purges) throw error
      } finally {
        this.coming = undefined
      }
    }
  }

  /** As `write`, at once: for a stop in order. */
  writeNow(offsets: readonly PartitionOffset[], isOpen: (key: string) => boolean): void {
    this.entries = this.merged(offsets, isOpen)
    writeAtomically(this.files, this.path, formatOffsetCheckpoint([...this.entries.values()]))
    this.stale.clear()
  }

  private merged(
    offsets: readonly PartitionOffset[],
    isOpen: (key: string) => boolean,
  ): Map<string, PartitionOffset> {
    const merged = byKey(offsets)
    for (const [key, entry] of this.entries) if (!isOpen(key) && !merged.has(key)) merged.set(key, entry)
    return merged
  }
}

/** The name of a partition's directory. */
export function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

function byKey(entries: readonly PartitionOffset[]): Map<string, PartitionOffset> {
  return new Map(entries.map((entry) => [keyOf(entry.topic, entry.partition), entry]))
}
