// What one step of a coordinator brings about: records to append, answers to give, timers to set.
// Promises that state machines know neither the log nor the clock nor sockets: they say what shall happen, and a shard
// (or a test) makes it happen. Leaves when answers leave, and what becomes of failures, to shard.ts.
import type { ErrorCode } from '../wire/errors.ts'

/** Somebody who waits for an answer that a later step gives. */
export interface Waiter<out Answer> {
  /** Only a type: says what is waited for. */
  readonly answer?: Answer
}

/** One step, of a state machine whose records are of type `Rec`. */
export interface Step<Rec> {
  /** Milliseconds since the epoch, the same throughout the step. */
  readonly nowMs: number
  /**
   * Appends a record, which changes the state: it is replayed after the step, in the order of the calls. Until then the
   * state is as it was. All records of a step are one batch: after a crash all of them are there, or none.
   */
  append(record: Rec): void
  /** Appends a record of what the step itself has done to the state: it is replayed only when the log is loaded again. */
  persist(record: Rec): void
  /**
   * Called instead of everything else that this step wants when its records cannot be appended (too large, too few
   * replicas): takes back what the step has done to the state itself, and may answer waiters.
   */
  onAppendFailed(undo: (step: Step<Rec>, error: ErrorCode) => void): void
  /** Has `fire` called in a step of its own after `delayMs`; takes the place of the timer that has this key. */
  schedule(key: string, delayMs: number, fire: (step: Step<Rec>) => void): void
  cancel(key: string): void
  /** A new waiter: what a command returns when a later step has the answer. */
  wait<Answer>(): Waiter<Answer>
  /** Answers a waiter, when everything appended up to the end of this step is committed. Once for each waiter. */
  reply<Answer>(waiter: Waiter<Answer>, answer: Answer): void
}

/** Where a record stands in the log. */
export interface ReplayOrigin {
  readonly offset: number
  readonly timestampMs: number
  /** The transaction the record belongs to, if any: it counts when `endTransaction` says so. */
  readonly transaction: { readonly producerId: number; readonly producerEpoch: number } | undefined
}

/** The state that a partition of an internal topic holds, and what may be done to it. */
export interface StateMachine<Rec> {
  /** Takes up one record: of a step that was just appended, or of the log that is being loaded. Must not throw. */
  replay(record: Rec, origin: ReplayOrigin): void
  /** A transaction that wrote to this partition has ended. */
  endTransaction(producerId: number, isCommit: boolean): void
  /** Bytes of a key and its value (null: a tombstone). Undefined for kinds that this version does not know: they are passed over. */
  decode(key: Buffer, value: Buffer | null): Rec | undefined
  encode(record: Rec): { readonly key: Buffer; readonly value: Buffer | null }
  /** The log has been read to its end: sets the timers that members and groups need from now on. */
  loaded(step: Step<Rec>): void
}
