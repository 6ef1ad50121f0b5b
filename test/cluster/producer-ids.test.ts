// Producer ids: each once, in blocks, with one request at a time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProducerIds } from '../../src/cluster/producer-ids.ts'

test('every id is given once, in order, over the borders of blocks', async () => {
  let asked = 0
  const ids = new ProducerIds({ allocateProducerIds: async () => ({ first: 10 * asked++, count: 3 }) })
  const taken = await Promise.all(Array.from({ length: 8 }, () => ids.take()))
  assert.deepEqual(taken, [0, 1, 2, 10, 11, 12, 20, 21])
  assert.equal(asked, 3)
})

test('a block that could not be had is asked for again by the next call', async () => {
  let isBroken = true
  const allocateProducerIds = async () => {
    if (isBroken) throw new Error('disk')
    return { first: 5, count: 1 }
  }
  const ids = new ProducerIds({ allocateProducerIds })
  const both = await Promise.allSettled([ids.take(), ids.take()])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  isBroken = false
  assert.equal(await ids.take(), 5)
})
