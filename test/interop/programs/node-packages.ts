// JavaScript clients and other versions of Node, installed from a committed lock file into .cache/interop/.
// Promises one `npm ci` per change of the lock file, no install scripts, and no download beside the npm registry's packages.
// Leaves what runs there to the tests.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repositoryRoot } from '../../support/apache-kafka.ts'
import { runOk } from '../support/processes.ts'

/** Installs the packages of test/interop/<folder>, copies its programs (*.mjs) beside them, and answers the directory. */
export async function installPackagesOf(folder: string): Promise<string> {
  const sources = join(repositoryRoot(), 'test', 'interop', folder)
  const directory = cacheDirectory('interop', folder)
  const hash = createHash('sha256')
  for (const name of readdirSync(sources).sort()) {
    if (name.endsWith('.mjs')) copyFileSync(join(sources, name), join(directory, name))
    if (!/^package(-lock)?\.json$/.test(name)) continue
    copyFileSync(join(sources, name), join(directory, name))
    hash.update(name).update(readFileSync(join(sources, name)))
  }
  const digest = hash.digest('hex')
  const marker = join(directory, 'installed.sha256')
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== digest) {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await runOk('npm', args, { cwd: directory, timeoutMs: 300_000 })
    writeFileSync(marker, digest)
  }
  return directory
}

/** The `skip` option of a test that needs another Node: false on machines that have a package with one. Throws in CI. */
export function nodeSkipReason(): string | false {
  if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) return false
  const line = `no npm package brings another Node to ${process.platform} ${process.arch}`
  if (process.env.CI) throw new Error(`${line}; CI must have it`)
  return line
}

/** The binary of Node 22 or 24 for this machine. */
export async function nodeBinary(major: 22 | 24): Promise<string> {
  const directory = await installPackagesOf('node-versions')
  const name = `node${major}-${process.platform}-${process.arch}`
  const binary = join(directory, 'node_modules', name, 'bin', 'node')
  if (!existsSync(binary)) {
    throw new Error(`no npm package with Node ${major} for ${process.platform} ${process.arch} is listed`)
  }
  const { stdout } = await runOk(binary, ['--version'])
  if (!stdout.startsWith(`v${major}.`)) throw new Error(`${binary} is ${stdout.trim()}, not Node ${major}`)
  return binary
}
