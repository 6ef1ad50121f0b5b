// One group of real clients: starts members as processes while records flow, asks them to leave, kills them, restarts the
// broker, and judges what they printed (README-groups.md, group-history.ts). Promises that every wait is for something seen, has
// a limit, and fails with the history; and that no member outlives the scenario. Leaves what happens when to group-scenarios.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { collect, launch, waitFor } from '../support/processes.ts'
import { type EventKind, type Expected, GroupHistory, parseEvent } from './group-history.ts'
import { GroupTopics } from './group-topics.ts'

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

let scenarios = 0

/** One group, its topics, and the records that flow into them. */
export class GroupScenario {
  readonly group: string
  readonly history = new GroupHistory()
  readonly topics: GroupTopics
  private broker: BrokerUnderTest
  private readonly program: MemberProgram
  private readonly options: GroupOptions
  private readonly running = new Map<string, Running>()
  private readonly instances = new Map<string, string>()
  /** Members that are expected to end with an error. */
  private readonly doomed = new Set<string>()
  private broken: Error | undefined

  private constructor(
    broker: BrokerUnderTest,
    program: MemberProgram,
    options: GroupOptions & { readonly group: string },
  ) {
    this.broker = broker
    this.program = program
    this.options = options
    this.group = options.group
    this.topics = new GroupTopics((error) => this.fail(error))
  }

  /** Makes the topics and lets records flow. */
  static async start(
    broker: BrokerUnderTest,
    program: MemberProgram,
    options: GroupOptions = {},
  ): Promise<GroupScenario> {
    const number = `${process.pid}-${++scenarios}`
    const scenario = new GroupScenario(broker, program, { group: `group-${number}`, ...options })
    const { topics } = scenario
    await topics.connect(broker)
    const wanted = options.topics ?? { [`six-${number}`]: 6, [`three-${number}`]: 3 }
    for (const [topic, partitions] of Object.entries(wanted)) await topics.add(topic, partitions)
    topics.letFlow()
    return scenario
  }

  /** How many times something happened to members. */
  count(kind: EventKind, ...members: readonly Member[]): number {
    return members.reduce((sum, { name }) => sum + this.history.count(name, kind), 0)
  }

  /** Makes a topic while the group is there. */
  addTopic(topic: string, partitions: number): Promise<void> {
    return this.topics.add(topic, partitions)
  }

  /** Starts a member, or several at once. Use a new name for one that comes back. `program`: of another client. */
  join(name: string, joining: Joining = {}): Member {
    const { options } = this
    const { instance, args = [], program = this.program } = joining
    const subscription =
      options.regex === undefined ? ['--topics', this.topics.names.join(',')] : ['--regex', options.regex]
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
      if (code === 0 || signal === 'SIGKILL' || this.doomed.has(name)) return
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
      return shares.flat().sort().join() === this.topics.partitions.join()
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
    this.doomed.add(name)
    await this.ended(name)
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
    await this.topics.stopFlow()
    this.topics.disconnect()
  }

  /** Lets records flow again, into a broker that was started again, or another that has taken its data over. */
  async brokerIsBack(broker: BrokerUnderTest = this.broker): Promise<void> {
    this.broker = broker
    await this.topics.connect(broker)
    this.topics.letFlow()
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

  /** Stops the flow and waits until everything is read and committed. Gives the ends of the partitions. */
  async quiet(): Promise<ReadonlyMap<string, number>> {
    await this.topics.stopFlow()
    const ends = [...this.topics.ends]
    const isRead = () => ends.every(([partition, end]) => this.history.readCount(partition) >= end)
    await this.until('everything is read', isRead)
    await this.committedToTheEnd()
    return this.topics.ends
  }

  /** Has everything read and committed and everybody leave, and judges. */
  async finish(): Promise<void> {
    await this.quiet()
    await this.leave(...this.running.values())
    const expected: Expected = {
      ends: this.topics.ends,
      hasGenerations: this.options.hasGenerations ?? !this.options.args?.includes('consumer'),
      instances: this.instances,
    }
    const problems = this.history.problems(expected)
    assert.deepEqual(problems, [], this.describe())
  }

  /** Ends whatever still runs. To be called in any case. */
  async stop(): Promise<void> {
    const flow = this.topics.stopFlow()
    const members = [...this.running.values()]
    this.running.clear()
    for (const { child } of members) child.kill('SIGKILL')
    await Promise.all(members.map(({ closed }) => closed))
    await flow
    this.topics.disconnect()
  }

  private async committedToTheEnd(): Promise<void> {
    let seen = new Map<string, number>()
    const isDone = async () => {
      if (this.broken !== undefined) throw this.broken
      seen = await this.topics.committed(this.group)
      const isAtEnd = ([partition, end]: [string, number]) => end === 0 || seen.get(partition) === end
      return [...this.topics.ends].every(isAtEnd) || undefined
    }
    try {
      await waitFor(
        'committed offsets are the ends of the partitions',
        isDone,
        this.options.timeoutMs ?? 40_000,
      )
    } catch (error) {
      const ends = JSON.stringify([...this.topics.ends])
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
