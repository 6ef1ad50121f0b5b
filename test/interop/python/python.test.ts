// confluent-kafka (librdkafka), aiokafka and kafka-python against the broker under test.
// Each check is a Python process (checks.py) that ends with 0 and a line of counts, or says what differs from Apache Kafka.
// What Python cannot see, the form of its batches on disk and the restart of the broker, is looked after here.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { batchesOf, codecNames } from '../support/log-files.ts'
import { launch, runOk } from '../support/processes.ts'
import { lastWordsAround } from '../support/restarts.ts'
import { pythonEnvironment, pythonInterpreter, pythonSkipReason, pythonSource } from './environment.ts'

const clients = [
  { module: 'confluent', name: 'confluent-kafka', shapes: 15 },
  { module: 'aiokafka', name: 'aiokafka', shapes: 14 },
  { module: 'kafka_python', name: 'kafka-python', shapes: 13 },
]

describe('Python clients', { skip: pythonSkipReason() }, () => {
  let broker: BrokerUnderTest
  let interpreter: string

  before(async () => {
    interpreter = await pythonInterpreter()
    broker = await startBrokerUnderTest()
  })
  after(() => broker?.stop())

  const check = async (module: string, name: string): Promise<Record<string, number>> => {
    const args = [pythonSource('checks.py'), module, name, broker.bootstrapServers]
    const { stdout } = await runOk(interpreter, args, { timeoutMs: 240_000, env: pythonEnvironment })
    return JSON.parse(stdout.trim().split('\n').at(-1)!)
  }

  for (const { module, name, shapes } of clients) {
    test(`${name}: every codec arrives compressed and comes back the same`, async () => {
      const counts = await check(module, 'codecs')
      assert.deepEqual(counts, Object.fromEntries(codecNames.map((codec) => [codec, 500])))
      const sizes = codecNames.map((codec) => {
        const { batches, tornBytes } = batchesOf(join(broker.logDir, `${name}.codec-${codec}-0`))
        assert.equal(tornBytes, 0)
        assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], [codec])
        assert.equal(
          batches.reduce((sum, batch) => sum + batch.recordsCount, 0),
          500,
        )
        return batches.reduce((sum, batch) => sum + batch.sizeInBytes, 0)
      })
      const [plain, ...compressed] = sizes
      for (const size of compressed) assert.ok(size < plain! / 5, `${size} of ${plain} bytes`)
    })

    test(`${name}: null and empty keys and values, headers of every kind`, async () => {
      assert.deepEqual(await check(module, 'shapes'), { records: shapes * codecNames.length })
    })

    test(`${name}: a batch of max.message.bytes passes, one byte more is refused`, async () => {
      assert.deepEqual(await check(module, 'size'), { largest: 1_048_516 })
      const [largest] = batchesOf(join(broker.logDir, `${name}.size-0`)).batches
      assert.equal(largest?.sizeInBytes, 1_048_588)
    })

    test(`${name}: acks 0, 1 and all`, async () => {
      assert.deepEqual(await check(module, 'acks'), { records: 3000 })
    })

    test(`${name}: offsets by time, positions and resets`, async () => {
      assert.deepEqual(await check(module, 'offsets'), { records: 21 })
    })

    test(`${name}: a topic is made by producing to it`, async () => {
      assert.deepEqual(await check(module, 'auto_create'), { records: 1 })
    })

    test(`${name}: admin calls and their errors`, async () => {
      assert.deepEqual(await check(module, 'admin'), { brokers: 1 })
    })

    test(`${name}: 100,000 records come back byte for byte`, async () => {
      assert.equal((await check(module, 'bulk')).records, 100_000)
    })

    test(`${name}: a restart in the middle loses and doubles nothing`, async () => {
      const args = [pythonSource('checks.py'), module, 'restart', broker.bootstrapServers]
      const child = launch(interpreter, args, { env: pythonEnvironment })
      const counts = JSON.parse(await lastWordsAround(child, () => broker.restart()))
      assert.equal(counts.records, 4000 + counts.during)
      assert.ok(counts.during > 50, `only ${counts.during} records were sent around the restart`)
    })
  }
})
