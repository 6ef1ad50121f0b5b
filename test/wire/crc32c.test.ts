// The checksum against published values, and over a part of the bytes.
// A wrong polynomial, a wrong start value or a wrong range fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../src/wire/crc32c.ts'

test('the check value of CRC-32C, and the examples of RFC 3720', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index))), 0x46dd794e)
})

test('only the bytes from start to end count', () => {
  const bytes = Buffer.from('xx123456789yy')
  assert.equal(crc32c(bytes, 2, 11), 0xe3069283)
  assert.equal(crc32c(bytes, 5, 5), 0)
})
