// Logs that others have written: compacted ones with holes, and messages from before the batches of today.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from '@node-rs/crc32'
import { baseOffset, recordsCount, sizeInBytes } from '../../src/wire/records/batch.ts'
import { buildBatch } from '../../src/wire/records/build.ts'
import {
  appendAndWrite,
  batchOf,
  bytesOf,
  DIRECTORY,
  openLog,
  readAll,
  restarted,
  workshop,
} from './workshop.ts'

const NOW = 1_700_000_000_000
const everything = (limitOffset: number) => ({ maxBytes: 1 << 20, limitOffset, minOneBatch: true })

function put(world: ReturnType<typeof workshop>, base: number, batches: readonly Buffer[]): void {
  world.files.makeDirectorySync(DIRECTORY)
  const name = `${DIRECTORY}/${String(base).padStart(20, '0')}.log`
  world.files.writeFileSync(name, Buffer.concat(batches))
}

describe('a compacted log', () => {
  const record = (offsetDelta: number) => ({
    timestamp: NOW + offsetDelta,
    offsetDelta,
    value: Buffer.from('v'),
  })
  const sparse = buildBatch({ records: [record(1), record(5)], baseOffset: 10, lastOffsetDelta: 9 })
  const emptied = buildBatch({
    records: [],
    baseOffset: 40,
    lastOffsetDelta: 4,
    maxTimestamp: NOW,
    producerId: 3,
    producerEpoch: 0,
    baseSequence: 7,
  })
  const horizon = buildBatch({ records: [record(0)], baseOffset: 60, deleteHorizonMs: NOW + 86_400_000 })
  const later = buildBatch({ records: [record(0)], baseOffset: 100 })

  for (const isClean of [true, false]) {
    test(`is read over its holes and emptied batches, ${isClean ? 'as it is' : 'checked'}`, () => {
      const world = workshop({ tailMemoryBytes: 0 })
      put(world, 0, [sparse, emptied, horizon])
      put(world, 90, [later])
      const log = openLog(world, { cleanupPolicy: ['compact'] }, { isClean })
      assert.deepEqual([log.startOffset, log.endOffset, log.segmentCount], [0, 101, 2])
      assert.deepEqual(
        readAll(log, 0, 100).map(({ offset, timestamp }) => [offset, timestamp]),
        [
          [11, NOW + 1],
          [15, NOW + 5],
          [60, NOW],
          [100, NOW],
        ],
      )
      const first = (offset: number): number => {
        const bytes = bytesOf(log.read(offset, everything(101)))
        return baseOffset(bytes, 0)
      }
      assert.deepEqual(
        [0, 10, 19, 20, 44, 45, 61, 89, 100].map(first),
        [10, 10, 10, 40, 40, 60, 100, 100, 100],
      )
      const atEmpty = bytesOf(log.read(41, { maxBytes: 1, limitOffset: 101, minOneBatch: true }))
      assert.deepEqual([recordsCount(atEmpty, 0), sizeInBytes(atEmpty, 0)], [0, 61])
      assert.equal(log.offsetForTimestamp(NOW + 3)?.offset, 15)
      assert.deepEqual(
        log.activeProducers().map(({ lastSequence }) => lastSequence),
        [11],
      )
      assert.equal(appendAndWrite(log, batchOf(['new'], { key: 'k' })), 101)
    })
  }
})

/** A message of format v1 (KIP-32), or v0 without a timestamp. */
function message(offset: number, value: string, timestamp?: number): Buffer {
  const isV1 = timestamp !== undefined
  const bytes = Buffer.alloc((isV1 ? 34 : 26) + value.length)
  bytes.writeBigInt64BE(BigInt(offset), 0)
  bytes.writeInt32BE(bytes.byteLength - 12, 8)
  bytes[16] = isV1 ? 1 : 0
  if (isV1) bytes.writeBigInt64BE(BigInt(timestamp), 18)
  const key = isV1 ? 26 : 18
  bytes.writeInt32BE(-1, key)
  bytes.writeInt32BE(value.length, key + 4)
  bytes.write(value, key + 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12)
  return bytes
}

describe('a log with messages from before Kafka 0.11', () => {
  const old = [
    message(0, 'zero'),
    message(1, 'one', NOW),
    message(2, 'two', NOW + 10),
    message(5, 'five', NOW + 5),
  ]

  for (const isClean of [true, false]) {
    test(`is served as it is, ${isClean ? 'after a clean stop' : 'checked'}, and appended to`, () => {
      const world = workshop({ tailMemoryBytes: 0 })
      put(world, 0, old)
      const log = openLog(world, { cleanupPolicy: ['compact'] }, { isClean })
      assert.equal(log.endOffset, 6)
      assert.deepEqual(bytesOf(log.read(0, everything(6))), Buffer.concat(old))
      assert.deepEqual(bytesOf(log.read(2, everything(5))), old[2])
      assert.deepEqual(log.offsetForTimestamp(NOW + 6), { timestamp: NOW + 10, offset: 2, leaderEpoch: -1 })
      assert.equal(appendAndWrite(log, batchOf(['new'], { key: 'k' })), 6)
      assert.ok(world.reports.every(({ action }) => isClean && action === 'rebuilt'))
    })
  }

  test('and a damaged one among them is noticed at recovery', () => {
    const world = workshop()
    const spoilt = Buffer.from(old[3]!)
    spoilt[36] = spoilt[36]! ^ 1
    put(world, 0, [...old.slice(0, 3), spoilt])
    assert.equal(openLog(world).endOffset, 3)
    assert.equal(world.reports[0]?.action, 'cut')
  })
})

describe('a preallocated segment', () => {
  const config = { preallocate: true, segmentBytes: 5 << 20 }

  test('gives back what it does not need at a clean stop, and is cut where it ends after a crash', async () => {
    const world = workshop()
    const log = openLog(world, config)
    for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf([`value ${i}`]))
    const path = `${DIRECTORY}/00000000000000000000.log`
    assert.equal(world.files.sizeSync(path), 5 << 20)
    const crashed = restarted(world)
    const again = openLog(crashed, config)
    assert.deepEqual(
      [again.endOffset, crashed.reports[0]?.action, crashed.reports[0]?.keptAs],
      [5, 'cut', undefined],
    )
    await log.closeCleanly()
    assert.equal(world.files.sizeSync(path), log.byteLength)
    const next = restarted(world)
    assert.equal(openLog(next, config, { isClean: true }).endOffset, 5)
    assert.deepEqual(next.reports, [])
  })
})

describe('a log that is deleted', () => {
  test('while a sync is under way does not give up the disk', async () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']))
    const syncing = log.sync()
    log.abandon()
    world.files.renameSync(DIRECTORY, `${DIRECTORY}.gone`)
    await assert.rejects(syncing, /closed or deleted/)
    await assert.rejects(log.sync(), /closed or deleted/)
    assert.deepEqual(world.failures, [])
  })
})
