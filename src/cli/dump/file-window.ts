// A file read in slices that move forward with the reader.
// Promises that at most one slice (1 MiB, or one batch where that is larger) is in memory. Leaves the format to the dumps.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const SLICE_BYTES = 1024 * 1024

export class FileWindow {
  readonly size: number
  private readonly file: number
  private slice = Buffer.alloc(0)
  private sliceStart = 0

  constructor(path: string) {
    this.file = openSync(path, 'r')
    this.size = fstatSync(this.file).size
  }

  /** The bytes `[position, position + length)`, fewer at the end of the file. Valid until the next call. */
  bytes(position: number, length: number): Buffer {
    const wanted = Math.min(length, Math.max(0, this.size - position))
    const at = position - this.sliceStart
    if (at < 0 || at + wanted > this.slice.length) this.move(position, wanted)
    return this.slice.subarray(position - this.sliceStart, position - this.sliceStart + wanted)
  }

  close(): void {
    closeSync(this.file)
  }

  private move(position: number, wanted: number): void {
    const slice = Buffer.allocUnsafe(
      Math.min(Math.max(wanted, SLICE_BYTES), Math.max(0, this.size - position)),
    )
    let filled = 0
    while (filled < slice.length) {
      const length = readSync(this.file, slice, filled, slice.length - filled, position + filled)
      if (length === 0) break
      filled += length
    }
    this.slice = slice.subarray(0, filled)
    this.sliceStart = position
  }
}
