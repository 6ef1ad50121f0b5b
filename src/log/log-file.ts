// A segment's file, opened when it is needed, and the ranges of it that are being sent.
// Promises that open files stay within a bound shared by all logs, and that a range can be read until it is
// released, even if its segment is closed, renamed or removed meanwhile. Leaves what the bytes mean to the segment.
import { assert } from '../lib/assert.ts'
import type { FileHandle, Files } from '../lib/files/files.ts'

/** The open files of all logs: the ones used least recently are closed when there are too many. */
export class OpenFiles {
  readonly files: Files
  private readonly limit: number
  private readonly open = new Set<LogFile>()

  constructor(files: Files, limit = 2000) {
    this.files = files
    this.limit = limit
  }

  get count(): number {
    return this.open.size
  }

  opened(file: LogFile): void {
    this.open.add(file)
    let untried = this.open.size
    for (const candidate of this.open) {
      if (this.open.size <= this.limit || untried-- === 0) return
      if (candidate === file) continue
      this.open.delete(candidate)
      if (!candidate.closeIfIdle()) this.open.add(candidate)
    }
  }

  closed(file: LogFile): void {
    this.open.delete(file)
  }
}

/** A range of a segment's file that will be read later, in slices. Holds the file open until released. */
export class FileRange {
  readonly byteLength: number
  private readonly file: LogFile
  private readonly position: number
  private released = false

  constructor(file: LogFile, position: number, byteLength: number) {
    this.file = file
    this.position = position
    this.byteLength = byteLength
  }

  /** Fills `target` from `offsetInRange` on; returns the bytes read, never beyond the range. */
  read(target: Uint8Array, offsetInRange: number): Promise<number> {
    const bounded = this.bounded(target, offsetInRange)
    return this.file.handle().read(bounded, this.position + offsetInRange)
  }

  readSync(target: Uint8Array, offsetInRange: number): number {
    return this.file.handle().readSync(this.bounded(target, offsetInRange), this.position + offsetInRange)
  }

  /** Must be called once, read or not. */
  release(): void {
    if (this.released) return
    this.released = true
    this.file.released()
  }

  private bounded(target: Uint8Array, offsetInRange: number): Uint8Array {
    assert(!this.released, 'a range is read before it is released')
    const left = this.byteLength - offsetInRange
    return target.byteLength <= left ? target : target.subarray(0, left)
  }
}

export class LogFile {
  path: string
  private readonly openFiles: OpenFiles
  private open: FileHandle | undefined
  /** Set on use, cleared when the file was spared once. */
  private used = false
  private ranges = 0
  private closing = false
  private whenClosed: (() => void)[] = []

  constructor(openFiles: OpenFiles, path: string) {
    this.openFiles = openFiles
    this.path = path
  }

  /** The open file, which must exist unless `mode` is `replace`. */
  handle(mode: 'write' | 'replace' = 'write'): FileHandle {
    this.used = true
    if (this.open === undefined) {
      this.open = this.openFiles.files.openSync(this.path, mode)
      this.openFiles.opened(this)
    }
    return this.open
  }

  /** Gives the file another name; whoever reads it goes on doing so. */
  rename(path: string): void {
    this.openFiles.files.renameSync(this.path, path)
    this.path = path
  }

  /** A range to be read later. It is the caller's to release. */
  range(position: number, byteLength: number): FileRange {
    this.handle()
    this.ranges++
    return new FileRange(this, position, byteLength)
  }

  released(): void {
    this.ranges--
    if (this.ranges === 0 && this.closing) this.closeNow()
  }

  /** Closes the file unless it was used since it was last asked, or is being sent. */
  closeIfIdle(): boolean {
    if (this.ranges > 0) return false
    if (this.used) {
      this.used = false
      return false
    }
    this.open?.closeSync()
    this.open = undefined
    return true
  }

  /** Closes the file as soon as no range needs it; a later `handle()` opens it again. */
  close(): void {
    if (this.ranges > 0) this.closing = true
    else this.closeNow()
  }

  /** Resolves once the file is gone from the disk, which waits for ranges where the system wants files closed first. */
  async remove(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.whenClosed.push(resolve))
    this.close()
    await closed
    await this.openFiles.files.remove(this.path)
  }

  private closeNow(): void {
    this.closing = false
    this.openFiles.closed(this)
    this.open?.closeSync()
    this.open = undefined
    const waiting = this.whenClosed
    this.whenClosed = []
    for (const resolve of waiting) resolve()
  }
}
