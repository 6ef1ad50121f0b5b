// Directories on the real disk for tests.
// Promises that they are gone when the process ends, after every broker that used them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

process.on('exit', () => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

/** An empty directory. */
export function scratchDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'odradek-test-'))
  made.push(path)
  return path
}
