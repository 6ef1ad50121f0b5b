// The log against a model that is only a list of records: whatever is done to it, reads agree.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Log, LogConfig } from '../../src/log/log.ts'
import { baseOffset } from '../../src/wire/records/batch.ts'
import { records } from '../../src/wire/records/record.ts'
import {
  append,
  batchesIn,
  batchOf,
  bytesOf,
  openLog,
  readAll,
  restarted,
  valuesOf,
  type Workshop,
  workshop,
} from './workshop.ts'

type Step =
  | { kind: 'append'; sizes: number[]; retain: boolean; timestamp: number }
  | { kind: 'write' }
  | { kind: 'roll' }
  | { kind: 'read'; fraction: number; maxBytes: number }
  | { kind: 'retain' }
  | { kind: 'deleteRecords'; fraction: number }
  | { kind: 'truncate'; fraction: number }
  | { kind: 'restart'; isClean: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      sizes: fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 5 }),
      retain: fc.boolean(),
      timestamp: fc.integer({ min: 0, max: 100_000 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
      maxBytes: fc.integer({ min: 0, max: 40_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteRecords' as const),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('truncate' as const),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), isClean: fc.boolean() }) },
)

interface ModelRecord {
  readonly value: string
  readonly timestamp: number
}

fc.configureGlobal({ includeErrorInReport: true })

const BASE_TIME = 1_700_000_000_000

/** A log and the list of records it should hold. */
class Pair {
  log: Log
  private world: Workshop
  private readonly config: Partial<LogConfig>
  private records: ModelRecord[] = []
  private borders: number[] = []
  private written = 0
  private counter = 0

  constructor(config: Partial<LogConfig>, tailMemoryBytes: number) {
    this.config = { ...config, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER }
    this.world = workshop({ tailMemoryBytes, indexMemoryBytes: 300, maxOpenFiles: 2 })
    this.log = openLog(this.world, this.config)
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.append(step)
      case 'write':
        this.log.writeQueued()
        break
      case 'roll':
        this.log.roll()
        break
      case 'read':
        this.read(step.fraction, step.maxBytes)
        return
      case 'retain':
        this.log.deleteOldSegments(this.log.writtenEndOffset)
        break
      case 'deleteRecords':
        this.log.deleteRecordsTo(Math.floor(this.log.writtenEndOffset * step.fraction))
        return
      case 'truncate': {
        // Leaders name the borders of batches: a batch goes as a whole.
        const borders = this.borders.filter((offset) => offset >= this.log.startOffset)
        const offset = borders[Math.floor(borders.length * step.fraction)]
        if (offset === undefined) return
        await this.log.truncateTo(offset)
        this.borders = this.borders.filter((other) => other < offset)
        this.records.length = Math.min(this.records.length, offset)
        break
      }
      case 'restart':
        await this.restart(step.isClean)
    }
    if (!this.log.hasQueued) this.written = this.records.length
  }

  /** One read somewhere, whose end the log may remember for the next. */
  private read(fraction: number, maxBytes: number): void {
    const { startOffset, writtenEndOffset } = this.log
    const offset = startOffset + Math.floor((writtenEndOffset - startOffset) * fraction)
    const options = { maxBytes, limitOffset: writtenEndOffset, minOneBatch: true }
    const found = batchesIn(bytesOf(this.log.read(offset, options))).flatMap((bytes) => [...records(bytes)])
    for (const { offset: at, value } of found) assert.equal(String(value), this.records[at]?.value)
    if (offset < writtenEndOffset) assert.ok(found.some((record) => record.offset === offset))
  }

  private append({ sizes, retain, timestamp }: Step & { kind: 'append' }): void {
    const values = sizes.map((size) => `${this.counter++}:`.padEnd(size, 'x'))
    const bytes = batchOf(values, { timestamp: BASE_TIME + timestamp })
    const { baseOffset } = this.log.append(bytes, { origin: 'client', leaderEpoch: 0, retain })
    if (!retain) bytes.fill(0xee)
    assert.equal(baseOffset, this.records.length)
    this.borders.push(baseOffset)
    values.forEach((value, i) => {
      this.records.push({ value, timestamp: BASE_TIME + timestamp + i })
    })
  }

  private async restart(isClean: boolean): Promise<void> {
    const { startOffset, syncedEndOffset } = this.log
    this.log.writeQueued()
    if (isClean) await this.log.closeCleanly()
    else this.world.files.processDied()
    this.checkReports()
    this.world = restarted(this.world, {
      tailMemoryBytes: this.world.environment.tailMemory.limitBytes,
      indexMemoryBytes: 300,
      maxOpenFiles: 2,
    })
    const recoveryPoint = isClean ? 0 : syncedEndOffset
    this.log = openLog(this.world, this.config, { isClean, startOffset, recoveryPoint })
    assert.deepEqual(this.world.reports, [], 'a restart finds nothing to repair')
  }

  checkReports(): void {
    assert.deepEqual(this.world.reports, [])
    assert.deepEqual(this.world.failures, [])
  }

  check(maxBytes: number): void {
    const { log } = this
    assert.equal(log.endOffset, this.records.length)
    assert.equal(log.writtenEndOffset, this.written)
    const found = readAll(log, log.startOffset, maxBytes)
    const expected = this.records.slice(log.startOffset, this.written)
    assert.deepEqual(
      valuesOf(found),
      expected.map((record) => record.value),
    )
    assert.deepEqual(
      found.map((record) => record.offset),
      expected.map((_, i) => log.startOffset + i),
    )
    this.checkTimes()
  }

  private checkTimes(): void {
    const { log } = this
    if (log.hasQueued) return
    const visible = this.records.slice(log.startOffset)
    for (const delta of [0, 1, 50_000, 99_000, 100_010]) {
      const expected = visible.findIndex((record) => record.timestamp >= BASE_TIME + delta)
      const found = log.offsetForTimestamp(BASE_TIME + delta)
      assert.equal(found?.offset ?? -1, expected < 0 ? -1 : log.startOffset + expected, `time +${delta}`)
      if (expected >= 0) assert.equal(found?.timestamp, visible[expected]!.timestamp)
    }
    const largest = Math.max(...visible.map((record) => record.timestamp))
    const found = log.offsetOfMaxTimestamp()
    if (found !== undefined && found.timestamp === largest) {
      assert.equal(this.records[found.offset]!.timestamp, largest)
    }
  }

  /** Every read from every offset begins with the batch that holds it and ends at the limit. */
  checkReads(maxBytes: number, limitFraction: number): void {
    const { log } = this
    const limitOffset = Math.floor(log.writtenEndOffset * limitFraction)
    for (let offset = log.startOffset; offset <= log.writtenEndOffset; offset += 3) {
      const result = log.read(offset, { maxBytes, limitOffset, minOneBatch: false })
      const batches = batchesIn(bytesOf(result))
      assert.ok(result.byteLength <= maxBytes)
      if (batches.length === 0) continue
      assert.ok(baseOffset(batches[0]!, 0) <= offset)
      assert.ok(result.nextOffset <= limitOffset && result.nextOffset > offset)
    }
  }
}

const config = fc.record({
  segmentBytes: fc.constantFrom(60_000, 120_000, 1_000_000),
  indexIntervalBytes: fc.constantFrom(0, 500, 4096, 1_000_000),
  segmentMs: fc.constantFrom(20_000, 604_800_000),
  retentionBytes: fc.constantFrom(-1, 100_000),
})

describe('a log and a list of records', () => {
  test('agree after any steps, whatever the segment size, index interval, memory and read size', async () => {
    await fc.assert(
      fc.asyncProperty(
        config,
        fc.constantFrom(0, 10_000, 1_000_000),
        fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.constantFrom(1, 5000, 50_000, 10_000_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (chosen, tailMemoryBytes, steps, maxBytes, limitFraction) => {
          const pair = new Pair(chosen, tailMemoryBytes)
          for (const next of steps) await pair.take(next)
          pair.check(maxBytes)
          pair.checkReads(maxBytes, limitFraction)
          pair.checkReports()
        },
      ),
      { numRuns: 300 },
    )
  })

  test('any index interval and segment size give the same bytes from every offset', () => {
    const sizes = Array.from({ length: 60 }, (_, i) => (i * 7919) % 3000)
    const logs = [
      openLog(workshop(), { indexIntervalBytes: 0, segmentBytes: 1 << 30 }),
      openLog(workshop({ tailMemoryBytes: 0 }), { indexIntervalBytes: 4096, segmentBytes: 1 << 30 }),
      openLog(workshop({ tailMemoryBytes: 20_000 }), { indexIntervalBytes: 1e9, segmentBytes: 1 << 30 }),
      openLog(workshop(), { indexIntervalBytes: 100, segmentBytes: 10_000 }),
    ]
    for (const size of sizes) {
      for (const log of logs) {
        append(log, batchOf(['v'.repeat(size), 'w']))
        log.writeQueued()
      }
    }
    for (let offset = 0; offset < 120; offset++) {
      const firsts = logs.map((log) => {
        const read = log.read(offset, { maxBytes: 1, limitOffset: 120, minOneBatch: true })
        return bytesOf(read).toString('hex')
      })
      assert.equal(new Set(firsts).size, 1, `offset ${offset}`)
    }
  })
})
