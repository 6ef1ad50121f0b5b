// The tables beside a segment, the epochs, and the memory they and the tail may take.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { retain } from '../../src/lib/memory.ts'
import {
  formatEpochCheckpoint,
  parseEpochCheckpoint,
  parsePartitionMetadata,
} from '../../src/log/checkpoint.ts'
import { LeaderEpochs } from '../../src/log/leader-epochs.ts'
import { MemoryBudget } from '../../src/log/memory-budget.ts'
import { OffsetIndex, parseOffsetIndex } from '../../src/log/offset-index.ts'
import { Tail } from '../../src/log/tail.ts'
import { noTimeEntries, parseTimeIndex, TimeIndex } from '../../src/log/time-index.ts'
import { appendAndWrite, batchOf, openLog, readAll, workshop } from './workshop.ts'

const plenty = (): MemoryBudget => new MemoryBudget(1e9)

/** Growing pairs: relative offset and position. */
const entries = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5000 })), { maxLength: 60 })
  .map((steps) => {
    let [offset, position] = [0, 0]
    return steps.map(([dOffset, dPosition]) => [(offset += dOffset), (position += dPosition)] as const)
  })

describe('an offset index', () => {
  test('finds the last entry at or below an offset or a position, as a plain search does', () => {
    fc.assert(
      fc.property(entries, fc.nat(3000), fc.nat(300_000), (pairs, offset, position) => {
        const index = new OffsetIndex(plenty(), () => new Int32Array(0))
        for (const [relative, at] of pairs) index.append(relative, at)
        assert.equal(
          index.slotForOffset(offset),
          pairs.findLastIndex((pair) => pair[0] <= offset),
        )
        assert.equal(
          index.slotForPosition(position),
          pairs.findLastIndex((pair) => pair[1] <= position),
        )
      }),
    )
  })

  test('has the bytes of Apache Kafka’s, and is read back from them', () => {
    const index = new OffsetIndex(plenty(), () => new Int32Array(0))
    index.append(71, 4174)
    index.append(110, 8501)
    assert.equal(index.toBytes().toString('hex'), '000000470000104e' + '0000006e00002135')
    fc.assert(
      fc.property(entries, fc.nat(5), (pairs, zeros) => {
        const table = new OffsetIndex(plenty(), () => new Int32Array(0))
        for (const [relative, at] of pairs) table.append(relative, at)
        const bytes = Buffer.concat([table.toBytes(), Buffer.alloc(zeros * 8)])
        assert.deepEqual(parseOffsetIndex(bytes, 1e9), { entries: table.contents() })
      }),
    )
  })

  test('is damage when it does not grow, points behind the segment, or has the wrong length', () => {
    const damage = (hex: string, segmentBytes = 1e6): boolean =>
      'damage' in parseOffsetIndex(Buffer.from(hex, 'hex'), segmentBytes)
    assert.equal(damage('0000000200000010' + '0000000200000020'), true)
    assert.equal(damage('0000000200000010' + '0000000300000010'), true)
    assert.equal(damage('0000000200000010', 16), true)
    assert.equal(damage('0000000200000010' + '0000000000000000' + '0000000300000020'), true)
    assert.equal(damage('00000002000000'), true)
    assert.equal(damage('ffffffff00000010'), true)
    assert.equal(damage(''), false)
  })
})

describe('a time index', () => {
  test('takes growing timestamps only, and says from where to look for a time', () => {
    const index = new TimeIndex(plenty(), () => noTimeEntries)
    for (const [timestamp, relative] of [
      [100, 3],
      [90, 5],
      [100, 6],
      [200, 8],
    ] as const) {
      index.appendIfLater(timestamp, relative)
    }
    assert.deepEqual([index.count, index.lastTimestamp, index.lastRelativeOffset], [2, 200, 8])
    assert.deepEqual(
      [0, 100, 101, 200, 201].map((timestamp) => index.scanStart(timestamp)),
      [0, 0, 3, 3, 8],
    )
    assert.deepEqual(
      [3, 4, 8, 9].map((relative) => index.countBelow(relative)),
      [0, 1, 1, 2],
    )
  })

  test('has the bytes of Apache Kafka’s, and is read back from them', () => {
    const index = new TimeIndex(plenty(), () => noTimeEntries)
    index.appendIfLater(1_700_000_000_000, 3)
    assert.equal(index.toBytes().toString('hex'), '0000018bcfe5680000000003')
    const padded = Buffer.concat([index.toBytes(), Buffer.alloc(36)])
    assert.deepEqual(parseTimeIndex(padded), { entries: index.contents() })
    assert.ok('damage' in parseTimeIndex(Buffer.concat([index.toBytes(), index.toBytes()])))
    assert.ok('damage' in parseTimeIndex(Buffer.alloc(13)))
  })
})

describe('leader epochs', () => {
  const of = (...starts: [number, number][]): LeaderEpochs =>
    new LeaderEpochs(starts.map(([epoch, startOffset]) => ({ epoch, startOffset })))

  test('answer where an epoch ends', () => {
    const epochs = of([2, 10], [4, 30], [7, 50])
    const cases: readonly (readonly [number, number, number])[] = [
      [7, 7, 99],
      [8, -1, -1],
      [-1, -1, -1],
      [1, 1, 10],
      [2, 2, 30],
      [3, 2, 30],
      [6, 4, 50],
    ]
    for (const [asked, leaderEpoch, endOffset] of cases) {
      assert.deepEqual(epochs.endOffsetFor(asked, 99), { leaderEpoch, endOffset }, `epoch ${asked}`)
    }
    assert.deepEqual(of().endOffsetFor(0, 5), { leaderEpoch: -1, endOffset: -1 })
    assert.deepEqual([epochs.epochOf(9), epochs.epochOf(10), epochs.epochOf(49)], [undefined, 2, 4])
  })

  test('are cut at either end', () => {
    const cut = of([2, 10], [4, 30], [7, 50])
    cut.truncateFromEnd(50)
    assert.deepEqual([cut.latest, cut.isDirty], [4, true])
    const start = of([2, 10], [4, 30], [7, 50])
    start.truncateFromStart(35)
    assert.deepEqual(start.all(), [
      { epoch: 4, startOffset: 35 },
      { epoch: 7, startOffset: 50 },
    ])
    const untouched = of([2, 10])
    untouched.truncateFromStart(5)
    assert.deepEqual([untouched.all().length, untouched.isDirty], [1, false])
  })

  test('a new epoch replaces those that it contradicts', () => {
    const epochs = of([2, 10], [4, 30])
    epochs.assign(5, 30)
    assert.deepEqual(
      epochs.all().map(({ epoch }) => epoch),
      [2, 5],
    )
    epochs.assign(3, 20)
    assert.deepEqual(
      epochs.all().map(({ epoch }) => epoch),
      [2, 3],
    )
    epochs.noteBatch(1, 40)
    assert.equal(epochs.latest, 3)
  })

  test('their file is Apache Kafka’s, and errors name file and line', () => {
    assert.equal(formatEpochCheckpoint([]).toString(), '0\n0\n')
    const starts = [{ epoch: 0, startOffset: 0 }]
    assert.equal(formatEpochCheckpoint(starts).toString(), '0\n1\n0 0\n')
    assert.deepEqual(parseEpochCheckpoint('0\n1\n0 0\n', 'f'), starts)
    assert.throws(() => parseEpochCheckpoint('0\n1\n0\n', 'the-file'), /the-file, line 3/)
    assert.throws(() => parsePartitionMetadata('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA', 'f'), /zero/)
    assert.throws(() => parsePartitionMetadata('version: 1\n', 'f'), /expected/)
  })
})

describe('a tail', () => {
  test('gives back what was put in, as long as it holds it, and never changes what was retained', () => {
    const piece = fc.record({ length: fc.integer({ min: 1, max: 20_000 }), mayKeep: fc.boolean() })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), fc.nat(200_000), (pieces, budget) => {
        const tail = new Tail(new MemoryBudget(budget), { bytesCopied: 0 })
        const file: Buffer[] = []
        const views: { view: Buffer; copy: Buffer }[] = []
        let position = 0
        for (const [i, { length, mayKeep }] of pieces.entries()) {
          const bytes = Buffer.alloc(length, i + 1)
          file.push(Buffer.from(bytes))
          tail.append(bytes, mayKeep, 0, position)
          if (!mayKeep) bytes.fill(0)
          position += length
          tail.written(0, position)
          const { from, parts } = tail.views(0, Math.max(0, position - 30_000), position)
          for (const view of parts) {
            retain(view)
            views.push({ view, copy: Buffer.from(view) })
          }
          assert.deepEqual(Buffer.concat(parts), Buffer.concat(file).subarray(from))
        }
        for (const { view, copy } of views) assert.deepEqual(view, copy)
      }),
      { numRuns: 60 },
    )
  })

  test('keeps what is not written yet, however small the budget', () => {
    const budget = new MemoryBudget(0)
    const tail = new Tail(budget, { bytesCopied: 0 })
    tail.append(Buffer.from('abc'), false, 0, 0)
    tail.append(Buffer.alloc(9000, 1), true, 0, 3)
    assert.equal(Buffer.concat(tail.views(0, 0, 9003).parts).byteLength, 9003)
    tail.written(0, 9003)
    assert.equal(budget.heldBytes, 0)
    assert.deepEqual(tail.views(0, 0, 9003), { from: 9003, parts: [] })
  })
})

describe('memory', () => {
  test('of all tails stays within their budget, the oldest going first', () => {
    const world = workshop({ tailMemoryBytes: 100_000 })
    const { tailMemory } = world.environment
    const log = openLog(world)
    for (let i = 0; i < 200; i++) {
      appendAndWrite(log, batchOf(['x'.repeat(3000)]))
      assert.ok(tailMemory.heldBytes <= 100_000)
    }
    const inMemory = (offset: number): boolean => {
      const { parts } = log.read(offset, { maxBytes: 1, limitOffset: 200, minOneBatch: true })
      return parts.every((part) => part instanceof Uint8Array)
    }
    assert.deepEqual([inMemory(0), inMemory(199)], [false, true])
  })

  test('of indexes that are not appended to, and open files, stay within their bounds', () => {
    const world = workshop({ indexMemoryBytes: 2000, maxOpenFiles: 3, tailMemoryBytes: 0 })
    const log = openLog(world, { segmentBytes: 20_000, indexIntervalBytes: 100 })
    for (let i = 0; i < 300; i++) appendAndWrite(log, batchOf(['x'.repeat(500)]))
    for (let round = 0; round < 3; round++) assert.equal(readAll(log, 0, 2000).length, 300)
    assert.ok(world.environment.indexMemory.heldBytes <= 2000)
    assert.ok(world.environment.openFiles.count <= 4)
    assert.deepEqual(world.reports, [])
  })
})
