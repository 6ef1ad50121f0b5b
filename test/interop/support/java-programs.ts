// Java sources of test/interop/java, compiled once per content, and Kafka's tools in one JVM that answers call after call.
// Promises the exit code and both outputs of each tool as its script would give them.
// Leaves Java, Maven and the class path to test/support/apache-kafka.ts.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import * as apacheKafka from '../../support/apache-kafka.ts'
import { skipWithout } from './languages.ts'
import { collect, launch, runOk } from './processes.ts'

const { apacheKafkaClasspath, cacheDirectory, repositoryRoot } = apacheKafka

/** The `skip` option of tests that run our Java programs: they need Java, Maven and a compiler. Throws in CI. */
export const javaSkipReason = (): string | false =>
  apacheKafka.javaSkipReason() || skipWithout('A Java compiler', ['javac'], ['default-jdk-headless'])

/** Class path of our compiled Java programs and Kafka's jars. */
export async function javaClasspath(): Promise<string> {
  const kafka = await apacheKafkaClasspath()
  const directory = join(repositoryRoot(), 'test', 'interop', 'java')
  const sources = readdirSync(directory)
    .filter((name) => name.endsWith('.java'))
    .sort()
    .map((name) => join(directory, name))
  const hash = createHash('sha256').update(kafka)
  for (const source of sources) hash.update(readFileSync(source))
  const classes = join(cacheDirectory('interop'), `java-classes-${hash.digest('hex').slice(0, 12)}`)
  if (!existsSync(classes)) {
    const half = `${classes}-half-${process.pid}`
    await runOk('javac', ['-nowarn', '-encoding', 'UTF-8', '-d', half, '-cp', kafka, ...sources])
    if (existsSync(classes)) rmSync(half, { recursive: true })
    else renameSync(half, classes)
  }
  return [classes, kafka].join(delimiter)
}

/** JVM arguments for a short-lived client: a small heap, and no time spent on the best machine code. */
export const smallJvm = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** The line `counts a=1 b=2` that our Java programs end with. */
export function countsOf(stdout: string): Record<string, number> {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  const words = line.split(' ')
  if (words[0] !== 'counts') throw new Error(`no counts in the last line: ${line}`)
  return Object.fromEntries(words.slice(1).map((word) => [word.split('=')[0]!, Number(word.split('=')[1])]))
}

export interface ToolResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface JavaTools {
  /** Runs `main` of a class, e.g. `org.apache.kafka.tools.TopicCommand`. Calls are answered one after the other. */
  run(mainClass: string, ...args: string[]): Promise<ToolResult>
  /** `run` that throws unless the tool ends with 0; gives its standard output. */
  ok(mainClass: string, ...args: string[]): Promise<string>
  stop(): void
}

const TOOL_TIMEOUT_MS = 90_000

/** Starts the JVM that runs tools. A tool that hangs makes its call throw after 90 s. */
export async function startJavaTools(): Promise<JavaTools> {
  const log4j = `-Dlog4j2.configurationFile=${join(cacheDirectory('apache-kafka-4.3.0'), 'log4j2.xml')}`
  const child = launch('java', [...smallJvm, log4j, '-cp', await javaClasspath(), 'Tools'])
  const errors = collect(child.stderr)
  let received = Buffer.alloc(0)
  let arrived = () => {}
  child.stdout.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    arrived()
  })
  child.once('close', () => arrived())

  const answer = (): ToolResult | undefined => {
    const end = received.indexOf('\n')
    if (end < 0) return undefined
    const [exitCode, outLength, errLength] = received.toString('latin1', 0, end).split(' ').map(Number)
    const total = end + 1 + outLength! + errLength!
    if (received.length < total) return undefined
    const stdout = received.toString('utf8', end + 1, end + 1 + outLength!)
    const stderr = received.toString('utf8', end + 1 + outLength!, total)
    received = received.subarray(total)
    return { exitCode: exitCode!, stdout, stderr }
  }

  const call = async (mainClass: string, args: string[]): Promise<ToolResult> => {
    child.stdin.write(`${[mainClass, ...args].join('\t')}\n`)
    const deadline = performance.now() + TOOL_TIMEOUT_MS
    for (;;) {
      const result = answer()
      if (result) return result
      const leftMs = deadline - performance.now()
      if (child.exitCode !== null || leftMs <= 0) {
        child.kill('SIGKILL')
        throw new Error(`${mainClass} ${args.join(' ')} gave no answer: ${received}${errors()}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        arrived = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  let last: Promise<unknown> = Promise.resolve()
  const run = (mainClass: string, ...args: string[]): Promise<ToolResult> => {
    const result = last.then(() => call(mainClass, args))
    last = result.catch(() => {})
    return result
  }
  return {
    run,
    ok: async (mainClass, ...args) => {
      const { exitCode, stdout, stderr } = await run(mainClass, ...args)
      if (exitCode !== 0) {
        throw new Error(`${mainClass} ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`)
      }
      return stdout
    },
    stop: () => {
      child.stdin.end()
    },
  }
}
