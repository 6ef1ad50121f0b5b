// Kafka's tools beside a broker with groups: the tables that they print, and groups that hold still while they look.
// Promises one JVM for all calls of a test file. Leaves what is to be printed to the tests.
import assert from 'node:assert/strict'
import {
  type GroupScenario,
  type MemberProgram,
  startGroupBroker,
  withGroup,
} from '../../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../../support/broker-under-test.ts'
import { type JavaTools, startJavaTools, type ToolResult } from '../../support/java-programs.ts'
import { javaMember } from './java-member.ts'

export const groupsTool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'

export type Row = Record<string, string>

/** Rows of a table whose columns begin where the words of its head do. */
export function rowsOf(printed: string, firstColumn = 'GROUP'): Row[] {
  const lines = printed.split('\n')
  const at = lines.findIndex((line) => line.startsWith(firstColumn))
  assert.ok(at >= 0, `no table that begins with ${firstColumn}:\n${printed}`)
  const columns = [...lines[at]!.matchAll(/\S+( \(ID\))?/g)].map(({ 0: name, index }) => ({ name, index }))
  const rows: Row[] = []
  for (const line of lines.slice(at + 1)) {
    if (line === '' || line.startsWith(firstColumn)) continue
    const cells = columns.map(({ name, index }, column): [string, string] => [
      name,
      line.slice(index, columns[column + 1]?.index).trim(),
    ])
    rows.push(Object.fromEntries(cells))
  }
  return rows
}

/** Sorted by the values of these columns. */
export const sortedBy = (rows: Row[], ...names: string[]) =>
  rows.toSorted((one, other) => {
    const key = (row: Row) => names.map((name) => row[name]).join('\0')
    return key(one) < key(other) ? -1 : 1
  })

/** A broker, Kafka's tools, and Java members of groups. */
export class GroupTools {
  readonly broker: BrokerUnderTest
  readonly tools: JavaTools
  readonly member: MemberProgram

  private constructor(broker: BrokerUnderTest, tools: JavaTools, member: MemberProgram) {
    this.broker = broker
    this.tools = tools
    this.member = member
  }

  static async start(): Promise<GroupTools> {
    const member = await javaMember()
    return new GroupTools(await startGroupBroker(), await startJavaTools(), member)
  }

  async stop(): Promise<void> {
    this.tools.stop()
    await this.broker.stop()
  }

  /** Runs a tool, however it ends. */
  run(tool: string, ...args: string[]): Promise<ToolResult> {
    return this.tools.run(tool, '--bootstrap-server', this.broker.bootstrapServers, ...args)
  }

  /** Runs a tool that has to succeed, and gives what it prints. */
  ok(tool: string, ...args: string[]): Promise<string> {
    return this.tools.ok(tool, '--bootstrap-server', this.broker.bootstrapServers, ...args)
  }

  /** kafka-consumer-groups. */
  groups(...args: string[]): Promise<string> {
    return this.ok(groupsTool, ...args)
  }

  async described(group: string, ...args: string[]): Promise<Row[]> {
    return rowsOf(await this.groups('--describe', '--group', group, ...args))
  }

  /** A group whose two members share `NAME-a` (3 partitions) and `NAME-b` (1), everything read and committed. */
  withQuietGroup(
    name: string,
    protocol: string,
    steps: (scenario: GroupScenario, ends: ReadonlyMap<string, number>) => Promise<void>,
  ): Promise<void> {
    const options = {
      group: name,
      topics: { [`${name}-a`]: 3, [`${name}-b`]: 1 },
      args: ['--protocol', protocol],
    }
    return withGroup(this.broker, this.member, options, async (scenario) => {
      const members = [scenario.join('first'), scenario.join('second', { instance: 'static' })]
      await scenario.balanced(...members)
      await scenario.reading(...members)
      await steps(scenario, await scenario.quiet())
    })
  }
}
