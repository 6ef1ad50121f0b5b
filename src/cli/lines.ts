// Lines out of a stream of bytes.
// Promises UTF-8 across chunk borders, `\r\n` and `\n` alike, a last line without an end, and a bound on a line's length.
import { CommandError } from './failure.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const MAX_LINE_BYTES = 64 * 1024 * 1024

/** @throws CommandError for a line of more than 64 MiB */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const piece of input) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const last = chunk.subarray(start, end)
      yield lineText(held.length === 0 ? last : Buffer.concat([...held, last]))
      held = []
      heldBytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    held.push(chunk.subarray(start))
    heldBytes += chunk.length - start
    if (heldBytes > MAX_LINE_BYTES) throw new CommandError(`a line of more than ${MAX_LINE_BYTES} bytes`)
  }
  if (held.length > 0) yield lineText(Buffer.concat(held))
}

function lineText(bytes: Buffer): string {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length
  return bytes.toString('utf8', 0, end)
}
