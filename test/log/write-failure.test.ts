// A log on a disk that is full or broken: nothing half done stays, and what can go on goes on.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import { type Log, LogWriteError } from '../../src/log/log.ts'
import { buildEndTransactionMarker } from '../../src/wire/records/build.ts'
import {
  append,
  appendAndWrite,
  batchOf,
  DIRECTORY,
  openLog,
  readAll,
  restarted,
  valuesOf,
  type Workshop,
  workshop,
} from './workshop.ts'

const isStorageError = (error: { error?: { name: string } }) => error.error?.name === 'KAFKA_STORAGE_ERROR'

/** Everything about a log that an append moves, as far as it can be seen. */
function picture(log: Log): object {
  return {
    endOffset: log.endOffset,
    writtenEndOffset: log.writtenEndOffset,
    byteLength: log.byteLength,
    segments: log.segmentCount,
    latestEpoch: log.latestEpoch,
    producers: log.activeProducers(),
    stable: log.lastStableOffset(Number.MAX_SAFE_INTEGER),
    aborted: log.abortedTransactions(0, Number.MAX_SAFE_INTEGER),
    records: valuesOf(readAll(log)),
    latest: log.offsetOfMaxTimestamp(),
    queued: [log.hasQueued, log.queuedBytes],
  }
}

const transactional = (sequence: number) =>
  batchOf(['in a transaction'], {
    producerId: 7,
    producerEpoch: 1,
    baseSequence: sequence,
    transactional: true,
  })

const marker = (isCommit: boolean) =>
  buildEndTransactionMarker({ isCommit, producerId: 7, producerEpoch: 1, coordinatorEpoch: 0, timestamp: 5 })

/**
 * Every file of the log after a clean stop, by its name, but for snapshots at the base of a segment: a full disk goes
 * without, as they only shorten a later scan.
 */
async function closed(world: Workshop, log: Log): Promise<Record<string, string>> {
  await log.closeCleanly()
  const end = `${String(log.endOffset).padStart(20, '0')}.snapshot`
  const names = world.files
    .listSync(DIRECTORY)
    .map(({ name }) => name)
    .filter((name) => !name.endsWith('.snapshot') || name === end)
  return Object.fromEntries(
    names.sort().map((name) => [name, world.files.readFileSync(`${DIRECTORY}/${name}`).toString('hex')]),
  )
}

/** A batch whose timestamp follows from its value. */
const timed = (value: string): Buffer =>
  batchOf([value], { timestamp: 1_700_000_000_000 + Number.parseInt(value, 10) })

describe('a full disk', () => {
  test('undoes everything that was queued, and nothing else', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 3000, indexIntervalBytes: 100 })
    for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['x'.repeat(400)]), 1)
    appendAndWrite(log, transactional(0), 1)
    const before = picture(log)
    world.files.capacityBytes = 4500
    append(log, batchOf(['late'], { timestamp: 1_700_000_001_000 }), 2)
    append(log, transactional(1), 2)
    log.append(marker(false), { origin: 'coordinator', leaderEpoch: 2, retain: false })
    for (let i = 0; i < 20; i++) append(log, batchOf(['y'.repeat(400)]), 3)
    assert.ok(log.segmentCount > 2)
    assert.throws(
      () => log.writeQueued(),
      (error) => error instanceof LogWriteError && isStorageError(error) && error.endOffset === 6,
    )
    assert.deepEqual(picture(log), before)
    assert.deepEqual(world.failures, [])
  })

  test('refuses later appends while it is full, serves reads, and goes on when there is room', () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['kept']))
    world.files.capacityBytes = 300
    for (let attempt = 0; attempt < 3; attempt++) {
      append(log, batchOf(['x'.repeat(1000)]))
      assert.throws(() => log.writeQueued(), isStorageError)
      assert.deepEqual(valuesOf(readAll(log)), ['kept'])
    }
    world.files.capacityBytes = 10_000
    assert.equal(appendAndWrite(log, batchOf(['x'.repeat(1000)])), 1)
    const again = openLog(restarted(world))
    assert.deepEqual(valuesOf(readAll(again)), ['kept', 'x'.repeat(1000)])
  })

  test('lets an append that cannot begin its segment fail alone', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 1000 })
    append(log, batchOf(['x'.repeat(800)]))
    const heal = world.files.fail('open', /\.log$/, 'EMFILE')
    assert.throws(() => append(log, batchOf(['y'.repeat(800)])), isStorageError)
    heal()
    log.writeQueued()
    assert.deepEqual(valuesOf(readAll(log)), ['x'.repeat(800)])
    assert.equal(appendAndWrite(log, batchOf(['y'.repeat(800)])), 1)
  })

  test('at any byte: what is acknowledged is there, what failed has left no trace in any file', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new SeededRandom(seed)
      const world = workshop({}, seed)
      const config = { segmentBytes: 2000, indexIntervalBytes: 200 }
      const log = openLog(world, config)
      const acknowledged: string[] = []
      const twinWorld = workshop({}, seed)
      const twin = openLog(twinWorld, config)
      for (let turn = 0; turn < 30; turn++) {
        world.files.capacityBytes = random.below(3) === 0 ? random.below(6000) : Number.POSITIVE_INFINITY
        const values = Array.from({ length: random.below(5) }, () =>
          `${random.below(1e6)}`.padEnd(random.below(900)),
        )
        try {
          for (const value of values) append(log, timed(value))
        } catch (error) {
          assert.ok(isStorageError(error as { error?: { name: string } }))
          values.length = log.endOffset - log.writtenEndOffset
        }
        try {
          log.writeQueued()
          acknowledged.push(...values)
          for (const value of values) append(twin, timed(value))
          twin.writeQueued()
        } catch (error) {
          assert.ok(isStorageError(error as { error?: { name: string } }))
        }
        assert.equal(log.endOffset, acknowledged.length, `seed ${seed}`)
      }
      world.files.capacityBytes = Number.POSITIVE_INFINITY
      assert.deepEqual(valuesOf(readAll(log)), acknowledged)
      assert.deepEqual(await closed(world, log), await closed(twinWorld, twin), `seed ${seed}`)
      const next = restarted(world)
      assert.deepEqual(valuesOf(readAll(openLog(next, config))), acknowledged, `seed ${seed}`)
      assert.deepEqual(next.reports, [], `seed ${seed}`)
    }
  })
})

describe('a broken disk', () => {
  test('a failed sync is final: the directory is given up, appends are refused, reads go on', async () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']))
    const heal = world.files.fail('sync', /\.log$/, 'EIO')
    await assert.rejects(log.sync(), /EIO/)
    heal()
    assert.equal(world.failures.length, 1)
    await assert.rejects(log.sync(), /EIO/)
    assert.throws(() => append(log, batchOf(['b'])), isStorageError)
    assert.deepEqual(valuesOf(readAll(log)), ['a'])
    assert.equal(world.failures.length, 1)
    assert.equal(log.syncedEndOffset, 0)
  })

  test('a write that fails and cannot be taken back gives the directory up', () => {
    const world = workshop()
    const log = openLog(world)
    append(log, batchOf(['a']))
    world.files.fail('write', /\.log$/, 'EIO')
    assert.throws(() => log.writeQueued(), isStorageError)
    assert.equal(world.failures.length, 1)
    assert.equal(log.endOffset, 0)
    assert.throws(() => append(log, batchOf(['b'])), isStorageError)
  })

  test('files beside the log that cannot be written are reported and do not fail the append', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 1000 })
    const heal = world.files.fail('open', /index$/, 'EIO')
    for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['x'.repeat(700)]))
    assert.ok(world.reports.some((report) => report.reason.includes('EIO')))
    heal()
    assert.equal(readAll(openLog(restarted(world), { segmentBytes: 1000 })).length, 5)
  })
})

describe('syncs', () => {
  test('cover what was written before them, and are shared by all who ask meanwhile', async () => {
    const world = workshop({ crashes: true })
    let syncs = 0
    const { openSync } = world.files
    world.files.openSync = (path, mode) => {
      const handle = openSync.call(world.files, path, mode)
      if (!path.endsWith('.log')) return handle
      const { datasync } = handle
      return Object.assign(handle, {
        datasync: () => {
          syncs++
          return datasync.call(handle)
        },
      })
    }
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']))
    const first = log.sync()
    appendAndWrite(log, batchOf(['b']))
    const others = Array.from({ length: 50 }, () => log.sync())
    await first
    assert.equal(log.syncedEndOffset, 1)
    await Promise.all(others)
    assert.equal(log.syncedEndOffset, 2)
    assert.equal(syncs, 2)
    await log.sync()
    assert.equal(syncs, 2, 'nothing new, nothing to sync')
  })

  test('do not count for what was cut while they were under way', async () => {
    const log = openLog(workshop())
    for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['a']))
    const syncing = log.sync()
    await log.truncateTo(2)
    for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['b']))
    await syncing
    assert.equal(log.syncedEndOffset, 2)
    await log.sync()
    assert.equal(log.syncedEndOffset, 7)
  })

  test('are due after flush.messages records or flush.ms', async () => {
    const world = workshop()
    const log = openLog(world, { flushMessages: 3, flushMs: 1000 })
    appendAndWrite(log, batchOf(['a', 'b']))
    assert.equal(log.isSyncDue(), false)
    appendAndWrite(log, batchOf(['c']))
    assert.equal(log.isSyncDue(), true)
    await log.sync()
    assert.equal(log.isSyncDue(), false)
    appendAndWrite(log, batchOf(['d']))
    world.clock.advance(999)
    assert.equal(log.isSyncDue(), false)
    world.clock.advance(1)
    assert.equal(log.isSyncDue(), true)
  })

  test('a rolled segment is synced without being asked', async () => {
    const log = openLog(workshop(), { segmentBytes: 1000 })
    for (let i = 0; i < 3; i++) appendAndWrite(log, batchOf(['x'.repeat(700)]))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(log.syncedEndOffset, 3)
  })

  test('segments that retention removes meanwhile do no harm', async () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 1000, retentionBytes: 0 })
    for (let i = 0; i < 6; i++) append(log, batchOf(['x'.repeat(700)]))
    log.writeQueued()
    const syncing = log.sync()
    log.deleteOldSegments(6)
    await syncing
    assert.deepEqual(world.failures, [])
    assert.equal(log.syncedEndOffset, 6)
    await new Promise((resolve) => setImmediate(resolve))
    const names = world.files.listSync(DIRECTORY).map((entry) => entry.name)
    assert.deepEqual(
      names.filter((name) => name.includes('deleted')),
      [],
    )
  })
})
