// The broker that real clients are tried on: ours as a process, or Apache Kafka with INTEROP_TARGET=apache in the environment.
// Promises one face for both, so that every client test can first be proved against the real thing.
// Leaves fetching and starting Apache Kafka to test/support/apache-kafka.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as unhurried } from 'node:timers/promises'
import { repositoryRoot, startApacheKafka } from '../../support/apache-kafka.ts'
import { answersMetadata, freePort } from '../../support/probe.ts'
import { sleep } from './processes.ts'

export type InteropTarget = 'odradek' | 'apache'

/** What the suite runs against: our broker unless INTEROP_TARGET says `apache`. */
export const interopTarget: InteropTarget = process.env.INTEROP_TARGET === 'apache' ? 'apache' : 'odradek'

export interface BrokerUnderTestOptions {
  /** Settings in Kafka's own names, beside `listeners` and `log.dirs`. */
  readonly properties?: Readonly<Record<string, string>>
  /** Used as it is and left in place; otherwise a new directory that `stop` removes. Holds `logs/` and `broker.log`. */
  readonly dataDir?: string
  /** Default: `interopTarget`. */
  readonly target?: InteropTarget
  /** Default 20000 for ours, 120000 for Apache Kafka. */
  readonly startTimeoutMs?: number
  /** Of Apache Kafka's JVM. */
  readonly heapMb?: number
  /** Of Apache Kafka; default 4.3. */
  readonly version?: string
}

export interface BrokerUnderTest {
  readonly target: InteropTarget
  /** `127.0.0.1:port`; the same after every restart. */
  readonly bootstrapServers: string
  readonly dataDir: string
  /** The value of `log.dirs`: where `topic-0/00000000000000000000.log` lies. */
  readonly logDir: string
  /** Ends the process cleanly if it runs, then starts it again on the same port and data. Also revives it after `kill9`. */
  restart(): Promise<void>
  /** SIGKILL, and waits until the process is gone. */
  kill9(): Promise<void>
  /** A clean end; the process has flushed and left its marker. Data stays until `stop`. */
  halt(): Promise<void>
  /** `halt`, then removes a data directory that was made here. */
  stop(): Promise<void>
  /** Everything the broker printed so far, over all its starts. */
  logs(): string
}

interface RunningBroker {
  kill(): Promise<void>
  halt(): Promise<void>
}

const HALT_TIMEOUT_MS = 30_000

const started = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts a broker with an empty log directory (or the one given) and waits until it answers Metadata. */
export async function startBrokerUnderTest(options: BrokerUnderTestOptions = {}): Promise<BrokerUnderTest> {
  const target = options.target ?? interopTarget
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), `interop-${target}-`)))
  const logDir = join(dataDir, 'logs')
  const logFile = join(dataDir, 'broker.log')
  mkdirSync(dataDir, { recursive: true })
  const port = await freePort()
  const start = (): Promise<RunningBroker> =>
    target === 'apache' ? startApache(dataDir, port, options) : startOdradek(logDir, logFile, port, options)
  let running: RunningBroker | undefined = await start()
  const end = async (how: 'kill' | 'halt') => {
    const ending = running
    running = undefined
    await ending?.[how]()
  }
  return {
    target,
    bootstrapServers: `127.0.0.1:${port}`,
    dataDir,
    logDir,
    kill9: () => end('kill'),
    halt: () => end('halt'),
    restart: async () => {
      await end('halt')
      running = await start()
    },
    stop: async () => {
      await end('halt')
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
    logs: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
  }
}

async function startApache(
  dataDir: string,
  port: number,
  options: BrokerUnderTestOptions,
): Promise<RunningBroker> {
  const { startTimeoutMs, heapMb, version } = options
  const broker = await startApacheKafka({
    dataDir,
    port,
    // A killed broker comes back as soon as its old registration has expired: not after the default of 9 s.
    properties: {
      'broker.session.timeout.ms': '2000',
      'broker.heartbeat.interval.ms': '500',
      ...options.properties,
    },
    ...(startTimeoutMs && { startTimeoutMs }),
    ...(heapMb && { heapMb }),
    ...(version && { version }),
  })
  return { kill: () => broker.kill(), halt: () => broker.stop() }
}

async function startOdradek(
  logDir: string,
  logFile: string,
  port: number,
  options: BrokerUnderTestOptions,
): Promise<RunningBroker> {
  // INTEROP_MAIN names another build's entry point, to try a change without touching dist/.
  const main = process.env.INTEROP_MAIN ?? join(repositoryRoot(), 'dist', 'cli', 'main.js')
  if (!existsSync(main)) throw new Error(`${main} does not exist: npm run build`)
  const settings = {
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': logDir,
    ...options.properties,
  }
  const args = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const output = openSync(logFile, 'a')
  const child = spawn(process.execPath, [main, 'start', ...args], { stdio: ['ignore', output, output] })
  closeSync(output)
  started.add(child)
  const exited = once(child, 'exit').then(() => started.delete(child))
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const end = async (signal: NodeJS.Signals) => {
    if (!isOver()) child.kill(signal)
    const late = unhurried(HALT_TIMEOUT_MS, 'late', { ref: false })
    if ((await Promise.race([exited, late])) === 'late') {
      child.kill('SIGKILL')
      throw new Error(`the broker did not end within ${HALT_TIMEOUT_MS} ms of ${signal}:\n${tailOf(logFile)}`)
    }
    if (signal === 'SIGTERM' && child.exitCode !== 0) {
      const how = child.exitCode ?? child.signalCode
      throw new Error(`the broker ended with ${how} instead of 0:\n${tailOf(logFile)}`)
    }
  }
  const deadline = performance.now() + (options.startTimeoutMs ?? 20_000)
  while (!(await answersMetadata(port))) {
    if (isOver()) {
      throw new Error(
        `the broker ended at start with ${child.exitCode ?? child.signalCode}:\n${tailOf(logFile)}`,
      )
    }
    if (performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the broker did not answer Metadata in time:\n${tailOf(logFile)}`)
    }
    await sleep(20)
  }
  return { kill: () => end('SIGKILL'), halt: () => end('SIGTERM') }
}

const tailOf = (file: string): string => readFileSync(file, 'utf8').slice(-4000)
