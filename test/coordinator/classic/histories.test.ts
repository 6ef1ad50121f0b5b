// Random histories of a classic group: clients join, ask, leave, crash and are started again in any order, appends fail,
// brokers fail over. What must be true is true after every step; nobody is left waiting; whoever behaves gets to work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JoinGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import { errors } from '../../../src/wire/errors.ts'
import type { Call } from '../trace.ts'
import { checkGroup, durable, Generations } from './invariants.ts'
import { GROUP, GroupScript, type JoinOptions } from './script.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e']
/** The last two are static members. */
const instanceOf = (name: string): JoinOptions => (name >= 'd' ? { instance: `i-${name}` } : {})

const name = fc.constantFrom(...NAMES)
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('join' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join-old' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join-changed' as const), name }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('sync' as const), name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('beat' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commit' as const), name }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 1000, 3000, 7000, 11_000, 61_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail-over' as const) }) },
)
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never

/** A group, and all that happens to it. */
class History {
  readonly script: GroupScript
  readonly generations = new Generations()
  private joins: Call<JoinGroupAnswer>[] = []
  private changes = 0

  constructor(settings: Readonly<Record<string, string>>) {
    this.script = new GroupScript(settings)
  }

  happen(what: Event): void {
    this.bringAbout(what)
    for (const call of this.joins) this.generations.check(call)
    this.joins = this.joins.filter((call) => !call.isAnswered)
    checkGroup(this.script)
  }

  join(who: string, options: JoinOptions = {}): Call<JoinGroupAnswer> {
    const call = this.script.join(who, { ...instanceOf(who), ...options })
    this.joins.push(call)
    return call
  }

  private bringAbout(what: Event): void {
    const { script } = this
    const hasGroup = script.shard.machine.groups.get(GROUP) !== undefined
    switch (what.kind) {
      case 'join':
        this.join(what.name)
        break
      case 'join-old':
        this.join(what.name, { version: 3, protocols: { roundrobin: '', range: what.name } })
        break
      case 'join-changed':
        this.join(what.name, { protocols: { range: `${what.name}${this.changes++}`, sticky: '' } })
        break
      case 'wait':
        script.advance(what.ms)
        break
      case 'crash':
        script.forget(what.name)
        break
      case 'refuse':
        script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
        break
      case 'fail-over':
        this.generations.restarted()
        script.shard.restart()
        break
      default:
        if (hasGroup) this.ask(what.kind, what.name)
    }
  }

  private ask(kind: 'sync' | 'beat' | 'leave' | 'remove' | 'commit', who: string): void {
    const { script } = this
    if (kind === 'sync') script.sync(who, Object.fromEntries(NAMES.map((each) => [each, each])))
    if (kind === 'beat') script.heartbeat(who)
    if (kind === 'leave') script.leave(who)
    if (kind === 'commit') script.commit(who)
    if (kind === 'remove') {
      script.leaveAs('admin', [{ memberId: '', groupInstanceId: `i-${who}`, reason: null }])
    }
  }
}

/** A client as it should be: joins, asks for its assignment, sends heartbeats, and starts over when it is told to. */
class GoodClient {
  private readonly history: History
  private readonly name: string
  private joining: Call<JoinGroupAnswer> | undefined
  private syncing: ReturnType<GroupScript['sync']> | undefined
  /** The generation that it works in, with what it was assigned. */
  work: string | undefined

  constructor(history: History, name: string) {
    this.history = history
    this.name = name
  }

  /** Once a second. */
  act(): void {
    const { script } = this.history
    if (this.joining !== undefined) this.joined(this.joining)
    else if (this.syncing !== undefined) this.synced(this.syncing)
    else if (this.work === undefined) this.joining = this.history.join(this.name)
    else {
      const { error, answer } = outcome(script.heartbeat(this.name))
      if (error !== 0 || answer?.errorCode !== 0) this.again(error !== 0 ? error : answer!.errorCode!)
    }
  }

  private joined(call: Call<JoinGroupAnswer>): void {
    if (!call.isAnswered) return
    this.joining = undefined
    const { error, answer } = outcome(call)
    const code = error !== 0 ? error : answer!.errorCode!
    if (code !== 0) {
      this.again(code)
      return
    }
    const isLeader = answer!.members!.length > 0 && !answer!.skipAssignment
    const { script } = this.history
    script.heard()
    const everybody = Object.fromEntries(NAMES.map((each) => [each, each]))
    this.syncing = script.sync(this.name, isLeader ? everybody : {})
  }

  private synced(call: ReturnType<GroupScript['sync']>): void {
    if (!call.isAnswered) return
    this.syncing = undefined
    const { error, answer } = outcome(call)
    const code = error !== 0 ? error : answer!.errorCode!
    if (code !== 0) this.again(code)
    else this.work = Buffer.from(answer!.assignment!).toString()
  }

  private again(code: number): void {
    this.work = undefined
    if (code === errors.UNKNOWN_MEMBER_ID.code || code === errors.FENCED_INSTANCE_ID.code) {
      this.history.script.forget(this.name)
    }
  }
}

function outcome<Answer>(call: Call<Answer>): { error: number; answer: Answer | undefined } {
  const error = call.error.code
  return { error, answer: error === 0 ? call.answer : undefined }
}

const settings = fc.constantFrom<Readonly<Record<string, string>>[]>(
  {},
  { 'group.initial.rebalance.delay.ms': '3000' },
  { 'group.max.size': '3' },
)
const RUNS = { numRuns: 150 }

test('whatever clients do, the group is consistent after every step, and the log has it', () => {
  fc.assert(
    fc.property(settings, fc.array(event, { maxLength: 120 }), (chosen, events) => {
      const history = new History(chosen)
      for (const what of events) history.happen(what)
    }),
    RUNS,
  )
})

test('when all clients have gone nobody waits for an answer, and an empty group without timers is left', () => {
  fc.assert(
    fc.property(settings, fc.array(event, { maxLength: 60 }), (chosen, events) => {
      const history = new History(chosen)
      for (const what of events) history.happen(what)
      const { script } = history
      // New members are waited with for five minutes, then sessions and rebalances end.
      script.advance(3_600_000)
      assert.equal(script.shard.unanswered, 0)
      if (script.shard.machine.groups.get(GROUP) === undefined) return
      assert.equal(script.group.state, 'Empty')
      assert.deepEqual([...script.shard.timers.keys()], [])
    }),
    RUNS,
  )
})

test('whatever went before, clients that behave get to work, each with its own assignment', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.subarray(NAMES, { minLength: 1 }), (events, alive) => {
      const history = new History({})
      for (const what of events) history.happen(what)
      const { script } = history
      for (const each of NAMES) script.forget(each)
      const clients = alive.map((each) => new GoodClient(history, each))
      for (let second = 0; second < 900; second++) {
        for (const client of clients) client.act()
        script.advance(1000)
      }
      assert.equal(script.group.state, 'Stable')
      assert.deepEqual(
        clients.map(({ work }) => work),
        alive,
      )
      assert.deepEqual(
        Array.from(script.group.members.values(), ({ clientId }) => clientId).sort(),
        [...alive].sort(),
      )
      assert.deepEqual(durable(script.shard.reload().group), durable(script.group))
    }),
    { numRuns: 25 },
  )
})
