// Kafka's console producer, console consumer (assigned partition) and perf producer, each started as its script starts it.
// The consumer must print exactly what the producer was given; the perf producer's count must be what the partition holds.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runJava } from '../../support/apache-kafka.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { javaSkipReason, startJavaTools } from '../support/java-programs.ts'
import { batchesOf, codecNames } from '../support/log-files.ts'

describe('Java console tools', { skip: javaSkipReason() }, () => {
  let broker: BrokerUnderTest
  const server = () => ['--bootstrap-server', broker.bootstrapServers]

  before(async () => {
    broker = await startBrokerUnderTest()
    const tools = await startJavaTools()
    for (const topic of ['console', 'perf-none', 'perf-lz4', 'perf-zstd-acks-1']) {
      await tools.ok('org.apache.kafka.tools.TopicCommand', ...server(), '--create', '--topic', topic)
    }
    tools.stop()
  })
  after(() => broker?.stop())

  const produce = async (stdin: string, ...args: string[]) => {
    const { code, stderr } = await runJava(
      'org.apache.kafka.tools.ConsoleProducer',
      [...server(), '--topic', 'console', ...args],
      { stdin },
    )
    assert.equal(code, 0, stderr)
  }

  const consume = async (offset: number | 'earliest', count: number): Promise<string[]> => {
    const properties = ['key', 'offset', 'partition', 'headers'].map((name) => `print.${name}=true`)
    const { code, stdout, stderr } = await runJava('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...server(),
      ...['--topic', 'console', '--partition', '0', '--offset', String(offset)],
      ...['--max-messages', String(count), '--timeout-ms', '20000'],
      ...['--formatter-property', 'key.separator=|'],
      ...properties.flatMap((property) => ['--formatter-property', property]),
    ])
    assert.equal(code, 0, stderr)
    assert.match(stderr, new RegExp(`Processed a total of ${count} messages`))
    return stdout.split('\n').filter((line) => line !== '')
  }

  test('lines, keys, headers and nulls go through the console in every codec', async () => {
    const parsed = ['parse.key=true', 'parse.headers=true', 'key.separator=|', 'headers.delimiter=|']
    const properties = [...parsed, 'null.marker=NULL'].flatMap((property) => ['--reader-property', property])
    const wanted: string[] = []
    for (const codec of codecNames) {
      const base = wanted.length
      const lines = [
        `a:1,b:2,a:3|key ${codec}|value`,
        `NULL|NULL|no key and no headers`,
        `x:NULL|deleted|NULL`,
        `u:ü|schlüssel|wert ☃`,
      ]
      await produce(lines.map((line) => `${line}\n`).join(''), '--compression-codec', codec, ...properties)
      wanted.push(
        `Partition:0|Offset:${base}|a:1,b:2,a:3|key ${codec}|value`,
        `Partition:0|Offset:${base + 1}|NO_HEADERS|null|no key and no headers`,
        `Partition:0|Offset:${base + 2}|x:null|deleted|null`,
        `Partition:0|Offset:${base + 3}|u:ü|schlüssel|wert ☃`,
      )
    }
    assert.deepEqual(await consume('earliest', wanted.length), wanted)
    assert.deepEqual(await consume(13, 7), wanted.slice(13))
    const { batches } = batchesOf(join(broker.logDir, 'console-0'))
    assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], [...codecNames])
  })

  for (const { topic, properties } of [
    { topic: 'perf-none', properties: ['acks=all'] },
    { topic: 'perf-lz4', properties: ['acks=all', 'compression.type=lz4', 'linger.ms=5'] },
    {
      topic: 'perf-zstd-acks-1',
      properties: ['acks=1', 'compression.type=zstd', 'enable.idempotence=false'],
    },
  ]) {
    test(`the perf producer's 50,000 records are all there (${properties.join(', ')})`, async () => {
      const { code, stdout, stderr } = await runJava('org.apache.kafka.tools.ProducerPerformance', [
        ...['--topic', topic, '--num-records', '50000', '--record-size', '200', '--throughput', '-1'],
        ...server(),
        ...['--command-property', ...properties],
      ])
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^50000 records sent, /m)
      const { batches, tornBytes } = batchesOf(join(broker.logDir, `${topic}-0`))
      assert.equal(tornBytes, 0)
      assert.equal(
        batches.reduce((sum, batch) => sum + batch.recordsCount, 0),
        50_000,
      )
      assert.equal(batches.at(-1)?.lastOffset, 49_999)
    })
  }
})
