// The same partition as Java's producer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionOf } from '../../../src/cli/client/partitioner.ts'

test('murmur2 gives the values that Java gives', () => {
  const known: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test('a negative hash still gives a partition', () => {
  assert.equal(partitionOf(Buffer.from('foobar'), 10), (-790332482 & 0x7fffffff) % 10)
})
