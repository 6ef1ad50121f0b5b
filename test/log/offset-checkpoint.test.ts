// Checkpoints of a log directory when topics are made again, and when partitions cannot be opened.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  appendAndWrite,
  batchOf,
  defaults,
  openDirectory as open,
  readAll,
  restarted,
  TOPIC_ID,
  textIn as text,
  valuesOf,
  workshop,
} from './workshop.ts'

describe('checkpoints of offsets', () => {
  test('a crash after a topic was made again does not bring the offsets of its namesake back', async () => {
    const world = workshop()
    const directory = open(world)
    const kept = directory.createLog('kept', 0, TOPIC_ID, defaults)
    const old = directory.createLog('topic', 0, TOPIC_ID, defaults)
    for (const log of [kept, old]) {
      for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['old']))
      log.deleteRecordsTo(4)
      await log.sync()
    }
    await directory.checkpointRecoveryPoints()
    await directory.checkpointStartOffsets()
    directory.deleteLog('topic', 0)
    const anew = directory.createLog('topic', 0, TOPIC_ID, defaults)
    appendAndWrite(anew, batchOf(['acknowledged']))
    await anew.sync()
    world.files.processDied()
    const next = restarted(world)
    const again = open(next)
    const logs = again.partitions().map((partition) => again.openLog(partition, defaults))
    assert.deepEqual(logs.map((log) => [log.directory, log.startOffset, valuesOf(readAll(log))]).sort(), [
      ['data/kept-0', 4, ['old']],
      ['data/topic-0', 0, ['acknowledged']],
    ])
    assert.deepEqual(next.reports, [])
  })

  test('a checkpoint that was under way does not bring them back either, wherever it stood', async () => {
    for (let steps = 0; steps < 20; steps++) {
      const world = workshop()
      const directory = open(world)
      const old = directory.createLog('topic', 0, TOPIC_ID, defaults)
      for (let i = 0; i < 5; i++) appendAndWrite(old, batchOf(['old']))
      old.deleteRecordsTo(4)
      const written = directory.checkpointStartOffsets()
      for (let i = 0; i < steps; i++) await Promise.resolve()
      directory.deleteLog('topic', 0)
      const anew = directory.createLog('topic', 0, TOPIC_ID, defaults)
      appendAndWrite(anew, batchOf(['acknowledged']))
      await written
      world.files.processDied()
      const again = open(restarted(world))
      const [log] = again.partitions().map((partition) => again.openLog(partition, defaults))
      assert.deepEqual([log?.startOffset, log?.endOffset], [0, 1], `after ${steps} steps`)
    }
  })

  test('a partition that could not be opened keeps what the checkpoints say of it', async () => {
    const world = workshop()
    const directory = open(world)
    for (const topic of ['a', 'b']) {
      const log = directory.createLog(topic, 0, TOPIC_ID, defaults)
      for (let i = 0; i < 5; i++) appendAndWrite(log, batchOf(['x']))
      log.deleteRecordsTo(3)
    }
    await directory.close([])
    const next = open(restarted(world))
    const [a] = next.partitions().filter(({ topic }) => topic === 'a')
    next.openLog(a!, defaults)
    await next.checkpointStartOffsets()
    assert.equal(text(world, 'log-start-offset-checkpoint'), '0\n2\na 0 3\nb 0 3\n')
    await next.close([])
    assert.equal(text(world, 'log-start-offset-checkpoint'), '0\n2\na 0 3\nb 0 3\n')
  })
})
