// What all simulated consumers have in common: a connection that can fail, partitions they believe to own, positions in
// them that begin at the committed offsets, and commits.
// Promises to commit only as real consumers do, with the membership they have now. Leaves joining to its two kinds.

import type { OffsetsClient } from '../../../src/coordinator/group/group.ts'
import { fetchOffsets } from '../../../src/coordinator/group/offsets/fetch.ts'
import { type ErrorCode, errors } from '../../../src/wire/errors.ts'
import type { Coordinator, GroupCommand, Outcome } from './coordinator.ts'
import { GROUP, offsetsOf } from './coordinator.ts'
import type { World } from './world.ts'

/** Longer than any delay of the network. */
export const REQUEST_TIMEOUT_MS = 15_000
const COMMIT_INTERVAL_MS = 4000

export interface ClientOptions {
  readonly name: string
  /** Null: a dynamic member. */
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly rebalanceTimeoutMs: number
}

export interface CallOptions<Answer> {
  readonly what: string
  readonly command: GroupCommand<Answer>
  readonly done: (outcome: Outcome<Answer>) => void
  /** For the trace; undefined: not worth telling. */
  readonly tell: (answer: Answer) => string | undefined
  readonly timeoutMs?: number
  /** It must not arrive after the client has given it up. */
  readonly isOrdered?: boolean
  readonly commits?: ReadonlyMap<string, number>
}

export abstract class Client {
  readonly name: string
  readonly instanceId: string | null
  readonly rebalanceTimeoutMs: number
  topics: readonly string[]
  /** Runs, perhaps frozen. */
  isAlive = true
  /** The position in each partition it believes to own, by `topic-partition`; undefined: not fetched yet. */
  readonly owned = new Map<string, number | undefined>()
  /** A commit of everything it owns went well since the last time somebody asked. */
  hasCommitted = false
  protected readonly world: World
  protected readonly coordinator: Coordinator
  private isCommitting = false
  /** Which gain of a partition its position is fetched for. */
  private readonly gains = new Map<string, number>()
  private frozenUntilMs = 0
  /** Requests of one connection arrive in order. */
  private lastArrivalMs = 0

  constructor(world: World, coordinator: Coordinator, options: ClientOptions) {
    this.world = world
    this.coordinator = coordinator
    this.name = options.name
    this.instanceId = options.instanceId
    this.topics = options.topics
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs
  }

  abstract start(): void
  /** Goes, and says so if its kind does. */
  abstract leave(): void
  abstract subscribe(topics: readonly string[]): void
  /** Topics have come or grown. */
  abstract topicsChanged(): void
  /** It is where it wants to be: a member that has all that it was told to have. */
  abstract get isSettled(): boolean
  /** As what it may commit now; undefined: as nothing, in the middle of a rebalance. */
  abstract get identity(): OffsetsClient | undefined
  abstract describe(): string
  /** Whether it has subscribed to the topic. */
  abstract reads(topic: string): boolean
  protected abstract commitFailed(error: ErrorCode): void
  /** As what it may read committed offsets: classic members name nobody. */
  protected abstract get reader(): { readonly memberId: string | null; readonly memberEpoch: number }

  /** Ends without a word. */
  crash(): void {
    this.say(() => 'crashes')
    this.end()
  }

  protected end(): void {
    this.isAlive = false
    this.owned.clear()
  }

  /** Does nothing for so long, and knows nothing of it. */
  freeze(ms: number): void {
    this.say(() => `freezes for ${ms} ms`)
    this.frozenUntilMs = Math.max(this.frozenUntilMs, this.world.nowMs + ms)
  }

  thaw(): void {
    this.frozenUntilMs = 0
  }

  say(text: () => string): void {
    this.world.say(this.name, text)
  }

  /** `run` in so many milliseconds, if it still lives then; later if it is frozen then. */
  protected after(ms: number, run: () => void): void {
    this.world.after(ms, () => {
      if (!this.isAlive) return
      const frozenMs = this.frozenUntilMs - this.world.nowMs
      if (frozenMs > 0) this.after(frozenMs, run)
      else run()
    })
  }

  /** Sends a request; `done` is called once, unless the client ends before. */
  protected call<Answer>(options: CallOptions<Answer>): void {
    const { what, command, done, tell, timeoutMs, isOrdered, commits } = options
    const { world } = this
    const { faults } = world
    let isOver = false
    const finish = (outcome: Outcome<Answer>) => {
      if (isOver) return
      isOver = true
      this.world.sayIf(this.name, () => told(what, outcome, tell))
      done(outcome)
    }
    const lose = () => this.after(world.between(10, 2000), () => finish({ kind: 'disconnected' }))
    this.after(timeoutMs ?? REQUEST_TIMEOUT_MS, () => finish({ kind: 'disconnected' }))
    if (world.chance(faults.requestLost)) {
      lose()
      return
    }
    const isLate = !(isOrdered ?? false) && world.chance(faults.late)
    const isAnswerLost = isLate || world.chance(faults.answerLost)
    const arrivalMs = isLate
      ? world.nowMs + world.between(0, 3 * LONG_AFTER_MS)
      : Math.max(this.lastArrivalMs, world.nowMs + world.delayMs())
    if (!isLate) this.lastArrivalMs = arrivalMs
    if (isLate) lose()
    world.after(arrivalMs - world.nowMs, () => {
      if (isLate) this.say(() => `${what} arrives late`)
      this.coordinator.receive(
        command,
        (outcome) => {
          if (isAnswerLost) lose()
          else this.after(world.delayMs(), () => finish(outcome))
        },
        commits === undefined ? undefined : { offsets: commits, isTool: false },
      )
    })
  }

  // Partitions.

  protected gain(key: string): void {
    const gain = (this.gains.get(key) ?? 0) + 1
    this.gains.set(key, gain)
    this.owned.set(key, undefined)
    this.fetchSoon(key, gain, 0)
  }

  private fetchSoon(key: string, gain: number, delayMs: number): void {
    this.after(delayMs, () => {
      if (this.isWanted(key, gain)) this.fetch(key, gain)
    })
  }

  private isWanted(key: string, gain: number): boolean {
    return this.owned.has(key) && this.owned.get(key) === undefined && this.gains.get(key) === gain
  }

  private fetch(key: string, gain: number): void {
    const dash = key.lastIndexOf('-')
    const name = key.slice(0, dash)
    const partition = Number(key.slice(dash + 1))
    const topicId = this.world.image.topics.get(name)!.id
    const { memberId, memberEpoch } = this.reader
    this.call({
      what: `fetches ${key}`,
      command: (machine) =>
        fetchOffsets(machine, {
          groupId: GROUP,
          memberId,
          memberEpoch,
          requireStable: true,
          topics: [{ name, topicId, partitionIndexes: [partition] }],
        }),
      tell: ([topic]) => String(topic!.partitions[0]!.committedOffset),
      done: (outcome) => {
        if (!this.isWanted(key, gain)) return
        if (outcome.kind !== 'answer') this.fetchSoon(key, gain, this.world.between(100, 500))
        else this.owned.set(key, Math.max(0, outcome.answer[0]!.partitions[0]!.committedOffset))
      },
    })
  }

  /** Reads on, and commits, from time to time. */
  protected startCommitting(): void {
    this.after(COMMIT_INTERVAL_MS, () => {
      this.startCommitting()
      if (this.identity !== undefined) this.commit([...this.owned.keys()], () => {})
    })
  }

  /** Commits its positions in these partitions, a little further on; then `then`, whatever came of it. */
  protected commit(keys: readonly string[], then: () => void): void {
    const { identity } = this
    const positions = new Map<string, number>()
    for (const key of keys) {
      const position = this.owned.get(key)
      if (position === undefined) continue
      const next = position + this.world.random.below(100)
      this.owned.set(key, next)
      positions.set(key, next)
    }
    if (identity === undefined || positions.size === 0 || this.isCommitting) {
      then()
      return
    }
    const request = commitRequest(this.world, identity, positions)
    this.isCommitting = true
    this.call({
      what: `commits ${[...positions].map(([key, offset]) => `${key}=${offset}`).join(' ')} at ${identity.generationIdOrMemberEpoch}`,
      command: (machine, step) => machine.commitOffsets(request, step),
      commits: offsetsOf(request),
      isOrdered: true,
      tell: () => 'done',
      done: (outcome) => {
        this.isCommitting = false
        if (outcome.kind === 'error') this.commitFailed(outcome.error)
        else if (outcome.kind === 'answer') this.hasCommitted = true
        then()
      },
    })
  }
}

const LONG_AFTER_MS = 3000

function commitRequest(world: World, identity: OffsetsClient, positions: ReadonlyMap<string, number>) {
  return {
    groupId: GROUP,
    ...identity,
    retentionTimeMs: -1,
    topics: [...positions].map(([key, offset]) => {
      const dash = key.lastIndexOf('-')
      const name = key.slice(0, dash)
      return {
        name,
        topicId: world.image.topics.get(name)!.id,
        partitions: [
          {
            partitionIndex: Number(key.slice(dash + 1)),
            committedOffset: offset,
            committedLeaderEpoch: -1,
            committedMetadata: '',
          },
        ],
      }
    }),
  }
}

/** Whether a request that ended so may just be sent again. */
export function isRetriable(outcome: Outcome<unknown>): boolean {
  return (
    outcome.kind === 'disconnected' ||
    (outcome.kind === 'error' &&
      (outcome.error === errors.NOT_COORDINATOR ||
        outcome.error === errors.COORDINATOR_NOT_AVAILABLE ||
        outcome.error === errors.COORDINATOR_LOAD_IN_PROGRESS))
  )
}

function told<Answer>(
  what: string,
  outcome: Outcome<Answer>,
  tell: (answer: Answer) => string | undefined,
): string | undefined {
  if (outcome.kind === 'disconnected') return `${what}: no answer`
  if (outcome.kind === 'error') return `${what}: ${outcome.error.name}`
  const text = tell(outcome.answer)
  return text === undefined ? undefined : `${what}: ${text}`
}
