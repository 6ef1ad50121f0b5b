// A step while it is being made: what the state machine has asked for so far.
// Promises nothing to anybody until the shard carries it out. Leaves that to shard.ts.
import { type Deferred, deferred } from '../lib/deferred.ts'
import type { ErrorCode } from '../wire/errors.ts'
import type { Step, Waiter } from './step.ts'

/** A waiter as the shard has it: a promise that a later step settles. */
export class PendingAnswer<Answer> implements Waiter<Answer> {
  declare readonly answer?: Answer
  private readonly outcome: Deferred<Answer> = deferred()

  constructor() {
    // Not everybody who is answered still listens.
    this.outcome.promise.catch(() => {})
  }

  get promise(): Promise<Answer> {
    return this.outcome.promise
  }

  resolve(answer: Answer): void {
    this.outcome.resolve(answer)
  }

  reject(error: Error): void {
    this.outcome.reject(error)
  }
}

/** An answer that leaves when what was appended before it is committed. */
export interface Reply {
  readonly to: PendingAnswer<unknown>
  readonly answer: unknown
}

export interface AppendedRecord<Rec> {
  readonly record: Rec
  /** False for what the step has already done to the state. */
  readonly isReplayed: boolean
}

export interface TimerChange<Rec> {
  readonly key: string
  /** Undefined: the timer is cancelled. */
  readonly timer: { readonly delayMs: number; readonly fire: (step: Step<Rec>) => void } | undefined
}

export type Undo<Rec> = (step: Step<Rec>, error: ErrorCode) => void

export class PendingStep<Rec> implements Step<Rec> {
  readonly nowMs: number
  readonly records: AppendedRecord<Rec>[] = []
  readonly replies: Reply[] = []
  readonly timers: TimerChange<Rec>[] = []
  readonly undoes: Undo<Rec>[] = []
  /** The waiters that this step has made. */
  readonly waiters: PendingAnswer<unknown>[] = []

  private readonly waiting: Set<PendingAnswer<unknown>>

  /** `waiting`: who waits for an answer of the shard; new waiters are added to it. */
  constructor(nowMs: number, waiting: Set<PendingAnswer<unknown>>) {
    this.nowMs = nowMs
    this.waiting = waiting
  }

  append(record: Rec): void {
    this.records.push({ record, isReplayed: true })
  }

  persist(record: Rec): void {
    this.records.push({ record, isReplayed: false })
  }

  onAppendFailed(undo: Undo<Rec>): void {
    this.undoes.push(undo)
  }

  schedule(key: string, delayMs: number, fire: (step: Step<Rec>) => void): void {
    this.timers.push({ key, timer: { delayMs, fire } })
  }

  cancel(key: string): void {
    this.timers.push({ key, timer: undefined })
  }

  wait<Answer>(): PendingAnswer<Answer> {
    const answer = new PendingAnswer<Answer>()
    this.waiters.push(answer as PendingAnswer<unknown>)
    this.waiting.add(answer as PendingAnswer<unknown>)
    return answer
  }

  reply<Answer>(waiter: Waiter<Answer>, answer: Answer): void {
    this.replies.push({ to: waiter as PendingAnswer<unknown>, answer })
  }
}
