// The Java client as a member of groups: compiled once, run with the client of any version of Kafka.
// Promises members that start fast and take little: no optimising compiler, small heaps, no library for logging.
// Leaves what the members do to group-scenarios.ts.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import {
  apacheKafkaClasspath,
  apacheKafkaVersion,
  cacheDirectory,
  repositoryRoot,
} from '../../../support/apache-kafka.ts'
import type { MemberProgram } from '../../programs/group-scenarios.ts'
import { runOk } from '../../support/processes.ts'

/** Heaps are small because several members run at once. */
const jvmArgs = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** GroupMember.java with the client of a version, with more arguments for all members. */
export async function javaMember(
  version = apacheKafkaVersion,
  args: readonly string[] = [],
): Promise<MemberProgram> {
  const source = join(repositoryRoot(), 'test', 'interop', 'groups', 'java', 'GroupMember.java')
  const kafka = await apacheKafkaClasspath()
  const digest = createHash('sha256').update(readFileSync(source)).update(kafka).digest('hex').slice(0, 12)
  const classes = join(cacheDirectory('interop'), `java-member-${digest}`)
  if (!existsSync(classes)) {
    const half = `${classes}-half-${process.pid}`
    await runOk('javac', ['-nowarn', '-encoding', 'UTF-8', '-d', half, '-cp', kafka, source])
    if (existsSync(classes)) rmSync(half, { recursive: true })
    else renameSync(half, classes)
  }
  const classpath = [classes, ...(await clientJars(version))].join(delimiter)
  return { command: 'java', args: [...jvmArgs, '-cp', classpath, 'GroupMember', ...args] }
}

/** What a client needs for plain records. Without a binding for SLF4J nothing is logged. */
async function clientJars(version: string): Promise<string[]> {
  const libraries = dirname(await apacheKafkaClasspath(version))
  const names = readdirSync(libraries).filter((name) => /^(kafka-clients|slf4j-api)-/.test(name))
  return names.map((name) => join(libraries, name))
}
