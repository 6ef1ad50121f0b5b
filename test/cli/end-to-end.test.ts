// The commands against a broker in this process: what goes in comes out.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Broker, startBroker } from '../../src/index.ts'
import { odradek } from './fake-io.ts'

let broker: Broker
before(async () => {
  broker = await startBroker({ port: 0, storage: 'memory' })
})
after(() => broker.close())

async function run(words: string[], input = '') {
  return odradek([...words, '-b', broker.bootstrapServers], { input })
}

/** Runs a command that must succeed and answers what it printed. */
async function printed(words: string[], input = ''): Promise<string> {
  const result = await run(words, input)
  assert.equal(result.code, 0, result.noted)
  return result.printed
}

async function parsed(words: string[], input = ''): Promise<unknown> {
  return JSON.parse(await printed([...words, '--json'], input))
}

describe('topics', () => {
  test('create, list, describe, alter and delete', async () => {
    assert.equal(
      await printed(['topics', 'create', 'life', '-p', '2', '-c', 'retention.ms=1000000']),
      'created life with 2 partitions\n',
    )
    assert.match(
      await printed(['topics', 'list']),
      /^TOPIC\tPARTITIONS\tREPLICAS\tINTERNAL\n(.*\n)*life\t2\t1\tno\n/,
    )
    await printed(['produce', 'life', '--partition', '1'], 'a\nb\n')
    const [described] = (await parsed(['topics', 'describe', 'life'])) as Record<string, unknown>[]
    assert.deepEqual(described!.configs, { 'retention.ms': '1000000' })
    const partitions = described!.partitions as Record<string, unknown>[]
    assert.deepEqual(
      partitions.map((row) => [row.partition, row.startOffset, row.endOffset]),
      [
        [0, 0, 0],
        [1, 0, 2],
      ],
    )
    await printed([
      'topics',
      'alter',
      'life',
      '-p',
      '3',
      '-c',
      'max.message.bytes=2000',
      '-d',
      'retention.ms',
    ])
    const text = await printed(['topics', 'describe', 'life'])
    assert.match(text, /config\tmax\.message\.bytes=2000\nPARTITION/)
    assert.match(text, /^2\t/m)
    assert.equal(await printed(['topics', 'delete', 'life']), 'deleted life\n')
    assert.doesNotMatch(await printed(['topics', 'list']), /life/)
  })

  test('what a broker refuses is told in its words, with exit code 1', async () => {
    await printed(['topics', 'create', 'twice'])
    const refused = async (words: string[], reason: RegExp) => {
      const { code, noted } = await run(['topics', ...words])
      assert.equal(code, 1)
      assert.match(noted, reason)
    }
    await refused(['create', 'twice'], /TOPIC_ALREADY_EXISTS/)
    await refused(['create', 'a b'], /INVALID_TOPIC_EXCEPTION/)
    await refused(['create', 'three', '-r', '3'], /INVALID_REPLICATION_FACTOR/)
    await refused(['alter', 'twice', '-c', 'nonsense=1'], /nonsense.*INVALID_CONFIG/)
    await refused(['alter', 'twice', '-p', '1'], /INVALID_PARTITIONS/)
    await refused(['describe', 'none'], /topic none does not exist; .*topics create none/)
    await refused(['delete', 'none'], /topic none does not exist/)
  })

  test('--if-not-exists, --if-exists and --dry-run', async () => {
    await printed(['topics', 'create', 'maybe', '--dry-run'])
    assert.equal((await run(['topics', 'describe', 'maybe'])).code, 1)
    await printed(['topics', 'create', 'maybe'])
    assert.equal(await printed(['topics', 'create', 'maybe', '--if-not-exists']), 'maybe is there already\n')
    await printed(['topics', 'delete', 'maybe', 'never', '--if-exists'])
  })
})

describe('produce and consume', () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`${compression}: keys, headers, nulls and their order come back`, async () => {
      const topic = `records-${compression}`
      const lines = 'x=1\tk1:v1\n\tk2:NULL\nx=1,y\tNULL:v3\n'
      const words = [
        '--header-separator',
        '\t',
        '-k',
        ':',
        '--null-marker',
        'NULL',
        '-p',
        '0',
        '-z',
        compression,
      ]
      await printed(['produce', topic, ...words], lines)
      assert.equal(
        await printed(['consume', topic, '--show', 'offset,key,value,headers']),
        '0\tx=1\tk1\tv1\n1\t\tk2\tnull\n2\tx=1,y\tnull\tv3\n',
      )
    })
  }

  test('JSON lines of one topic make the same records in another', async () => {
    const lines = `${JSON.stringify({ key: { base64: '/wD+' }, value: 'ü', headers: [['a', null]], timestamp: 5 })}\n`
    await printed(['produce', 'from', '--json'], lines)
    const given = await printed(['consume', 'from', '--json'])
    await printed(['produce', 'to', '--json'], given)
    assert.equal(await printed(['consume', 'to', '--json']), given.replace('"from"', '"to"'))
    assert.match(given, /"timestamp":5,"key":\{"base64":"\/wD\+"\},"value":"ü","headers":\[\["a",null\]\]/)
  })

  test('beginnings: offset, from the end, time; and an end by count', async () => {
    const lines = Array.from({ length: 10 }, (_, i) =>
      JSON.stringify({ value: `v${i}`, timestamp: 1000 * i }),
    ).join('\n')
    await printed(['topics', 'create', 'begin', '-p', '1'])
    await printed(['produce', 'begin', '--json'], lines)
    const from = async (...words: string[]) =>
      (await printed(['consume', 'begin', ...words])).trim().split('\n')
    assert.deepEqual(await from('--offset', '7'), ['v7', 'v8', 'v9'])
    assert.deepEqual(await from('--offset', '-2'), ['v8', 'v9'])
    assert.deepEqual(await from('--offset', '-99', '--count', '1'), ['v0'])
    assert.deepEqual(await from('--timestamp', '7500'), ['v8', 'v9'])
    assert.deepEqual(await from('--timestamp', '1970-01-01T00:00:09Z'), ['v9'])
    assert.deepEqual(await from('--timestamp', '99999'), [''])
    assert.deepEqual(await from('--from-beginning', '-n', '2'), ['v0', 'v1'])
    const { code, noted } = await run(['consume', 'begin', '--offset', '11'])
    assert.equal(code, 1)
    assert.match(noted, /begin-0 has offsets 0 to 10; there is no offset 11/)
  })

  test('--follow begins at the end and prints what comes, until --idle or --count', async () => {
    await printed(['topics', 'create', 'follow'])
    await printed(['produce', 'follow'], 'before\n')
    const following = printed(['consume', 'follow', '--follow', '--count', '1'])
    // It cannot be seen from here when it has found the end: later lines are sent until one was seen.
    let isDone = false
    void following.then(() => {
      isDone = true
    })
    while (!isDone) await printed(['produce', 'follow'], 'later\n')
    assert.equal(await following, 'later\n')
    assert.equal(await printed(['consume', 'follow', '--follow', '--idle', '300']), '')
  })

  test('thousands of lines arrive complete over several partitions, with keys kept together', async () => {
    await printed(['topics', 'create', 'many', '-p', '3'])
    const lines = Array.from({ length: 20_000 }, (_, i) => `key${i % 50}:${i}`).join('\n')
    await printed(['produce', 'many', '-k', ':'], lines)
    const rows = (await printed(['consume', 'many', '--show', 'partition,key,value'])).trim().split('\n')
    assert.equal(rows.length, 20_000)
    const partitionOfKey = new Map<string, string>()
    const lastOfKey = new Map<string, number>()
    for (const [partition, key, value] of rows.map((row) => row.split('\t') as [string, string, string])) {
      assert.equal(partitionOfKey.get(key) ?? partition, partition)
      assert.ok(Number(value) > (lastOfKey.get(key) ?? -1), 'in order within a key')
      partitionOfKey.set(key, partition)
      lastOfKey.set(key, Number(value))
    }
    assert.equal(new Set(partitionOfKey.values()).size, 3)
  })

  test('a line that is too large, or that has no separator, is named and gives exit code 1', async () => {
    const large = await run(['produce', 'bad', '-p', '0'], `fine\n${'x'.repeat(1_100_000)}\n`)
    assert.equal(large.code, 1)
    assert.match(large.noted, /line 2: bad-0: .*MESSAGE_TOO_LARGE/)
    const bare = await run(['produce', 'bad', '-k', ':'], 'a:b\nc\n')
    assert.equal(bare.code, 1)
    assert.match(bare.noted, /line 2: no key separator ":" in "c"/)
  })

  test('a partition that is not there is refused, naming those that are', async () => {
    await printed(['topics', 'create', 'small'])
    assert.match((await run(['produce', 'small', '-p', '4'], 'x')).noted, /small-4 does not exist: .* 0 to 0/)
    assert.match((await run(['consume', 'small', '-p', '4'])).noted, /there is no partition 4/)
  })
})

describe('perf', () => {
  test('produce and consume count what was there, with percentiles in order', async () => {
    await printed(['topics', 'create', 'load', '-p', '2'])
    const produced = (await parsed(['perf', 'produce', 'load', '-n', '3000', '-s', '100'])) as Record<
      string,
      number
    >
    assert.deepEqual([produced.records, produced.bytes, produced.failed], [3000, 300_000, 0])
    const { p50, p95, p99, p999, max } = produced.latencyMs as unknown as Record<string, number>
    assert.ok(p50! > 0 && p50! <= p95! && p95! <= p99! && p99! <= p999! && p999! <= max!)
    for (const words of [[], ['--decode'], ['--records', '3000']]) {
      const consumed = (await parsed(['perf', 'consume', 'load', ...words])) as Record<string, number>
      assert.equal(consumed.records, 3000)
    }
    assert.match(
      await printed(['perf', 'consume', 'load']),
      /^load: 3,000 records, .*\nthroughput .*\nlatency ms .*p99\.9/,
    )
  })

  test('a rate is kept', async () => {
    const measured = (await parsed(['perf', 'produce', 'paced', '-n', '200', '--rate', '500'])) as {
      elapsedMs: number
    }
    assert.ok(measured.elapsedMs >= 390, `${measured.elapsedMs} ms for 199 intervals of 2 ms`)
  })

  test('an empty topic is nothing to measure', async () => {
    await printed(['topics', 'create', 'void'])
    assert.match((await run(['perf', 'consume', 'void'])).noted, /void is empty/)
  })
})
