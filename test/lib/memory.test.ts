// Pooled memory is used again when, and only when, every holder has let go.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isPooled, MemoryPool, release, retain } from '../../src/lib/memory.ts'

describe('MemoryPool', () => {
  test('memory comes back for the next one who needs that size', () => {
    const pool = new MemoryPool(1_000_000)
    const first = pool.take(10_000)
    release(first)
    assert.equal(pool.take(10_000).buffer, first.buffer)
  })

  test('memory with a holder left is not lent again, through whichever view it is held', () => {
    const pool = new MemoryPool(1_000_000)
    const first = pool.take(10_000)
    const view = first.subarray(100, 200)
    retain(view)
    release(first)
    assert.notEqual(pool.take(10_000).buffer, first.buffer)
    release(view)
    assert.equal(pool.take(10_000).buffer, first.buffer)
  })

  test('no two takers ever hold the same memory', () => {
    const steps = fc.array(fc.record({ take: fc.boolean(), bytes: fc.integer({ min: 1, max: 50_000 }) }))
    fc.assert(
      fc.property(steps, (list) => {
        const pool = new MemoryPool(100_000)
        const held: Buffer[] = []
        for (const { take, bytes } of list) {
          if (take) held.push(pool.take(bytes))
          else if (held.length > 0) release(held.splice(bytes % held.length, 1)[0])
          assert.equal(new Set(held.map(({ buffer }) => buffer)).size, held.length)
          assert.ok(pool.idleBytes <= 100_000)
        }
      }),
    )
  })

  test('when it is full of sizes that nobody asks for any more, they make room', () => {
    const pool = new MemoryPool(100_000)
    const large = Array.from({ length: 3 }, () => pool.take(32_768))
    for (const memory of large) release(memory)
    const small = pool.take(4096)
    release(small)
    assert.equal(pool.take(4096).buffer, small.buffer)
    const again = pool.take(32_768)
    assert.ok(large.some(({ buffer }) => again.buffer === buffer))
  })

  test('is at least as large as asked for, and at most a quarter larger', () => {
    const pool = new MemoryPool(0)
    for (const bytes of [1, 4096, 4097, 9000, 65_536, 1_048_700, 3_000_000]) {
      const { byteLength } = pool.take(bytes)
      assert.ok(byteLength >= bytes && byteLength <= Math.max(4096, bytes * 1.25), `${bytes}: ${byteLength}`)
    }
  })

  test('a release too many is a broken invariant; memory of no pool is left alone', () => {
    const memory = new MemoryPool(1_000_000).take(5000)
    release(memory)
    assert.throws(() => release(memory), /invariant/)
    const other = Buffer.alloc(10)
    retain(other)
    release(other)
    release(other)
    assert.equal(isPooled(other), false)
  })
})
