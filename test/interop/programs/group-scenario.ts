// One group of real clients: starts members as processes while records flow, asks them to leave, kills them, restarts the
// broker, and judges what they printed (README-groups.md, group-history.ts). Promises that every wait is for something seen, has
// a limit, and fails with the history; and that no member outlives the scenario. Leaves what happens when to group-scenarios.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { incrementalAlterConfigs } from '../../../src/wire/apis/incremental-alter-configs.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { batchOf, LATEST, listOffset, makeTopic, produceTo } from '../../support/calls.ts'
import { RawClient } from '../../support/raw-client.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { collect, launch, sleep, waitFor } from '../support/processes.ts'
import { type EventKind, type Expected, GroupHistory, parseEvent, valueAt } from './group-history.ts'

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

export interface Joining {
  readonly instance?: string
  readonly args?: readonly string[]
  readonly program?: MemberProgram
}

interface Running extends Member {
  readonly child: ReturnType<typeof launch>
  readonly closed: Promise<unknown>
}

const GROUP_RESOURCE = 32
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
  private client: RawClient
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
    const client = await connectTo(broker)
    const scenario = new GroupScenario(broker, client, program, options)
    for (const [topic, partitions] of Object.entries(scenario.topics))
      await scenario.addTopic(topic, partitions)
    scenario.letFlow()
    return scenario
  }

  /** Every partition of every topic. */
  get partitions(): string[] {
    return [...this.ends.keys()].sort()
  }

  /** How many times something happened to members. */
  count(kind: EventKind, ...members: readonly Member[]): number {
    return members.reduce((sum, { name }) => sum + this.history.count(name, kind), 0)
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

  /** Starts a member, or several at once. Use a new name for one that comes back. `program`: of another client. */
  join(name: string, joining: Joining = {}): Member {
    const { options } = this
    const { instance, args = [], program = this.program } = joining
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

  /** Waits for a member that is expected to end by itself, with an error that says so. */
  async fails(member: Member, how: RegExp): Promise<void> {
    const { name } = member
    const { closed } = this.running.get(name)!
    this.running.delete(name)
    let isClosed = false
    void closed.then(() => {
      isClosed = true
    })
    await this.until(`${name} ends by itself`, () => isClosed)
    assert.match(member.complaints(), how)
    this.history.add({ atMs: Date.now(), kind: 'lost', member: name, partitions: this.history.ownedBy(name) })
  }

  /** Ends the broker, cleanly or with SIGKILL, and starts it again; no records flow meanwhile. */
  async restartBroker(how: 'halt' | 'kill9'): Promise<void> {
    await this.withoutBroker()
    await this.broker[how]()
    await this.broker.restart()
    await this.brokerIsBack()
  }

  /** Stops the flow, for a broker that is about to end. */
  async withoutBroker(): Promise<void> {
    await this.stopFlow()
    this.client.close()
  }

  /** Lets records flow again, into a broker that was started again. */
  async brokerIsBack(): Promise<void> {
    this.client = await connectTo(this.broker)
    this.letFlow()
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
    await this.stopFlow()
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
    const flow = this.stopFlow()
    const members = [...this.running.values()]
    this.running.clear()
    for (const { child } of members) child.kill('SIGKILL')
    await Promise.all(members.map(({ closed }) => closed))
    await flow
    this.client.close()
  }

  /** Gives the group settings of its own. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const { responses } = await this.client.ask(incrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: GROUP_RESOURCE,
          resourceName: this.group,
          configs: Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 })),
        },
      ],
      validateOnly: false,
    })
    assert.equal(responses[0]!.errorCode, 0, `${responses[0]!.errorMessage}`)
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

  private letFlow(): void {
    this.isFlowing = true
    this.flow = this.produce().catch((error: Error) => this.fail(error))
  }

  private async stopFlow(): Promise<void> {
    this.isFlowing = false
    await this.flow
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

const connectTo = ({ bootstrapServers }: BrokerUnderTest): Promise<RawClient> =>
  RawClient.connect(Number(bootstrapServers.split(':')[1]))
