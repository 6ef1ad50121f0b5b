// What a broker finds in its data directory and cannot use as it is: torn tails, damaged indexes and segments, directories
// of others, directories in use. Each gives a clear line; what is not concerned is served.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startBroker } from '../../src/index.ts'
import { runCommand, startInVain, startProcess } from '../support/broker-process.ts'
import { append, batchOf, fetchFrom, makeTopic, readAll, valuesOf } from '../support/calls.ts'
import { type LogLine, noteLines } from '../support/local-broker.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

const FIRST_LOG = '00000000000000000000.log'

interface Scene {
  /** Where the data is; another place after every crash. */
  readonly directory: string
  /** Starts a broker on the directory, does `work` with a client, and ends it. Returns what it had to say. */
  run(work: (client: RawClient) => Promise<void>, how?: 'crash' | 'stop'): Promise<LogLine[]>
}

function scene(context: TestContext): Scene {
  let directory = scratchDirectory()
  return {
    get directory() {
      return directory
    },
    async run(work, how = 'crash') {
      const { logger, lines } = noteLines()
      const broker = await startBroker({ dataDir: directory, logger })
      context.after(() => broker.close())
      const client = await RawClient.connect(broker.port)
      await work(client)
      const said = [...lines]
      if (how === 'crash') {
        // What a process that dies now leaves behind is what its files are now.
        const left = directory
        directory = scratchDirectory()
        cpSync(left, directory, { recursive: true })
      }
      client.close()
      await broker.close()
      return said
    },
  }
}

const fieldsOf = ({ fields }: LogLine) =>
  fields as { path?: string; bytesCut?: number; reason?: string; keptAs?: string }

async function fill(client: RawClient): Promise<void> {
  for (const topic of ['hurt', 'well']) {
    await makeTopic(client, topic)
    for (let i = 0; i < 5; i++) await append(client, topic, [`${i}`])
  }
}

const FIVE = ['0', '1', '2', '3', '4']

describe('a torn tail', () => {
  const tails: readonly [name: string, bytes: () => Buffer][] = [
    ['the first bytes of a batch', () => batchOf(['torn']).subarray(0, 30)],
    ['most of a batch', () => batchOf(['torn', 'apart']).subarray(0, 80)],
    [
      'a whole batch with a wrong checksum',
      () => {
        const bytes = batchOf(['torn'])
        bytes.writeBigInt64BE(5n, 0)
        bytes[bytes.length - 2]! ^= 1
        return bytes
      },
    ],
    ['zeros', () => Buffer.alloc(5000)],
    ['noise', () => Buffer.alloc(777, 'noise')],
  ]
  for (const [name, bytes] of tails) {
    test(`${name}: cut with its byte count in the log, the rest is served and goes on`, async (context) => {
      const place = scene(context)
      await place.run(fill)
      const tail = bytes()
      appendFileSync(join(place.directory, 'hurt-0', FIRST_LOG), tail)
      const [line, ...more] = await place.run(async (client) => {
        for (const topic of ['hurt', 'well']) assert.deepEqual(valuesOf(await readAll(client, topic)), FIVE)
        assert.equal(await append(client, 'hurt', ['5']), 5)
        assert.deepEqual(valuesOf(await readAll(client, 'hurt')), [...FIVE, '5'])
      })
      assert.deepEqual(more, [])
      assert.deepEqual([line!.level, line!.message], ['warn', 'log cut'])
      const { bytesCut, path, reason } = fieldsOf(line!)
      assert.equal(bytesCut, tail.length)
      assert.ok(path!.endsWith(join('hurt-0', FIRST_LOG)))
      assert.match(reason!, /byte \d+/)
      const again = await place.run(async (client) => assert.equal((await readAll(client, 'hurt')).length, 6))
      assert.deepEqual(again, [])
    })
  }
})

describe('damage in the middle', () => {
  /** 1 MiB segments, four of them, of records of 100 kB. */
  async function fillSegments(client: RawClient): Promise<void> {
    await makeTopic(client, 'hurt', { configs: { 'segment.bytes': '1048576' } })
    await makeTopic(client, 'well')
    for (let i = 0; i < 35; i++) await append(client, 'hurt', [`${i} `.padEnd(100_000, 'x')])
    await append(client, 'well', FIVE)
  }

  const numbersOf = (values: readonly string[]) => values.map((value) => Number.parseInt(value, 10))
  const upTo = (end: number) => Array.from({ length: end }, (_, i) => i)

  function logsOf(directory: string): string[] {
    const names = readdirSync(join(directory, 'hurt-0')).filter((name) => name.endsWith('.log'))
    return names.sort().map((name) => join(directory, 'hurt-0', name))
  }

  function flip(path: string, at: number): void {
    const bytes = readFileSync(path)
    bytes[at]! ^= 0xff
    writeFileSync(path, bytes)
  }

  test('after a crash: reported, what comes before it is served, what lies behind is kept aside', async (context) => {
    const place = scene(context)
    await place.run(fillSegments)
    const [, second] = logsOf(place.directory)
    // Nothing says that the second segment ever reached the device: a crash has to look at it.
    rmSync(join(place.directory, 'recovery-point-offset-checkpoint'), { force: true })
    flip(second!, 250_000)
    let left = 0
    const said = await place.run(async (client) => {
      const found = numbersOf(valuesOf(await readAll(client, 'hurt')))
      left = found.length
      assert.deepEqual(found, upTo(left))
      assert.ok(left >= 11 && left <= 14, `${left} records before the damage`)
      assert.equal(await append(client, 'hurt', ['next']), left)
      assert.equal((await readAll(client, 'well')).length, 5)
    })
    assert.ok(
      said.length > 0 && said.every(({ message }) => message === 'log set aside'),
      JSON.stringify(said),
    )
    assert.ok(said.some((line) => fieldsOf(line).path === second))
    const kept = readdirSync(join(place.directory, 'hurt-0')).filter((name) => name.endsWith('.corrupt'))
    assert.ok(kept.length >= 1)
    for (const line of said) assert.ok(existsSync(fieldsOf(line).keptAs!))
    const again = await place.run(async (client) =>
      assert.equal((await readAll(client, 'hurt')).length, left + 1),
    )
    assert.deepEqual(again, [])
  })

  test('after a clean stop: found when it is read; what is whole is served', async (context) => {
    const place = scene(context)
    await place.run(fillSegments, 'stop')
    const [, second] = logsOf(place.directory)
    const first = Number.parseInt(second!.slice(-24), 10)
    // The length of the second batch of the segment makes no sense: there is no way to what lies behind it.
    const batchBytes = 12 + readFileSync(second!).readInt32BE(8)
    flip(second!, batchBytes + 8)
    await place.run(async (client) => {
      const before = await fetchFrom(client, 'hurt', first, { partitionMaxBytes: 1 })
      assert.equal(before.errorCode, 0)
      const damaged = await fetchFrom(client, 'hurt', first + 1, { partitionMaxBytes: 200_000 })
      assert.deepEqual([damaged.errorCode, damaged.records!.byteLength], [2, 0])
      const last = await readAll(client, 'hurt', { from: 33 })
      assert.deepEqual(numbersOf(valuesOf(last)), [33, 34])
      assert.equal(await append(client, 'hurt', ['next']), 35)
      assert.equal((await readAll(client, 'well')).length, 5)
    })
  })

  test('indexes that are missing, cut, or nonsense are made again', async (context) => {
    const place = scene(context)
    await place.run(fillSegments)
    for (const how of ['crash', 'stop'] as const) {
      const partition = join(place.directory, 'hurt-0')
      const indexes = readdirSync(partition).filter((name) => /\.(index|timeindex)$/.test(name))
      assert.ok(indexes.length >= 4, indexes.join())
      for (const [i, name] of indexes.entries()) {
        const path = join(partition, name)
        if (i % 4 === 0) rmSync(path)
        else if (i % 4 === 1) truncateSync(path, 3)
        else if (i % 4 === 2) writeFileSync(path, Buffer.alloc(64, 0xff))
        else writeFileSync(path, Buffer.alloc(80))
      }
      await place.run(async (client) => {
        assert.deepEqual(numbersOf(valuesOf(await readAll(client, 'hurt'))), upTo(35))
        for (const offset of [0, 7, 20, 34]) {
          const [record] = await readAll(client, 'hurt', { from: offset })
          assert.equal(record!.offset, offset)
        }
      }, how)
    }
  })

  test('a damaged producer snapshot or checkpoint costs a line in the log, not a record', async (context) => {
    const place = scene(context)
    await place.run(fillSegments, 'stop')
    for (const name of readdirSync(join(place.directory, 'hurt-0'))) {
      if (name.endsWith('.snapshot') || name === 'leader-epoch-checkpoint') {
        writeFileSync(join(place.directory, 'hurt-0', name), 'nonsense')
      }
    }
    for (const name of readdirSync(place.directory)) {
      if (name.endsWith('-checkpoint')) writeFileSync(join(place.directory, name), 'nonsense')
    }
    const log = await place.run(async (client) => {
      assert.deepEqual(numbersOf(valuesOf(await readAll(client, 'hurt'))), upTo(35))
      assert.equal(await append(client, 'hurt', ['next']), 35)
    })
    assert.match(JSON.stringify(log), /checkpoint/)
  })

  test('a partition directory that is in no metadata is set aside, and told', async (context) => {
    const place = scene(context)
    await place.run(fill, 'stop')
    mkdirSync(join(place.directory, 'stranger-0'))
    writeFileSync(join(place.directory, 'stranger-0', FIRST_LOG), batchOf(['whose?']))
    const log = await place.run(async (client) => {
      assert.deepEqual(valuesOf(await readAll(client, 'well')), FIVE)
      assert.equal((await fetchFrom(client, 'stranger', 0)).errorCode, 3)
    })
    assert.match(JSON.stringify(log), /set aside.*stranger/)
    const stray = readdirSync(place.directory).find((name) => /^stranger-0\.[0-9a-f]{32}-stray$/.test(name))
    assert.ok(stray !== undefined, readdirSync(place.directory).join())
    assert.ok(existsSync(join(place.directory, stray, FIRST_LOG)))
  })
})

describe('a directory that is not ours to use', () => {
  test('in use by another process: named, exit code 1, and the other goes on', async (context) => {
    const directory = scratchDirectory()
    const broker = await startProcess(context, { 'log.dirs': directory })
    const { code, errors, output } = await startInVain({
      'log.dirs': directory,
      listeners: 'PLAINTEXT://127.0.0.1:0',
    })
    assert.equal(code, 1)
    assert.equal(output, '')
    assert.ok(errors.includes(directory) && errors.includes(`process ${broker.pid}`), errors)
    assert.doesNotMatch(errors, /\n\s+at /, 'no stack trace')
    const client = await RawClient.connect(broker.port)
    await makeTopic(client, 'topic')
    client.close()
    assert.equal(await broker.stop(), 0)
  })

  test('left behind by kill -9: the lock is free, and a torn tail is told on standard error', async (context) => {
    const directory = scratchDirectory()
    const first = await startProcess(context, { 'log.dirs': directory })
    const client = await RawClient.connect(first.port)
    await fill(client)
    await first.kill()
    appendFileSync(join(directory, 'hurt-0', FIRST_LOG), batchOf(['torn']).subarray(0, 50))
    const second = await startProcess(context, { 'log.dirs': directory })
    const reader = await RawClient.connect(second.port)
    assert.deepEqual(valuesOf(await readAll(reader, 'hurt')), FIVE)
    const { msg, bytesCut } = JSON.parse(second.log.split('\n')[0]!)
    assert.deepEqual([msg, bytesCut], ['log cut', 50])
    reader.close()
    await second.kill()
  })

  for (const [key, value] of [
    ['cluster.id', 'AAAAAAAAAAAAAAAAAAAAAw'],
    ['node.id', '77'],
  ] as const) {
    test(`of another ${key}: named, and untouched`, async () => {
      // Two directories: the first one says who we are, the second one belongs to somebody else.
      const [ours, theirs] = [scratchDirectory(), scratchDirectory()]
      await (await startBroker({ dataDir: ours })).close()
      const properties = readFileSync(join(ours, 'meta.properties'), 'utf8')
      const changed = properties.replace(new RegExp(`${key}=.*`), `${key}=${value}`)
      assert.notEqual(changed, properties)
      writeFileSync(join(theirs, 'meta.properties'), changed)
      await assert.rejects(startBroker({ config: { 'log.dirs': `${ours},${theirs}` } }), (error: Error) => {
        for (const word of [join(theirs, 'meta.properties'), key, value]) {
          assert.ok(error.message.includes(word), error.message)
        }
        return true
      })
      const left = readdirSync(theirs).filter((name) => name !== '.lock')
      assert.deepEqual(left, ['meta.properties'])
      assert.equal(readFileSync(join(theirs, 'meta.properties'), 'utf8'), changed)
      // What was locked on the way is free again.
      await (await startBroker({ dataDir: ours })).close()
    })
  }

  test('whose node.id is not the one asked for: exit code 1', async () => {
    const directory = scratchDirectory()
    await (await startBroker({ dataDir: directory, config: { 'node.id': 3 } })).close()
    const settings = { 'log.dirs': directory, 'node.id': 4, listeners: 'PLAINTEXT://127.0.0.1:0' }
    const { code, errors } = await startInVain(settings)
    assert.equal(code, 1)
    assert.match(errors, /node\.id=3.*node\.id=4/)
    assert.doesNotMatch(errors, /\n\s+at /, 'no stack trace')
  })

  test('that was moved is at home where it is', async (context) => {
    const place = scene(context)
    await place.run(fill, 'stop')
    const elsewhere = join(scratchDirectory(), 'moved')
    renameSync(place.directory, elsewhere)
    const { logger, lines } = noteLines()
    const broker = await startBroker({ dataDir: elsewhere, logger })
    const client = await RawClient.connect(broker.port)
    assert.deepEqual(valuesOf(await readAll(client, 'well')), FIVE)
    client.close()
    await broker.close()
    assert.deepEqual(lines, [])
  })
})

describe('a wrong command line', () => {
  const wrong: readonly [words: string[], ...said: string[]][] = [
    [['--set', 'log.segment.bites=5'], 'log.segment.bites'],
    [['--set', 'num.partitions=0'], 'num.partitions', '0', '1'],
    [['--set', 'compression.type=zip'], 'compression.type', 'zip', 'gzip'],
    [['--set', 'listeners=PLAINTEXT://'], 'listeners'],
    [['--config', '/nowhere/server.properties'], '/nowhere/server.properties'],
  ]
  for (const [words, ...said] of wrong) {
    test(`${words.join(' ')}: exit code 1, a message, and nothing started or made`, async () => {
      const directory = join(scratchDirectory(), 'data')
      const { code, errors, output } = await runCommand([
        'start',
        '--data',
        directory,
        '--port',
        '0',
        ...words,
      ])
      assert.equal(code, 1)
      for (const word of said) assert.ok(errors.includes(word), errors)
      assert.doesNotMatch(errors, /\n\s+at /, 'no stack trace')
      assert.equal(output, '')
      assert.equal(existsSync(directory), false)
    })
  }
})
