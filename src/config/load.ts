// A broker's settings gathered from where people put them: a file, the environment, the command line.
// Promises the order defaults < file < ODRADEK_* variables < --set, every problem at once with the place it was said
// at, and no access to files or the process: the caller brings the texts.

import { nearestName } from '../lib/nearest-name.ts'
import { type BrokerConfig, readBrokerConfig } from './broker-config.ts'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { isIgnoredKafkaKey } from './kafka-keys.ts'
import { brokerRows, chainOf } from './keys.ts'
import { PropertiesError, parseProperties } from './properties.ts'

export interface ConfigInputs {
  /** A .properties file; `path` only serves messages. */
  readonly file?: { readonly path: string; readonly text: string }
  /** Environment variables; only those that begin with ODRADEK_ are looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The values of --set: `key=value`. A later one wins. */
  readonly sets?: readonly string[]
}

export interface LoadedConfig {
  readonly config: BrokerConfig
  /** What was said, without the defaults: the static layer of DescribeConfigs. */
  readonly entries: ReadonlyMap<string, string>
  /** For the log: settings of Apache Kafka's that have no effect here, keys given twice in the file. */
  readonly warnings: readonly string[]
}

interface Said {
  readonly key: string
  readonly value: string
  readonly origin: string
}

const ENVIRONMENT_PREFIX = 'ODRADEK_'

/** Throws ConfigError listing everything that is wrong, in the order file, environment, --set. */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const layers = [
    inputs.file === undefined ? [] : fromFile(inputs.file, problems, warnings),
    fromEnvironment(inputs.env ?? {}, problems),
    fromSets(inputs.sets ?? [], problems),
  ]
  const said = new Map<string, Said>()
  for (const layer of layers) lay(said, layer)
  const entries = new Map([...said.values()].map(({ key, value }) => [key, value]))
  const read = readBrokerConfig(entries)
  problems.push(...read.problems.map((problem) => withOrigin(problem, said.get(problem.key))))
  if (problems.length > 0) throw new ConfigError(problems)
  return { config: read.config, entries, warnings }
}

/**
 * Lays settings over those of weaker layers. One that stands in for another, such as log.dir for log.dirs, also
 * replaces that other one where a weaker layer named it: the stronger layer decides the value.
 */
function lay(said: Map<string, Said>, layer: readonly Said[]): void {
  for (const { key } of layer) {
    for (const relative of chainOf(brokerRows.get(key)?.fallbackOf ?? key)) said.delete(relative)
  }
  for (const entry of layer) said.set(entry.key, entry)
}

function withOrigin(problem: ConfigProblem, said: Said | undefined): ConfigProblem {
  return said === undefined ? problem : { ...problem, origin: said.origin }
}

function fromFile(
  file: { path: string; text: string },
  problems: ConfigProblem[],
  warnings: string[],
): Said[] {
  const said = new Map<string, Said>()
  try {
    for (const { key, value, line } of parseProperties(file.text)) {
      const origin = `${file.path} line ${line}`
      if (isIgnoredKafkaKey(key)) {
        warnings.push(`${origin}: ${key}: is known to Apache Kafka, but has no effect here`)
        continue
      }
      const earlier = said.get(key)
      if (earlier !== undefined) warnings.push(`${origin}: ${key}: replaces the value of ${earlier.origin}`)
      said.set(key, { key, value, origin })
    }
  } catch (error) {
    if (!(error instanceof PropertiesError)) throw error
    problems.push({ key: file.path, message: error.message })
  }
  return [...said.values()]
}

function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
): Said[] {
  const said: Said[] = []
  for (const name of Object.keys(env).sort()) {
    const value = env[name]
    if (!name.startsWith(ENVIRONMENT_PREFIX) || value === undefined) continue
    const origin = `environment variable ${name}`
    const key = keyOfVariable(name)
    if (brokerRows.has(key)) said.push({ key, value, origin })
    else problems.push({ key, message: strangerMessage(key), origin })
  }
  return said
}

/**
 * ODRADEK_LOG_DIRS -> log.dirs. The prefix doubles as the one of this broker's own settings: ODRADEK_LOG_TAIL_MEMORY_BYTES
 * is odradek.log.tail.memory.bytes, for there is no log.tail.memory.bytes; a test keeps the two kinds of names apart.
 */
function keyOfVariable(name: string): string {
  const plain = name.slice(ENVIRONMENT_PREFIX.length).toLowerCase().replaceAll('_', '.')
  const own = `odradek.${plain}`
  return !brokerRows.has(plain) && brokerRows.has(own) ? own : plain
}

function fromSets(sets: readonly string[], problems: ConfigProblem[]): Said[] {
  const said = new Map<string, Said>()
  const origin = '--set'
  for (const set of sets) {
    const at = set.indexOf('=')
    const key = set.slice(0, at < 0 ? undefined : at).trim()
    if (at < 0) problems.push({ key, message: 'has no value; write --set key=value', origin })
    else if (isIgnoredKafkaKey(key)) problems.push({ key, message: strangerMessage(key), origin })
    else said.set(key, { key, value: set.slice(at + 1), origin })
  }
  return [...said.values()]
}

function strangerMessage(key: string): string {
  if (isIgnoredKafkaKey(key)) return 'is known to Apache Kafka, but has no effect here; leave it out'
  const nearest = nearestName(key, brokerRows.keys())
  return `is not a setting of this broker${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}
