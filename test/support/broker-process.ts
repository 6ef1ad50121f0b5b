// A broker as people run it: `odradek start` in a process of its own, with settings on the command line, to be killed,
// stopped and started again on the same data.
// Promises that it is gone when the test's process ends. Leaves clients to raw-client.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './local-broker.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export type Settings = Readonly<{ [key: string]: string | number }>

/** A process that has ended, or was never meant to last. */
export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

function launch(words: readonly string[]): { child: ChildProcess; said: { output: string; errors: string } } {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const said = { output: '', errors: '' }
  child.stdout!.on('data', (bytes) => (said.output += bytes))
  child.stderr!.on('data', (bytes) => (said.errors += bytes))
  return { child, said }
}

function wordsFor(settings: Settings): string[] {
  return ['start', ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])]
}

/** Runs a command that is expected to end by itself. */
export async function runCommand(words: readonly string[]): Promise<Ended> {
  const { child, said } = launch(words)
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const [code] = await once(child, 'close')
  clearTimeout(late)
  return { code, ...said }
}

/** Starts a broker that is expected to refuse. */
export const startInVain = (settings: Settings): Promise<Ended> => runCommand(wordsFor(settings))

export interface BrokerProcess {
  readonly port: number
  readonly pid: number
  /** What it wrote to standard error: its log. */
  readonly log: string
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts a broker on 127.0.0.1 and resolves when it is ready. Port 0 takes any free one. */
export async function startProcess(lifetime: Lifetime, settings: Settings, port = 0): Promise<BrokerProcess> {
  const { child, said } = launch(wordsFor({ listeners: `PLAINTEXT://127.0.0.1:${port}`, ...settings }))
  lifetime.after(() => {
    child.kill('SIGKILL')
  })
  const closed = once(child, 'close')
  const ready = new Promise<number>((resolve) => {
    child.stdout!.on('data', () => {
      const found = /address +\S+:(\d+)\n/.exec(said.output)
      if (found !== null) resolve(Number(found[1]))
    })
  })
  const address = await Promise.race([ready, closed.then(() => undefined)])
  if (address === undefined) throw new Error(`the broker ended at its start:\n${said.errors}${said.output}`)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return (await closed)[0] as number | null
  }
  return {
    port: address,
    pid: child.pid!,
    get log() {
      return said.errors
    },
    kill: async () => {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}
