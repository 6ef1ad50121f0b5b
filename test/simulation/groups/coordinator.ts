// The coordinator of a simulated group: the state machine of the broker in a shard for tests, and a log that is replicated
// a little later than it is written. Crashes lose waiters, timers and whatever was not replicated yet.
// Promises to look at the committed offsets after every step: they change by commits alone, never go back otherwise, and
// what was acknowledged is there after every crash. Leaves owners and liveness to history.ts.
import assert from 'node:assert/strict'
import type { GroupStep, GroupSurroundings } from '../../../src/coordinator/group/group.ts'
import { GroupMachine } from '../../../src/coordinator/group/group-machine.ts'
import type { OffsetsToCommit } from '../../../src/coordinator/group/offsets/commit.ts'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import type { Waiter } from '../../../src/coordinator/step.ts'
import { type ErrorCode, errors } from '../../../src/wire/errors.ts'
import { type Call, TraceShard } from '../../coordinator/trace.ts'
import type { World } from './world.ts'

export const GROUP = 'g'

/** What a client learns of a request; disconnected: nothing. */
export type Outcome<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'error'; readonly error: ErrorCode }
  | { readonly kind: 'disconnected' }

export type GroupCommand<Answer> = (machine: GroupMachine, step: GroupStep) => Answer | Waiter<Answer>

/** What a request may do to committed offsets. */
export interface Commits {
  /** By `topic-partition`. */
  readonly offsets: ReadonlyMap<string, number>
  /** From a tool, which may set an offset back, or delete all of them. */
  readonly isTool: boolean
}

interface Pending {
  readonly call: Call<unknown>
  readonly done: (outcome: Outcome<unknown>) => void
}

export class Coordinator {
  readonly shard: TraceShard<GroupRecord, GroupMachine>
  isUp = true
  private readonly world: World
  /** Called after everything that may have changed the groups. */
  private readonly check: () => void
  private pending: Pending[] = []
  /** Where steps ended in the log since the last time everything was replicated. */
  private stepEnds: number[] = []
  private replicated = 0
  private isReplicating = false
  private life = 0
  /** Committed offsets as they are now, by `topic-partition`. */
  private readonly offsets = new Map<string, number>()
  /** Those that no crash may lose, and those that came after them. */
  private replicatedOffsets = new Map<string, number>()
  private readonly laterOffsets = new Map<string, (number | undefined)[]>()

  constructor(world: World, surroundings: GroupSurroundings, check: () => void) {
    this.world = world
    this.check = check
    this.shard = new TraceShard(() => new GroupMachine(surroundings))
    this.shard.holdCommits()
  }

  get machine(): GroupMachine {
    return this.shard.machine
  }

  /** Answers that somebody still waits for. */
  get waiting(): number {
    return this.pending.length
  }

  /** A request has arrived. */
  receive<Answer>(
    command: GroupCommand<Answer>,
    done: (outcome: Outcome<Answer>) => void,
    commits?: Commits,
  ): void {
    if (!this.isUp) {
      done({ kind: 'error', error: errors.NOT_COORDINATOR })
      return
    }
    this.catchUp()
    if (this.world.chance(this.world.faults.appendFails)) {
      this.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    }
    const call = this.shard.run(command)
    this.pending.push({
      call: call as Call<unknown>,
      done: done as (outcome: Outcome<unknown>) => void,
    })
    this.stepped(commits)
  }

  /** A tool, or a consumer that has joined no group: commits if nobody is in the group. */
  reset(request: OffsetsToCommit): void {
    const offsets = offsetsOf(request)
    this.receive(
      (machine, step) => machine.commitOffsets(request, step),
      (outcome) => {
        if (outcome.kind !== 'answer') return
        this.world.say(
          'tool',
          () => `set ${[...offsets].map(([key, offset]) => `${key}=${offset}`).join(' ')}`,
        )
      },
      { offsets, isTool: true },
    )
  }

  /** A tool deletes the group, if it has no members. */
  deleteGroup(): void {
    this.receive(
      (machine, step) => machine.deleteGroup(GROUP, step),
      (outcome) => this.world.say('tool', () => `deletes the group: ${JSON.stringify(outcome)}`),
      { offsets: new Map(), isTool: true },
    )
  }

  /** A tool removes a static member. */
  removeMember(groupInstanceId: string): void {
    const members = [{ memberId: '', groupInstanceId, reason: null }]
    this.receive(
      (machine, step) => machine.leaveGroup({ groupId: GROUP, memberId: '', members }, step),
      (outcome) => this.world.say('tool', () => `removes ${groupInstanceId}: ${JSON.stringify(outcome)}`),
    )
  }

  /** In how many milliseconds the next timer fires. */
  get nextTimerMs(): number | undefined {
    if (!this.isUp) return undefined
    let next: number | undefined
    for (const inMs of this.shard.timers.values()) if (next === undefined || inMs < next) next = inMs
    return next === undefined ? undefined : this.shard.elapsedMs + next
  }

  fireTimer(): void {
    this.shard.advanceToNextTimer()
    this.world.nowMs = this.shard.elapsedMs
    this.stepped(undefined)
  }

  /** All that waits is lost, and steps that were not replicated may be. */
  crash(): void {
    this.isUp = false
    this.life++
    const pending = this.pending
    this.pending = []
    const ends = [this.replicated, ...this.stepEnds]
    const length = this.world.pick(ends)
    this.world.say('coordinator', () => `crashes, ${this.shard.log.length - length} records are lost`)
    this.shard.log.length = length
    this.stepEnds = []
    this.isReplicating = false
    for (const { done } of pending) done({ kind: 'disconnected' })
  }

  restart(): void {
    this.catchUp()
    if (this.world.chance(0.5)) this.compact()
    this.shard.commit()
    this.shard.restart()
    this.shard.holdCommits()
    this.isUp = true
    this.replicated = this.shard.log.length
    this.world.say('coordinator', () => `is back: ${this.describe()}`)
    for (const key of new Set([...this.offsets.keys(), ...this.replicatedOffsets.keys()])) {
      const before = this.offsets.get(key)
      const now = this.read(key)
      const possible = [this.replicatedOffsets.get(key), ...(this.laterOffsets.get(key) ?? [])]
      assert(
        possible.includes(now),
        `${key}: ${possible.join(' or ')} was there, ${now} after the crash (${before} before)`,
      )
      if (now === undefined) this.offsets.delete(key)
      else this.offsets.set(key, now)
    }
    this.keepOffsets()
    this.check()
  }

  /** As the log cleaner does, up to some point: of each key the last record stays, if it is no old tombstone. */
  private compact(): void {
    const { log } = this.shard
    const end = this.world.random.below(log.length + 1)
    const tombstonesEnd = this.world.random.below(end + 1)
    const last = new Map<string, number>()
    const keyOf = (at: number) => log[at]!.bytes!.key.toString('latin1')
    for (let at = 0; at < end; at++) last.set(keyOf(at), at)
    const kept = log.filter(
      ({ bytes }, at) =>
        at >= end || (last.get(keyOf(at)) === at && (bytes!.value !== null || at >= tombstonesEnd)),
    )
    this.world.say('coordinator', () => `compacts ${log.length} records to ${kept.length}`)
    log.splice(0, log.length, ...kept)
  }

  describe(): string {
    const group = this.machine.groups.get(GROUP)
    return group === undefined ? 'no group' : `${group.type} ${group.stateName}`
  }

  committed(key: string): number | undefined {
    return this.offsets.get(key)
  }

  private keepOffsets(): void {
    this.replicatedOffsets = new Map(this.offsets)
    this.laterOffsets.clear()
  }

  private catchUp(): void {
    this.shard.nowMs += this.world.nowMs - this.shard.elapsedMs
  }

  private stepped(commits: Commits | undefined): void {
    if (this.shard.log.length > this.lastEnd) this.stepEnds.push(this.shard.log.length)
    this.checkOffsets(commits)
    this.check()
    if (this.isReplicating) return
    this.isReplicating = true
    const { life } = this
    this.world.after(this.world.between(0, 20), () => {
      if (life === this.life) this.replicate()
    })
  }

  private get lastEnd(): number {
    return this.stepEnds.at(-1) ?? this.replicated
  }

  private replicate(): void {
    this.isReplicating = false
    this.replicated = this.shard.log.length
    this.stepEnds = []
    this.keepOffsets()
    this.shard.commit()
    this.shard.holdCommits()
    const answered = this.pending.filter(({ call }) => call.isAnswered)
    this.pending = this.pending.filter(({ call }) => !call.isAnswered)
    for (const { call, done } of answered) {
      if (call.error === errors.NONE) done({ kind: 'answer', answer: call.answer })
      else done({ kind: 'error', error: call.error })
    }
  }

  private checkOffsets(commits: Commits | undefined): void {
    for (const topic of this.world.image.topics.values()) {
      for (const { index } of topic.partitions) {
        const key = `${topic.name}-${index}`
        const before = this.offsets.get(key)
        const now = this.machine.offsets.get(GROUP, topic.name, index)?.offset
        if (now === before) continue
        if (now === undefined) {
          assert(commits?.isTool, `${key}: ${before} is gone, and nobody has deleted it`)
          this.offsets.delete(key)
        } else {
          const isCommitted = now === commits?.offsets.get(key)
          assert(isCommitted, `${key}: ${before} became ${now} without a commit`)
          assert(now >= (before ?? 0) || commits!.isTool, `${key}: went back from ${before} to ${now}`)
          this.offsets.set(key, now)
        }
        this.laterOffsets.set(key, [...(this.laterOffsets.get(key) ?? []), now])
      }
    }
  }

  private read(key: string): number | undefined {
    const dash = key.lastIndexOf('-')
    return this.machine.offsets.get(GROUP, key.slice(0, dash), Number(key.slice(dash + 1)))?.offset
  }
}

/** What a commit commits, by `topic-partition`. */
export function offsetsOf({ topics }: OffsetsToCommit): Map<string, number> {
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }) => [`${name}-${partitionIndex}`, committedOffset]),
    ),
  )
}
