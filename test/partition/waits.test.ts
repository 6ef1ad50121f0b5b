// What waits for a partition to move: ends once, for the first reason there is, and leaves nothing behind.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { CommitWaits, FetchWait, FetchWaits } from '../../src/partition/waits.ts'

/** What a promise has come to by now. */
async function stateOf<T>(promise: Promise<T>): Promise<T | 'pending'> {
  await null
  return Promise.race([promise, Promise.resolve('pending' as const)])
}

describe('FetchWait', () => {
  test('ends when as many bytes have come as were missing, from any of its partitions', async () => {
    const clock = new SimulatedClock()
    const [one, two] = [new FetchWaits(), new FetchWaits()]
    const wait = new FetchWait(clock, 500, 100)
    for (const source of [one, two]) wait.join(source)
    one.bytesArrived(60)
    assert.equal(await stateOf(wait.promise), 'pending')
    two.bytesArrived(39)
    assert.equal(await stateOf(wait.promise), 'pending')
    two.bytesArrived(1)
    assert.equal(await stateOf(wait.promise), undefined)
    assert.equal(clock.nextDueMs(), undefined, 'its timer is gone')
  })

  test('ends at its deadline, not before', async () => {
    const clock = new SimulatedClock()
    const wait = new FetchWait(clock, 500, 1)
    wait.join(new FetchWaits())
    clock.advance(499)
    assert.equal(await stateOf(wait.promise), 'pending')
    clock.advance(1)
    assert.equal(await stateOf(wait.promise), undefined)
  })

  test('ends when one of its partitions can no longer be waited for, and is then known to none', async () => {
    const clock = new SimulatedClock()
    const [one, two] = [new FetchWaits(), new FetchWaits()]
    const wait = new FetchWait(clock, 500, 10)
    for (const source of [one, two]) wait.join(source)
    one.endAll()
    assert.equal(await stateOf(wait.promise), undefined)
    // Nothing to do for any of these any more, and nothing to go wrong.
    two.bytesArrived(10)
    two.endAll()
    one.endAll()
    clock.advance(1000)
  })

  test('several wait for the same partition, each with its own need', async () => {
    const clock = new SimulatedClock()
    const source = new FetchWaits()
    const waits = [5, 10, 15].map((missing) => {
      const wait = new FetchWait(clock, 500, missing)
      wait.join(source)
      return wait
    })
    source.bytesArrived(10)
    const states = await Promise.all(waits.map(({ promise }) => stateOf(promise)))
    assert.deepEqual(states, [undefined, undefined, 'pending'])
    source.endAll()
    assert.equal(await stateOf(waits[2]!.promise), undefined)
  })
})

describe('CommitWaits', () => {
  test('a wait ends well when the high watermark has passed its offset, and not at the offset itself', async () => {
    const waits = new CommitWaits(new SimulatedClock())
    const five = waits.wait(5, 1000)
    const nine = waits.wait(9, 1000)
    waits.advanced(5)
    assert.equal(await stateOf(five), 'pending')
    waits.advanced(6)
    assert.deepEqual([await stateOf(five), await stateOf(nine)], [true, 'pending'])
    waits.advanced(100)
    assert.equal(await stateOf(nine), true)
  })

  test('a wait ends badly at its deadline, and once', async () => {
    const clock = new SimulatedClock()
    const waits = new CommitWaits(clock)
    const late = waits.wait(5, 100)
    const patient = waits.wait(5, 200)
    clock.advance(100)
    assert.deepEqual([await stateOf(late), await stateOf(patient)], [false, 'pending'])
    waits.advanced(6)
    assert.deepEqual([await stateOf(late), await stateOf(patient)], [false, true])
    assert.equal(clock.nextDueMs(), undefined)
  })

  test('all end badly when the partition is gone', async () => {
    const clock = new SimulatedClock()
    const waits = new CommitWaits(clock)
    const both = [waits.wait(1, 100), waits.wait(2, 100)]
    waits.endAll()
    assert.deepEqual(await Promise.all(both), [false, false])
    assert.equal(clock.nextDueMs(), undefined)
  })

  test('a time-out of nothing, or less, still is one turn', async () => {
    const clock = new SimulatedClock()
    const waits = new CommitWaits(clock)
    const impatient = [waits.wait(1, 0), waits.wait(1, -5)]
    waits.advanced(2)
    assert.deepEqual(await Promise.all(impatient), [true, true])
  })
})
