// Either broker as a process of its own: ours from its compiled entry, Apache Kafka from its jars.
// Promises both are started alike (own port, own data directory, no pinning), and reads their CPU time and memory from
// /proc. Leaves topics to admin.ts and the order of runs to run.ts.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApacheKafka } from '../test/support/apache-kafka.ts'
import { answersMetadata, freePort } from '../test/support/probe.ts'
import { deleteTopic } from './admin.ts'

export type SideName = 'ours' | 'kafka'

export interface RunningBroker {
  readonly side: SideName
  readonly port: number
  readonly bootstrapServers: string
  readonly pid: number
  readonly dataDir: string
  /** From the spawning of the process to its first Metadata answer. */
  readonly startMs: number
  stop(): Promise<void>
  kill(): Promise<void>
}

export interface BrokerOptions {
  readonly dataDir: string
  readonly properties?: Readonly<Record<string, string>>
  /** Compiled `cli/main.js` of our broker. */
  readonly entry: string
  /** Flags for our Node process, e.g. `--cpu-prof`. */
  readonly nodeArgs?: readonly string[]
  readonly heapMb?: number
}

const deleteSoon = { 'log.segment.delete.delay.ms': '500' }

async function startOurs(options: BrokerOptions): Promise<RunningBroker> {
  const { dataDir, entry, nodeArgs = [] } = options
  if (!existsSync(entry)) throw new Error(`our broker is not built: ${entry} does not exist`)
  mkdirSync(dataDir, { recursive: true })
  const port = await freePort()
  const properties = {
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': join(dataDir, 'logs'),
    ...deleteSoon,
    ...options.properties,
  }
  const settings = Object.entries(properties).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const logFile = join(dataDir, 'broker.log')
  const log = openSync(logFile, 'a')
  const started = performance.now()
  const child = spawn(process.execPath, [...nodeArgs, entry, 'start', ...settings], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const killWithUs = () => child.kill('SIGKILL')
  process.on('exit', killWithUs)
  void exited.then(() => process.off('exit', killWithUs))
  while (!(await answersMetadata(port, 30_000))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() - started > 120_000) {
      child.kill('SIGKILL')
      throw new Error(`our broker did not start:\n${readFileSync(logFile, 'utf8').slice(-3000)}`)
    }
    await sleep(2)
  }
  const startMs = performance.now() - started
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const isDone = await Promise.race([exited.then(() => true), sleep(60_000, false, { ref: false })])
    if (!isDone) child.kill('SIGKILL')
    await exited
  }
  return {
    side: 'ours',
    port,
    bootstrapServers: `127.0.0.1:${port}`,
    pid: child.pid!,
    dataDir,
    startMs,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

async function startKafka(options: BrokerOptions): Promise<RunningBroker> {
  const { dataDir, heapMb = 1024 } = options
  const properties = { ...deleteSoon, ...options.properties }
  const broker = await startApacheKafka({ dataDir, heapMb, properties, startTimeoutMs: 600_000 })
  const { port, bootstrapServers, pid, startMs } = broker
  return {
    side: 'kafka',
    port,
    bootstrapServers,
    pid,
    dataDir,
    startMs,
    stop: broker.stop,
    kill: broker.kill,
  }
}

/** Starts one side's broker over `dataDir`, empty or left by an earlier one, and waits until it answers. */
export function startBroker(side: SideName, options: BrokerOptions): Promise<RunningBroker> {
  return side === 'ours' ? startOurs(options) : startKafka(options)
}

// Linux counts the CPU time it shows in /proc in hundredths of a second, on every architecture Node runs on.
const ticksPerSecond = 100

/** CPU seconds (user and system) of every thread the process has or had. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory in MB (10^6 bytes): now, and the most it ever was. */
export function residentMegabytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) =>
    (Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024) / 1e6
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** Runs `work` and says how much CPU time the broker used meanwhile. */
export async function withCpu<T>(
  broker: RunningBroker,
  work: () => Promise<T>,
): Promise<{ cpu: number; result: T }> {
  const before = cpuSeconds(broker.pid)
  const result = await work()
  return { cpu: cpuSeconds(broker.pid) - before, result }
}

/** Deletes a topic and waits until its files are gone too, so that their removal burdens no later run. */
export async function removeTopic(broker: RunningBroker, topic: string): Promise<void> {
  await deleteTopic(broker.port, topic)
  const logs = join(broker.dataDir, 'logs')
  const deadline = performance.now() + 15_000
  while (performance.now() < deadline && readdirSync(logs).some((name) => name.startsWith(`${topic}-`))) {
    await sleep(50)
  }
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
