import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FileRange } from '../../src/log/log.ts'
import * as batch from '../../src/wire/records/batch.ts'
import {
  append,
  appendAndWrite,
  batchesIn,
  batchOf,
  bytesOf,
  openLog,
  readAll,
  valuesOf,
  workshop,
} from './workshop.ts'

const everything = (limitOffset: number) => ({ maxBytes: 1 << 20, limitOffset, minOneBatch: true })
const code = (name: string) => (error: { error?: { name: string } }) => error.error?.name === name

describe('a log', () => {
  test('gives each batch its offsets and its leader epoch, in order', () => {
    const log = openLog(workshop())
    const first = log.append(batchOf(['a', 'b']), { origin: 'client', leaderEpoch: 7, retain: false })
    const second = log.append(batchOf(['c']), { origin: 'client', leaderEpoch: 7, retain: false })
    log.writeQueued()
    assert.deepEqual([first.baseOffset, first.lastOffset, second.baseOffset], [0, 1, 2])
    const stored = batchesIn(bytesOf(log.read(0, everything(3))))
    assert.deepEqual(
      stored.map((bytes) => [batch.baseOffset(bytes, 0), batch.partitionLeaderEpoch(bytes, 0)]),
      [
        [0, 7],
        [2, 7],
      ],
    )
    assert.ok(stored.every((bytes) => batch.hasValidCrc(bytes, 0)))
  })

  test('shows readers what is written, not what is queued', () => {
    const log = openLog(workshop())
    append(log, batchOf(['a']))
    assert.deepEqual([log.endOffset, log.writtenEndOffset, log.hasQueued], [1, 0, true])
    assert.equal(log.read(0, everything(1)).byteLength, 0)
    log.writeQueued()
    assert.deepEqual([log.endOffset, log.writtenEndOffset, log.hasQueued], [1, 1, false])
    assert.deepEqual(valuesOf(readAll(log)), ['a'])
  })

  test('keeps its own copy of memory it is not given, and the memory itself of what it is given', () => {
    const world = workshop()
    const log = openLog(world)
    const lent = batchOf(['x'.repeat(5000)])
    append(log, lent)
    lent.fill(0)
    // Larger than what any Node shares memory for between buffers: that would be worth a copy.
    const given = batchOf(['y'.repeat(40_000)])
    log.append(given, { origin: 'client', leaderEpoch: 0, retain: true })
    log.writeQueued()
    assert.deepEqual(valuesOf(readAll(log)), ['x'.repeat(5000), 'y'.repeat(40_000)])
    assert.equal(world.environment.counter.bytesCopied, lent.byteLength)
  })

  test('serves the end from memory and the rest from the file, with the same bytes', () => {
    const small = openLog(workshop({ tailMemoryBytes: 0 }))
    const large = openLog(workshop())
    for (let i = 0; i < 50; i++) {
      for (const log of [small, large]) appendAndWrite(log, batchOf([`value ${i}`, 'x'.repeat(i * 100)]))
    }
    const fromFile = small.read(10, everything(100))
    const fromMemory = large.read(10, everything(100))
    assert.ok(fromFile.parts.every((part) => !(part instanceof Uint8Array)))
    assert.ok(fromMemory.parts.every((part) => part instanceof Uint8Array))
    assert.deepEqual(bytesOf(fromFile), bytesOf(fromMemory))
  })

  test('answers an offset at the end with nothing, and one outside with OFFSET_OUT_OF_RANGE', () => {
    const log = openLog(workshop())
    appendAndWrite(log, batchOf(['a', 'b']))
    assert.equal(log.read(2, everything(2)).byteLength, 0)
    assert.throws(() => log.read(3, everything(2)), code('OFFSET_OUT_OF_RANGE'))
    assert.throws(() => log.read(-1, everything(2)), code('OFFSET_OUT_OF_RANGE'))
  })

  test('returns the whole batch that contains the offset', () => {
    const log = openLog(workshop())
    appendAndWrite(log, batchOf(['a', 'b', 'c']))
    appendAndWrite(log, batchOf(['d']))
    const [first] = batchesIn(bytesOf(log.read(2, everything(4))))
    assert.equal(batch.baseOffset(first!, 0), 0)
  })

  test('stops at the limit, in whole batches', () => {
    const log = openLog(workshop())
    for (const value of ['a', 'b', 'c', 'd']) appendAndWrite(log, batchOf([value, value]))
    for (const [limit, batches] of [
      [8, 4],
      [6, 3],
      [5, 2],
      [1, 0],
      [0, 0],
    ] as const) {
      assert.equal(batchesIn(bytesOf(log.read(0, everything(limit)))).length, batches, `limit ${limit}`)
    }
  })

  test('returns as many whole batches as fit, one at least if asked to', () => {
    const log = openLog(workshop())
    for (let i = 0; i < 200; i++) appendAndWrite(log, batchOf([String(i).padStart(100, '.')]))
    const size = log.byteLength / 200
    for (const maxBytes of [0, 1, size - 1, size, 2.5 * size, 77 * size, 199 * size]) {
      const fitting = Math.floor(maxBytes / size)
      const all = log.read(3, { maxBytes, limitOffset: 200, minOneBatch: false })
      assert.equal(all.byteLength, Math.min(197, fitting) * size, `${maxBytes} bytes`)
      assert.equal(all.nextOffset, 3 + Math.min(197, fitting))
      const one = log.read(3, { maxBytes, limitOffset: 200, minOneBatch: true })
      assert.equal(one.byteLength, Math.max(1, Math.min(197, fitting)) * size)
      for (const result of [all, one]) bytesOf(result)
    }
  })

  test('copies nothing when the producer gives the memory away, and every byte once when it does not', () => {
    for (const [retain, copied] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const world = workshop()
      const log = openLog(world)
      let produced = 0
      for (let i = 0; i < 20; i++) {
        const records = batchOf(['v'.repeat(20_000)])
        produced += records.byteLength
        log.append(records, { origin: 'client', leaderEpoch: 0, retain })
        if (i % 3 === 0) log.writeQueued()
      }
      log.writeQueued()
      assert.equal(world.environment.counter.bytesCopied, produced * copied)
    }
  })

  test('begins a new segment when a batch does not fit, and reads across', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 1000 })
    for (let i = 0; i < 40; i++) append(log, batchOf([`${i}`.padStart(200, '-')]))
    log.writeQueued()
    assert.ok(log.segmentCount > 8)
    assert.deepEqual(
      readAll(log).map((record) => record.offset),
      Array.from({ length: 40 }, (_, i) => i),
    )
    const names = world.files.listSync('data/topic-0').map((entry) => entry.name)
    const logs = names.filter((name) => name.endsWith('.log'))
    assert.equal(logs.length, log.segmentCount)
    for (const name of logs.slice(0, -1)) assert.ok(names.includes(name.replace('.log', '.index')), name)
  })

  test('rolls by the time between records, and by the clock without timestamps', () => {
    const world = workshop()
    const log = openLog(world, { segmentMs: 1000 })
    appendAndWrite(log, batchOf(['a'], { timestamp: 1000 }))
    appendAndWrite(log, batchOf(['b'], { timestamp: 2000 }))
    assert.equal(log.segmentCount, 1)
    appendAndWrite(log, batchOf(['c'], { timestamp: 2001 }))
    assert.equal(log.segmentCount, 2)
    const untimed = openLog(workshop(), { segmentMs: 1000 })
    appendAndWrite(untimed, batchOf(['a'], { timestamp: -1 }))
    assert.equal(untimed.segmentCount, 1)
  })

  test('finds the first record at or after a timestamp, and the one with the largest', () => {
    const log = openLog(workshop(), { segmentBytes: 600, indexIntervalBytes: 100 })
    const base = 1_700_000_000_000
    for (let i = 0; i < 30; i++) appendAndWrite(log, batchOf(['a', 'b', 'c'], { timestamp: base + i * 10 }))
    assert.ok(log.segmentCount > 3)
    assert.deepEqual(log.offsetForTimestamp(base + 101), {
      timestamp: base + 101,
      offset: 31,
      leaderEpoch: 0,
    })
    assert.deepEqual(log.offsetForTimestamp(base + 103), {
      timestamp: base + 110,
      offset: 33,
      leaderEpoch: 0,
    })
    assert.equal(log.offsetForTimestamp(base + 293), undefined)
    assert.equal(log.offsetForTimestamp(0)?.offset, 0)
    assert.deepEqual(log.offsetOfMaxTimestamp(), { timestamp: base + 292, offset: 89, leaderEpoch: 0 })
    log.deleteRecordsTo(20)
    assert.equal(log.offsetForTimestamp(0)?.offset, 20)
    assert.equal(openLog(workshop()).offsetOfMaxTimestamp(), undefined)
  })

  test('knows the epochs of its offsets and where each ends', () => {
    const log = openLog(workshop())
    log.assignEpochStart(0)
    appendAndWrite(log, batchOf(['a', 'b']), 0)
    log.assignEpochStart(3)
    appendAndWrite(log, batchOf(['c']), 3)
    assert.equal(log.latestEpoch, 3)
    assert.deepEqual(log.endOffsetForEpoch(0), { leaderEpoch: 0, endOffset: 2 })
    assert.deepEqual(log.endOffsetForEpoch(2), { leaderEpoch: 0, endOffset: 2 })
    assert.deepEqual(log.endOffsetForEpoch(3), { leaderEpoch: 3, endOffset: 3 })
    assert.deepEqual(log.endOffsetForEpoch(4), { leaderEpoch: -1, endOffset: -1 })
    assert.deepEqual([log.epochOf(1), log.epochOf(2)], [0, 3])
  })

  test('moves its start into the middle of a batch, and lets whole segments go', () => {
    const log = openLog(workshop(), { segmentBytes: 500 })
    for (let i = 0; i < 20; i++) appendAndWrite(log, batchOf(['x'.repeat(100), 'y']))
    log.deleteRecordsTo(13)
    assert.equal(log.startOffset, 13)
    assert.throws(() => log.read(12, everything(40)), code('OFFSET_OUT_OF_RANGE'))
    assert.equal(readAll(log)[0]?.offset, 13)
    const before = log.segmentCount
    assert.ok(log.deleteOldSegments(40) > 0)
    assert.ok(log.segmentCount < before)
    assert.equal(log.startOffset, 13)
    assert.equal(readAll(log)[0]?.offset, 13)
    assert.throws(() => log.deleteRecordsTo(41), code('OFFSET_OUT_OF_RANGE'))
  })

  test('drops old segments by size, by age, and never above the high watermark', () => {
    const bySize = openLog(workshop(), { segmentBytes: 500, retentionBytes: 1000 })
    for (let i = 0; i < 40; i++) appendAndWrite(bySize, batchOf(['x'.repeat(100)]))
    assert.equal(bySize.deleteOldSegments(0), 0)
    assert.ok(bySize.deleteOldSegments(40) > 0)
    assert.ok(bySize.byteLength >= 1000 && bySize.byteLength < 1500)

    const world = workshop()
    const byAge = openLog(world, { retentionMs: 1000, segmentBytes: 500 })
    for (let i = 0; i < 10; i++) {
      appendAndWrite(byAge, batchOf(['x'.repeat(100)], { timestamp: world.clock.wallMs() }))
      world.clock.advance(200)
    }
    assert.ok(byAge.deleteOldSegments(10) > 0)
    assert.ok(byAge.startOffset > 0 && byAge.startOffset < 10)
    world.clock.advance(5000)
    byAge.deleteOldSegments(10)
    assert.deepEqual([byAge.startOffset, byAge.endOffset, byAge.byteLength], [10, 10, 0])
    assert.equal(appendAndWrite(byAge, batchOf(['next'])), 10)
  })

  test('cuts back to an offset and goes on from there', async () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 600, indexIntervalBytes: 100 })
    for (let i = 0; i < 30; i++) appendAndWrite(log, batchOf([`${i}`.padEnd(100)]), Math.floor(i / 10))
    const producer = { producerId: 4, producerEpoch: 0, baseSequence: 0 }
    appendAndWrite(log, batchOf(['from a producer'], producer), 3)
    assert.equal(log.activeProducers().length, 1)
    await log.truncateTo(12)
    assert.deepEqual([log.endOffset, log.writtenEndOffset, log.latestEpoch], [12, 12, 1])
    assert.equal(readAll(log).length, 12)
    assert.equal(appendAndWrite(log, batchOf(['again']), 5), 12)
    assert.equal(valuesOf(readAll(log)).at(-1), 'again')
    assert.deepEqual(log.endOffsetForEpoch(1), { leaderEpoch: 1, endOffset: 12 })
    assert.deepEqual(log.activeProducers(), [])
    await log.truncateFullyAndStartAt(100)
    assert.deepEqual([log.startOffset, log.endOffset, log.byteLength], [100, 100, 0])
    assert.equal(appendAndWrite(log, batchOf(['anew'])), 100)
    assert.deepEqual(world.failures, [])
  })

  test('keeps a range that is being sent readable, whatever becomes of its segment', async () => {
    const world = workshop({ tailMemoryBytes: 0, maxOpenFiles: 1 })
    const log = openLog(world, { segmentBytes: 1000, retentionBytes: 0 })
    for (let i = 0; i < 10; i++) appendAndWrite(log, batchOf([`${i}`.padEnd(700)]))
    const range = log.read(0, everything(10)).parts[0] as FileRange
    for (let offset = 1; offset < 10; offset++) {
      for (let again = 0; again < 2; again++) bytesOf(log.read(offset, everything(10)))
    }
    assert.ok(log.deleteOldSegments(10) > 0)
    const bytes = Buffer.alloc(range.byteLength)
    assert.equal(await range.read(bytes, 0), range.byteLength)
    assert.equal(batch.hasValidCrc(bytes, 0), true)
    range.release()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(!world.files.listSync('data/topic-0').some(({ name }) => name.endsWith('.deleted')))
  })

  test('takes a leader’s batches with their offsets, gaps included', () => {
    const log = openLog(workshop())
    const from = (offset: number) => batchOf(['a', 'b'], { baseOffset: offset, partitionLeaderEpoch: 4 })
    log.appendAsFollower(Buffer.concat([from(0), from(2), from(10), from(12).subarray(0, 40)]), false)
    log.writeQueued()
    assert.equal(log.endOffset, 12)
    assert.deepEqual(
      readAll(log).map((record) => record.offset),
      [0, 1, 2, 3, 10, 11],
    )
    assert.equal(batch.baseOffset(batchesIn(bytesOf(log.read(5, everything(12))))[0]!, 0), 10)
    assert.throws(() => log.appendAsFollower(from(11), false), code('OFFSET_OUT_OF_RANGE'))
  })
})
