// The zigzag integers of records.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../../../src/wire/records/varint.ts'

/** The definition of the format, in the plainest form. */
function reference(value: bigint, bits: bigint): string {
  let rest = BigInt.asUintN(Number(bits), (value << 1n) ^ (value >> (bits - 1n)))
  const bytes: number[] = []
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Buffer.from(bytes).toString('hex')
}

test('a varint has the bytes and the size of its definition', () => {
  const target = Buffer.alloc(16)
  const agrees = (value: number) => {
    const end = writeVarint(target, 0, value)
    assert.equal(target.toString('hex', 0, end), reference(BigInt(value), 32n))
    assert.equal(varintSize(value), end)
  }
  for (const value of [0, -1, 1, 63, -64, 64, -65, 2 ** 31 - 1, -(2 ** 31)]) agrees(value)
  fc.assert(fc.property(fc.integer(), agrees))
})

test('a varlong has the bytes and the size of its definition', () => {
  const target = Buffer.alloc(16)
  const agrees = (value: number) => {
    const end = writeVarlong(target, 0, value)
    assert.equal(target.toString('hex', 0, end), reference(BigInt(value), 64n))
    assert.equal(varlongSize(value), end)
  }
  for (const value of [0, -1, 1, 63, -64, 64, -65, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
    agrees(value)
  fc.assert(fc.property(fc.maxSafeInteger(), agrees))
})
