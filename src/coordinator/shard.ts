// One partition of an internal topic, and the state that its records make: where steps of a coordinator happen.
// Promises that steps come one after the other, that a step's records are in the log in its order before anybody hears of
// it, and that no answer leaves before everything it rests on is committed. When the log refuses records or loses them the
// state is not trusted any more: whoever made the shard loads it again. Leaves the meaning of records to the state machine.
//
//   command ─> step ─> records ─> partition.append ─> replay into the state ─> timers ─> (committed) ─> answers
import { AssertionError } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { ACKS_ALL, type Partition } from '../partition/partition.ts'
import { type ErrorCode, errors, KafkaError } from '../wire/errors.ts'
import { buildBatch } from '../wire/records/build.ts'
import { PendingAnswer, PendingStep, type Reply } from './pending-step.ts'
import { load } from './shard-loader.ts'
import type { StateMachine, Step, Waiter } from './step.ts'
import { Timers } from './timers.ts'

export interface ShardOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** offsets.load.buffer.size */
  readonly loadBufferBytes: () => number
  /** offsets.commit.timeout.ms: how long an answer waits for its records to be committed. */
  readonly commitTimeoutMs: () => number
  /** The state cannot be trusted any more; the shard is closed already. */
  readonly failed: (error: Error) => void
}

export type Command<Machine, Rec, Answer> = (machine: Machine, step: Step<Rec>) => Answer | Waiter<Answer>

/** Answers that wait for what was appended up to `offset`. */
interface HeldReplies {
  readonly offset: number
  readonly replies: readonly Reply[]
  /** How long they wait, on the monotonic clock. */
  readonly dueMs: number
}

type State = 'loading' | 'active' | 'closed'

export class Shard<Rec, Machine extends StateMachine<Rec>> {
  readonly machine: Machine
  readonly partition: Partition
  private readonly options: ShardOptions
  private readonly timers: Timers
  private readonly waiting = new Set<PendingAnswer<unknown>>()
  private held: HeldReplies[] = []
  private isAwaitingCommit = false
  private lastOffset = -1
  private watchedWrite: Promise<void> | undefined
  private state: State = 'loading'
  private afterLoading: Command<Machine, Rec, void>[] = []
  private closedBecause: ErrorCode = errors.NOT_COORDINATOR

  constructor(partition: Partition, machine: Machine, options: ShardOptions) {
    this.partition = partition
    this.machine = machine
    this.options = options
    this.timers = new Timers(options.clock)
  }

  /** Reads the log into the state machine; commands are refused until that is done. Never rejects. */
  async load(): Promise<void> {
    const { clock, logger } = this.options
    const { topic, index } = this.partition.identity
    const startedMs = clock.monotonicMs()
    try {
      const { log } = this.partition
      // An empty log, as all are at first, is there at once: nobody has to ask again.
      const isEmpty = log.startOffset === log.writtenEndOffset
      const loading = isEmpty
        ? { records: 0, bytes: 0 }
        : load(log, this.machine, {
            clock,
            bufferBytes: this.options.loadBufferBytes(),
            isWanted: () => this.state === 'loading',
          })
      const loaded = loading instanceof Promise ? await loading : loading
      if (this.state !== 'loading') return
      this.state = 'active'
      // What a leader before us appended may not be committed yet: answers rest on it all the same.
      this.lastOffset = this.partition.log.writtenEndOffset - 1
      if (loaded.records > 0) {
        const elapsedMs = Math.round(clock.monotonicMs() - startedMs)
        logger.info('coordinator state was loaded', { topic, partition: index, ...loaded, elapsedMs })
      }
      this.carryOut((step) => this.machine.loaded(step))
      for (const command of this.afterLoading.splice(0)) this.runWhenLoaded(command)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /**
   * Runs a command. Resolves with its answer when that may leave; rejects with what the command throws.
   * @throws KafkaError (rejected) COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE
   */
  run<Answer>(command: Command<Machine, Rec, Answer>): Promise<Answer> {
    if (this.state !== 'active') return Promise.reject(new KafkaError(this.whyNot()))
    const step = this.newStep()
    let outcome: Answer | Waiter<Answer>
    try {
      outcome = command(this.machine, step)
    } catch (error) {
      if (error instanceof KafkaError) return Promise.reject(error)
      this.fail(error as Error)
      return Promise.reject(new KafkaError(errors.UNKNOWN_SERVER_ERROR))
    }
    let answer: PendingAnswer<Answer>
    if (outcome instanceof PendingAnswer) {
      answer = outcome
    } else {
      answer = step.wait<Answer>()
      step.reply(answer, outcome as Answer)
    }
    this.complete(step)
    return answer.promise
  }

  /** Runs a command that nobody waits for, after loading if that is under way. */
  runWhenLoaded(command: Command<Machine, Rec, void>): void {
    if (this.state === 'loading') this.afterLoading.push(command)
    else this.run(command).catch(() => {}) // closed: there is no state any more that it could change
  }

  /** Ends all waits with `error`, and lets go of everything. */
  close(error: ErrorCode = errors.NOT_COORDINATOR): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.closedBecause = error
    this.timers.clear()
    this.afterLoading = []
    this.held = []
    for (const answer of this.waiting) answer.reject(new KafkaError(error))
    this.waiting.clear()
  }

  private whyNot(): ErrorCode {
    return this.state === 'loading' ? errors.COORDINATOR_LOAD_IN_PROGRESS : this.closedBecause
  }

  private newStep(): PendingStep<Rec> {
    return new PendingStep(this.options.clock.wallMs(), this.waiting)
  }

  /** A step that nobody waits for: a timer's, or the one after loading. */
  private carryOut(make: (step: Step<Rec>) => void): void {
    if (this.state !== 'active') return
    const step = this.newStep()
    try {
      make(step)
    } catch (error) {
      this.fail(error as Error)
      return
    }
    this.complete(step)
  }

  private complete(step: PendingStep<Rec>): void {
    if (step.records.length > 0) {
      try {
        this.append(step)
      } catch (error) {
        this.refused(step, error as Error)
        return
      }
    }
    for (const { key, timer } of step.timers) {
      if (timer === undefined) this.timers.cancel(key)
      else this.timers.schedule(key, timer.delayMs, () => this.carryOut(timer.fire))
    }
    this.hold(step.replies)
  }

  private append(step: PendingStep<Rec>): void {
    const { machine, partition } = this
    const timestamp = step.nowMs
    const bytes = buildBatch({
      records: this.encode(step).map((record) => ({ timestamp, ...record })),
    })
    const { result, written } = partition.append(bytes, {
      origin: 'coordinator',
      acks: ACKS_ALL,
      retain: true,
    })
    this.lastOffset = result.lastOffset
    if (written !== this.watchedWrite) {
      this.watchedWrite = written
      written.catch((error: Error) => this.fail(error))
    }
    for (const [i, { record, isReplayed }] of step.records.entries()) {
      if (!isReplayed) continue
      machine.replay(record, {
        offset: result.baseOffset + i,
        timestampMs: timestamp,
        transaction: undefined,
      })
    }
  }

  /** @throws KafkaError MESSAGE_TOO_LARGE as soon as that is clear: a request can ask for a million records. */
  private encode({ records }: PendingStep<Rec>): { key: Buffer; value: Buffer | null }[] {
    const { maxMessageBytes } = this.partition.log.config
    let size = 0
    return records.map(({ record }) => {
      const encoded = this.machine.encode(record)
      size += encoded.key.length + (encoded.value?.length ?? 0)
      if (size <= maxMessageBytes) return encoded
      throw new KafkaError(
        errors.MESSAGE_TOO_LARGE,
        `the ${records.length} records have more bytes than max.message.bytes allows (${maxMessageBytes})`,
      )
    })
  }

  /** The log has taken none of the step's records. */
  private refused(step: PendingStep<Rec>, cause: Error): void {
    if (!(cause instanceof KafkaError)) {
      this.fail(cause)
      return
    }
    const error = answerFor(cause.error)
    const isDone = step.records.some(({ isReplayed }) => !isReplayed)
    this.options.logger.warn('a coordinator could not append its records', {
      topic: this.partition.identity.topic,
      partition: this.partition.identity.index,
      reason: cause.message,
    })
    if (step.undoes.length === 0 && isDone) {
      this.fail(cause)
      return
    }
    const answered = new Set<unknown>()
    if (step.undoes.length > 0) {
      this.carryOut((repair) => {
        for (const undo of step.undoes) undo(repair, error)
        for (const { to } of (repair as PendingStep<Rec>).replies) answered.add(to)
      })
    }
    // Who was to be answered, and who has come with this step to wait for a later one: there is nothing to wait for now.
    for (const waiter of new Set([...step.replies.map(({ to }) => to), ...step.waiters])) {
      if (answered.has(waiter)) continue
      this.waiting.delete(waiter)
      waiter.reject(new KafkaError(error, cause.message))
    }
  }

  private hold(replies: readonly Reply[]): void {
    if (replies.length === 0) return
    if (this.held.length === 0 && this.lastOffset < this.partition.highWatermark) {
      this.send(replies)
      return
    }
    const dueMs = this.options.clock.monotonicMs() + this.options.commitTimeoutMs()
    this.held.push({ offset: this.lastOffset, replies, dueMs })
    if (!this.isAwaitingCommit) void this.awaitCommits()
  }

  private async awaitCommits(): Promise<void> {
    this.isAwaitingCommit = true
    for (let next = this.held[0]; next !== undefined; next = this.held[0]) {
      const leftMs = Math.max(next.dueMs - this.options.clock.monotonicMs(), 0)
      const isCommitted = await this.partition.committed(next.offset, leftMs)
      if (this.state === 'closed') break
      this.held.shift()
      if (isCommitted) this.send(next.replies)
      else this.refuse(next.replies, errors.COORDINATOR_NOT_AVAILABLE)
    }
    this.isAwaitingCommit = false
  }

  private send(replies: readonly Reply[]): void {
    for (const { to, answer } of replies) {
      this.waiting.delete(to)
      to.resolve(answer)
    }
  }

  private refuse(replies: readonly Reply[], error: ErrorCode): void {
    for (const { to } of replies) {
      this.waiting.delete(to)
      to.reject(new KafkaError(error))
    }
  }

  private fail(error: Error): void {
    if (error instanceof AssertionError) throw error
    if (this.state === 'closed') return
    this.close(errors.COORDINATOR_NOT_AVAILABLE)
    this.options.failed(error)
  }
}

/** What a client is told when records could not be appended: Kafka's own mapping (GroupMetadataManager of 3.x, CoordinatorOperationExceptionHelper of 4.x). */
function answerFor(error: ErrorCode): ErrorCode {
  switch (error) {
    case errors.UNKNOWN_TOPIC_OR_PARTITION:
    case errors.NOT_ENOUGH_REPLICAS:
    case errors.REQUEST_TIMED_OUT:
      return errors.COORDINATOR_NOT_AVAILABLE
    case errors.NOT_LEADER_OR_FOLLOWER:
    case errors.KAFKA_STORAGE_ERROR:
      return errors.NOT_COORDINATOR
    case errors.MESSAGE_TOO_LARGE:
    case errors.RECORD_LIST_TOO_LARGE:
    case errors.INVALID_FETCH_SIZE:
      return errors.UNKNOWN_SERVER_ERROR
    default:
      return error
  }
}
