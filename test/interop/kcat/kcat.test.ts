// kcat (librdkafka 2.0 in Debian's package, with its older consumer that reads partitions one by one) against the broker under test.
// kcat is given lines and must print the same lines; what it wrote is also looked at on disk.
// It has no admin: topics come into being by producing to them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { skipWithout } from '../support/languages.ts'
import { batchesOf, codecNames } from '../support/log-files.ts'
import { collect, launch, type RunOptions, run, runOk, sleep } from '../support/processes.ts'

/** As `kcat -J` prints it. */
interface KcatMessage {
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly tstype: string
  readonly headers?: readonly (string | null)[]
  readonly key: string | null
  readonly payload: string | null
}

const PARTITIONS = 3
const LARGEST_VALUE = 1_048_588 - 61 - 11

describe('kcat', { skip: skipWithout('kcat', ['kcat'], ['kcat']) }, () => {
  let broker: BrokerUnderTest

  before(async () => {
    broker = await startBrokerUnderTest({ properties: { 'num.partitions': String(PARTITIONS) } })
  })
  after(() => broker?.stop())

  const produce = (topic: string, args: readonly string[], options: RunOptions = {}) =>
    runOk('kcat', ['-b', broker.bootstrapServers, '-P', '-t', topic, ...args], options)

  /** Everything of one partition from an offset to its end. */
  const consume = async (topic: string, partition: number, ...args: string[]): Promise<KcatMessage[]> => {
    const words = [
      '-b',
      broker.bootstrapServers,
      '-C',
      '-t',
      topic,
      '-p',
      String(partition),
      '-e',
      '-q',
      '-J',
    ]
    const { stdout } = await runOk('kcat', [...words, '-X', 'check.crcs=true', ...args])
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  const recordsOnDisk = (topic: string): number => {
    let count = 0
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const batch of batchesOf(join(broker.logDir, `${topic}-${partition}`)).batches) {
        count += batch.recordsCount
      }
    }
    return count
  }

  test('metadata: the broker, its address, and a topic made by producing to it', async () => {
    await produce('kcat.metadata', [], { input: 'hello\n' })
    const { stdout } = await runOk('kcat', ['-b', broker.bootstrapServers, '-L', '-J', '-t', 'kcat.metadata'])
    const metadata = JSON.parse(stdout)
    assert.equal(metadata.brokers.length, 1)
    const [{ id, name }] = metadata.brokers
    assert.equal(name, broker.bootstrapServers)
    assert.equal(metadata.controllerid, id)
    assert.deepEqual(metadata.topics, [
      {
        topic: 'kcat.metadata',
        partitions: Array.from({ length: PARTITIONS }, (_, partition) => ({
          partition,
          leader: id,
          replicas: [{ id }],
          isrs: [{ id }],
        })),
      },
    ])
    const all = await runOk('kcat', ['-b', broker.bootstrapServers, '-L', '-J'])
    assert.ok(
      JSON.parse(all.stdout).topics.some((topic: { topic: string }) => topic.topic === 'kcat.metadata'),
    )
  })

  for (const codec of codecNames) {
    test(`${codec}: lines arrive in that codec and come back the same`, async () => {
      const topic = `kcat.${codec}`
      const lines = Array.from(
        { length: 500 },
        (_, line) => `key ${line}|${'the same words again and again '.repeat(12)}${line}`,
      )
      const settings = ['-X', `compression.codec=${codec}`, '-X', 'linger.ms=100', '-K', '|', '-p', '0']
      await produce(topic, settings, { input: `${lines.join('\n')}\n` })
      const messages = await consume(topic, 0)
      assert.deepEqual(
        messages.map(({ key, payload }) => `${key}|${payload}`),
        lines,
      )
      assert.deepEqual(
        messages.map(({ offset }) => offset),
        lines.map((_, offset) => offset),
      )
      const { batches } = batchesOf(join(broker.logDir, `${topic}-0`))
      assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], [codec])
      const bytes = batches.reduce((sum, batch) => sum + batch.sizeInBytes, 0)
      if (codec !== 'none') assert.ok(bytes < lines.join('').length / 5, `${bytes} bytes`)
    })
  }

  test('headers, null keys, null and empty values', async () => {
    const topic = 'kcat.shapes'
    const headers = ['-H', 'name=value', '-H', 'twice=1', '-H', 'empty=', '-H', 'twice=2', '-H', 'null']
    await produce(topic, ['-p', '0', '-k', 'key', ...headers], { input: 'with headers\n' })
    await produce(topic, ['-p', '0', '-Z', '-K', '|'], { input: 'deleted|\n|no key\nboth|here\n' })
    await produce(topic, ['-p', '0', '-K', '|'], { input: 'schlüssel|wert ☃\n' })
    const messages = await consume(topic, 0)
    assert.deepEqual(messages[0]?.headers, [
      ...['name', 'value', 'twice', '1', 'empty', '', 'twice', '2', 'null', null],
    ])
    assert.deepEqual(
      messages.map(({ key, payload }) => [key, payload]),
      [
        ['key', 'with headers'],
        ['deleted', null],
        [null, 'no key'],
        ['both', 'here'],
        ['schlüssel', 'wert ☃'],
      ],
    )
    for (const message of messages) {
      assert.equal(message.tstype, 'create')
      assert.ok(Math.abs(message.ts - Date.now()) < 60_000, `time ${message.ts}`)
    }
  })

  test('a batch of max.message.bytes passes, one byte more is refused', async () => {
    const topic = 'kcat.size'
    const file = join(broker.dataDir, 'message')
    const settings = ['-p', '0', '-X', 'message.max.bytes=2000000', file]
    writeFileSync(file, 'x'.repeat(LARGEST_VALUE))
    await produce(topic, settings)
    writeFileSync(file, 'y'.repeat(LARGEST_VALUE + 1))
    const words = ['-b', broker.bootstrapServers, '-P', '-t', topic, ...settings]
    const refused = await run('kcat', words)
    assert.match(refused.stderr, /Delivery failed for message: Broker: Message size too large/)
    const messages = await consume(topic, 0, '-X', 'fetch.message.max.bytes=2000000')
    assert.deepEqual(
      messages.map(({ payload }) => payload),
      ['x'.repeat(LARGEST_VALUE)],
    )
    const [batch] = batchesOf(join(broker.logDir, `${topic}-0`)).batches
    assert.equal(batch?.sizeInBytes, 1_048_588)
  })

  for (const acks of ['0', '1', 'all']) {
    test(`acks=${acks}: 1,000 lines are there, once, in order`, async () => {
      const topic = `kcat.acks-${acks}`
      const lines = Array.from({ length: 1000 }, (_, line) => `line ${line}`)
      await produce(topic, ['-p', '0', '-X', `acks=${acks}`], { input: `${lines.join('\n')}\n` })
      assert.deepEqual(
        (await consume(topic, 0)).map(({ payload }) => payload),
        lines,
      )
    })
  }

  test('100,000 keyed lines over three partitions come back, each key in order', async () => {
    const topic = 'kcat.bulk'
    const count = 100_000
    const lines = Array.from(
      { length: count },
      (_, line) => `key-${line % 1000}|${line} ${'abcdefghij'.repeat(line % 30)}`,
    )
    const file = join(broker.dataDir, 'lines')
    writeFileSync(file, `${lines.join('\n')}\n`)
    const settings = ['-K', '|', '-X', 'enable.idempotence=true', '-z', 'snappy', '-l', file]
    await produce(topic, settings)
    assert.equal(recordsOnDisk(topic), count)
    const read: string[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const format = ['-e', '-q', '-f', '%o|%k|%s\n']
      const words = ['-b', broker.bootstrapServers, '-C', '-t', topic, '-p', String(partition), ...format]
      const { stdout } = await runOk('kcat', words)
      const found = stdout.split('\n').slice(0, -1)
      assert.ok(found.length > count / 10, `only ${found.length} records in partition ${partition}`)
      let last = -1
      for (const [offset, line] of found.entries()) {
        const [at, key, value] = line.split('|')
        assert.equal(Number(at), offset)
        const number = Number.parseInt(value!, 10)
        assert.ok(number > last, `${number} after ${last} in partition ${partition}`)
        last = number
        read[number] = `${key}|${value}`
      }
    }
    assert.deepEqual(read, lines)
  })

  test('offsets: by time, from the end, from the middle', async () => {
    const topic = 'kcat.offsets'
    const settings = ['-p', '0', '-X', 'linger.ms=0', '-X', 'batch.num.messages=1']
    await produce(topic, settings, { input: 'one\ntwo\nthree\n' })
    await sleep(50)
    const between = Date.now()
    await sleep(50)
    await produce(topic, settings, { input: 'four\nfive\n' })
    const payloads = async (...args: string[]) =>
      (await consume(topic, 0, ...args)).map(({ payload }) => payload)
    assert.deepEqual(await payloads('-o', '2'), ['three', 'four', 'five'])
    assert.deepEqual(await payloads('-o', '-1'), ['five'])
    assert.deepEqual(await payloads('-o', `s@${between}`), ['four', 'five'])
    assert.deepEqual(await payloads('-o', 'end'), [])
    const query = async (time: number | string) => {
      const words = ['-b', broker.bootstrapServers, '-Q', '-t', `${topic}:0:${time}`]
      return (await runOk('kcat', words)).stdout.trim()
    }
    assert.equal(await query(between), `${topic} [0] offset 3`)
    assert.equal(await query(-1), `${topic} [0] offset 5`)
    assert.equal(await query(-2), `${topic} [0] offset 0`)
  })

  test('a restart in the middle loses and doubles nothing', async () => {
    const topic = 'kcat.restart'
    const settings = ['-p', '0', '-X', 'enable.idempotence=true', '-X', 'reconnect.backoff.max.ms=200']
    // -E: an unreachable broker is no reason to give up.
    const child = launch('kcat', ['-E', '-b', broker.bootstrapServers, '-P', '-t', topic, ...settings])
    const errors = collect(child.stderr)
    const closed = once(child, 'close')
    let lines = 0
    const feed = setInterval(() => {
      child.stdin.write(`line ${lines++}\nline ${lines++}\n`)
    }, 2)
    await sleep(500)
    const before = lines
    await broker.restart()
    const during = lines - before
    await sleep(500)
    clearInterval(feed)
    child.stdin.end()
    const [exitCode] = await closed
    assert.equal(exitCode, 0, errors())
    assert.ok(before > 50 && during > 10, `${before} lines before, ${during} during the restart`)
    assert.deepEqual(
      (await consume(topic, 0)).map(({ payload }) => payload),
      Array.from({ length: lines }, (_, line) => `line ${line}`),
    )
  })
})
