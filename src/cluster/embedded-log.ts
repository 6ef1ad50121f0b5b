// The bytes of the embedded store's two files: a log of batches of transactions, and a snapshot of the whole tree.
//
//   log       := batch* zero*                        zeros are space reserved ahead, so that a full disk can still delete
//   snapshot  := header entry{count}
//   each of these is framed as   length int32 | crc32c uint32 over the payload | payload
//   batch     payload := format int8 = 1 | count int32 | transaction{count}         one batch is one write and one sync
//   transaction := stamp int64 | count int32 | change{count}
//   change    := kind int8 (0 set, 1 set ephemeral, 2 delete) | path | value
//   header    payload := format int8 = 1 | stamp int64 | count int32
//   entry     payload := path | born int64 | changed int64 | value
//   path, value := length int32 | bytes
//
// Promises that a batch which a crash tore is told apart from one that was damaged later: a torn one is the last thing in
// the log, whatever follows a damaged one is still there. Leaves reading and writing files to embedded-store.ts.
import { crc32c } from '../wire/crc32c.ts'

const FORMAT = 1
const FRAME_BYTES = 8
/** The smallest payload: format and count. */
const LEAST_PAYLOAD_BYTES = 5

/** Metadata on disk that cannot be trusted: nothing is started on it. */
export class CorruptMetadataError extends Error {
  override readonly name = 'CorruptMetadataError'
}

export const changeKind = { set: 0, setEphemeral: 1, delete: 2 } as const

/** What a transaction did to one entry. */
export interface Change {
  readonly kind: number
  readonly path: string
  readonly value: Uint8Array
}

export interface LoggedTransaction {
  /** Numbers the transactions of a store from 1, without gaps. */
  readonly stamp: number
  readonly changes: readonly Change[]
}

export interface SnapshotEntry {
  readonly path: string
  readonly value: Uint8Array
  readonly born: number
  readonly changed: number
}

const NO_BYTES = new Uint8Array(0)

class ByteWriter {
  private bytes: Buffer
  private end = 0

  constructor(sizeHint: number) {
    this.bytes = Buffer.allocUnsafe(sizeHint)
  }

  int8(value: number): void {
    this.end = this.room(1).writeInt8(value, this.end)
  }

  int32(value: number): void {
    this.end = this.room(4).writeInt32BE(value, this.end)
  }

  int64(value: number): void {
    this.end = this.room(8).writeBigInt64BE(BigInt(value), this.end)
  }

  text(value: string): void {
    const byteLength = Buffer.byteLength(value)
    this.int32(byteLength)
    this.room(byteLength).write(value, this.end)
    this.end += byteLength
  }

  bytesOf(value: Uint8Array): void {
    this.int32(value.byteLength)
    this.room(value.byteLength).set(value, this.end)
    this.end += value.byteLength
  }

  /** Reserves a frame; `closeFrame` fills it in when its payload is complete. */
  openFrame(): number {
    this.room(FRAME_BYTES)
    this.end += FRAME_BYTES
    return this.end
  }

  closeFrame(payloadStart: number): void {
    this.bytes.writeInt32BE(this.end - payloadStart, payloadStart - 8)
    this.bytes.writeUInt32BE(crc32c(this.bytes, payloadStart, this.end), payloadStart - 4)
  }

  get byteLength(): number {
    return this.end
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.end)
  }

  private room(byteLength: number): Buffer {
    if (this.end + byteLength > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.end + byteLength))
      this.bytes.copy(grown, 0, 0, this.end)
      this.bytes = grown
    }
    return this.bytes
  }
}

/** Reads within one payload whose checksum is right; running past its end means the writer was another program. */
class ByteReader {
  private readonly bytes: Buffer
  private position: number
  private readonly end: number

  constructor(bytes: Buffer, position: number, end: number) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  int8(): number {
    return this.bytes.readInt8(this.take(1))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  int64(): number {
    return Number(this.bytes.readBigInt64BE(this.take(8)))
  }

  text(): string {
    const byteLength = this.int32()
    const start = this.take(byteLength)
    return this.bytes.toString('utf8', start, start + byteLength)
  }

  /** A copy, so that small values do not keep a whole file in memory. */
  bytesOf(): Uint8Array {
    const byteLength = this.int32()
    if (byteLength === 0) return NO_BYTES
    const start = this.take(byteLength)
    return Uint8Array.prototype.slice.call(this.bytes, start, start + byteLength)
  }

  private take(byteLength: number): number {
    const start = this.position
    if (byteLength < 0 || start + byteLength > this.end) {
      throw new CorruptMetadataError('a metadata record is shorter than its contents')
    }
    this.position += byteLength
    return start
  }
}

export function encodeBatch(transactions: readonly LoggedTransaction[]): Buffer {
  const writer = new ByteWriter(256 * transactions.length)
  const payload = writer.openFrame()
  writer.int8(FORMAT)
  writer.int32(transactions.length)
  for (const transaction of transactions) {
    writer.int64(transaction.stamp)
    writer.int32(transaction.changes.length)
    for (const change of transaction.changes) {
      writer.int8(change.kind)
      writer.text(change.path)
      writer.bytesOf(change.value)
    }
  }
  writer.closeFrame(payload)
  return writer.finish()
}

/** Bytes that a change takes in a batch, near enough for bounding one. */
export function changeBytes(change: Change): number {
  return 9 + change.path.length + change.value.byteLength
}

function checkFormat(format: number, path: string): void {
  if (format !== FORMAT) {
    throw new CorruptMetadataError(
      `${path} has format ${format}, this broker reads ${FORMAT}: use a newer version`,
    )
  }
}

function decodeBatch(bytes: Buffer, start: number, end: number, path: string): LoggedTransaction[] {
  const reader = new ByteReader(bytes, start, end)
  checkFormat(reader.int8(), path)
  const transactions: LoggedTransaction[] = []
  for (let left = reader.int32(); left > 0; left--) {
    const stamp = reader.int64()
    const changes: Change[] = []
    for (let more = reader.int32(); more > 0; more--) {
      changes.push({ kind: reader.int8(), path: reader.text(), value: reader.bytesOf() })
    }
    transactions.push({ stamp, changes })
  }
  return transactions
}

/** The end of the payload framed at `position`, or -1 when no whole, undamaged frame is there. */
function frameEnd(bytes: Buffer, position: number): number {
  if (position + FRAME_BYTES + LEAST_PAYLOAD_BYTES > bytes.length) return -1
  const start = position + FRAME_BYTES
  const end = start + bytes.readInt32BE(position)
  if (end < start + LEAST_PAYLOAD_BYTES || end > bytes.length) return -1
  return crc32c(bytes, start, end) === bytes.readUInt32BE(position + 4) ? end : -1
}

/** True when an undamaged batch starts anywhere after `position`: what lies between cannot be a torn write. */
function batchFollows(bytes: Buffer, position: number): boolean {
  for (let at = position + 1; at + FRAME_BYTES + LEAST_PAYLOAD_BYTES <= bytes.length; at++) {
    // The cheap test first: only the start of a payload has the format number here.
    if (bytes[at + FRAME_BYTES] === FORMAT && frameEnd(bytes, at) >= 0) return true
  }
  return false
}

export interface LogContents {
  readonly transactions: readonly LoggedTransaction[]
  /** Where the next batch goes. */
  readonly end: number
  /** Bytes of a write that a crash tore; not counting space reserved ahead. */
  readonly tornBytes: number
}

/** Throws CorruptMetadataError, naming `path` and the position, when a batch before the last is damaged. */
export function readLog(bytes: Buffer, path: string): LogContents {
  const transactions: LoggedTransaction[] = []
  let position = 0
  for (let end = frameEnd(bytes, position); end >= 0; end = frameEnd(bytes, position)) {
    for (const transaction of decodeBatch(bytes, position + FRAME_BYTES, end, path))
      transactions.push(transaction)
    position = end
  }
  const lastUsed = bytes.length - trailingZeros(bytes)
  if (lastUsed <= position) return { transactions, end: position, tornBytes: 0 }
  if (batchFollows(bytes, position)) {
    throw new CorruptMetadataError(
      `${path} is damaged at byte ${position}, and undamaged records follow: refusing to drop what was acknowledged. ` +
        'Restore the file from a backup, or move it away together with its snapshot to start without metadata',
    )
  }
  return { transactions, end: position, tornBytes: lastUsed - position }
}

function trailingZeros(bytes: Buffer): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.length - end
}

/** A snapshot in pieces of about `pieceBytes`, so that writing a large one does not hold up the event loop. */
export function* encodeSnapshot(
  stamp: number,
  count: number,
  entries: Iterable<SnapshotEntry>,
  pieceBytes: number,
): Generator<Buffer> {
  let writer = new ByteWriter(pieceBytes)
  const header = writer.openFrame()
  writer.int8(FORMAT)
  writer.int64(stamp)
  writer.int32(count)
  writer.closeFrame(header)
  for (const entry of entries) {
    const payload = writer.openFrame()
    writer.text(entry.path)
    writer.int64(entry.born)
    writer.int64(entry.changed)
    writer.bytesOf(entry.value)
    writer.closeFrame(payload)
    if (writer.byteLength < pieceBytes) continue
    yield writer.finish()
    writer = new ByteWriter(pieceBytes)
  }
  yield writer.finish()
}

export interface SnapshotContents {
  readonly stamp: number
  readonly entries: readonly SnapshotEntry[]
}

/** Throws CorruptMetadataError, naming `path` and the position, for anything but a whole snapshot. */
export function readSnapshot(bytes: Buffer, path: string): SnapshotContents {
  const next = (position: number): number => {
    const end = frameEnd(bytes, position)
    if (end < 0)
      throw new CorruptMetadataError(`${path} is damaged at byte ${position}: restore it from a backup`)
    return end
  }
  let position = next(0)
  const header = new ByteReader(bytes, FRAME_BYTES, position)
  checkFormat(header.int8(), path)
  const stamp = header.int64()
  const entries: SnapshotEntry[] = []
  for (let left = header.int32(); left > 0; left--) {
    const end = next(position)
    const reader = new ByteReader(bytes, position + FRAME_BYTES, end)
    const path = reader.text()
    entries.push({ path, born: reader.int64(), changed: reader.int64(), value: reader.bytesOf() })
    position = end
  }
  if (position !== bytes.length) {
    throw new CorruptMetadataError(
      `${path} has ${bytes.length - position} bytes too many: restore it from a backup`,
    )
  }
  return { stamp, entries }
}
