// Histories of one partition in its directory, chosen by a seed: idempotent producers that try again, syncs, checkpoints,
// retention, DeleteRecords, a topic that is made again, full disks; kills, losses of power, stops in order.
// What has to hold after each: synced records are there, nothing is there twice, offsets and times are found.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import type { Log, LogConfig } from '../../src/log/log.ts'
import { LogWriteError } from '../../src/log/log.ts'
import { LogDirectory } from '../../src/log/log-directory.ts'
import { batchOf, defaults, readAll, restarted, type Workshop, workshop } from './workshop.ts'

const CONFIG: LogConfig = {
  ...defaults,
  segmentBytes: 3000,
  indexIntervalBytes: 300,
  retentionMs: -1,
  retentionBytes: 6000,
}
/** Times are small numbers here: nobody is forgotten for them. */
const FOR_EVER = { producerIdExpirationMs: Number.POSITIVE_INFINITY }
const PRODUCERS = 3
const LARGEST_SEQUENCE = 2 ** 31 - 1

interface Appended {
  readonly offset: number
  readonly values: readonly string[]
  readonly timestamp: number
  readonly producerId: number
  readonly baseSequence: number
}

class History {
  readonly random: SeededRandom
  world: Workshop = workshop({ crashes: true, ...FOR_EVER })
  directory = this.open()
  incarnation = 0
  /** In the order of their offsets, those that wait to be written last. */
  batches: Appended[] = []
  written = 0
  synced = 0
  /** Lowest offset at which the log may begin after a crash, as a checkpoint says so. */
  startAtLeast = 0
  startAtMost = 0
  log: Log
  private count = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.log = this.directory.createLog('topic', 0, this.topicId, CONFIG)
  }

  get topicId(): string {
    return `AbCdEfGhIjKlMnOpQrSt${String(this.incarnation).padStart(2, '0')}`
  }

  open(): LogDirectory {
    return new LogDirectory(this.world.environment, { path: 'data', clusterId: 'c', nodeId: 1 })
  }

  nextSequence(producerId: number): number {
    const last = this.batches.findLast((batch) => batch.producerId === producerId)
    if (last === undefined) return LARGEST_SEQUENCE - 5
    return (last.baseSequence + last.values.length) % 2 ** 31
  }

  append(): void {
    const { random } = this
    const producerId = random.below(PRODUCERS)
    const values = Array.from({ length: 1 + random.below(3) }, () =>
      `${this.count++}`.padEnd(random.below(400), '.'),
    )
    const timestamp = 1000 + random.below(100_000)
    const baseSequence = this.nextSequence(producerId)
    const batch = batchOf(values, { timestamp, producerId, producerEpoch: 0, baseSequence })
    const { baseOffset, duplicate } = this.log.append(batch, {
      origin: 'client',
      leaderEpoch: 0,
      retain: false,
    })
    assert.equal(duplicate, false)
    this.batches.push({ offset: baseOffset, values, timestamp, producerId, baseSequence })
  }

  /** A producer that has not seen the answer sends its last batch again. */
  repeat(): void {
    const last = this.batches.at(-1)
    if (last === undefined || last.offset < this.log.startOffset) return
    const { values, timestamp, producerId, baseSequence } = last
    const batch = batchOf(values, { timestamp, producerId, producerEpoch: 0, baseSequence })
    const { baseOffset, duplicate } = this.log.append(batch, {
      origin: 'client',
      leaderEpoch: 0,
      retain: false,
    })
    assert.deepEqual([baseOffset, duplicate], [last.offset, true])
  }

  write(): void {
    try {
      this.log.writeQueued()
    } catch (error) {
      if (!(error instanceof LogWriteError)) throw error
      this.batches = this.batches.filter(({ offset }) => offset < error.endOffset)
    }
    this.written = this.log.writtenEndOffset
  }

  /** Indexes, snapshots or epochs cannot be written, which can be made good later. */
  writeToFullDisk(): void {
    const mend = this.world.files.fail('write', /(index|snapshot|checkpoint.*)$/, 'ENOSPC')
    this.append()
    this.write()
    mend()
  }

  async sync(): Promise<void> {
    const { writtenEndOffset } = this.log
    await this.log.sync()
    this.synced = writtenEndOffset
  }

  deleteRecords(): void {
    this.write()
    const { startOffset, writtenEndOffset } = this.log
    this.log.deleteRecordsTo(startOffset + this.random.below(writtenEndOffset - startOffset + 1))
    this.startAtMost = this.log.startOffset
  }

  retain(): void {
    this.log.deleteOldSegments(this.log.writtenEndOffset)
    this.written = this.log.writtenEndOffset
    this.startAtMost = this.log.startOffset
  }

  async checkpoint(): Promise<void> {
    await this.directory.checkpointRecoveryPoints()
    await this.directory.checkpointStartOffsets()
    this.startAtLeast =
      this.log.startOffset > this.log.firstSegmentOffset ? this.log.startOffset : this.startAtLeast
  }

  recreate(): void {
    this.directory.deleteLog('topic', 0)
    this.incarnation++
    this.log = this.directory.createLog('topic', 0, this.topicId, CONFIG)
    this.batches = []
    this.written = this.synced = this.startAtLeast = this.startAtMost = 0
  }

  async stop(): Promise<void> {
    const way = this.random.below(3)
    if (way === 0) this.world.files.processDied()
    else if (way === 1) this.world.files.crash(this.random)
    else {
      this.write()
      await this.directory.close([])
      this.synced = this.written
      this.startAtLeast = this.startAtMost
    }
    this.world = restarted(this.world, FOR_EVER)
    this.directory = this.open()
    const [found] = this.directory.partitions()
    if (found !== undefined && found.topicId !== undefined && found.topicId !== this.topicId) {
      this.directory.setAside('topic', 0)
      this.log = this.directory.createLog('topic', 0, this.topicId, CONFIG)
    } else if (found === undefined) this.log = this.directory.createLog('topic', 0, this.topicId, CONFIG)
    else this.log = this.directory.openLog(found, CONFIG)
    const { endOffset } = this.log
    const least = way === 1 ? this.synced : this.written
    assert.ok(
      endOffset >= least,
      `the log ends at ${endOffset}, but ${least} were ${way === 1 ? 'synced' : 'written'}`,
    )
    this.batches = this.batches.filter(({ offset, values }) => offset + values.length <= endOffset)
    this.written = endOffset
    // What a kill leaves may still be in the page cache only.
    if (way !== 0) this.synced = endOffset
    this.startAtMost = Math.max(this.log.startOffset, 0)
  }

  check(): void {
    const { startOffset, writtenEndOffset } = this.log
    assert.ok(
      startOffset <= Math.max(this.startAtMost, 0),
      `it begins at ${startOffset}, beyond ${this.startAtMost}`,
    )
    assert.ok(startOffset >= this.startAtLeast, `it begins at ${startOffset}, below ${this.startAtLeast}`)
    const expected = this.batches
      .flatMap(({ offset, values, timestamp }) =>
        values.map((value, i) => ({ offset: offset + i, value, timestamp: timestamp + i })),
      )
      .filter(({ offset }) => offset >= startOffset && offset < writtenEndOffset)
    const found = readAll(this.log, startOffset, 1 + this.random.below(5000))
    assert.deepEqual(
      found.map(({ offset, value, timestamp }) => ({ offset, value: value?.toString(), timestamp })),
      expected,
    )
    for (let i = 0; i < 5; i++) {
      const time = 900 + this.random.below(101_000)
      const first = expected.find(({ timestamp }) => timestamp >= time)
      assert.equal(
        this.log.offsetForTimestamp(time)?.offset,
        first?.offset,
        `the first record at or after ${time}`,
      )
    }
  }

  async live(): Promise<void> {
    for (let steps = this.random.below(80); steps > 0; steps--) {
      const chance = this.random.below(40)
      if (chance < 18) this.append()
      else if (chance < 22) this.repeat()
      else if (chance < 29) this.write()
      else if (chance < 32) await this.sync()
      else if (chance < 34) await this.checkpoint()
      else if (chance < 35) this.deleteRecords()
      else if (chance < 37) this.retain()
      else if (chance < 38) this.writeToFullDisk()
      else if (chance < 39 && this.random.below(4) === 0) this.recreate()
      else {
        this.write()
        this.check()
      }
    }
  }
}

describe('histories of a partition', () => {
  test('lose nothing that was synced, repeat nothing, and find offsets by time', async () => {
    const [first, count] = (process.env.LOG_HISTORY ?? '1:200').split(':').map(Number)
    for (let seed = first!; seed < first! + count!; seed++) {
      const history = new History(seed)
      try {
        for (let life = 0; life < 6; life++) {
          await history.live()
          await history.stop()
          history.check()
        }
      } catch (error) {
        const failures = history.world.failures.map((failure) => (failure as Error).stack)
        throw new Error(`seed ${seed}: ${(error as Error).message} ${failures}`, { cause: error })
      }
    }
  })
})
