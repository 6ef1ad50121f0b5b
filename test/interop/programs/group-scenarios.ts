// Groups of real clients: starts members as processes while records flow, has some leave, crash and come back, and judges what
// they printed (README-groups.md, group-history.ts). Promises that every wait is for something seen, has a limit, and fails with
// the history; and that no member outlives the scenario. Leaves the programs to their clients' folders.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { batchOf, LATEST, listOffset, makeTopic, produceTo } from '../../support/calls.ts'
import { RawClient } from '../../support/raw-client.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { collect, launch, sleep, waitFor } from '../support/processes.ts'
import { type Expected, GroupHistory, parseEvent, valueAt } from './group-history.ts'

/** Short times for groups of the new protocol; those of classic groups come from the members. */
export const groupBrokerProperties = {
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.session.timeout.ms': '6000',
  'group.consumer.heartbeat.interval.ms': '1000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
}

/** A broker for group scenarios: one is enough for many groups. */
export const startGroupBroker = (): Promise<BrokerUnderTest> =>
  startBrokerUnderTest({ properties: groupBrokerProperties })

/** How a client's program is started; the arguments of README-groups.md are added. */
export interface MemberProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface GroupOptions {
  /** Default: a name of its own. */
  readonly group?: string
  /** Topics that are made for the scenario, with their numbers of partitions. Default: one with 6 and one with 3. */
  readonly topics?: Readonly<Record<string, number>>
  /** More arguments for every member, such as `--strategy range`. */
  readonly args?: readonly string[]
  /** Instead of `--topics`. */
  readonly regex?: string
  /** See `Expected.hasGenerations`. Default: true unless the arguments say `--protocol consumer`. */
  readonly hasGenerations?: boolean
  /** For each wait. Default 40000. */
  readonly timeoutMs?: number
}

export interface Member {
  readonly name: string
  readonly instance: string | undefined
  /** What it wrote to standard error. */
  complaints(): string
}

interface Running extends Member {
  readonly child: ReturnType<typeof launch>
  readonly closed: Promise<unknown>
}

/** What Kafka says of a topic that was made a moment ago: unknown, no leader yet. */
const NOT_THERE_YET = new Set([3, 5, 6])
const RECORDS_AT_A_TIME = 5
const PAUSE_MS = 25
let scenarios = 0

/** One group, its topics, and the records that flow into them. */
export class GroupScenario {
  readonly broker: BrokerUnderTest
  readonly group: string
  readonly history = new GroupHistory()
  readonly client: RawClient
  private readonly program: MemberProgram
  private readonly options: GroupOptions
  private readonly topics: Record<string, number>
  private readonly ends = new Map<string, number>()
  private readonly running = new Map<string, Running>()
  private readonly instances = new Map<string, string>()
  private flow: Promise<void> | undefined
  private isFlowing = false
  private broken: Error | undefined

  private constructor(
    broker: BrokerUnderTest,
    client: RawClient,
    program: MemberProgram,
    options: GroupOptions,
  ) {
    this.broker = broker
    this.client = client
    this.program = program
    this.options = options
    const number = `${process.pid}-${++scenarios}`
    this.group = options.group ?? `group-${number}`
    this.topics = { ...(options.topics ?? { [`six-${number}`]: 6, [`three-${number}`]: 3 }) }
  }

  /** Makes the topics and lets records flow. */
  static async start(
    broker: BrokerUnderTest,
    program: MemberProgram,
    options: GroupOptions = {},
  ): Promise<GroupScenario> {
    const client = await RawClient.connect(Number(broker.bootstrapServers.split(':')[1]))
    const scenario = new GroupScenario(broker, client, program, options)
    for (const [topic, partitions] of Object.entries(scenario.topics))
      await scenario.addTopic(topic, partitions)
    scenario.isFlowing = true
    scenario.flow = scenario.produce().catch((error: Error) => scenario.fail(error))
    return scenario
  }

  /** Every partition of every topic. */
  get partitions(): string[] {
    return [...this.ends.keys()].sort()
  }

  /** Makes a topic while the group is there. */
  async addTopic(topic: string, partitions: number): Promise<void> {
    await makeTopic(this.client, topic, { partitions })
    // Apache Kafka answers before its brokers have heard of the topic, and kafka-go does not look twice.
    for (let partition = 0; partition < partitions; partition += 1) {
      await waitFor(`a leader of ${topic}-${partition}`, async () => {
        const { errorCode } = await listOffset(this.client, topic, LATEST, { partition })
        return errorCode === 0 || undefined
      })
    }
    this.topics[topic] = partitions
    for (let partition = 0; partition < partitions; partition += 1) this.ends.set(`${topic}-${partition}`, 0)
  }

  /** Starts a member, or several at once. Use a new name for one that comes back. */
  join(name: string, { instance, args = [] }: { instance?: string; args?: readonly string[] } = {}): Member {
    const { program, options } = this
    const subscription =
      options.regex === undefined
        ? ['--topics', Object.keys(this.topics).join(',')]
        : ['--regex', options.regex]
    const all = [
      ...program.args,
      ...['--bootstrap', this.broker.bootstrapServers, '--group', this.group, '--name', name],
      ...subscription,
      ...(options.args ?? []),
      ...(instance === undefined ? [] : ['--instance', instance]),
      ...args,
    ]
    if (instance !== undefined) this.instances.set(name, instance)
    const child = launch(program.command, all, { ...(program.env && { env: program.env }) })
    const complaints = collect(child.stderr)
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => this.hear(line))
    const member: Running = {
      ...{ name, instance, child, complaints },
      closed: Promise.all([once(child, 'close'), once(lines, 'close')]),
    }
    this.running.set(name, member)
    child.once('error', (error) =>
      this.fail(new Error(`${program.command} cannot be started: ${error.message}`)),
    )
    child.once('exit', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL' || !this.running.has(name)) return
      this.fail(new Error(`${name} ended with ${code ?? signal}: ${complaints().slice(-4000)}`))
    })
    return member
  }

  /** Waits until these members, and nobody else, share all partitions, each having at least one. */
  async balanced(...members: readonly Member[]): Promise<void> {
    const names = members.map(({ name }) => name)
    await this.until(`${names.join(', ')} share all partitions`, () => {
      const shares = names.map((name) => this.history.ownedBy(name))
      if (shares.some((share) => share.length === 0)) return false
      return shares.flat().sort().join() === this.partitions.join()
    })
  }

  /** Waits until each member has read records after now. */
  async reading(...members: readonly Member[]): Promise<void> {
    const from = this.history.events.length
    await this.until('each member reads records', () =>
      members.every(({ name }) =>
        this.history.events.some(
          ({ kind, member }, at) => at >= from && kind === 'record' && member === name,
        ),
      ),
    )
  }

  /** Asks members to leave and waits for their end. */
  async leave(...members: readonly Member[]): Promise<void> {
    for (const { name } of members) this.running.get(name)!.child.stdin.end()
    for (const { name } of members) await this.ended(name)
    for (const { name, complaints } of members) {
      const last = this.history.of(name).at(-1)
      assert.equal(last?.kind, 'left', `${name} did not say that it left: ${complaints().slice(-4000)}`)
    }
  }

  /** Ends members with SIGKILL. */
  async crash(...members: readonly Member[]): Promise<void> {
    for (const { name } of members) {
      this.running.get(name)!.child.kill('SIGKILL')
      const atMs = Date.now()
      await this.ended(name)
      this.history.add({ atMs, kind: 'killed', member: name, partitions: [] })
    }
  }

  /** Waits for a member that is expected to end by itself with an error. */
  async fails(member: Member): Promise<void> {
    const { child } = this.running.get(member.name)!
    this.running.delete(member.name)
    await this.until(`${member.name} ends by itself`, () => child.exitCode !== null)
    this.history.add({ atMs: Date.now(), kind: 'killed', member: member.name, partitions: [] })
  }

  /** Waits for something in the history. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    try {
      const check = () => {
        if (this.broken !== undefined) throw this.broken
        return isSo() || undefined
      }
      await waitFor(what, check, this.options.timeoutMs ?? 40_000)
    } catch (error) {
      throw this.explained(error)
    }
  }

  /** Stops the flow, waits until everything is read and committed, has everybody leave, and judges. */
  async finish(): Promise<void> {
    this.isFlowing = false
    await this.flow
    const isRead = () => [...this.ends].every(([partition, end]) => this.history.readCount(partition) >= end)
    await this.until('everything is read', isRead)
    await this.committedToTheEnd()
    await this.leave(...this.running.values())
    const expected: Expected = {
      ends: this.ends,
      hasGenerations: this.options.hasGenerations ?? !this.options.args?.includes('consumer'),
      instances: this.instances,
    }
    const problems = this.history.problems(expected)
    assert.deepEqual(problems, [], this.describe())
  }

  /** Ends whatever still runs. To be called in any case. */
  async stop(): Promise<void> {
    this.isFlowing = false
    const members = [...this.running.values()]
    this.running.clear()
    for (const { child } of members) child.kill('SIGKILL')
    await Promise.all(members.map(({ closed }) => closed))
    await this.flow
    this.client.close()
  }

  /** The offsets that the group has committed, by partition. */
  async committed(): Promise<Map<string, number>> {
    const { topics, errorCode } = await this.client.ask(offsetFetch, 7, {
      groupId: this.group,
      topics: null,
      requireStable: true,
    })
    assert.equal(errorCode, 0, `OffsetFetch of ${this.group}`)
    const rows = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }): [string, number] => [
        `${name}-${partitionIndex}`,
        committedOffset,
      ]),
    )
    return new Map(rows)
  }

  private async committedToTheEnd(): Promise<void> {
    let seen = new Map<string, number>()
    const isDone = async () => {
      if (this.broken !== undefined) throw this.broken
      seen = await this.committed()
      return [...this.ends].every(([partition, end]) => end === 0 || seen.get(partition) === end) || undefined
    }
    try {
      await waitFor(
        'committed offsets are the ends of the partitions',
        isDone,
        this.options.timeoutMs ?? 40_000,
      )
    } catch (error) {
      const ends = JSON.stringify([...this.ends])
      throw this.explained(error, `committed ${JSON.stringify([...seen].sort())} of ${ends}`)
    }
  }

  private async ended(name: string): Promise<void> {
    const member = this.running.get(name)!
    let isClosed = false
    void member.closed.then(() => {
      isClosed = true
    })
    await this.until(`${name} ends`, () => isClosed)
    this.running.delete(name)
  }

  private hear(line: string): void {
    try {
      this.history.add(parseEvent(line, Date.now()))
    } catch (error) {
      this.fail(error as Error)
    }
  }

  private fail(error: Error): void {
    this.broken ??= error
  }

  private async produce(): Promise<void> {
    for (let turn = 0; this.isFlowing; turn += 1) {
      const partition = [...this.ends.keys()][turn % this.ends.size]!
      const end = this.ends.get(partition)!
      const dash = partition.lastIndexOf('-')
      const values = Array.from({ length: RECORDS_AT_A_TIME }, (_, index) => valueAt(partition, end + index))
      const index = Number(partition.slice(dash + 1))
      const batch = batchOf(values)
      const answer = await produceTo(this.client, partition.slice(0, dash), batch, { partition: index })
      const { errorCode, baseOffset } = answer
      if (errorCode === 0) {
        assert.equal(baseOffset, end, `${partition}: somebody else writes there`)
        this.ends.set(partition, end + values.length)
      } else {
        assert.ok(NOT_THERE_YET.has(errorCode), `${partition}: error ${errorCode}`)
      }
      await sleep(PAUSE_MS)
    }
  }

  private explained(error: unknown, more = ''): Error {
    const complaints = [...this.running.values()].map(
      ({ name, complaints: of }) => `${name}: ${of().slice(-2000)}`,
    )
    const message = (error as Error).message
    return new Error(`${message}\n${more}\n${this.describe()}\n${complaints.join('\n')}`, { cause: error })
  }

  private describe(): string {
    return `group ${this.group}\n${this.history}`
  }
}

/** Runs steps with a scenario and ends it whatever happens. */
export async function withGroup(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions,
  steps: (scenario: GroupScenario) => Promise<void>,
): Promise<void> {
  const scenario = await GroupScenario.start(broker, program, options)
  try {
    await steps(scenario)
  } finally {
    await scenario.stop()
  }
}

/**
 * What every client must get right: three members join while records flow, one leaves, one crashes, one comes back. About 15
 * seconds, of which the crashed member's session takes six.
 */
export function joinLeaveCrashReturn(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions = {},
): Promise<void> {
  return withGroup(broker, program, options, async (scenario) => {
    const first = scenario.join('first')
    await scenario.balanced(first)
    await scenario.reading(first)
    const second = scenario.join('second')
    const third = scenario.join('third')
    await scenario.balanced(first, second, third)
    await scenario.reading(first, second, third)
    await scenario.leave(second)
    await scenario.balanced(first, third)
    await scenario.crash(third)
    await scenario.balanced(first)
    const again = scenario.join('second-again')
    await scenario.balanced(first, again)
    await scenario.reading(first, again)
    await scenario.finish()
  })
}

/**
 * Static members (KIP-345): one that goes and comes back within its session gets what it had, and nobody else notices; one that
 * crashes and stays away gives its partitions up when its session ends.
 */
export function staticMembersComeBack(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions = {},
): Promise<void> {
  return withGroup(broker, program, options, async (scenario) => {
    const names = ['first', 'second', 'third']
    const [first, second, third] = names.map((name) => scenario.join(name, { instance: `instance-${name}` }))
    await scenario.balanced(first!, second!, third!)
    await scenario.reading(first!, second!, third!)
    const rebalances = () =>
      [first!, third!].map(
        ({ name }) => scenario.history.of(name).filter(({ kind }) => kind === 'assigned').length,
      )
    const before = rebalances()
    const had = scenario.history.ownedBy('second')
    await scenario.leave(second!)
    const back = scenario.join('second-back', { instance: 'instance-second' })
    await scenario.balanced(first!, back, third!)
    await scenario.reading(first!, back, third!)
    assert.deepEqual(scenario.history.ownedBy('second-back'), had, 'it gets what it had')
    assert.deepEqual(rebalances(), before, `the others do not notice\n${scenario.history}`)
    await scenario.crash(third!)
    await scenario.balanced(first!, back)
    await scenario.finish()
  })
}
