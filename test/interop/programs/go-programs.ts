// Go client programs, built from a module of this repository into .cache/interop/.
// Promises one build per change of its sources. Needs Go, and the module proxy the first time.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repositoryRoot } from '../../support/apache-kafka.ts'
import { runOk } from '../support/processes.ts'

/** Builds the module in test/interop/<folder> and answers the path of the program. */
export async function buildGoProgram(folder: string, name: string): Promise<string> {
  const sources = join(repositoryRoot(), 'test', 'interop', folder)
  const directory = cacheDirectory('interop', 'go')
  const hash = createHash('sha256')
  for (const file of readdirSync(sources).sort()) {
    if (/\.(go|mod|sum)$/.test(file)) hash.update(file).update(readFileSync(join(sources, file)))
  }
  const digest = hash.digest('hex')
  const program = join(directory, name)
  const marker = join(directory, `${name}.sha256`)
  if (existsSync(program) && existsSync(marker) && readFileSync(marker, 'utf8') === digest) return program
  const half = join(directory, `${name}.${process.pid}`)
  await runOk('go', ['build', '-mod=readonly', '-trimpath', '-o', half, '.'], {
    cwd: sources,
    timeoutMs: 300_000,
  })
  renameSync(half, program)
  writeFileSync(marker, digest)
  return program
}
