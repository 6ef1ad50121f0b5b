// Apache Kafka on this machine, for the tests and the bench that compare us with it: its jars, its broker, its tools.
// Promises one download per version, shared by every process (a lock and a done-marker under .cache/), brokers that die
// with this process, and `MissingLanguage` when there is no Java or Maven. Leaves what to ask of it to the caller.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { answersMetadata, freePorts } from './probe.ts'

export const apacheKafkaVersion = '4.3.0'

/** The language a test needs is not on this machine: skip with `message`, unless `process.env.CI` is set. */
export class MissingLanguage extends Error {
  readonly language: string
  constructor(language: string, command: string) {
    super(`${language} is not installed here (no \`${command}\` on the PATH)`)
    this.name = 'MissingLanguage'
    this.language = language
  }
}

function isInstalled(command: string): boolean {
  return spawnSync(command, ['-version'], { stdio: 'ignore' }).error === undefined
}

/** Installs Java and Maven with apt-get when running in CI on a machine that has it; otherwise throws `MissingLanguage`. */
export function ensureJava(): void {
  const missing = ['java', 'mvn'].filter((command) => !isInstalled(command))
  if (missing.length === 0) return
  if (process.env.CI && isInstalled('apt-get')) {
    const root = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    for (const words of [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'default-jdk-headless', 'maven'],
    ]) {
      const [command, ...args] = [...root, ...words]
      spawnSync(command!, args, {
        stdio: 'inherit',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    }
    if (['java', 'mvn'].every(isInstalled)) return
  }
  throw new MissingLanguage(missing[0] === 'java' ? 'Java' : 'Maven', missing[0]!)
}

/** The reason to skip a Java test with, or false to run it. In CI a missing language is a failure. */
export function javaSkipReason(): string | false {
  try {
    ensureJava()
    return false
  } catch (error) {
    if (error instanceof MissingLanguage && !process.env.CI) return error.message
    throw error
  }
}

/** Root of the repository, whether this file runs from it or from a build elsewhere with the repository as cwd. */
export function repositoryRoot(): string {
  for (const start of [dirname(fileURLToPath(import.meta.url)), process.cwd()]) {
    for (let directory = start; directory !== dirname(directory); directory = dirname(directory)) {
      if (existsSync(join(directory, 'package-lock.json'))) return directory
    }
  }
  throw new Error('no package-lock.json above this file or the working directory: run inside the repository')
}

export function cacheDirectory(...names: string[]): string {
  const directory = join(repositoryRoot(), '.cache', ...names)
  mkdirSync(directory, { recursive: true })
  return directory
}

function pom(version: string): string {
  const dependency = (group: string, artifact: string, of: string) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>\n`
  return (
    '<project>\n  <modelVersion>4.0.0</modelVersion>\n' +
    '  <groupId>local</groupId><artifactId>apache-kafka</artifactId><version>1</version><packaging>pom</packaging>\n' +
    '  <dependencies>\n' +
    dependency('org.apache.kafka', 'kafka_2.13', version) +
    dependency('org.apache.kafka', 'kafka-tools', version) +
    dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4') +
    '  </dependencies>\n</project>\n'
  )
}

const log4jXml = `<Configuration status="error">
  <Appenders><Console name="all" target="SYSTEM_ERR"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
  <Loggers><Root level="\${sys:log.level:-WARN}"><AppenderRef ref="all"/></Root></Loggers>
</Configuration>
`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Runs `work` while no other process does, by a lock file that names its owner; a dead owner's lock is taken over. */
async function withLock(path: string, work: () => void): Promise<void> {
  const deadline = performance.now() + 900_000
  // Linked into place, the lock names its owner from its first moment.
  const claim = `${path}-${process.pid}`
  writeFileSync(claim, String(process.pid))
  for (;;) {
    try {
      linkSync(claim, path)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => '0'))
    if (owner > 0 && !isAlive(owner)) rmSync(path, { force: true })
    if (performance.now() > deadline)
      throw new Error(`waited 15 minutes for ${path}; remove it if nobody holds it`)
    await sleep(200)
  }
  rmSync(claim)
  try {
    work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** Class path of Apache Kafka with its tools, fetched with Maven the first time (54 MB). Throws `MissingLanguage`. */
export function apacheKafkaClasspath(version = apacheKafkaVersion): Promise<string> {
  const known = classpaths.get(version)
  if (known !== undefined) return known
  const wanted = fetchApacheKafka(version)
  classpaths.set(version, wanted)
  return wanted
}

const classpaths = new Map<string, Promise<string>>()

async function fetchApacheKafka(version: string): Promise<string> {
  ensureJava()
  const home = cacheDirectory(`apache-kafka-${version}`)
  const marker = join(home, 'complete')
  const wanted = pom(version) + log4jXml
  const isComplete = () => existsSync(marker) && readFileSync(marker, 'utf8') === wanted
  if (!isComplete()) {
    await withLock(join(home, 'lock'), () => {
      if (isComplete()) return
      const half = join(home, `half-${process.pid}`)
      writeFileSync(join(home, 'pom.xml'), pom(version))
      writeFileSync(join(home, 'log4j2.xml'), log4jXml)
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
      const args = ['-q', '-B', '-f', join(home, 'pom.xml'), goal, `-DoutputDirectory=${half}`]
      const done = spawnSync('mvn', args, { encoding: 'utf8', cwd: home })
      if (done.status !== 0)
        throw new Error(`Maven could not fetch Apache Kafka ${version}: ${done.stdout}${done.stderr}`)
      rmSync(join(home, 'libs'), { recursive: true, force: true })
      renameSync(half, join(home, 'libs'))
      writeFileSync(marker, wanted)
    })
  }
  return join(home, 'libs', '*')
}

export interface ApacheKafka {
  readonly bootstrapServers: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  readonly logFile: string
  /** From the spawning of the JVM to its first Metadata answer, to 20 ms. */
  readonly startMs: number
  /** A clean shutdown (SIGTERM). The data directory stays if it was given, and goes if it was made here. */
  stop(): Promise<void>
  /** SIGKILL, no clean shutdown; the data directory stays. */
  kill(): Promise<void>
}

export interface ApacheKafkaOptions {
  readonly version?: string
  readonly heapMb?: number
  /** Reused, and not formatted again, if it holds a formatted Kafka directory. */
  readonly dataDir?: string
  readonly port?: number
  /** Broker properties beside the ones of a single KRaft node. */
  readonly properties?: Readonly<Record<string, string>>
  readonly startTimeoutMs?: number
}

// What Kafka's own start script passes to the JVM.
const brokerJvmArgs = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
]

const log4jArg = (version: string): string =>
  `-Dlog4j2.configurationFile=${join(cacheDirectory(`apache-kafka-${version}`), 'log4j2.xml')}`

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

function track(child: ChildProcess): Promise<number> {
  children.add(child)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      children.delete(child)
      resolve(code ?? (signal === null ? 1 : 128))
    })
  })
}

/** Starts a single-node KRaft broker and waits until it answers Metadata. Throws with the log's end if it does not. */
export async function startApacheKafka(options: ApacheKafkaOptions = {}): Promise<ApacheKafka> {
  const { version = apacheKafkaVersion, heapMb = 512, startTimeoutMs = 120_000 } = options
  const classpath = await apacheKafkaClasspath(version)
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'apache-kafka-')))
  mkdirSync(dataDir, { recursive: true })
  const ports = await freePorts(2)
  const port = options.port ?? ports[0]!
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${ports[1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${ports[1]}`,
    'log.dirs': join(dataDir, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...options.properties,
  }
  const configFile = join(dataDir, 'server.properties')
  writeFileSync(
    configFile,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  if (!existsSync(join(dataDir, 'logs', 'meta.properties'))) {
    const format = [
      'format',
      '--cluster-id',
      'MkU3OEVBNTcwNTJENDM2Qg',
      '--config',
      configFile,
      '--ignore-formatted',
    ]
    const done = await runJava('kafka.tools.StorageTool', format, { version })
    if (done.code !== 0) throw new Error(`formatting ${dataDir} failed: ${done.stdout}${done.stderr}`)
  }
  const logFile = join(dataDir, 'broker.log')
  const log = openSync(logFile, 'a')
  const jvmArgs = [
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    ...brokerJvmArgs,
    '-Dlog.level=INFO',
    log4jArg(version),
  ]
  const child = spawn('java', [...jvmArgs, '-cp', classpath, 'kafka.Kafka', configFile], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = track(child)
  const started = performance.now()
  const deadline = started + startTimeoutMs
  while (!(await answersMetadata(port))) {
    const isOver = child.exitCode !== null || child.signalCode !== null
    if (isOver || performance.now() > deadline) {
      child.kill('SIGKILL')
      const end = readFileSync(logFile, 'utf8').slice(-3000)
      throw new Error(
        `Apache Kafka ${isOver ? 'ended at start' : `did not answer in ${startTimeoutMs} ms`}:\n${end}`,
      )
    }
    await sleep(20)
  }
  const startMs = performance.now() - started
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const isDone = await Promise.race([exited.then(() => true), sleep(60_000, false, { ref: false })])
    if (!isDone) child.kill('SIGKILL')
    await exited
  }
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    port,
    pid: child.pid!,
    dataDir,
    logFile,
    startMs,
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM')
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export interface JavaResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface JavaOptions {
  readonly version?: string
  readonly stdin?: string | Uint8Array
  /** After this the JVM is killed and the promise rejects, naming the class and what it had printed. Default 120,000. */
  readonly timeoutMs?: number
  /** Default `-Xmx256m` and a JIT for short runs. */
  readonly jvmArgs?: readonly string[]
  /** Directories or jars before Kafka's own in the class path. */
  readonly classpath?: readonly string[]
}

/** Runs a main class on Kafka's class path: its tools (`org.apache.kafka.tools.TopicCommand`, ...) or one of ours. */
export async function runJava(
  mainClass: string,
  args: readonly string[] = [],
  options: JavaOptions = {},
): Promise<JavaResult> {
  const { version = apacheKafkaVersion, stdin, timeoutMs = 120_000 } = options
  const kafka = await apacheKafkaClasspath(version)
  const classpath = [...(options.classpath ?? []), kafka].join(':')
  const jvmArgs = options.jvmArgs ?? ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const child = spawn('java', [...jvmArgs, log4jArg(version), '-cp', classpath, mainClass, ...args])
  const exited = track(child)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  const closed = new Promise((resolve) => child.on('close', resolve))
  // A tool that ends before it has read everything closes the pipe; its exit code tells the story.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const code = await exited
  await closed
  clearTimeout(timer)
  const result = { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
  if (isLate) {
    const said = `${result.stdout.slice(-2000)}\n${result.stderr.slice(-2000)}`
    throw new Error(`${mainClass} ${args.join(' ')} did not end within ${timeoutMs} ms; it printed:\n${said}`)
  }
  return result
}
