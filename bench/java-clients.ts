// Kafka's own Java clients as loads: producer-perf, end-to-end latency, and a consumer with assigned partitions.
// Promises figures read from what the tools print; a tool that fails or prints something else is an error with its output.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  apacheKafkaClasspath,
  cacheDirectory,
  repositoryRoot,
  runJava,
} from '../test/support/apache-kafka.ts'

const jvmArgs = ['-Xms512m', '-Xmx512m', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

export interface PerfResult {
  readonly recordsPerSecond: number
  /** 10^6 bytes of values per second, after the warm-up. */
  readonly megabytesPerSecond: number
  readonly averageLatencyMs: number
  readonly p99LatencyMs: number
}

export interface PerfOptions {
  readonly bootstrapServers: string
  readonly topic: string
  readonly records: number
  readonly recordBytes: number
  readonly properties: Readonly<Record<string, string>>
}

/** Reads the last line of `N [steady state] records sent, ...` that ProducerPerformance prints. */
export function parseProducerPerf(stdout: string, recordBytes: number): PerfResult {
  const lines = stdout.split('\n').filter((line) => / records sent, .* 99th/.test(line))
  const line = lines.find((candidate) => candidate.includes('steady state')) ?? lines.at(-1)
  const match =
    /sent, ([\d.]+) records\/sec .*?, ([\d.]+) ms avg latency, .* (\d+) ms 99th/.exec(line ?? '') ?? undefined
  if (match === undefined) throw new Error(`ProducerPerformance printed no summary:\n${stdout.slice(-2000)}`)
  const [recordsPerSecond, averageLatencyMs, p99LatencyMs] = match.slice(1).map(Number) as [
    number,
    number,
    number,
  ]
  const megabytesPerSecond = (recordsPerSecond * recordBytes) / 1e6
  return { recordsPerSecond, megabytesPerSecond, averageLatencyMs, p99LatencyMs }
}

/** Runs producer-perf as fast as it goes; its first sixth is warm-up and not in the figures. */
export async function producerPerf(options: PerfOptions): Promise<PerfResult> {
  const { bootstrapServers, topic, records, recordBytes, properties } = options
  const args = ['--bootstrap-server', bootstrapServers, '--topic', topic, '--throughput', '-1']
  args.push('--num-records', String(records), '--record-size', String(recordBytes))
  args.push('--warmup-records', String(Math.round(records / 6)), '--reporting-interval', '600000')
  args.push('--command-property', ...Object.entries(properties).map(([key, value]) => `${key}=${value}`))
  const done = await runJava('org.apache.kafka.tools.ProducerPerformance', args, {
    jvmArgs,
    timeoutMs: 600_000,
  })
  if (done.code !== 0) throw new Error(`ProducerPerformance failed: ${done.stdout}${done.stderr}`)
  return parseProducerPerf(done.stdout, recordBytes)
}

/** Reads the average and the 99th percentile that EndToEndLatency prints, in ms. */
export function parseEndToEnd(stdout: string): { averageMs: number; p99Ms: number } {
  const averageMs = Number(/Avg latency: ([\d.]+) ms/.exec(stdout)?.[1])
  const p99Ms = Number(/99th = (\d+)/.exec(stdout)?.[1])
  if (Number.isNaN(averageMs + p99Ms))
    throw new Error(`EndToEndLatency printed no summary:\n${stdout.slice(-2000)}`)
  return { averageMs, p99Ms }
}

/**
 * One record at a time from a Java producer through the broker to a Java consumer, whose partitions are assigned. At its
 * end the tool commits offsets to a group; where there are no groups that fails, but the figures are printed before.
 */
export async function endToEndLatency(
  bootstrapServers: string,
  topic: string,
  records: number,
): Promise<{ averageMs: number; p99Ms: number }> {
  const config = join(cacheDirectory('bench'), 'end-to-end.properties')
  writeFileSync(config, 'default.api.timeout.ms=5000\nrequest.timeout.ms=5000\n')
  const args = ['--bootstrap-server', bootstrapServers, '--topic', topic, '--num-records', String(records)]
  args.push('--producer-acks', '1', '--record-size', '100', '--command-config', config)
  const done = await runJava('org.apache.kafka.tools.EndToEndLatency', args, { jvmArgs, timeoutMs: 300_000 })
  const isOnlyCommitMissing = /before successfully committing offsets/.test(done.stderr)
  if (done.code !== 0 && !isOnlyCommitMissing) {
    throw new Error(`EndToEndLatency failed: ${done.stdout}${done.stderr}`)
  }
  return parseEndToEnd(done.stdout)
}

async function compileJava(name: string): Promise<string> {
  const classes = cacheDirectory('bench', 'classes')
  const source = join(repositoryRoot(), `bench/java/${name}.java`)
  const target = join(classes, `${name}.class`)
  if (existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs) return classes
  const args = ['-cp', await apacheKafkaClasspath(), '-d', classes, source]
  const done = spawnSync('javac', args, { encoding: 'utf8' })
  if (done.error) throw new Error('the consumer of the bench needs a JDK: no `javac` on the PATH')
  if (done.status !== 0) throw new Error(`javac could not compile ${source}:\n${done.stderr}`)
  return classes
}

export interface GroupConsumeResult {
  /** 10^6 bytes of values per second, from the first poll that was answered with partitions on. */
  readonly megabytesPerSecond: number
  /** Until the consumer had its partitions. */
  readonly rebalanceMs: number
  readonly bytes: number
}

/** Reads the line of figures that ConsumerPerformance prints under its headings. Its megabytes have 2^20 bytes. */
export function parseConsumerPerf(stdout: string): GroupConsumeResult {
  const lines = stdout.trim().split('\n')
  const heading = lines.findIndex((line) => line.startsWith('start.time'))
  const names = lines[heading]?.split(',').map((name) => name.trim()) ?? []
  const figures = lines[heading + 1]?.split(',') ?? []
  const figure = (name: string) => Number(figures[names.indexOf(name)])
  const mebibytes = figure('data.consumed.in.MB')
  const rebalanceMs = figure('rebalance.time.ms')
  const megabytesPerSecond = figure('fetch.MB.sec') * 1.048576
  if (heading < 0 || Number.isNaN(mebibytes + rebalanceMs + megabytesPerSecond)) {
    throw new Error(`ConsumerPerformance printed no figures:\n${stdout.slice(-2000)}`)
  }
  return { megabytesPerSecond, rebalanceMs, bytes: mebibytes * 2 ** 20 }
}

let groups = 0

/** Reads `records` records of `topic` from the beginning as the only member of a new group: consumer-perf. */
export async function consumeInGroup(
  bootstrapServers: string,
  topic: string,
  records: number,
  protocol: 'classic' | 'consumer',
): Promise<GroupConsumeResult> {
  const group = `bench-${process.pid}-${++groups}`
  const args = ['--bootstrap-server', bootstrapServers, '--topic', topic, '--group', group]
  args.push('--num-records', String(records), '--timeout', '60000')
  args.push('--command-property', `group.protocol=${protocol}`)
  const done = await runJava('org.apache.kafka.tools.ConsumerPerformance', args, {
    jvmArgs,
    timeoutMs: 600_000,
  })
  if (done.code !== 0) throw new Error(`ConsumerPerformance failed: ${done.stdout}${done.stderr}`)
  return parseConsumerPerf(done.stdout)
}

export interface ConsumeResult {
  readonly records: number
  readonly bytes: number
  readonly seconds: number
  readonly secondsFromFirstPoll: number
}

/** Reads `records` records of `topic` from the beginning with a Java consumer that has its partitions assigned. */
export async function consume(
  bootstrapServers: string,
  topic: string,
  records: number,
): Promise<ConsumeResult> {
  const classpath = [await compileJava('AssignedConsumer')]
  const args = [bootstrapServers, topic, String(records)]
  const done = await runJava('AssignedConsumer', args, { jvmArgs, classpath, timeoutMs: 300_000 })
  if (done.code !== 0) throw new Error(`AssignedConsumer failed: ${done.stdout}${done.stderr}`)
  return JSON.parse(done.stdout) as ConsumeResult
}
