// A consumer of the classic protocol, as the Java client 4.3 behaves: joins, leads if it has to, syncs, sends heartbeats,
// commits; eager (gives up everything before it joins again) or cooperative (KIP-429, keeps what it may).
// Promises to forget what it owned as soon as it knows that it was put out. Leaves sharing out to assignments.ts.

import type { JoinGroupAnswer, SyncGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import type { OffsetsClient } from '../../../src/coordinator/group/group.ts'
import {
  decodeAssignment,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/wire/consumer-protocol.ts'
import { type ErrorCode, errorByCode, errors } from '../../../src/wire/errors.ts'
import { byTopic, keysOf, type Style, shareOut } from './assignments.ts'
import { Client, type ClientOptions, isRetriable } from './client.ts'
import { type Coordinator, GROUP, type Outcome } from './coordinator.ts'
import type { World } from './world.ts'

const SESSION_TIMEOUT_MS = 9000
const HEARTBEAT_INTERVAL_MS = 3000
const NO_GENERATION = -1

export interface ClassicOptions extends ClientOptions {
  readonly style: Style
  /** Of JoinGroup: 3 needs no id before, 9 has skipAssignment. */
  readonly joinVersion: number
}

type State = 'idle' | 'preparing' | 'joining' | 'syncing' | 'stable'

export class ClassicClient extends Client {
  memberId = ''
  generationId = NO_GENERATION
  /** The generation in which it was told what it owns. */
  private ownedSince = NO_GENERATION
  private state: State = 'idle'
  private readonly style: Style
  private readonly joinVersion: number
  private wantsToJoin = false
  /** Counts the times it began to join: answers to earlier ones come too late. */
  private attempt = 0
  private isBeating = false
  /** What it was told when it became stable. */
  private told: ReadonlySet<string> = new Set()
  /** The topics that the leader shared out, with their partitions. */
  private sharedOut: string | undefined
  private hasSubscribedAnew = false

  constructor(world: World, coordinator: Coordinator, options: ClassicOptions) {
    super(world, coordinator, options)
    this.style = options.style
    this.joinVersion = options.joinVersion
  }

  start(): void {
    this.say(
      () => `starts: classic, ${this.style}, ${this.instanceId ?? 'dynamic'}, ${this.topics.join(' ')}`,
    )
    this.startCommitting()
    this.startBeating()
    this.join()
  }

  leave(): void {
    this.say(() => 'leaves')
    const { memberId, generationId } = this
    const finish = () => {
      // Static members do not say that they leave (KIP-345).
      if (this.instanceId === null && generationId !== NO_GENERATION) {
        this.call({
          what: 'LeaveGroup',
          command: (machine, step) =>
            machine.leaveGroup(
              { groupId: GROUP, memberId, members: [{ memberId, groupInstanceId: null, reason: null }] },
              step,
            ),
          tell: () => 'done',
          done: () => {},
        })
      }
      this.end()
    }
    if (this.identity === undefined) finish()
    else this.commit([...this.owned.keys()], finish)
  }

  subscribe(topics: readonly string[]): void {
    this.say(() => `subscribes to ${topics.join(' ')}`)
    this.topics = topics
    this.hasSubscribedAnew = true
    this.rejoinSoon()
  }

  /** Only leaders look. */
  topicsChanged(): void {
    if (this.state === 'stable' && this.sharedOut !== undefined && this.sharedOut !== this.topicsNow()) {
      this.rejoinSoon()
    }
  }

  get isSettled(): boolean {
    return (
      this.state === 'stable' &&
      !this.wantsToJoin &&
      this.told.size === this.owned.size &&
      [...this.owned].every(([key, position]) => this.told.has(key) && position !== undefined)
    )
  }

  /** The generation or member epoch that it knows. */
  get generation(): number {
    return this.generationId
  }

  get identity(): OffsetsClient | undefined {
    if (this.state !== 'stable' && this.state !== 'preparing') return undefined
    if (this.generationId === NO_GENERATION) return undefined
    return {
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      generationIdOrMemberEpoch: this.generationId,
      apiVersion: 8,
    }
  }

  protected get reader() {
    return { memberId: null, memberEpoch: -1 }
  }

  reads(topic: string): boolean {
    return this.topics.includes(topic)
  }

  describe(): string {
    return `${this.name}: ${this.state} ${this.generationId}, has ${[...this.owned.keys()].sort().join(' ')}`
  }

  private topicsNow(): string {
    return [...this.world.image.topics.values()]
      .map(({ name, partitions }) => `${name}:${partitions.length}`)
      .sort()
      .join()
  }

  // Joining.

  private rejoinSoon(): void {
    if (this.wantsToJoin) return
    this.wantsToJoin = true
    // Until the application polls again.
    const busyMs = this.world.chance(0.05) ? this.world.between(0, 12_000) : this.world.between(0, 1000)
    this.after(busyMs, () => {
      const isDue = this.wantsToJoin && (this.state === 'stable' || this.state === 'idle')
      this.wantsToJoin = false
      if (isDue) this.prepare()
    })
  }

  private prepare(): void {
    this.state = 'preparing'
    this.commit([...this.owned.keys()], () => {
      if (this.style === 'eager') this.owned.clear()
      this.join()
    })
  }

  private join(): void {
    this.wantsToJoin = false
    this.hasSubscribedAnew = false
    this.isBeating = false
    this.state = 'joining'
    const attempt = ++this.attempt
    const { memberId, generationId } = this
    if (generationId === NO_GENERATION) this.owned.clear()
    const subscription = {
      topics: [...this.topics],
      userData: null,
      ownedPartitions: byTopic(this.owned.keys()),
      generationId: this.ownedSince,
      rackId: null,
    }
    const request = {
      groupId: GROUP,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: this.rebalanceTimeoutMs,
      memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: this.style, metadata: encodeSubscription(subscription, 3) }],
      reason: null,
      clientId: this.name,
      clientHost: '/10.0.0.1',
      apiVersion: this.joinVersion,
    }
    this.call({
      what: `JoinGroup as ${short(memberId)} with ${[...this.owned.keys()].join(' ')}`,
      command: (machine, step) => machine.joinGroup(request, step),
      timeoutMs: this.rebalanceTimeoutMs + 5000,
      tell: ({ errorCode, generationId, memberId, leader }) =>
        errorCode === 0
          ? `generation ${generationId} as ${short(memberId!)}, led by ${short(leader!)}`
          : errorByCode(errorCode!).name,
      done: (outcome) => {
        if (attempt === this.attempt) this.joined(outcome)
      },
    })
  }

  private joined(outcome: Outcome<JoinGroupAnswer>): void {
    const error = errorOf(outcome)
    if (outcome.kind === 'answer' && error === errors.NONE) {
      this.memberId = outcome.answer.memberId!
      this.generationId = outcome.answer.generationId!
      this.sync(outcome.answer)
    } else if (error === errors.MEMBER_ID_REQUIRED && outcome.kind === 'answer') {
      this.memberId = outcome.answer.memberId!
      this.join()
    } else {
      this.recover(error)
    }
  }

  private sync(answer: JoinGroupAnswer): void {
    this.state = 'syncing'
    const { attempt } = this
    const leads = answer.leader === this.memberId && !answer.skipAssignment
    if (leads) this.world.sharedOut = this.topicsNow()
    // A static leader that comes back looks for what came in between. (The Java client does not.)
    this.sharedOut = answer.leader === this.memberId ? this.world.sharedOut : undefined
    const shares = leads ? shareOut(answer.members!, this.world.image, this.style) : []
    const request = {
      groupId: GROUP,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocolName: this.style,
      assignments: shares.map(({ memberId, keys }) => ({
        memberId,
        assignment: encodeAssignment({ assignedPartitions: byTopic(keys), userData: null }, 3),
      })),
    }
    this.call({
      what: `SyncGroup ${this.generationId} ${shares.map(({ memberId, keys }) => `${short(memberId)}: ${keys.join(' ')}`).join(', ')}`,
      command: (machine, step) => machine.syncGroup(request, step),
      tell: ({ errorCode }) => errorByCode(errorCode!).name,
      done: (outcome) => {
        if (attempt === this.attempt) this.synced(outcome)
      },
    })
  }

  private synced(outcome: Outcome<SyncGroupAnswer>): void {
    const error = errorOf(outcome)
    if (outcome.kind !== 'answer' || error !== errors.NONE) {
      this.recover(error)
      return
    }
    const bytes = Buffer.from(outcome.answer.assignment!)
    // Who comes too late for the leader's assignment gets none.
    const told = bytes.length === 0 ? [] : keysOf(decodeAssignment(bytes).assignedPartitions)
    this.told = new Set(told)
    this.state = 'stable'
    const surplus = [...this.owned.keys()].filter((key) => !this.told.has(key))
    for (const key of surplus) this.owned.delete(key)
    // Whoever missed a generation does not know who read on from where it was. (The Java client does not ask.)
    if (this.ownedSince !== this.generationId - 1) this.owned.clear()
    this.ownedSince = this.generationId
    for (const key of told) if (!this.owned.has(key)) this.gain(key)
    this.say(() => `is in generation ${this.generationId} with ${told.join(' ')}`)
    // What a cooperative member gives up goes to others in another rebalance; so does a new subscription.
    if (surplus.length > 0 || this.hasSubscribedAnew) this.rejoinSoon()
    this.topicsChanged()
  }

  /** The way back into the group after an error; undefined: no answer at all. */
  private recover(error: ErrorCode | undefined): void {
    if (error === errors.FENCED_INSTANCE_ID || error === errors.GROUP_MAX_SIZE_REACHED) {
      this.say(() => `ends: ${error.name}`)
      this.end()
      return
    }
    if (error === errors.UNKNOWN_MEMBER_ID) this.forget('')
    if (error === errors.ILLEGAL_GENERATION) this.forget(this.memberId)
    if (this.state === 'stable' || this.state === 'preparing') {
      if (error !== undefined && !isRetriable({ kind: 'error', error })) this.rejoinSoon()
      return
    }
    this.state = 'idle'
    this.after(error === errors.REBALANCE_IN_PROGRESS ? 0 : this.world.between(50, 300), () => {
      if (this.state === 'idle') this.join()
    })
  }

  private forget(memberId: string): void {
    this.memberId = memberId
    this.generationId = NO_GENERATION
    this.ownedSince = NO_GENERATION
    this.owned.clear()
    this.told = new Set()
  }

  protected commitFailed(error: ErrorCode): void {
    if (this.state === 'stable' || this.state === 'preparing') this.recover(error)
  }

  // Heartbeats.

  private startBeating(): void {
    this.after(HEARTBEAT_INTERVAL_MS, () => {
      this.startBeating()
      if (this.state === 'stable' && !this.isBeating) this.beat()
    })
  }

  private beat(): void {
    this.isBeating = true
    const { memberId, generationId, instanceId } = this
    const request = { groupId: GROUP, memberId, generationId, groupInstanceId: instanceId }
    this.call({
      what: `Heartbeat ${generationId}`,
      command: (machine, step) => machine.heartbeat(request, step),
      tell: ({ errorCode }) => (errorCode === 0 ? undefined : errorByCode(errorCode!).name),
      done: (outcome) => {
        this.isBeating = false
        const error = errorOf(outcome)
        const isStale = memberId !== this.memberId || generationId !== this.generationId
        if (isStale || error === errors.NONE || isRetriable(outcome)) return
        this.recover(error)
      },
    })
  }
}

/** Undefined: no answer. */
function errorOf(outcome: Outcome<{ readonly errorCode?: number }>): ErrorCode | undefined {
  if (outcome.kind === 'disconnected') return undefined
  return outcome.kind === 'error' ? outcome.error : errorByCode(outcome.answer.errorCode ?? 0)
}

function short(memberId: string): string {
  return memberId === '' ? 'nobody' : memberId.slice(0, memberId.indexOf('-') + 5)
}
