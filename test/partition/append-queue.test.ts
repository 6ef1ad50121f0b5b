// Appends of one turn are written at its end: once for each log, whatever happens meanwhile.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { AppendQueue, type Writable } from '../../src/partition/append-queue.ts'

function notedTarget(name: string, written: string[], onWrite = () => {}): Writable {
  return {
    writeQueued() {
      written.push(name)
      onWrite()
    },
  }
}

describe('AppendQueue', () => {
  test('writes at the end of the turn what was added in it, in order', () => {
    const clock = new SimulatedClock()
    const queue = new AppendQueue(clock)
    const written: string[] = []
    queue.add(notedTarget('one', written))
    queue.add(notedTarget('two', written))
    assert.deepEqual(written, [])
    clock.advance(0)
    assert.deepEqual(written, ['one', 'two'])
    clock.advance(100)
    assert.deepEqual(written, ['one', 'two'])
  })

  test('what is added while it writes is written at the end of the next turn', () => {
    const clock = new SimulatedClock()
    const queue = new AppendQueue(clock)
    const written: string[] = []
    const late = notedTarget('late', written)
    queue.add(notedTarget('one', written, () => queue.add(late)))
    queue.add(notedTarget('two', written))
    clock.advance(0)
    assert.deepEqual(written, ['one', 'two', 'late'])
  })

  test('every turn is one wake-up call, however much is added', () => {
    let calls = 0
    const clock = new SimulatedClock()
    const counting = {
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
      schedule: clock.schedule.bind(clock),
      endOfTurn: (wake: () => void) => {
        calls++
        clock.endOfTurn(wake)
      },
    }
    const queue = new AppendQueue(counting)
    const written: string[] = []
    for (let i = 0; i < 100; i++) queue.add(notedTarget(`${i}`, written))
    clock.advance(0)
    assert.deepEqual([calls, written.length], [1, 100])
    queue.add(notedTarget('next', written))
    assert.equal(calls, 2)
  })

  test('flush writes now, and leaves nothing for the end of the turn', () => {
    const clock = new SimulatedClock()
    const queue = new AppendQueue(clock)
    const written: string[] = []
    queue.add(notedTarget('one', written))
    queue.flush()
    assert.deepEqual(written, ['one'])
    clock.advance(0)
    assert.deepEqual(written, ['one'])
  })

  test('a mebibyte is enough to write early', () => {
    const queue = new AppendQueue(new SimulatedClock())
    assert.deepEqual([queue.isLarge(1024 * 1024 - 1), queue.isLarge(1024 * 1024)], [false, true])
  })
})
