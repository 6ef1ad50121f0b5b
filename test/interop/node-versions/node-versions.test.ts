// Our broker itself on each version of Node that it promises to run on: the newest 22 and 24, and the one that runs these tests.
// Promises that each serves a real client (kafkajs), compresses with every codec, and reads again what it wrote, also what
// another version of Node wrote. Not about the client: that is in test/interop/javascript.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { repositoryRoot } from '../../support/apache-kafka.ts'
import { answersMetadata, freePort } from '../../support/probe.ts'
import { ClientProgram } from '../programs/client-program.ts'
import { installPackagesOf, nodeBinary, nodeSkipReason } from '../programs/node-packages.ts'
import {
  assertHoldsNumbered,
  Client,
  codecs,
  manyRecordsRoundTrip,
  oddRecordsRoundTrip,
  recompressedRoundTrip,
} from '../programs/scenarios.ts'
import { type BrokerUnderTest, interopTarget } from '../support/broker-under-test.ts'
import { collect, launch, waitFor } from '../support/processes.ts'

const versions = [`the current ${process.version}`, 'v22', 'v24'] as const

/** Starts our broker with the given Node; answers how to end it. */
async function startOn(node: string, port: number, logDir: string): Promise<() => Promise<void>> {
  const main = join(repositoryRoot(), 'dist', 'cli', 'main.js')
  assert.ok(existsSync(main), `${main} does not exist: npm run build`)
  const settings = [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${logDir}`, 'log.retention.ms=-1']
  const child = launch(node, [main, 'start', ...settings.flatMap((setting) => ['--set', setting])])
  const said = [collect(child.stdout), collect(child.stderr)]
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  )
  await waitFor(
    'a broker that answers',
    async () => {
      const isOver = child.exitCode !== null || child.signalCode !== null
      if (isOver) throw new Error(`the broker ended at start: ${said.map((text) => text()).join('\n')}`)
      return (await answersMetadata(port)) ? true : undefined
    },
    20_000,
  )
  return async () => {
    child.kill('SIGTERM')
    assert.equal(await ended, 0, said.map((text) => text()).join('\n'))
    // Deprecations and experiments of a newer Node would show here.
    assert.doesNotMatch(said[1]!(), /Warning/)
  }
}

const skip = nodeSkipReason() || (interopTarget === 'apache' && 'about our own broker, not Apache Kafka')

describe('versions of Node', { skip }, () => {
  let program: ClientProgram
  let shared: string
  const nodes = new Map<string, string>()

  before(async () => {
    const directory = await installPackagesOf('javascript')
    program = new ClientProgram(process.execPath, [join(directory, 'kafkajs.mjs')])
    nodes.set(versions[0], process.execPath)
    nodes.set('v22', await nodeBinary(22))
    nodes.set('v24', await nodeBinary(24))
    shared = await mkdtemp(join(tmpdir(), 'interop-node-versions-'))
  })
  after(async () => {
    await program?.close()
    if (shared) await rm(shared, { recursive: true, force: true })
  })

  const clientOf = (port: number, logDir: string) =>
    // Only the address and the directory are used by the scenarios here.
    new Client(program, { bootstrapServers: `127.0.0.1:${port}`, logDir } as BrokerUnderTest, {
      nullHeaders: false,
    })

  for (const version of versions) {
    test(`${version}: serves, compresses with every codec, and reads its log again after a restart`, async () => {
      const node = nodes.get(version)!
      const port = await freePort()
      const logDir = join(shared, `own-${versions.indexOf(version)}`)
      const client = clientOf(port, logDir)
      const many = { topic: 'many', count: 10_000, partitions: 2, codec: 'gzip' } as const
      let stop = await startOn(node, port, logDir)
      for (const codec of codecs) await oddRecordsRoundTrip(client, codec)
      for (const codec of codecs) await recompressedRoundTrip(client, codec === 'lz4' ? 'zstd' : 'lz4', codec)
      await manyRecordsRoundTrip(client, many)
      await stop()
      stop = await startOn(node, port, logDir)
      await assertHoldsNumbered(client, many)
      await stop()
    })
  }

  test('a log goes from one version of Node to the next and back', async () => {
    const port = await freePort()
    const logDir = join(shared, 'handed-on')
    const client = clientOf(port, logDir)
    const topics: string[] = []
    for (const version of [...versions, versions[0]]) {
      const stop = await startOn(nodes.get(version)!, port, logDir)
      for (const topic of topics) {
        await assertHoldsNumbered(client, { topic, count: 500, partitions: 1, codec: 'zstd' })
      }
      const topic = `written-${topics.length}`
      await manyRecordsRoundTrip(client, { topic, count: 500, partitions: 1, codec: 'zstd' })
      topics.push(topic)
      await stop()
    }
  })
})
