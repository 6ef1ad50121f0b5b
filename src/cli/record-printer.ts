// Prints records of what was fetched, up to a number of them.
// Promises to write in large pieces and to say where reading has to go on. Leaves the form of lines to record-text.ts.
import type { FetchedPartition } from './client/fetched.ts'
import type { Io } from './io.ts'
import { type PrintFormat, recordLine } from './record-text.ts'

/** Printed text is gathered up to this before it is written. */
const OUTPUT_CHUNK_CHARACTERS = 32 * 1024

export class RecordPrinter {
  private readonly io: Io
  private readonly format: PrintFormat
  private readonly limit: number
  private count = 0

  /** @param limit how many records are printed at most */
  constructor(io: Io, format: PrintFormat, limit: number = Number.POSITIVE_INFINITY) {
    this.io = io
    this.format = format
    this.limit = limit
  }

  get printed(): number {
    return this.count
  }

  /** As many as were asked for. */
  get isDone(): boolean {
    return this.count >= this.limit
  }

  /** Prints those for which `isWanted` holds; answers the offset behind the last one looked at. */
  async print(part: FetchedPartition, isWanted: (offset: number) => boolean = () => true): Promise<number> {
    let text = ''
    let nextOffset = part.nextOffset
    for (const record of part.records()) {
      if (!isWanted(record.offset)) continue
      if (this.isDone) {
        nextOffset = record.offset
        break
      }
      text += `${recordLine(record, part.topic, part.index, this.format)}\n`
      this.count++
      if (text.length < OUTPUT_CHUNK_CHARACTERS) continue
      await this.io.print(text)
      text = ''
    }
    if (text !== '') await this.io.print(text)
    return nextOffset
  }
}
