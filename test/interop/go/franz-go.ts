// Builds the franz-go client program once per change of its sources, and starts it.
// Needs Go, and the module proxy the first time.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repositoryRoot } from '../../support/apache-kafka.ts'
import { ClientProgram } from '../programs/client-program.ts'
import { runOk } from '../support/processes.ts'

async function build(): Promise<string> {
  const sources = join(repositoryRoot(), 'test', 'interop', 'go')
  const directory = cacheDirectory('interop', 'go')
  const hash = createHash('sha256')
  for (const name of readdirSync(sources).sort()) {
    if (/\.(go|mod|sum)$/.test(name)) hash.update(name).update(readFileSync(join(sources, name)))
  }
  const digest = hash.digest('hex')
  const program = join(directory, 'franz-go')
  const marker = join(directory, 'franz-go.sha256')
  if (existsSync(program) && existsSync(marker) && readFileSync(marker, 'utf8') === digest) return program
  const half = join(directory, `franz-go.${process.pid}`)
  await runOk('go', ['build', '-mod=readonly', '-trimpath', '-o', half, '.'], {
    cwd: sources,
    timeoutMs: 300_000,
  })
  renameSync(half, program)
  writeFileSync(marker, digest)
  return program
}

export const startFranzGo = async (): Promise<ClientProgram> => new ClientProgram(await build(), [])
