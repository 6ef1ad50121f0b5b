// Child processes for interop tests: run to the end, or keep running while a test talks to them.
// Promises that output is kept (bounded) for the error message, and that nothing started here outlives the test process.
// Leaves what to run, and what its output means, to the callers.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Output beyond this many characters per stream is dropped from the front: enough for any error, bounded for any loop. */
const KEPT_OUTPUT_CHARACTERS = 64 * 1024 * 1024

export interface RunOptions {
  readonly cwd?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to standard input, which is then closed. */
  readonly input?: string | Uint8Array
  /** The process is killed after this time. Default 120000. */
  readonly timeoutMs?: number
}

export interface RunResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

const alive = new Set<ChildProcessWithoutNullStreams>()
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a process whose end is this test process's end at the latest. */
export function launch(command: string, args: readonly string[], options: RunOptions = {}) {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env } })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  // A process that ends without reading its input is judged by its exit code, not by the broken pipe.
  child.stdin.on('error', () => {})
  return child
}

/** Collects a stream's text, keeping the last part when it grows too long. */
export function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    if (text.length > KEPT_OUTPUT_CHARACTERS) text = text.slice(-KEPT_OUTPUT_CHARACTERS / 2)
  })
  return () => text
}

/** Runs a command to its end, whatever its exit code. Throws only if it cannot start or exceeds its time. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const startedAt = performance.now()
  const timeoutMs = options.timeoutMs ?? 120_000
  const child = launch(command, args, options)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, timeoutMs)
  child.stdin.end(options.input ?? '')
  try {
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    const result = {
      exitCode,
      signal,
      stdout: stdout(),
      stderr: stderr(),
      durationMs: performance.now() - startedAt,
    }
    if (timedOut) throw new Error(`${describeRun(command, args, result)}\nkilled after ${timeoutMs} ms`)
    return result
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a command that has to succeed; throws with both outputs otherwise. */
export async function runOk(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await run(command, args, options)
  if (result.exitCode !== 0) throw new Error(describeRun(command, args, result))
  return result
}

/** One readable block: the command, how it ended, and the last part of what it said. */
export function describeRun(command: string, args: readonly string[], result: RunResult): string {
  const tail = (text: string) => (text.length > 6000 ? `...${text.slice(-6000)}` : text)
  const line = [command, ...args].join(' ')
  return [
    `\`${line.length > 600 ? `${line.slice(0, 600)}...` : line}\` ended with ${result.exitCode ?? result.signal}`,
    `stdout: ${tail(result.stdout)}`,
    `stderr: ${tail(result.stderr)}`,
  ].join('\n')
}

export const sleep = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs))

/** Tries until the answer is not undefined; throws with `what` when the time is over. */
export async function waitFor<Answer>(
  what: string,
  attempt: () => Promise<Answer | undefined> | Answer | undefined,
  timeoutMs = 60_000,
  pauseMs = 50,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await attempt()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(pauseMs)
  }
}
