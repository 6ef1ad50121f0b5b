// The programs that are members of groups, by client: how each is started, once its packages are there.
// Promises pinned versions, fetched from each language's registry the first time. Leaves what they print to README-groups.md.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../../support/apache-kafka.ts'
import { buildGoProgram } from '../programs/go-programs.ts'
import type { MemberProgram } from '../programs/group-scenarios.ts'
import { installPackagesOf, nodeBinary, nodeSkipReason } from '../programs/node-packages.ts'
import { pythonEnvironment, pythonInterpreter, pythonSkipReason } from '../python/environment.ts'
import { skipWithout } from '../support/languages.ts'

export type PythonClient = 'confluent' | 'kafka_python' | 'aiokafka'
export type GoClient = 'franz-go' | 'sarama' | 'kafka-go'
export type JavaScriptClient = 'kafkajs' | 'platformatic'

const sources = (language: string): string => join(repositoryRoot(), 'test', 'interop', 'groups', language)

export async function pythonMember(client: PythonClient): Promise<MemberProgram> {
  const program = join(sources('python'), `${client}_member.py`)
  return { command: await pythonInterpreter(), args: [program], env: pythonEnvironment }
}

export async function goMember(client: GoClient): Promise<MemberProgram> {
  return { command: await buildGoProgram('groups/go', 'groups'), args: [client] }
}

export async function javaScriptMember(client: JavaScriptClient): Promise<MemberProgram> {
  // Beside the packages of test/interop/javascript, where Node finds them.
  const directory = join(await installPackagesOf('javascript'), 'groups')
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(sources('javascript'))) {
    copyFileSync(join(sources('javascript'), name), join(directory, name))
  }
  const command = client === 'platformatic' ? await nodeBinary(24) : process.execPath
  return { command, args: [join(directory, `${client}-member.mjs`)] }
}

/** A client with one of its ways to be in a group. */
export interface Variant {
  readonly name: string
  readonly skip: string | false
  program(): Promise<MemberProgram>
  readonly args: readonly string[]
  /** False where the client says generations that are not those of assignments, or none. */
  readonly hasGenerations?: boolean
}

const python = (name: string, client: PythonClient, ...args: string[]): Variant => ({
  name,
  skip: pythonSkipReason(),
  program: () => pythonMember(client),
  args,
})

export const pythonVariants: readonly Variant[] = [
  python('librdkafka, eager', 'confluent', '--strategy', 'range'),
  python('librdkafka, cooperative', 'confluent', '--strategy', 'cooperative-sticky'),
  python('librdkafka, consumer', 'confluent', '--protocol', 'consumer'),
  python('kafka-python, eager', 'kafka_python', '--strategy', 'range'),
  python('kafka-python, cooperative', 'kafka_python', '--strategy', 'cooperative-sticky'),
  python('aiokafka', 'aiokafka', '--strategy', 'roundrobin'),
]

export const goSkipReason = (): string | false => skipWithout('Go', ['go'], ['golang'])

const go = (name: string, client: GoClient, ...args: string[]): Variant => ({
  name,
  skip: goSkipReason(),
  program: () => goMember(client),
  args,
})

export const goVariants: readonly Variant[] = [
  go('franz-go, cooperative', 'franz-go', '--strategy', 'cooperative-sticky'),
  go('franz-go, eager', 'franz-go', '--strategy', 'roundrobin'),
  go('franz-go, consumer', 'franz-go', '--protocol', 'consumer'),
  go('sarama, eager', 'sarama', '--strategy', 'sticky'),
  go('sarama, cooperative', 'sarama', '--strategy', 'cooperative-sticky'),
  go('kafka-go', 'kafka-go', '--strategy', 'roundrobin'),
]

const javaScript = (name: string, client: JavaScriptClient, ...args: string[]): Variant => ({
  name,
  skip: client === 'platformatic' && nodeSkipReason(),
  program: () => javaScriptMember(client),
  args,
})

export const javaScriptVariants: readonly Variant[] = [
  javaScript('kafkajs', 'kafkajs'),
  javaScript('@platformatic/kafka, eager', 'platformatic', '--strategy', 'roundrobin'),
  javaScript('@platformatic/kafka, cooperative', 'platformatic', '--strategy', 'cooperative-sticky'),
  javaScript('@platformatic/kafka, consumer', 'platformatic', '--protocol', 'consumer'),
]

export const allVariants: readonly Variant[] = [...pythonVariants, ...goVariants, ...javaScriptVariants]
