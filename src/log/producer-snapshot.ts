// The producers of a log at some offset, as a file `<offset>.snapshot`: start-up reads it instead of the whole log.
// Promises the bytes of Apache Kafka's snapshots, checked by their CRC. Only the last batch of each producer is in
// them, so the memory of five batches is complete again only after a scan. Leaves when to take one to the log.
//
//   int16 version = 1 | uint32 CRC-32C of all that follows | int32 count | entries of 46 bytes:
//   int64 producerId | int16 epoch | int32 lastSequence | int64 lastOffset | int32 offsetDelta | int64 timestamp
//   | int32 coordinatorEpoch | int64 first offset of the open transaction
import { crc32c } from '../wire/crc32c.ts'
import { readInt64, writeInt64 } from '../wire/records/batch.ts'
import { ProducerEntry } from './producer-entry.ts'

const VERSION = 1
const HEADER_BYTES = 10
const CRC_END = 6
const ENTRY_BYTES = 46

export function snapshotToBytes(entries: Iterable<ProducerEntry>, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + count * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(count, CRC_END)
  let at = HEADER_BYTES
  for (const entry of entries) {
    const last = entry.batches.at(-1)
    writeInt64(bytes, at, entry.producerId)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10)
    writeInt64(bytes, at + 14, last?.lastOffset ?? -1)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    writeInt64(bytes, at + 26, entry.lastTimestamp)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, at + 38, entry.transactionStart)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes, CRC_END), 2)
  return bytes
}

/** The entries of a snapshot, or why it cannot be used. */
export function parseSnapshot(bytes: Buffer): ProducerEntry[] | string {
  if (bytes.byteLength < HEADER_BYTES) return `${bytes.byteLength} bytes are too few`
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) return `version ${version} is not known`
  if (crc32c(bytes, CRC_END) !== bytes.readUInt32BE(2)) return 'its checksum does not fit'
  const count = bytes.readInt32BE(CRC_END)
  if (bytes.byteLength !== HEADER_BYTES + count * ENTRY_BYTES) {
    return `${count} entries do not take ${bytes.byteLength} bytes`
  }
  const entries: ProducerEntry[] = []
  for (let at = HEADER_BYTES; at < bytes.byteLength; at += ENTRY_BYTES) entries.push(entryAt(bytes, at))
  return entries
}

function entryAt(bytes: Buffer, at: number): ProducerEntry {
  const lastOffset = readInt64(bytes, at + 14)
  const timestamp = readInt64(bytes, at + 26)
  const last = {
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset,
    offsetDelta: bytes.readInt32BE(at + 22),
    timestamp,
  }
  return new ProducerEntry(
    readInt64(bytes, at),
    bytes.readInt16BE(at + 8),
    bytes.readInt32BE(at + 34),
    timestamp,
    readInt64(bytes, at + 38),
    lastOffset >= 0 ? [last] : [],
  )
}
