// A directory on the real disk for the time of a test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lifetime } from './local-broker.ts'

/** An empty directory that is removed when `lifetime` is over. */
export function scratchDirectory(lifetime: Lifetime): string {
  const path = mkdtempSync(join(tmpdir(), 'odradek-test-'))
  lifetime.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
