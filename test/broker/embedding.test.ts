// Odradek inside somebody's process: starts in no time, in memory, beside others of its kind, and leaves nothing behind.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Broker, ConfigError, ListenError, startBroker } from '../../src/index.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { repositoryRoot } from '../support/apache-kafka.ts'
import { append, batchOf, makeTopic, produceTo, readAll, valuesOf } from '../support/calls.ts'
import { noteLines } from '../support/local-broker.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function using(broker: Broker, work: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.connect(broker.port)
  try {
    await work(client)
  } finally {
    client.close()
  }
}

/** Runs a program in a Node of its own; resolves with what it printed and how it ended. */
async function run(
  program: string,
  args: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [...args, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const [code] = await once(child, 'close')
  clearTimeout(late)
  return { code, output }
}

const indexUrl = new URL('../../src/index.js', import.meta.url).href
const callsUrl = new URL('../support/calls.js', import.meta.url).href
const clientUrl = new URL('../support/raw-client.js', import.meta.url).href

describe('startBroker', () => {
  test('takes an IPv6 address with or without brackets, and no storage that it does not know', async () => {
    for (const host of ['::1', '[::1]']) {
      const broker = await startBroker({ host })
      assert.equal(broker.bootstrapServers, `[::1]:${broker.port}`)
      await broker.close()
    }
    const options = { storage: 'dsik' as 'disk', dataDir: scratchDirectory() }
    await assert.rejects(startBroker(options), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /^storage: 'dsik'.*memory, disk$/)
      return true
    })
  })

  test('without options: in memory, on a free port of 127.0.0.1, and nothing on disk', async () => {
    const before = readdirSync(process.cwd()).sort()
    const broker = await startBroker()
    assert.match(broker.bootstrapServers, /^127\.0\.0\.1:\d+$/)
    assert.equal(broker.bootstrapServers, `127.0.0.1:${broker.port}`)
    await using(broker, async (client) => {
      await makeTopic(client, 'topic')
      await append(client, 'topic', ['hello'])
      assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['hello'])
    })
    await broker.close()
    assert.deepEqual(readdirSync(process.cwd()).sort(), before)
  })

  test('several in one process know nothing of each other', async () => {
    const brokers = await Promise.all(Array.from({ length: 5 }, () => startBroker()))
    assert.equal(new Set(brokers.map(({ port }) => port)).size, 5)
    for (const [i, broker] of brokers.entries()) {
      await using(broker, async (client) => {
        await makeTopic(client, 'topic')
        assert.equal(await append(client, 'topic', [`of ${i}`]), 0)
      })
    }
    for (const [i, broker] of brokers.entries()) {
      await using(broker, async (client) => {
        assert.deepEqual(valuesOf(await readAll(client, 'topic')), [`of ${i}`])
      })
      await broker.close()
    }
  })

  test('starts in a fraction of a second', async (context) => {
    const taken: number[] = []
    for (let i = 0; i < 5; i++) {
      const startedMs = performance.now()
      const broker = await startBroker()
      taken.push(performance.now() - startedMs)
      await broker.close()
    }
    const best = Math.min(...taken)
    context.diagnostic(`best of five starts in this process: ${best.toFixed(1)} ms`)
    assert.ok(best < 500, `${best} ms`)
  })

  test('data in a directory outlive the broker, data in memory do not', async () => {
    const dataDir = join(scratchDirectory(), 'made', 'when', 'absent')
    for (const [round, storage] of (['disk', 'disk', 'memory'] as const).entries()) {
      const broker = await startBroker(storage === 'disk' ? { dataDir } : { dataDir, storage })
      await using(broker, async (client) => {
        if (round !== 1) await makeTopic(client, 'topic')
        await append(client, 'topic', [`round ${round}`])
        const expected = round === 1 ? ['round 0', 'round 1'] : [`round ${round}`]
        assert.deepEqual(valuesOf(await readAll(client, 'topic')), expected)
      })
      await broker.close()
    }
  })

  test('settings that make no sense name key, value and what is allowed, and start nothing', async () => {
    const dataDir = join(scratchDirectory(), 'never')
    const wrong: readonly [config: Record<string, string | number>, ...words: string[]][] = [
      [{ 'num.partitions': 0 }, 'num.partitions', '0', '1'],
      [{ 'num.partitions': 'many' }, 'num.partitions', 'many'],
      [{ 'log.segment.bytes': 5 }, 'log.segment.bytes', '5', '1048576'],
      [{ 'num.partitons': 3 }, 'num.partitons', 'num.partitions'],
      [{ 'auto.create.topics.enable': 'perhaps' }, 'auto.create.topics.enable', 'perhaps', 'true'],
      [{ listeners: 'nonsense' }, 'listeners', 'nonsense'],
    ]
    for (const [config, ...words] of wrong) {
      await assert.rejects(startBroker({ dataDir, config }), (error: Error) => {
        assert.ok(error instanceof ConfigError, String(error))
        for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`)
        return true
      })
    }
    assert.equal(existsSync(dataDir), false)
  })

  test('a port that is taken is a ListenError, and nothing is started', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const dataDir = join(scratchDirectory(), 'never')
    await assert.rejects(startBroker({ port, dataDir }), (error: Error) => {
      assert.ok(error instanceof ListenError)
      assert.ok(error.message.includes(String(port)))
      return true
    })
    assert.equal(existsSync(dataDir), false)
    server.close()
  })

  test('a directory that another broker has is refused by name, and stays as it is', async () => {
    const dataDir = scratchDirectory()
    const broker = await startBroker({ dataDir })
    await using(broker, (client) => makeTopic(client, 'topic').then(() => {}))
    await assert.rejects(startBroker({ dataDir }), (error: Error) => {
      assert.ok(error.message.includes(dataDir) && error.message.includes('in use'), error.message)
      return true
    })
    await using(broker, async (client) => {
      assert.equal(await append(client, 'topic', ['still mine']), 0)
    })
    await broker.close()
    const next = await startBroker({ dataDir })
    await using(next, async (client) =>
      assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['still mine']),
    )
    await next.close()
  })
})

describe('close', () => {
  test('may be called again and again, at the same time as well', async () => {
    const broker = await startBroker()
    await Promise.all([broker.close(), broker.close()])
    await broker.close()
    assert.equal(await broker.stopped, undefined)
  })

  test('frees the port at once', async () => {
    const broker = await startBroker()
    const { port } = broker
    await broker.close()
    await assert.rejects(RawClient.connect(port))
    const next = await startBroker({ port })
    assert.equal(next.port, port)
    await next.close()
  })

  test('in the middle of traffic ends every connection, and loses nothing that was acknowledged', async () => {
    const dataDir = scratchDirectory()
    const { logger, lines } = noteLines()
    const broker = await startBroker({ dataDir, logger })
    const admin = await RawClient.connect(broker.port)
    await makeTopic(admin, 'topic')
    const acknowledged: number[] = []
    const producers = Array.from({ length: 4 }, async (_, who) => {
      const client = await RawClient.connect(broker.port)
      for (let i = 0; ; i++) {
        const sent = await produceTo(client, 'topic', batchOf([`${who}-${i}`])).catch(() => undefined)
        if (sent === undefined) return
        assert.equal(sent.errorCode, 0)
        acknowledged.push(sent.baseOffset)
      }
    })
    const waiting = await RawClient.connect(broker.port)
    const poll = assert.rejects(
      waiting.ask(fetch, 11, {
        maxWaitMs: 60_000,
        minBytes: 1_000_000_000,
        isolationLevel: 0,
        topics: [{ topic: 'topic', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
      }),
    )
    while (acknowledged.length < 200) await new Promise((resolve) => setTimeout(resolve, 5))
    const startedMs = performance.now()
    await broker.close()
    assert.ok(performance.now() - startedMs < 5000)
    await poll
    await Promise.all([...producers, admin.closed])
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error'),
      [],
    )
    const next = await startBroker({ dataDir })
    await using(next, async (client) => {
      const offsets = new Set((await readAll(client, 'topic')).map(({ offset }) => offset))
      for (const offset of acknowledged) assert.ok(offsets.has(offset), `offset ${offset}`)
    })
    await next.close()
  })

  for (const [storage, option] of [
    ['memory', ''],
    ['disk', `dataDir: ${JSON.stringify(scratchDirectory())}`],
  ]) {
    test(`leaves no handle: a process that used a broker (${storage}) ends by itself at once`, async () => {
      const { code, output } = await run(`
        import { startBroker } from ${JSON.stringify(indexUrl)}
        import { append, fetchFrom, makeTopic } from ${JSON.stringify(callsUrl)}
        import { RawClient } from ${JSON.stringify(clientUrl)}
        const broker = await startBroker({ ${option} })
        const client = await RawClient.connect(broker.port)
        await makeTopic(client, 'topic', { partitions: 3 })
        for (let i = 0; i < 20; i++) await append(client, 'topic', ['x'], { partition: i % 3 })
        fetchFrom(client, 'topic', 99, { maxWaitMs: 60000 }).catch(() => {})
        const silent = await RawClient.connect(broker.port)
        await broker.close()
        const closedMs = performance.now()
        await Promise.all([client.closed, silent.closed])
        // This may run within the callback of the last sync, whose request is counted until it returns.
        await new Promise((resolve) => setImmediate(resolve))
        const left = process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|CloseReq)$/.test(name))
        process.on('exit', () => console.log(JSON.stringify({ left, afterMs: performance.now() - closedMs })))
      `)
      assert.equal(code, 0, output)
      const { left, afterMs } = JSON.parse(output)
      assert.deepEqual(left, [])
      assert.ok(afterMs < 1000, `${afterMs} ms`)
    })
  }

  test('a process that never closes its broker can still be ended, and the broker keeps it alive until then', async () => {
    const { code, output } = await run(`
      import { startBroker } from ${JSON.stringify(indexUrl)}
      const broker = await startBroker()
      setTimeout(() => { console.log('alive'); process.exit(3) }, 200)
    `)
    assert.deepEqual([code, output], [3, 'alive\n'])
  })
})

describe('the package', () => {
  test('has types that a strict program compiles against', async () => {
    const root = repositoryRoot()
    const project = scratchDirectory()
    mkdirSync(join(project, 'node_modules'))
    symlinkSync(root, join(project, 'node_modules', 'odradek'), 'dir')
    mkdirSync(join(project, 'node_modules', '@types'))
    symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'), 'dir')
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      join(project, 'sample.ts'),
      `import { type Broker, type BrokerOptions, ConfigError, ListenError, startBroker } from 'odradek'
       const options: BrokerOptions = { port: 0, storage: 'memory', config: { 'num.partitions': 3 } }
       const broker: Broker = await startBroker(options)
       const where: string = broker.bootstrapServers
       try { await broker.close() } catch (error) {
         if (error instanceof ConfigError || error instanceof ListenError) console.log(error.message, where)
       }
       // @ts-expect-error there is no such storage
       await startBroker({ storage: 'tape' })
       // @ts-expect-error a number is not a name
       const port: string = broker.port
       console.log(port)
      `,
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
    const child = spawn(process.execPath, [tsc, ...flags, 'sample.ts'], { cwd: project })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
    const [code] = await once(child, 'close')
    assert.equal(code, 0, output)
  })
})
