// A shard for tests: runs commands of a state machine step by step in virtual time, and keeps what came of them.
// Promises the rules of src/coordinator/step.ts and nothing beyond: records replayed after the step, answers when they
// are committed, timers in order of their deadlines. Leaves disks, promises and real time to shard.ts.
//
//   const shard = new TraceShard(() => new Machine())
//   const call = shard.run((machine, step) => joinGroup(machine.groups, request, step, surroundings))
//   shard.advance(3000)        // timers that fall due fire on the way
//   call.answer                // throws when there is none yet
//   shard.reload()             // another machine that has read the same log
//
// The machine can be made of just the pieces that a test is about: `replay` is all it must have.
import assert from 'node:assert/strict'
import type { ReplayOrigin, StateMachine, Step, Waiter } from '../../src/coordinator/step.ts'
import { type ErrorCode, errors, KafkaError } from '../../src/wire/errors.ts'

/** A state machine, or as much of one as a test needs. With `encode` and `decode` all records travel as bytes. */
export type Pieces<Rec> = Pick<StateMachine<Rec>, 'replay'> & Partial<StateMachine<Rec>>

export type Command<Rec, Machine, Answer> = (machine: Machine, step: Step<Rec>) => Answer | Waiter<Answer>

/** What became of a command. */
export class Call<Answer> {
  private outcome: { answer: Answer } | { error: KafkaError } | undefined

  /** The answer. Throws the error when it failed, and a plain Error while there is nothing. */
  get answer(): Answer {
    assert(this.outcome !== undefined, 'has not been answered yet')
    if ('error' in this.outcome) throw this.outcome.error
    return this.outcome.answer
  }

  get isAnswered(): boolean {
    return this.outcome !== undefined
  }

  /** The error it failed with, `NONE` if it was answered. */
  get error(): ErrorCode {
    assert(this.outcome !== undefined, 'has not been answered yet')
    return 'error' in this.outcome ? this.outcome.error.error : errors.NONE
  }

  settle(outcome: { answer: Answer } | { error: KafkaError }): void {
    assert(this.outcome === undefined, 'answered twice')
    this.outcome = outcome
  }
}

interface TraceTimer<Rec> {
  readonly dueMs: number
  readonly order: number
  readonly fire: (step: Step<Rec>) => void
}

interface LogEntry<Rec> {
  readonly record: Rec
  readonly bytes: { readonly key: Buffer; readonly value: Buffer | null } | undefined
  readonly origin: ReplayOrigin
}

/** What one step wants: collected while it runs, brought about after it. */
class TraceStep<Rec> implements Step<Rec> {
  readonly nowMs: number
  readonly records: { readonly record: Rec; readonly isReplayed: boolean }[] = []
  readonly undoes: ((step: Step<Rec>, error: ErrorCode) => void)[] = []
  readonly timers = new Map<string, { delayMs: number; fire: (step: Step<Rec>) => void } | undefined>()
  readonly replies: { readonly waiter: Waiter<unknown>; readonly answer: unknown }[] = []
  readonly waiters: Waiter<unknown>[] = []

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  append(record: Rec): void {
    this.records.push({ record, isReplayed: true })
  }

  persist(record: Rec): void {
    this.records.push({ record, isReplayed: false })
  }

  onAppendFailed(undo: (step: Step<Rec>, error: ErrorCode) => void): void {
    this.undoes.push(undo)
  }

  schedule(key: string, delayMs: number, fire: (step: Step<Rec>) => void): void {
    assert(delayMs >= 0 && Number.isFinite(delayMs), `timer ${key} after ${delayMs} ms`)
    this.timers.delete(key)
    this.timers.set(key, { delayMs, fire })
  }

  cancel(key: string): void {
    this.timers.set(key, undefined)
  }

  wait<Answer>(): Waiter<Answer> {
    const waiter: Waiter<Answer> = {}
    this.waiters.push(waiter)
    return waiter
  }

  reply<Answer>(waiter: Waiter<Answer>, answer: Answer): void {
    assert(!this.replies.some((reply) => reply.waiter === waiter), 'a waiter is answered twice in one step')
    this.replies.push({ waiter, answer })
  }
}

export class TraceShard<Rec, Machine extends Pieces<Rec>> {
  machine: Machine
  /** Everything that was appended, in the order of the log. */
  readonly log: LogEntry<Rec>[] = []
  /** Milliseconds since the epoch. */
  nowMs: number
  private readonly make: () => Machine
  private readonly startMs: number
  private order = 0
  private timersByKey = new Map<string, TraceTimer<Rec>>()
  private readonly calls = new Map<Waiter<unknown>, Call<unknown>>()
  private readonly appendErrors: ErrorCode[] = []
  private isHolding = false
  /** Answers that leave when everything before them is committed. */
  private held: { readonly call: Call<unknown>; readonly answer: unknown }[] = []

  constructor(make: () => Machine, { startMs = 1_700_000_000_000 } = {}) {
    this.make = make
    this.machine = make()
    this.startMs = startMs
    this.nowMs = startMs
  }

  /** The records of the log, oldest first. */
  get records(): Rec[] {
    return this.log.map(({ record }) => record)
  }

  /** Virtual milliseconds since the shard was made. */
  get elapsedMs(): number {
    return this.nowMs - this.startMs
  }

  /** Commands that wait for an answer. */
  get unanswered(): number {
    return this.calls.size
  }

  /** The timers that are set, and in how many milliseconds each fires. */
  get timers(): ReadonlyMap<string, number> {
    return new Map([...this.timersByKey].map(([key, { dueMs }]) => [key, dueMs - this.nowMs]))
  }

  /**
   * Runs a command in a step of its own. A KafkaError that it throws is the outcome of the call, and must have been
   * thrown before the step wanted anything; every other error fails the test.
   */
  run<Answer>(command: Command<Rec, Machine, Answer>): Call<Answer> {
    const call = new Call<Answer>()
    const step = new TraceStep<Rec>(this.nowMs)
    let result: Answer | Waiter<Answer>
    try {
      result = command(this.machine, step)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      const wanted = step.records.length + step.timers.size + step.replies.length
      assert(wanted === 0, `threw ${error.error.name} after it had already changed something`)
      call.settle({ error })
      return call
    }
    const isWaiter = step.waiters.includes(result as Waiter<Answer>)
    const waiter = isWaiter ? (result as Waiter<Answer>) : step.wait<Answer>()
    if (!isWaiter) step.reply(waiter, result as Answer)
    this.calls.set(waiter, call as Call<unknown>)
    this.bringAbout(step)
    return call
  }

  /** Moves time on, firing every timer that falls due, each at its own time. */
  advance(ms: number): void {
    const targetMs = this.nowMs + ms
    for (let fired = 0; ; fired++) {
      assert(fired < 100_000, 'timers set each other off without end')
      const next = this.nextTimer()
      if (next === undefined || next[1].dueMs > targetMs) break
      this.fire(next)
    }
    this.nowMs = targetMs
  }

  /** Fires the next timer, at its time. False when there is none. */
  advanceToNextTimer(): boolean {
    const next = this.nextTimer()
    if (next !== undefined) this.fire(next)
    return next !== undefined
  }

  /** The next step that has records cannot append them; `error` is what clients are told of it. */
  failNextAppend(error: ErrorCode): void {
    this.appendErrors.push(error)
  }

  /** From now on nothing counts as committed, so that answers stay, until `commit`. */
  holdCommits(): void {
    this.isHolding = true
  }

  commit(): void {
    this.isHolding = false
    const held = this.held
    this.held = []
    for (const { call, answer } of held) call.settle({ answer })
  }

  /** Appends records that a transaction writes from elsewhere (TxnOffsetCommit takes this way too). */
  appendInTransaction(records: readonly Rec[], transaction: NonNullable<ReplayOrigin['transaction']>): void {
    for (const record of records) this.write(record, true, transaction)
  }

  /** Another machine, which has read the log from its start. */
  reload(): Machine {
    const machine = this.make()
    for (const { record, bytes, origin } of this.log) {
      const read = bytes === undefined ? record : machine.decode!(bytes.key, bytes.value)
      assert(read !== undefined, 'wrote a record that it cannot read')
      machine.replay(read, origin)
    }
    return machine
  }

  /** The broker falls over: waiters learn NOT_COORDINATOR, timers are gone; then the log is loaded again. */
  restart(): void {
    const lost = [...this.calls.values(), ...this.held.map(({ call }) => call)]
    for (const call of lost) call.settle({ error: new KafkaError(errors.NOT_COORDINATOR) })
    this.calls.clear()
    this.held = []
    this.timersByKey.clear()
    this.machine = this.reload()
    if (this.machine.loaded === undefined) return
    const step = new TraceStep<Rec>(this.nowMs)
    this.machine.loaded(step)
    this.bringAbout(step)
  }

  private nextTimer(): [string, TraceTimer<Rec>] | undefined {
    let next: [string, TraceTimer<Rec>] | undefined
    for (const entry of this.timersByKey) {
      const [, timer] = entry
      const isSooner =
        next === undefined ||
        timer.dueMs < next[1].dueMs ||
        (timer.dueMs === next[1].dueMs && timer.order < next[1].order)
      if (isSooner) next = entry
    }
    return next
  }

  private fire([key, timer]: [string, TraceTimer<Rec>]): void {
    this.timersByKey.delete(key)
    this.nowMs = Math.max(this.nowMs, timer.dueMs)
    const step = new TraceStep<Rec>(this.nowMs)
    timer.fire(step)
    this.bringAbout(step)
  }

  private bringAbout(step: TraceStep<Rec>): void {
    const error = step.records.length > 0 ? this.appendErrors.shift() : undefined
    if (error !== undefined) {
      this.takeBack(step, error)
      return
    }
    for (const { record, isReplayed } of step.records) this.write(record, isReplayed, undefined)
    for (const [key, timer] of step.timers) {
      if (timer === undefined) this.timersByKey.delete(key)
      else {
        const dueMs = this.nowMs + timer.delayMs
        this.timersByKey.set(key, { dueMs, order: this.order++, fire: timer.fire })
      }
    }
    for (const { waiter, answer } of step.replies) {
      const call = this.calls.get(waiter)
      assert(call !== undefined, 'answered a waiter that nobody waits with, or twice')
      this.calls.delete(waiter)
      if (this.isHolding) this.held.push({ call, answer })
      else call.settle({ answer })
    }
  }

  /** Whom the step wanted to answer or to keep waiting gets the error, unless the undoing has an answer of its own. */
  private takeBack(step: TraceStep<Rec>, error: ErrorCode): void {
    const hasChangedState = step.records.some(({ isReplayed }) => !isReplayed)
    assert(step.undoes.length > 0 || !hasChangedState, 'nobody takes back what the step did to the state')
    const undoing = new TraceStep<Rec>(this.nowMs)
    for (const undo of step.undoes) undo(undoing, error)
    this.bringAbout(undoing)
    for (const waiter of [...step.replies.map(({ waiter }) => waiter), ...step.waiters]) {
      const call = this.calls.get(waiter)
      if (this.calls.delete(waiter)) call!.settle({ error: new KafkaError(error) })
    }
  }

  private write(record: Rec, isReplayed: boolean, transaction: ReplayOrigin['transaction']): void {
    const { machine } = this
    const bytes =
      machine.encode !== undefined && machine.decode !== undefined ? machine.encode(record) : undefined
    const origin = { offset: this.log.length, timestampMs: this.nowMs, transaction }
    this.log.push({ record, bytes, origin })
    if (isReplayed) machine.replay(record, origin)
  }
}
