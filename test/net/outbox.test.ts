// What waits to be sent: ranges of files are read in turn, at once or off the loop, and nobody is kept waiting for it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { type ByteRange, Outbox, SlicePool } from '../../src/net/outbox.ts'
import { FakeStream } from './stream.ts'

const SLICE_BYTES = 512 * 1024
const SMALL_SLICE_BYTES = 64 * 1024

function boxed() {
  const stream = new FakeStream()
  const clock = new SimulatedClock()
  const slices = new SlicePool()
  const failures: string[] = []
  const outbox = new Outbox(
    stream,
    slices,
    clock,
    (error) => failures.push(error.message),
    () => {},
  )
  return { stream, clock, slices, failures, outbox }
}

/** A range that notes how it was read; `readMs` is how long the disk keeps a reader who waits. */
function rangeOf(byteLength: number, clock: SimulatedClock, readMs: (reads: number) => number) {
  const reads: ('at once' | 'off the loop')[] = []
  const range: ByteRange = {
    byteLength,
    readSync(target) {
      clock.advance(readMs(reads.length))
      reads.push('at once')
      return target.length
    },
    async read(target) {
      reads.push('off the loop')
      return target.length
    },
    release() {},
  }
  return { range, reads }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

async function turns(clock: SimulatedClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await settled()
    clock.advance(0)
  }
  await settled()
}

const sentBytes = (stream: FakeStream) => stream.written.reduce((sum, { length }) => sum + length, 0)

describe('Outbox', () => {
  test('a reader who takes everything at once gets one slice in a turn of the event loop', async () => {
    const { stream, clock, outbox } = boxed()
    const { range } = rangeOf(3 * SLICE_BYTES, clock, () => 0)
    outbox.send([range])
    await settled()
    assert.equal(sentBytes(stream), SLICE_BYTES)
    await turns(clock, 1)
    assert.equal(sentBytes(stream), 2 * SLICE_BYTES)
    await turns(clock, 1)
    assert.equal(sentBytes(stream), 3 * SLICE_BYTES)
  })

  test('quick reads are made at once', async () => {
    const { stream, clock, outbox } = boxed()
    const { range, reads } = rangeOf(40 * SLICE_BYTES, clock, () => 0.1)
    outbox.send([range])
    await turns(clock, 40)
    assert.equal(sentBytes(stream), range.byteLength)
    assert.deepEqual(new Set(reads), new Set(['at once']))
  })

  test('after a slow read the next four are made off the event loop, and twice as many each time it stays slow', async () => {
    const { clock, outbox } = boxed()
    const { range, reads } = rangeOf(60 * SLICE_BYTES, clock, () => 10)
    outbox.send([range])
    await turns(clock, 60)
    assert.equal(reads.length, 60)
    const risked = reads.flatMap((how, at) => (how === 'at once' ? [at] : []))
    assert.deepEqual(risked, [0, 5, 14, 31])
  })

  test('one quick read forgives the slow ones before it', async () => {
    const { clock, outbox } = boxed()
    const { range, reads } = rangeOf(60 * SLICE_BYTES, clock, (at) => (at === 5 || at === 6 ? 0 : 10))
    outbox.send([range])
    await turns(clock, 60)
    const risked = reads.flatMap((how, at) => (how === 'at once' ? [at] : []))
    assert.deepEqual(risked, [0, 5, 6, 7, 12, 21, 38])
  })

  test('a file that ends before its range fails the connection instead of being read for ever', async () => {
    const { clock, slices, failures, outbox } = boxed()
    const { range } = rangeOf(1000, clock, () => 0)
    outbox.send([{ ...range, readSync: () => 0 }])
    await turns(clock, 2)
    assert.deepEqual(failures, ['a file ended 1000 bytes before its range'])
    assert.equal(slices.lent, 0)
  })

  test('when many slow readers hold slices, further ones are small', () => {
    const slices = new SlicePool()
    const lent = Array.from({ length: 100 }, () => slices.take())
    assert.deepEqual(
      new Set(lent.map(({ length }, at) => [at < 64, length].join())),
      new Set([`true,${SLICE_BYTES}`, `false,${SMALL_SLICE_BYTES}`]),
    )
    for (const slice of lent) slices.give(slice)
    assert.equal(slices.take().length, SLICE_BYTES)
  })
})
