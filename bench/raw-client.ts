// Runs the raw C client (raw/raw-client.c), compiling it the first time with the machine's C compiler.
// Promises its figures as an object, and a clear error where there is no compiler or the broker refused.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repositoryRoot } from '../test/support/apache-kafka.ts'

export interface RawResult {
  readonly bytes: number
  readonly records: number
  readonly requests: number
  readonly seconds: number
  readonly megabytesPerSecond: number
  readonly clientCpuSeconds: number
  readonly latencyUs?: Readonly<Record<'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>
}

export interface RawOptions {
  readonly port: number
  readonly topic: string
  readonly partitions?: number
  readonly acks?: 1 | -1
  readonly batchBytes?: number
  readonly recordBytes?: number
  readonly bytes?: number
  readonly inFlight?: number
  readonly connections?: number
  readonly maxBytes?: number
  readonly startOffset?: number
  readonly endOffset?: number
  readonly follow?: 0 | 1
  readonly rate?: number
  readonly seconds?: number
  readonly warmup?: number
}

function compileRawClient(): string {
  const source = join(repositoryRoot(), 'bench/raw/raw-client.c')
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const program = join(cacheDirectory('bench'), `raw-client-${digest}`)
  if (existsSync(program)) return program
  const half = `${program}-${process.pid}`
  const done = spawnSync('cc', ['-O2', '-Wall', '-pthread', '-o', half, source], { encoding: 'utf8' })
  if (done.error) {
    throw new Error('the raw client needs a C compiler: no `cc` on the PATH (on Debian: apt-get install gcc)')
  }
  if (done.status !== 0) throw new Error(`cc could not compile ${source}:\n${done.stderr}`)
  renameSync(half, program)
  return program
}

let compiled: string | undefined

/** Runs one mode of the raw client to its end. Rejects with what it said on standard error if it fails. */
export function runRaw(mode: 'produce' | 'fetch' | 'latency', options: RawOptions): Promise<RawResult> {
  compiled ??= compileRawClient()
  const args = Object.entries(options).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(typeof value === 'number' && name !== 'seconds' ? Math.round(value) : value),
  ])
  const child = spawn(compiled, [mode, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes) => (stdout += bytes))
  child.stderr.on('data', (bytes) => (stderr += bytes))
  const timer = setTimeout(() => child.kill('SIGKILL'), 300_000)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve(JSON.parse(stdout) as RawResult)
      else reject(new Error(`raw-client ${mode} ended with ${signal ?? code}: ${stderr.trim()}`))
    })
  })
}
