// Kafka's DumpLogSegments reads every file that the broker under test has written: segments, indexes, producer snapshots.
// Once after a clean end, once after SIGKILL, and once more after the recovery that follows it.
// Files with a text of their own (checkpoints, partition.metadata, meta.properties) are compared here.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type BrokerUnderTest, interopTarget, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { type JavaTools, javaSkipReason, startJavaTools } from '../support/java-programs.ts'
import {
  assertSameLines,
  checkpointTaken,
  countsIn,
  dumpLog,
  dumpOther,
  filesOf,
  fixture,
  partitionsIn,
  quickCheckpoints,
} from './fixture.ts'

const codecOf: Record<string, string[]> = {
  'fx.append-time-0': ['lz4'],
  'fx.codec-gzip-0': ['gzip'],
  'fx.codec-lz4-0': ['lz4'],
  'fx.codec-snappy-0': ['snappy'],
  'fx.codec-zstd-0': ['zstd'],
}

describe('files of a log directory, read by DumpLogSegments', { skip: javaSkipReason() }, () => {
  let tools: JavaTools
  before(async () => {
    tools = await startJavaTools()
  })
  after(() => tools?.stop())

  /** Every batch valid, offsets without a gap from the first to `end`, and as many records as were written. */
  async function checkSegments(logDir: string, lines: string[]): Promise<void> {
    const counts = countsIn(lines)
    assert.deepEqual([...counts.keys()].sort(), partitionsIn(logDir))
    for (const [partition, { end }] of counts) {
      const segments = filesOf(logDir, partition, '.log')
      let next = 0
      for (const segment of segments) {
        const batches = await dumpLog(tools, segment)
        assert.equal(Number(basename(segment, '.log')), next, `${segment} is named after its first offset`)
        for (const batch of batches) {
          const where = `${segment} at offset ${batch.baseOffset}`
          assert.ok(batch.isValid, `${where}: CRC`)
          assert.equal(batch.baseOffset, next, where)
          assert.equal(batch.offsets.length, batch.count, where)
          assert.equal(batch.offsets[0], batch.baseOffset, where)
          assert.equal(batch.offsets.at(-1), batch.lastOffset, where)
          assert.ok((codecOf[partition] ?? ['none']).includes(batch.codec), `${where}: ${batch.codec}`)
          next = batch.lastOffset + 1
        }
      }
      assert.equal(next, end, `end of ${partition}`)
    }
    assert.ok(filesOf(logDir, 'fx.segments-0', '.log').length >= 4, 'several segments')
  }

  async function checkIndexes(logDir: string): Promise<void> {
    for (const partition of partitionsIn(logDir)) {
      const indexes = [...filesOf(logDir, partition, '.index'), ...filesOf(logDir, partition, '.timeindex')]
      // The indexes of an empty segment may be missing: there is nothing that they could say.
      for (const segment of filesOf(logDir, partition, '.log').filter((file) => statSync(file).size > 0)) {
        assert.ok(indexes.includes(segment.replace(/log$/, 'index')), `no index of ${segment}`)
        assert.ok(indexes.includes(segment.replace(/log$/, 'timeindex')), `no time index of ${segment}`)
      }
      if (indexes.length === 0) continue
      assert.deepEqual(
        await dumpOther(tools, indexes, '--index-sanity-check'),
        indexes.map((file) =>
          file.endsWith('.index') && statSync(file).size === 0
            ? `${file} is empty.`
            : `${file} passed sanity check.`,
        ),
      )
      // Prints only what it finds wrong.
      const verified = await dumpOther(tools, indexes, '--verify-index-only')
      assert.deepEqual(
        verified.filter((line) => !line.endsWith(' is empty.')),
        [],
      )
    }
    const segments = filesOf(logDir, 'fx.segments-0', '.log')
    for (const segment of segments.slice(0, -1)) {
      const entries = await dumpOther(tools, [segment.replace(/log$/, 'index')])
      // One entry per 4096 bytes, at batch boundaries: batches here have at most 16 KiB.
      const least = Math.floor(statSync(segment).size / (4096 + 16_384)) - 1
      assert.ok(entries.length >= least, `${entries.length} of ${least} entries for ${segment}`)
      for (const entry of entries) assert.match(entry, /^offset: \d+ position: \d+$/)
      const times = await dumpOther(tools, [segment.replace(/log$/, 'timeindex')])
      assert.ok(times.length >= 1, `no entry in the time index of ${segment}`)
      for (const entry of times) assert.match(entry, /^timestamp: \d+ offset: \d+$/)
    }
  }

  /** The producers in the newest snapshot are those in the log, each at its last batch. */
  async function checkSnapshots(logDir: string): Promise<void> {
    for (const partition of ['fx.segments-0', 'fx.one-batch-0', 'fx.codec-zstd-0']) {
      const last = new Map<number, number>()
      let end = 0
      for (const segment of filesOf(logDir, partition, '.log')) {
        for (const batch of await dumpLog(tools, segment)) {
          if (batch.producerId >= 0) last.set(batch.producerId, batch.lastOffset)
          end = batch.lastOffset + 1
        }
      }
      const newest = filesOf(logDir, partition, '.snapshot').at(-1)
      assert.ok(newest !== undefined, `no snapshot in ${partition}`)
      assert.equal(Number(basename(newest, '.snapshot')), end, 'taken at the end of the log')
      const found = new Map<number, number>()
      for (const line of await dumpOther(tools, [newest])) {
        const entry =
          /^producerId: (\d+) producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong\.empty lastTimestamp: \d+ firstSequence: \d+ lastSequence: \d+ lastOffset: (\d+) offsetDelta: \d+ timestamp: \d+$/.exec(
            line,
          )
        assert.ok(entry, line)
        found.set(Number(entry[1]), Number(entry[2]))
      }
      assert.deepEqual([...found].sort(), [...last].sort(), newest)
    }
  }

  function checkTexts(broker: BrokerUnderTest, lines: string[]): void {
    const text = (...parts: string[]) => readFileSync(join(broker.logDir, ...parts), 'utf8')
    for (const partition of partitionsIn(broker.logDir)) {
      const id = lines.find((line) => line.startsWith(`${partition} id=`))?.split(/[= ]/)[2]
      assert.match(text(partition, 'partition.metadata'), new RegExp(`^version: 0\\ntopic_id: ${id}\\n?$`))
    }
    assert.match(text('fx.segments-0', 'leader-epoch-checkpoint'), /^0\n\d+\n0 0\n(\d+ 11000\n)?$/)
    assert.match(text('meta.properties'), /^version=1$/m)
    assert.match(text('meta.properties'), /^cluster\.id=[\w-]{22}$/m)
    assert.match(text('meta.properties'), /^node\.id=\d+$/m)
    assert.match(text('meta.properties'), /^directory\.id=[\w-]{22}$/m)
  }

  test('after a clean end', async () => {
    const broker = await startBrokerUnderTest()
    try {
      await fixture('write', broker)
      const lines = await fixture('read', broker)
      await broker.halt()
      await checkSegments(broker.logDir, lines)
      await checkIndexes(broker.logDir)
      await checkSnapshots(broker.logDir)
      checkTexts(broker, lines)
      const text = (name: string) => readFileSync(join(broker.logDir, name), 'utf8')
      assert.match(text('recovery-point-offset-checkpoint'), /^0\n\d+\n(.+ \d+ \d+\n)+$/)
      assert.match(text('recovery-point-offset-checkpoint'), /^fx\.segments 0 11000$/m)
      assert.match(text('replication-offset-checkpoint'), /^fx\.segments 0 11000$/m)
      assert.match(text('log-start-offset-checkpoint'), /^0\n1\nfx\.deleted 0 37\n$/)
      assert.equal(JSON.parse(text('.kafka_cleanshutdown')).version, 0)
    } finally {
      await broker.stop()
    }
  })

  test('after SIGKILL, and after the recovery from it', async () => {
    const broker = await startBrokerUnderTest({ properties: quickCheckpoints(interopTarget) })
    try {
      await fixture('write', broker)
      const lines = await fixture('read', broker)
      await checkpointTaken()
      await broker.kill9()
      assert.ok(!existsSync(join(broker.logDir, '.kafka_cleanshutdown')), 'no marker of a clean end')
      await checkSegments(broker.logDir, lines)
      await broker.restart()
      assertSameLines(await fixture('read', broker), lines)
      await broker.halt()
      await checkSegments(broker.logDir, lines)
      await checkIndexes(broker.logDir)
      await checkSnapshots(broker.logDir)
      checkTexts(broker, lines)
    } finally {
      await broker.stop()
    }
  })
})
