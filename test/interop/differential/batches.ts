// What fetched bytes say, batch by batch, in a form that can be compared.
// Promises the header and every record; leaves out what a broker may choose when it compresses again (sizes, checksums)
// and a cut batch at the end.
import { crc32c } from '../../../src/wire/crc32c.ts'
import * as batch from '../../../src/wire/records/batch.ts'
import { records } from '../../../src/wire/records/record.ts'
import { digest, producerOf, timeOf } from './normalise.ts'
import type { Side } from './sides.ts'

const ATTRIBUTES_AT = 21
const COUNT_AT = 57
const CRC_AT = 17

export function describeBatches(fetched: Uint8Array, side: Side): unknown[] {
  const bytes = Buffer.from(fetched)
  const found: unknown[] = []
  for (let at = 0; at + batch.HEADER_BYTES <= bytes.length; ) {
    const end = at + batch.sizeInBytes(bytes, at)
    if (end > bytes.length) break
    found.push(describeBatch(bytes.subarray(at, end), side))
    at = end
  }
  return found
}

function describeBatch(bytes: Buffer, side: Side): unknown {
  const lines: string[] = []
  try {
    for (const { offset, timestamp, key, value, headers } of records(bytes)) {
      const list = headers.map((header) => `${header.key}=${digest(header.value)}`).join(',')
      lines.push(`${offset} ${timeOf(timestamp, side)} ${digest(key)} ${digest(value)} ${list}`)
    }
  } catch {
    lines.push('unreadable')
  }
  return {
    baseOffset: batch.baseOffset(bytes, 0),
    lastOffset: batch.lastOffset(bytes, 0),
    count: bytes.readInt32BE(COUNT_AT),
    leaderEpoch: bytes.readInt32BE(12),
    attributes: bytes.readInt16BE(ATTRIBUTES_AT),
    baseTimestamp: timeOf(batch.baseTimestamp(bytes, 0), side),
    maxTimestamp: timeOf(batch.maxTimestamp(bytes, 0), side),
    producerId: producerOf(batch.producerId(bytes, 0), side),
    producerEpoch: batch.producerEpoch(bytes, 0),
    baseSequence: batch.baseSequence(bytes, 0),
    isChecksumRight: crc32c(bytes, ATTRIBUTES_AT) === bytes.readUInt32BE(CRC_AT),
    records: lines,
  }
}
