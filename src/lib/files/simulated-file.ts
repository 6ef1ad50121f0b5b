// The contents of one simulated file: bytes in chunks, and which of them would survive a crash.
// Promises memory in proportion to the contents and no copy of what is there when a file grows.
// Leaves names and directories to simulated.ts.
import type { Random } from '../random.ts'

const CHUNK_BYTES = 64 * 1024
/** The first chunk starts small and doubles, for the many files that stay small. */
const FIRST_BYTES = 512

/** Bytes addressed by position; what was never written reads as zero. */
class ChunkedBytes {
  length = 0
  private chunks: (Buffer | undefined)[] = []

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.byteLength
    if (end > this.length) this.length = end
    let from = 0
    while (from < bytes.byteLength) {
      const at = position + from
      const within = at % CHUNK_BYTES
      const count = Math.min(bytes.byteLength - from, CHUNK_BYTES - within)
      const chunk = this.chunkFor((at - within) / CHUNK_BYTES, within + count)
      chunk.set(from === 0 && count === bytes.byteLength ? bytes : bytes.subarray(from, from + count), within)
      from += count
    }
  }

  read(target: Uint8Array, position: number): number {
    const wanted = Math.max(0, Math.min(target.byteLength, this.length - position))
    let filled = 0
    while (filled < wanted) {
      const within = (position + filled) % CHUNK_BYTES
      const count = Math.min(wanted - filled, CHUNK_BYTES - within)
      const chunk = this.chunks[(position + filled - within) / CHUNK_BYTES]
      const present = Math.max(0, Math.min(count, (chunk?.byteLength ?? 0) - within))
      if (chunk !== undefined && present > 0) target.set(chunk.subarray(within, within + present), filled)
      if (present < count) target.fill(0, filled + present, filled + count)
      filled += count
    }
    return wanted
  }

  truncate(byteLength: number): void {
    if (byteLength < this.length) {
      this.chunks.length = Math.min(this.chunks.length, Math.ceil(byteLength / CHUNK_BYTES))
      this.chunks[Math.floor(byteLength / CHUNK_BYTES)]?.fill(0, byteLength % CHUNK_BYTES)
    }
    this.length = byteLength
  }

  private chunkFor(index: number, needed: number): Buffer {
    const present = this.chunks[index]
    if (present !== undefined && present.byteLength >= needed) return present
    let capacity = index === 0 ? FIRST_BYTES : CHUNK_BYTES
    while (capacity < needed) capacity *= 2
    const chunk = Buffer.alloc(capacity)
    present?.copy(chunk)
    this.chunks[index] = chunk
    return chunk
  }
}

type Change = { readonly position: number; readonly bytes: Buffer } | { readonly truncatedTo: number }

/** A file as it is and, if asked for, as a crash could leave it. */
export class SimulatedFile {
  private contents = new ChunkedBytes()
  private readonly tracksCrashes: boolean
  /** Contents that have been synced, and what was done to them since. */
  private durable = new ChunkedBytes()
  private unsynced: Change[] = []
  private synced = 0
  modifiedMs = 0

  constructor(tracksCrashes: boolean) {
    this.tracksCrashes = tracksCrashes
  }

  get byteLength(): number {
    return this.contents.length
  }

  write(bytes: Uint8Array, position: number): void {
    this.contents.write(bytes, position)
    if (this.tracksCrashes) this.unsynced.push({ position, bytes: Buffer.from(bytes) })
  }

  read(target: Uint8Array, position: number): number {
    return this.contents.read(target, position)
  }

  truncate(byteLength: number): void {
    this.contents.truncate(byteLength)
    if (this.tracksCrashes) this.unsynced.push({ truncatedTo: byteLength })
  }

  /** The number of changes so far: what a sync that starts now covers. */
  get changes(): number {
    return this.synced + this.unsynced.length
  }

  /** Makes the first `changes` changes durable. */
  sync(changes = this.changes): void {
    if (changes <= this.synced) return
    for (const change of this.unsynced.splice(0, changes - this.synced)) apply(this.durable, change)
    this.synced = changes
  }

  /** Becomes what was synced plus some of the changes since, the last of them perhaps in part. */
  crash(random: Random): void {
    const kept = random.below(this.unsynced.length + 1)
    const torn = this.unsynced[kept]
    this.sync(this.synced + kept)
    if (torn !== undefined && 'bytes' in torn) {
      this.durable.write(torn.bytes.subarray(0, random.below(torn.bytes.byteLength + 1)), torn.position)
    }
    this.unsynced = []
    const survived = new ChunkedBytes()
    const bytes = Buffer.alloc(this.durable.length)
    this.durable.read(bytes, 0)
    survived.write(bytes, 0)
    this.contents = survived
  }
}

function apply(contents: ChunkedBytes, change: Change): void {
  if ('bytes' in change) contents.write(change.bytes, change.position)
  else contents.truncate(change.truncatedTo)
}
