// The packed tarball as its users meet it: run by npx in an empty folder, installed and imported in a program of their own.
// Promises that what is packed is enough (no file of the repository, no build step) and that the types hold.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { repositoryRoot } from '../../support/apache-kafka.ts'
import { answersMetadata, freePort } from '../../support/probe.ts'
import { interopTarget } from '../support/broker-under-test.ts'
import { collect, runOk, waitFor } from '../support/processes.ts'

const consumer = `import { startBroker } from 'odradek'
import type { Broker } from 'odradek'

const broker: Broker = await startBroker({ port: 0, storage: 'memory' })
const address: string = broker.bootstrapServers
console.log(JSON.stringify({ address }))
await broker.close()
`

const compilerOptions = {
  target: 'es2023',
  module: 'nodenext',
  moduleResolution: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  types: ['node'],
  outDir: 'out',
}

const skip = interopTarget === 'apache' && 'about our own package, not Apache Kafka'

describe('the package', { skip }, () => {
  let directory: string
  let tarball: string
  let files: string[]

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'interop-package-'))
    // The tests have built dist/ already; packing must not build it again under the feet of others.
    const args = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', directory]
    const { stdout } = await runOk('npm', args, { cwd: repositoryRoot() })
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
    tarball = join(directory, packed!.filename)
    files = packed!.files.map(({ path }) => path)
  })
  after(async () => {
    if (directory) await rm(directory, { recursive: true, force: true })
  })

  const emptyFolder = async (name: string) => {
    const folder = join(directory, name)
    await mkdir(folder)
    return folder
  }

  test('holds the program, its types and its papers, and nothing else', () => {
    for (const needed of [
      'package.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'dist/index.js',
      'dist/index.d.ts',
    ]) {
      assert.ok(files.includes(needed), `${needed} is not in the package`)
    }
    assert.ok(files.includes('dist/cli/main.js'))
    const foreign = files.filter((path) => !/^(dist\/.*\.(js|d\.ts)|docs\/.*|[^/]+)$/.test(path))
    assert.deepEqual(foreign, [])
    const top = files.filter((path) => !path.includes('/')).sort()
    assert.deepEqual(top, ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })

  test('npx --package ./odradek-*.tgz odradek start, in an empty folder: a broker to write to and read from', async () => {
    const folder = await emptyFolder('npx')
    const port = await freePort()
    const npx = (...args: string[]) => ['--yes', '--loglevel=error', '--package', tarball, 'odradek', ...args]
    const start = npx('start', '--set', `listeners=PLAINTEXT://127.0.0.1:${port}`)
    // A group of its own: npx does not hand every signal on.
    const child = spawn('npx', start, { cwd: folder, detached: true })
    const said = [collect(child.stdout), collect(child.stderr)]
    const everything = () => said.map((text) => text()).join('\n')
    const ended = new Promise((resolve) => child.once('close', resolve))
    const signal = (name: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, name)
      } catch {
        // It is gone already.
      }
    }
    try {
      await waitFor(
        'a broker that answers',
        async () => {
          if (child.exitCode !== null) throw new Error(`npx ended at start: ${everything()}`)
          return (await answersMetadata(port)) ? true : undefined
        },
        90_000,
        200,
      )
      assert.match(said[0]!(), new RegExp(`127\\.0\\.0\\.1:${port}`), 'the banner tells the address')
      assert.ok(existsSync(join(folder, 'data', 'meta.properties')), 'data is in ./data')
      const client = ['--bootstrap-server', `127.0.0.1:${port}`]
      const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`).join('\n')
      const produce = npx('produce', 'packed', '--compression', 'zstd', ...client)
      await runOk('npx', produce, { cwd: folder, input: `${lines}\n` })
      const { stdout } = await runOk('npx', npx('consume', 'packed', '--count', '1000', ...client), {
        cwd: folder,
      })
      assert.equal(stdout.trim(), lines)
    } finally {
      signal('SIGTERM')
      const force = setTimeout(() => signal('SIGKILL'), 10_000)
      await ended
      clearTimeout(force)
    }
  })

  test('installed in a project: its types compile strictly, startBroker runs and leaves no handle open', async () => {
    const folder = await emptyFolder('project')
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
    const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', tarball]
    await runOk('npm', install, { cwd: folder })
    await writeFile(join(folder, 'program.ts'), consumer)
    const typeRoots = [join(repositoryRoot(), 'node_modules', '@types')]
    const config = { compilerOptions: { ...compilerOptions, typeRoots }, files: ['program.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = join(repositoryRoot(), 'node_modules', 'typescript', 'bin', 'tsc')
    await runOk(process.execPath, [compiler, '-p', '.'], { cwd: folder })
    // It ends by itself, or this times out.
    const { stdout } = await runOk(process.execPath, ['out/program.js'], { cwd: folder, timeoutMs: 20_000 })
    assert.match((JSON.parse(stdout) as { address: string }).address, /^127\.0\.0\.1:\d+$/)
  })
})
