// What the next start finds of times, producers and what was set aside, after a loss of power, a kill or a full disk.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import type { Log, LogConfig } from '../../src/log/log.ts'
import { append, appendAndWrite, batchOf, damage, openLog, restarted, SEGMENT, workshop } from './workshop.ts'

const config: Partial<LogConfig> = { segmentBytes: 20_000, indexIntervalBytes: 1000 }

describe('the start after a sudden end', () => {
  test('times below the recovery point are found, though their batches are not looked at again', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new SeededRandom(seed)
      const world = workshop({ crashes: true })
      const log = openLog(world, config)
      const times: number[] = []
      for (let i = 0; i < 30; i++) {
        const timestamp = 1_700_000_000_000 + i * 1000
        times.push(timestamp)
        appendAndWrite(log, batchOf(['x'.repeat(1500)], { timestamp }))
        // Segments end that have just been synced, and others.
        if (random.below(2) === 0) await log.sync()
      }
      await log.sync()
      assert.ok(log.segmentCount > 1)
      world.files.crash(random)
      const again = openLog(restarted(world), config, { recoveryPoint: log.syncedEndOffset })
      const found = times.map((time) => again.offsetForTimestamp(time)?.offset)
      assert.deepEqual(
        found,
        times.map((_, i) => i),
        `seed ${seed}`,
      )
    }
  })

  test('an index of times without contents is made anew', async () => {
    const world = workshop()
    const log = openLog(world, config)
    for (let i = 0; i < 30; i++) appendAndWrite(log, batchOf(['x'.repeat(1500)], { timestamp: 1000 + i }))
    await log.closeCleanly()
    world.files.writeFileSync(SEGMENT.replace('.log', '.timeindex'), Buffer.alloc(0))
    const next = restarted(world)
    const again = openLog(next, config, { isClean: true })
    assert.equal(again.offsetForTimestamp(1005)?.offset, 5)
    assert.deepEqual(
      next.reports.map(({ action }) => action),
      ['rebuilt'],
    )
  })

  test('producers go on though a full disk kept snapshots from being written and retention took their batches', () => {
    for (const isMended of [true, false]) {
      const world = workshop()
      const small = { ...config, retentionBytes: 5000 }
      const log = openLog(world, small)
      const send = (to: Log, baseSequence: number) =>
        to.append(batchOf(['x'.repeat(3000)], { producerId: 5, producerEpoch: 0, baseSequence }), {
          origin: 'client',
          leaderEpoch: 0,
          retain: false,
        })
      let sequence = 0
      for (; sequence < 8; sequence++) send(log, sequence)
      log.writeQueued()
      const mend = world.files.fail('write', /snapshot$/, 'ENOSPC')
      for (; sequence < 18; sequence++) send(log, sequence)
      log.writeQueued()
      for (let i = 0; i < 14; i++) append(log, batchOf(['y'.repeat(3000)]))
      log.writeQueued()
      if (isMended) mend()
      log.deleteOldSegments(log.writtenEndOffset)
      assert.ok(log.startOffset > 18)
      mend()
      world.files.processDied()
      const again = openLog(restarted(world), small)
      if (isMended) assert.deepEqual([send(again, 17).duplicate, send(again, 17).baseOffset], [true, 17])
      assert.equal(send(again, 18).duplicate, false)
    }
  })

  test('what was set aside once is not overwritten when it happens again at the same place', () => {
    let world = workshop()
    const kept: string[] = []
    for (const life of ['first', 'second', 'third']) {
      const log = openLog(world, { segmentBytes: 500 })
      for (let i = 0; i < 12; i++) appendAndWrite(log, batchOf([life.padEnd(100)]))
      damage(world, SEGMENT, 100)
      world = restarted(world)
      openLog(world, { segmentBytes: 500 })
      kept.push(...world.reports.map(({ keptAs }) => keptAs!))
      const found = kept.filter((path) => world.files.readFileSync(path).includes(life))
      assert.equal(found.length, world.reports.length, life)
    }
    assert.equal(new Set(kept).size, kept.length)
    assert.ok(kept.every((path) => path.endsWith('.corrupt')))
    const bytes = Buffer.concat(kept.map((path) => world.files.readFileSync(path)))
    for (const life of ['first', 'second', 'third']) assert.ok(bytes.includes(life), life)
  })
})
