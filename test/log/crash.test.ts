// A log on a disk that loses power: what was acknowledged as synced is there afterwards, what is broken is cut and told.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import type { Log, LogConfig } from '../../src/log/log.ts'
import {
  append,
  appendAndWrite,
  batchOf,
  DIRECTORY,
  damage,
  openLog,
  readAll,
  restarted,
  SEGMENT,
  valuesOf,
  type Workshop,
  workshop,
} from './workshop.ts'

const config: Partial<LogConfig> = { segmentBytes: 20_000, indexIntervalBytes: 1000 }

/** One life of the log between two crashes: appends, writes, syncs, in an order the seed chooses. */
async function live(
  log: Log,
  values: string[],
  random: SeededRandom,
): Promise<{ synced: number; checkpointed: number; pending: Promise<void>[] }> {
  let synced = log.syncedEndOffset
  let checkpointed = synced
  const pending: Promise<void>[] = []
  for (let steps = random.below(120); steps > 0; steps--) {
    const chance = random.below(10)
    if (chance < 6) {
      const some = Array.from({ length: 1 + random.below(4) }, (_, i) =>
        `${log.endOffset + i}`.padEnd(random.below(3000), '.'),
      )
      append(log, batchOf(some, { producerId: 9, producerEpoch: 0, baseSequence: log.endOffset }))
      values.push(...some)
    } else if (chance < 9) {
      log.writeQueued()
    } else if (random.below(2) === 0) {
      const end = log.writtenEndOffset
      const done = log.sync().then(() => {
        synced = Math.max(synced, end)
      })
      pending.push(done.catch(() => {}))
      if (random.below(2) === 0) await done
      if (random.below(2) === 0) checkpointed = log.syncedEndOffset
    }
  }
  return { synced, checkpointed, pending }
}

describe('after a loss of power', () => {
  test('nothing synced is missing, the rest is a prefix, and the log goes on', async () => {
    let cuts = 0
    for (let seed = 1; seed <= 250; seed++) {
      const random = new SeededRandom(seed)
      let world: Workshop = workshop({ crashes: true })
      let log = openLog(world, config)
      const values: string[] = []
      for (let life = 0; life < 3; life++) {
        const { synced, checkpointed } = await live(log, values, random)
        world.files.crash(random)
        world = restarted(world)
        log = openLog(world, config, { recoveryPoint: checkpointed })
        const found = valuesOf(readAll(log))
        const context = `seed ${seed}, life ${life}`
        assert.ok(found.length >= synced, `${context}: ${found.length} records, but ${synced} were synced`)
        const wrong = found.findIndex((value, i) => value !== values[i])
        assert.equal(wrong, -1, `${context}: record ${wrong} is not what was appended`)
        assert.equal(log.endOffset, found.length, context)
        assert.equal(log.latestEpoch, found.length === 0 ? -1 : 0, context)
        assert.deepEqual(
          log.activeProducers().map((producer) => producer.lastSequence),
          found.length === 0 ? [] : [found.length - 1],
        )
        for (const report of world.reports) if (report.action === 'cut') cuts++
        values.length = found.length
      }
    }
    assert.ok(cuts > 50, `only ${cuts} torn tails were met`)
  })

  test('epochs below the recovery point are there, though their batches are not looked at again', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = workshop({ crashes: true })
      const log = openLog(world)
      appendAndWrite(log, batchOf(['a']), 4)
      log.roll()
      await log.sync()
      const recoveryPoint = log.syncedEndOffset
      assert.equal(recoveryPoint, 1)
      world.files.crash(new SeededRandom(seed))
      const again = openLog(restarted(world), {}, { recoveryPoint })
      assert.deepEqual([again.endOffset, again.latestEpoch], [1, 4], `seed ${seed}`)
    }
  })

  test('older epochs are there, too, when a newer one has been noted since the last sync', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 200; seed++) {
      const world = workshop({ crashes: true })
      const log = openLog(world)
      appendAndWrite(log, batchOf(['a'.repeat(100)]), 4)
      await log.sync()
      for (let i = 0; i < 11; i++) appendAndWrite(log, batchOf(['b']), 4)
      const recoveryPoint = log.syncedEndOffset
      appendAndWrite(log, batchOf(['c']), 9)
      if (seed % 2 === 0) void log.sync().catch(() => {})
      world.files.crash(new SeededRandom(seed))
      const again = openLog(restarted(world), {}, { recoveryPoint })
      const wanted = again.endOffset > 12 ? [4, 4, 9] : [4, 4, undefined]
      const epochs = [
        again.epochOf(0),
        again.epochOf(11),
        again.endOffset > 12 ? again.epochOf(12) : undefined,
      ]
      assert.deepEqual(epochs, wanted, `seed ${seed}`)
      assert.deepEqual(again.endOffsetForEpoch(4).endOffset, Math.min(again.endOffset, 12), `seed ${seed}`)
      outcomes.add(`${again.endOffset}`)
    }
    assert.ok(outcomes.size > 3, [...outcomes].join())
  })

  test('a torn tail is cut to the last whole batch and reported with its bytes', () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']))
    const good = log.byteLength
    appendAndWrite(log, batchOf(['torn'.repeat(50)]))
    const handle = world.files.openSync(SEGMENT, 'write')
    handle.truncateSync(log.byteLength - 7)
    const next = restarted(world)
    const again = openLog(next)
    assert.deepEqual(valuesOf(readAll(again)), ['a'])
    assert.equal(world.files.sizeSync(SEGMENT), good)
    assert.equal(next.reports.length, 1)
    const [report] = next.reports
    assert.deepEqual([report!.path, report!.action, report!.keptAs], [SEGMENT, 'cut', undefined])
    assert.equal(report!.bytesCut, log.byteLength - 7 - good)
    assert.equal(appendAndWrite(again, batchOf(['b'])), 1)
  })

  test('zeros at the end, as a file system may leave them, are cut', () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']))
    world.files.openSync(SEGMENT, 'write').writeSync(Buffer.alloc(5000), log.byteLength)
    const next = restarted(world)
    assert.equal(openLog(next).endOffset, 1)
    assert.deepEqual(
      next.reports.map((report) => [report.action, report.bytesCut]),
      [['cut', 5000]],
    )
  })
})

describe('damage in the middle', () => {
  test('good batches behind it are set aside, not lost, and the report says where', () => {
    const world = workshop()
    const log = openLog(world)
    for (let i = 0; i < 10; i++) appendAndWrite(log, batchOf([`value ${i}`]))
    const size = log.byteLength / 10
    const before = world.files.readFileSync(SEGMENT)
    damage(world, SEGMENT, 4 * size + 70)
    const next = restarted(world)
    const again = openLog(next)
    assert.equal(again.endOffset, 4)
    const [report] = next.reports
    assert.equal(report?.action, 'set aside')
    assert.equal(report?.bytesCut, 6 * size)
    assert.equal(report?.keptAs, `${SEGMENT}.${4 * size}.corrupt`)
    const kept = world.files.readFileSync(report!.keptAs!)
    assert.equal(kept.byteLength, 6 * size)
    assert.deepEqual(kept.subarray(size), before.subarray(5 * size))
    assert.equal(appendAndWrite(again, batchOf(['next'])), 4)
  })

  test('segments behind it are set aside, too', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 500 })
    for (let i = 0; i < 12; i++) appendAndWrite(log, batchOf(['x'.repeat(100)]))
    assert.ok(log.segmentCount >= 4)
    damage(world, SEGMENT, 100)
    const next = restarted(world)
    const again = openLog(next, { segmentBytes: 500 })
    assert.deepEqual([again.endOffset, again.segmentCount], [0, 1])
    assert.equal(next.reports.length, log.segmentCount)
    assert.ok(next.reports.every((report) => report.action === 'set aside'))
    const keptBytes = next.reports.map((report) => world.files.sizeSync(report.keptAs!)!)
    assert.equal(
      keptBytes.reduce((sum, bytes) => sum + bytes, 0),
      log.byteLength,
    )
    const third = restarted(next)
    assert.equal(openLog(third, { segmentBytes: 500 }).endOffset, 0)
    assert.deepEqual(third.reports, [])
  })

  test('below the recovery point it is not looked for; a reader is told by its own checksum', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 500 })
    for (let i = 0; i < 12; i++) appendAndWrite(log, batchOf(['x'.repeat(100)]))
    damage(world, SEGMENT, 100)
    const next = restarted(world)
    const again = openLog(next, { segmentBytes: 500 }, { recoveryPoint: 12 })
    assert.equal(again.endOffset, 12)
    assert.deepEqual(next.reports, [])
  })

  test('a reader is served up to a broken header, and told CORRUPT_MESSAGE at it', () => {
    const world = workshop({ tailMemoryBytes: 0 })
    const log = openLog(world, { indexIntervalBytes: 1e9 })
    for (let i = 0; i < 10; i++) appendAndWrite(log, batchOf([`value ${i}`]))
    const size = log.byteLength / 10
    world.files.openSync(SEGMENT, 'write').writeSync(Buffer.from([0, 0, 0, 1]), 4 * size + 8)
    const options = { maxBytes: 7 * size, limitOffset: 10, minOneBatch: true }
    const before = log.read(0, options)
    assert.deepEqual([before.byteLength, before.nextOffset], [4 * size, 4])
    assert.throws(
      () => log.read(4, options),
      (error: { error?: { name: string } }) => error.error?.name === 'CORRUPT_MESSAGE',
    )
  })
})

describe('damaged files beside the log', () => {
  const suffixes = ['index', 'timeindex'] as const
  for (const suffix of suffixes) {
    for (const [name, spoil] of [
      ['missing', undefined],
      ['of a wrong length', Buffer.from([1, 2, 3])],
      ['full of nonsense', Buffer.alloc(24, 0xcd)],
    ] as const) {
      test(`a .${suffix} that is ${name} is made anew and reported`, async () => {
        const world = workshop({ tailMemoryBytes: 0 })
        const log = openLog(world, { segmentBytes: 30_000, indexIntervalBytes: 100 })
        const values = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(1000))
        values.forEach((value, i) => {
          appendAndWrite(log, batchOf([value], { timestamp: 1_700_000_000_000 + i }))
        })
        await log.closeCleanly()
        const path = SEGMENT.replace('.log', `.${suffix}`)
        const good = world.files.readFileSync(path)
        if (spoil === undefined) world.files.unlinkSync(path)
        else world.files.writeFileSync(path, spoil)
        const next = restarted(world, { tailMemoryBytes: 0 })
        const again = openLog(next, { segmentBytes: 30_000 }, { isClean: true })
        assert.deepEqual(valuesOf(readAll(again, 0, 3000)), values)
        assert.equal(again.offsetForTimestamp(1_700_000_000_007)?.offset, 7)
        assert.deepEqual(
          next.reports.map((report) => [report.path, report.action]),
          [[path, 'rebuilt']],
        )
        assert.ok(world.files.readFileSync(path).byteLength <= good.byteLength)
        const third = restarted(next)
        const last = openLog(third, { segmentBytes: 30_000 }, { isClean: true })
        assert.equal(last.offsetForTimestamp(1_700_000_000_007)?.offset, 7)
        assert.equal(readAll(last, 0, 3000).length, 60)
        assert.deepEqual(third.reports, [])
      })
    }
  }

  test('indexes that a crash of Apache Kafka leaves, filled up with zeros, are read', async () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 30_000, indexIntervalBytes: 100 })
    for (let i = 0; i < 60; i++) appendAndWrite(log, batchOf([`${i}`.padEnd(1000)]))
    await log.closeCleanly()
    for (const suffix of ['index', 'timeindex']) {
      const path = SEGMENT.replace('.log', `.${suffix}`)
      world.files.writeFileSync(path, Buffer.concat([world.files.readFileSync(path), Buffer.alloc(2400)]))
    }
    const next = restarted(world)
    const again = openLog(next, { segmentBytes: 30_000 }, { isClean: true })
    assert.equal(readAll(again, 0, 3000).length, 60)
    assert.deepEqual(next.reports, [])
  })

  test('a damaged producer snapshot is dropped, and the log is scanned instead', async () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a', 'b'], { producerId: 5, producerEpoch: 1, baseSequence: 0 }))
    await log.closeCleanly()
    const path = `${DIRECTORY}/00000000000000000002.snapshot`
    damage(world, path, 20)
    const next = restarted(world)
    const again = openLog(next, {}, { isClean: true })
    assert.deepEqual(
      again.activeProducers().map(({ producerId, lastSequence }) => [producerId, lastSequence]),
      [[5, 1]],
    )
    assert.deepEqual(
      next.reports.map((report) => [report.path, report.action]),
      [[path, 'dropped']],
    )
  })

  test('a damaged leader-epoch-checkpoint is made anew from the batches', async () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a']), 2)
    appendAndWrite(log, batchOf(['b']), 5)
    await log.closeCleanly()
    world.files.writeFileSync(`${DIRECTORY}/leader-epoch-checkpoint`, Buffer.from('0\n9\n0 0\n'))
    const next = restarted(world)
    const again = openLog(next, {}, { isClean: true })
    assert.deepEqual([again.latestEpoch, again.epochOf(0)], [5, 2])
    assert.equal(next.reports[0]?.action, 'rebuilt')
  })

  test('epochs that the recovered part begins in the middle of stay as they are', () => {
    const world = workshop()
    const log = openLog(world, { segmentBytes: 500 })
    for (let i = 0; i < 12; i++) appendAndWrite(log, batchOf(['x'.repeat(100)]), [0, 0, 3, 3, 3, 7][i >> 1]!)
    const epochs = [0, 4, 10].map((offset) => log.epochOf(offset))
    assert.deepEqual(epochs, [0, 3, 7])
    const again = openLog(restarted(world), { segmentBytes: 500 }, { recoveryPoint: 6 })
    assert.deepEqual(
      [0, 4, 10].map((offset) => again.epochOf(offset)),
      epochs,
    )
    assert.deepEqual(again.endOffsetForEpoch(3), { leaderEpoch: 3, endOffset: 10 })
  })

  test('epochs and snapshots from beyond the end of a recovered log are forgotten', () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['a'], { producerId: 5, producerEpoch: 0, baseSequence: 0 }), 1)
    const end = log.byteLength
    appendAndWrite(log, batchOf(['b'], { producerId: 5, producerEpoch: 0, baseSequence: 1 }), 2)
    log.roll()
    world.files.openSync(SEGMENT, 'write').truncateSync(end)
    const again = openLog(restarted(world))
    assert.deepEqual([again.endOffset, again.latestEpoch], [1, 1])
    assert.deepEqual(
      again.activeProducers().map(({ lastSequence }) => lastSequence),
      [0],
    )
    const names = world.files.listSync(DIRECTORY).map(({ name }) => name)
    assert.deepEqual(
      names.filter((name) => name.endsWith('.snapshot')),
      [],
    )
  })

  test('files that belong to no segment, and the cleaner’s half-done work, are tidied up', () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchOf(['old']))
    appendAndWrite(log, batchOf(['kept']))
    const put = (name: string, bytes: Buffer) => world.files.writeFileSync(`${DIRECTORY}/${name}`, bytes)
    put('00000000000000000777.index', Buffer.alloc(8))
    put('00000000000000000009.log.deleted', Buffer.alloc(8))
    put('00000000000000000005.log.cleaned', Buffer.alloc(8))
    put('00000000000000000005.log.swap', Buffer.alloc(8))
    const compacted = batchOf(['kept'], { baseOffset: 1, partitionLeaderEpoch: 0 })
    put('00000000000000000000.log.swap', compacted)
    const again = openLog(restarted(world))
    assert.deepEqual(
      readAll(again, 0).map((record) => [record.offset, record.value?.toString()]),
      [[1, 'kept']],
    )
    const names = world.files.listSync(DIRECTORY).map((entry) => entry.name)
    assert.deepEqual(names.sort(), ['00000000000000000000.log', 'leader-epoch-checkpoint'])
  })
})
