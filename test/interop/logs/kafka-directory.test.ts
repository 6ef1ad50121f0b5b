// A log directory goes from Apache Kafka 4.3 to the broker under test and back, and every record is served the same by each.
// It holds all codecs, several segments, committed, aborted and open transactions, a compacted and a trimmed topic.
// Once handed over after clean ends, once after SIGKILL on both sides.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type BrokerUnderTest, interopTarget, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { javaSkipReason } from '../support/java-programs.ts'
import { assertSameLines, checkpointTaken, fixture, quickCheckpoints } from './fixture.ts'

const partitionsWithNumbers = (lines: readonly string[]) =>
  lines.filter((line) => / records=[1-9]/.test(line))

describe('a log directory of Apache Kafka', { skip: javaSkipReason() }, () => {
  for (const how of ['a clean end', 'SIGKILL'] as const) {
    test(`is opened after ${how}, served, appended to, and given back`, async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'interop-handed-over-'))
      const running: BrokerUnderTest[] = []
      const start = async (target = interopTarget) => {
        const quickCleaner: Record<string, string> =
          target === 'apache' ? { 'log.cleaner.backoff.ms': '200' } : {}
        const properties = { 'node.id': '1', ...quickCheckpoints(target), ...quickCleaner }
        const broker = await startBrokerUnderTest({ dataDir, target, properties })
        running.push(broker)
        return broker
      }
      const end = async (broker: BrokerUnderTest) => {
        if (how === 'a clean end') return broker.halt()
        await checkpointTaken()
        await broker.kill9()
      }
      try {
        const writer = await start('apache')
        await fixture('write-all', writer)
        const written = await fixture('read', writer)
        const configs = await fixture('configs', writer)
        assert.equal(partitionsWithNumbers(written).length, 2 * 12, written.join('\n'))
        await end(writer)

        const broker = await start()
        assertSameLines(await fixture('read', broker), written)
        assertSameLines(await fixture('configs', broker), configs)
        const appended = await fixture('append', broker)
        assert.equal(appended.length, 13)
        const extended = await fixture('read', broker)
        await end(broker)

        const reader = await start('apache')
        assertSameLines(await fixture('read', reader), extended)
        await end(reader)
      } finally {
        for (const broker of running) await broker.stop()
        await rm(dataDir, { recursive: true, force: true })
      }
    })
  }
})
