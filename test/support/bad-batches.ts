// Batches with one thing wrong each, made out of good ones.
// Promises that the checksum fits unless it is the thing that is wrong. Leaves what a broker says to them to the tests.
import * as batch from '../../src/wire/records/batch.ts'
import { batchOf } from './calls.ts'

const at = { length: 8, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23, recordsCount: 57 } as const

/** A copy of `bytes`, changed by `change` and given a checksum that fits. */
export function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  batch.writeCrc(copy, 0)
  return copy
}

const good = (): Buffer => batchOf(['one', 'two'])

export const badBatches = {
  baseOffset: () => changed(good(), (bytes) => batch.setBaseOffset(bytes, 0, 5)),
  wrongCrc() {
    const bytes = good()
    bytes[at.crc]! ^= 0x01
    return bytes
  },
  flippedByte() {
    const bytes = good()
    bytes[bytes.length - 3]! ^= 0x10
    return bytes
  },
  magic: (value: number) => changed(good(), (bytes) => bytes.writeInt8(value, at.magic)),
  twoBatches: () => Buffer.concat([good(), good()]),
  empty: () => Buffer.alloc(0),
  cut: () => good().subarray(0, 70),
  cutHeader: () => good().subarray(0, 40),
  trailing: () => Buffer.concat([good(), Buffer.from('extra')]),
  length: (value: number) => {
    const bytes = good()
    bytes.writeInt32BE(value, at.length)
    return bytes
  },
  count: (value: number) => changed(good(), (bytes) => bytes.writeInt32BE(value, at.recordsCount)),
  lastOffsetDelta: (value: number) =>
    changed(good(), (bytes) => bytes.writeInt32BE(value, at.lastOffsetDelta)),
  /** Count and last offset delta agree with each other, but not with the records. */
  moreThanThere: () =>
    changed(good(), (bytes) => {
      bytes.writeInt32BE(5, at.recordsCount)
      bytes.writeInt32BE(4, at.lastOffsetDelta)
    }),
  attribute: (bits: number) =>
    changed(good(), (bytes) => bytes.writeInt16BE(bytes.readInt16BE(at.attributes) | bits, at.attributes)),
} as const
