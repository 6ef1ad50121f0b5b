// The Java client 4.3 (producer, consumer, admin) against the broker under test.
// Each check is a JVM (Checks.java) that ends with 0 and a line of counts, or says what differs from Apache Kafka.
// The form of batches on disk and the restart of the broker are looked after here.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { countsOf, javaClasspath, javaSkipReason, smallJvm } from '../support/java-programs.ts'
import { batchesOf, codecNames } from '../support/log-files.ts'
import { launch, runOk } from '../support/processes.ts'
import { lastWordsAround } from '../support/restarts.ts'

describe('Java client', { skip: javaSkipReason() }, () => {
  let broker: BrokerUnderTest
  let classpath: string

  before(async () => {
    classpath = await javaClasspath()
    broker = await startBrokerUnderTest()
  })
  after(() => broker?.stop())

  const check = async (name: string): Promise<Record<string, number>> => {
    const args = [...smallJvm, '-cp', classpath, 'Checks', name, broker.bootstrapServers]
    return countsOf((await runOk('java', args)).stdout)
  }

  test('every codec arrives compressed and comes back the same', async () => {
    assert.deepEqual(await check('codecs'), Object.fromEntries(codecNames.map((codec) => [codec, 500])))
    const sizes = codecNames.map((codec) => {
      const { batches } = batchesOf(join(broker.logDir, `java.codec-${codec}-0`))
      assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], [codec])
      return batches.reduce((sum, batch) => sum + batch.sizeInBytes, 0)
    })
    const [plain, ...compressed] = sizes
    for (const size of compressed) assert.ok(size < plain! / 5, `${size} of ${plain} bytes`)
  })

  test('null and empty keys and values, headers of every kind, times that go backwards', async () => {
    assert.deepEqual(await check('shapes'), { records: 15 * codecNames.length })
  })

  test('a batch of max.message.bytes passes, one byte more is refused, a batch of many is split', async () => {
    assert.deepEqual(await check('size'), { largest: 1_048_516 })
    const [largest] = batchesOf(join(broker.logDir, 'java.size-0')).batches
    assert.equal(largest?.sizeInBytes, 1_048_588)
    for (const batch of batchesOf(join(broker.logDir, 'java.size-split-0')).batches) {
      assert.ok(batch.sizeInBytes <= 5000)
    }
  })

  test('acks 0, 1 and all', async () => {
    assert.deepEqual(await check('acks'), { records: 3000 })
  })

  test('offsets: every special time, times inside batches, positions and resets', async () => {
    assert.deepEqual(await check('offsets'), { records: 23 })
  })

  test('producer ids, refused records, LogAppendTime, forced compression, a remade topic', async () => {
    assert.deepEqual(await check('producer'), { producers: 2 })
    const { batches } = batchesOf(join(broker.logDir, 'java.producer-recompressed-0'))
    assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], ['zstd'])
  })

  test('admin calls and their errors', async () => {
    assert.deepEqual(await check('admin'), { brokers: 1 })
  })

  test('100,000 records from an idempotent producer with five in flight come back byte for byte', async () => {
    assert.equal((await check('bulk')).records, 100_000)
  })

  test('a restart in the middle loses and doubles nothing', async () => {
    const child = launch('java', [
      ...smallJvm,
      '-cp',
      classpath,
      'Checks',
      'restart',
      broker.bootstrapServers,
    ])
    const counts = countsOf(await lastWordsAround(child, () => broker.restart()))
    assert.equal(counts.records, 4000 + counts.during!)
    assert.ok(counts.during! > 50, `only ${counts.during} records were sent around the restart`)
  })
})
