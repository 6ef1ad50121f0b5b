// Stories of a group in which consumers of both protocols live: those of script.ts, and such that send JoinGroup, SyncGroup
// and Heartbeat as Java's consumer does, eager or cooperative, one of them leading when the group is a classic one.
// Promises the same as script.ts: nobody is told to have what another has and has not given up.
import assert from 'node:assert/strict'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { heartbeat } from '../../../src/coordinator/group/classic/heartbeat.ts'
import { type ClassicJoin, joinGroup } from '../../../src/coordinator/group/classic/join.ts'
import { leaveGroup } from '../../../src/coordinator/group/classic/leave.ts'
import type { JoinGroupAnswer, SyncGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import { syncGroup } from '../../../src/coordinator/group/classic/sync.ts'
import { joinConsumerGroup } from '../../../src/coordinator/group/consumer/classic-join.ts'
import {
  heartbeatConsumerGroup,
  leaveConsumerGroupByRequest,
  syncConsumerGroup,
} from '../../../src/coordinator/group/consumer/classic-requests.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/wire/consumer-protocol.ts'
import { errorByCode, errors, KafkaError } from '../../../src/wire/errors.ts'
import type { Call } from '../trace.ts'
import { ConsumerScript, GROUP, type ScriptOptions } from './script.ts'

export interface ClassicOptions {
  readonly topics: readonly string[]
  readonly instance?: string
  readonly isCooperative?: boolean
  readonly version?: number
  readonly sessionMs?: number
  readonly rebalanceMs?: number
  /** In place of the names of its protocols. */
  readonly protocols?: readonly string[]
}

/** A consumer of the classic protocol: what it knows is from answers. */
export class ClassicConsumer {
  readonly name: string
  memberId = ''
  generationId = -1
  readonly options: ClassicOptions
  owned = new Set<string>()
  joining: Call<JoinGroupAnswer> | undefined
  syncing: Call<SyncGroupAnswer> | undefined

  constructor(name: string, options: ClassicOptions) {
    this.name = name
    this.options = options
  }

  get protocols(): readonly string[] {
    return this.options.protocols ?? [this.options.isCooperative ? 'cooperative-sticky' : 'range']
  }
}

export class MixedScript extends ConsumerScript {
  readonly classics = new Map<string, ClassicConsumer>()

  classic(name: string): ClassicConsumer {
    const consumer = this.classics.get(name)
    assert(consumer !== undefined, `no classic consumer ${name}`)
    return consumer
  }

  get type(): string {
    return this.shard.machine.groups.get(GROUP)?.type ?? 'none'
  }

  /** Comes, or comes again; goes on as far as it can without the others. */
  enter(name: string, options?: ClassicOptions): string {
    let consumer = this.classics.get(name)
    if (consumer === undefined) {
      consumer = new ClassicConsumer(name, options!)
      this.classics.set(name, consumer)
    }
    this.rejoin(consumer)
    return this.pump(name)
  }

  private rejoin(consumer: ClassicConsumer): void {
    if (!consumer.options.isCooperative) consumer.owned.clear()
    consumer.syncing = undefined
    consumer.joining = this.sendJoin(consumer)
    if (!consumer.joining.isAnswered) return
    if (
      consumer.joining.error === errors.NONE &&
      consumer.joining.answer.errorCode === errors.MEMBER_ID_REQUIRED.code
    ) {
      consumer.memberId = consumer.joining.answer.memberId!
      consumer.joining = this.sendJoin(consumer)
    }
  }

  sendJoin(consumer: ClassicConsumer, changes: Partial<ClassicJoin> = {}): Call<JoinGroupAnswer> {
    const { topics, instance, version, sessionMs, rebalanceMs } = consumer.options
    const metadata = encodeSubscription(
      {
        topics: [...topics],
        ownedPartitions: this.named(consumer.owned),
        generationId: consumer.generationId,
      },
      3,
    )
    const request: ClassicJoin = {
      groupId: GROUP,
      memberId: consumer.memberId,
      groupInstanceId: instance ?? null,
      sessionTimeoutMs: sessionMs ?? 45_000,
      rebalanceTimeoutMs: rebalanceMs ?? 60_000,
      protocolType: 'consumer',
      protocols: consumer.protocols.map((protocol) => ({ name: protocol, metadata })),
      reason: null,
      clientId: consumer.name,
      clientHost: '/10.0.0.4',
      apiVersion: version ?? 9,
      ...changes,
    }
    return this.shard.run(({ groups }, step) => {
      const group = groups.get(GROUP)
      return group instanceof ConsumerGroup && !group.isEmpty
        ? joinConsumerGroup(groups, group, request, step)
        : joinGroup(groups, request, step, this.surroundings)
    })
  }

  private named(owned: Iterable<string>): { topic: string; partitions: number[] }[] {
    return this.listed(owned).map(({ topicId, partitions }) => ({
      topic: this.image.topicsById.get(topicId)?.name ?? topicId,
      partitions,
    }))
  }

  sendSync(consumer: ClassicConsumer, answer: JoinGroupAnswer): Call<SyncGroupAnswer> {
    const isLeader = answer.leader === consumer.memberId && answer.memberId === consumer.memberId
    const request = {
      groupId: GROUP,
      generationId: consumer.generationId,
      memberId: consumer.memberId,
      groupInstanceId: consumer.options.instance ?? null,
      protocolType: 'consumer',
      protocolName: answer.protocolName ?? null,
      assignments: isLeader && !answer.skipAssignment ? this.lead(consumer, answer) : [],
    }
    return this.shard.run(({ groups }, step) => {
      const group = groups.get(GROUP)
      if (group instanceof ConsumerGroup) return syncConsumerGroup(groups, group, request, step)
      if (group instanceof ClassicGroup) return syncGroup(group, request, step)
      throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
    })
  }

  /** In turn; what somebody else has is handed out only in the next round if the leader is cooperative. */
  private lead(
    { options }: ClassicConsumer,
    answer: JoinGroupAnswer,
  ): { memberId: string; assignment: Buffer }[] {
    const members = answer.members!.map(({ memberId, metadata }) => ({
      memberId: memberId!,
      ...decodeSubscription(metadata as Buffer),
      parts: [] as string[],
    }))
    const topics = [...this.image.topics.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
    let turn = 0
    for (const { name, partitions } of topics) {
      const subscribers = members.filter((member) => member.topics.includes(name))
      for (const { index } of subscribers.length === 0 ? [] : partitions) {
        const next = subscribers[turn++ % subscribers.length]!
        const owner = members.find(({ ownedPartitions }) =>
          ownedPartitions.some(({ topic, partitions: owned }) => topic === name && owned.includes(index)),
        )
        if (options.isCooperative && owner !== undefined && owner !== next) continue
        next.parts.push(`${name}-${index}`)
      }
    }
    return members.map(({ memberId, parts }) => ({
      memberId,
      assignment: encodeAssignment({ assignedPartitions: this.named(parts) }, 3),
    }))
  }

  /** Takes in the answers that are there, and does what follows from them. What it heard last, as text. */
  pump(name: string): string {
    const consumer = this.classic(name)
    for (let turns = 0; turns < 10 && this.classics.has(name); turns++) {
      if (consumer.joining?.isAnswered) this.joined(consumer, consumer.joining)
      else if (consumer.syncing?.isAnswered) this.synced(consumer, consumer.syncing)
      else break
    }
    return this.say(consumer)
  }

  say(consumer: ClassicConsumer): string {
    if (consumer.joining !== undefined) return 'joins'
    if (consumer.syncing !== undefined) return 'syncs'
    return `generation ${consumer.generationId}:${[...consumer.owned]
      .sort()
      .map((name) => ` ${name}`)
      .join('')}`
  }

  private joined(consumer: ClassicConsumer, call: Call<JoinGroupAnswer>): void {
    consumer.joining = undefined
    const error = call.error === errors.NONE ? errorByCode(call.answer.errorCode ?? 0) : call.error
    if (error !== errors.NONE) {
      this.refused(consumer, error.name)
      return
    }
    const { answer } = call
    consumer.memberId = answer.memberId!
    consumer.generationId = answer.generationId!
    consumer.syncing = this.sendSync(consumer, answer)
  }

  private synced(consumer: ClassicConsumer, call: Call<SyncGroupAnswer>): void {
    consumer.syncing = undefined
    const error = call.error === errors.NONE ? errorByCode(call.answer.errorCode ?? 0) : call.error
    if (error !== errors.NONE) {
      this.refused(consumer, error.name)
      return
    }
    const bytes = call.answer.assignment as Buffer
    const told = bytes.length === 0 ? [] : decodeAssignment(bytes).assignedPartitions
    const names = told.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => `${topic}-${partition}`),
    )
    const surplus = [...consumer.owned].filter((partition) => !names.includes(partition))
    for (const partition of names) this.take(consumer, partition)
    for (const partition of surplus) consumer.owned.delete(partition)
    if (consumer.options.isCooperative && surplus.length > 0) this.rejoin(consumer)
  }

  private take(consumer: ClassicConsumer, partition: string): void {
    // An answer that it hears late may be of no use any more: it has been put out meanwhile.
    for (const other of this.isIn(consumer.memberId) ? this.owners() : []) {
      if (other === consumer || !other.owned.has(partition) || !this.isIn(other.memberId)) continue
      assert.fail(`${partition} was given to ${consumer.name} while ${other.name} has it`)
    }
    consumer.owned.add(partition)
  }

  protected override owners(): Iterable<{ name: string; memberId: string; owned: Set<string> }> {
    return [...this.consumers.values(), ...this.classics.values()]
  }

  protected override isIn(memberId: string): boolean {
    const group = this.shard.machine.groups.get(GROUP)
    return group instanceof ClassicGroup ? group.members.has(memberId) : super.isIn(memberId)
  }

  /** As Java's consumer: some errors mean that it has lost everything. */
  private refused(consumer: ClassicConsumer, error: string): void {
    if (['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'].includes(error)) {
      consumer.owned.clear()
      consumer.generationId = -1
    }
    if (error === 'UNKNOWN_MEMBER_ID') consumer.memberId = ''
    // Another one has its instance id: that is the end of it.
    if (error === 'FENCED_INSTANCE_ID') this.classics.delete(consumer.name)
    else this.rejoin(consumer)
  }

  /** A heartbeat, or what it waits for. The error that it heard, or what it has now. */
  beatClassic(name: string): string {
    const consumer = this.classic(name)
    if (consumer.joining !== undefined || consumer.syncing !== undefined) return this.pump(name)
    const error = this.sendHeartbeat(consumer)
    if (error === 'NONE') return this.say(consumer)
    this.refused(consumer, error)
    if (this.classics.has(name)) this.pump(name)
    return error
  }

  sendHeartbeat(consumer: ClassicConsumer): string {
    const request = {
      groupId: GROUP,
      generationId: consumer.generationId,
      memberId: consumer.memberId,
      groupInstanceId: consumer.options.instance ?? null,
    }
    const call = this.shard.run(({ groups }, step) => {
      const group = groups.get(GROUP)
      if (group instanceof ConsumerGroup) return heartbeatConsumerGroup(groups, group, request, step)
      if (group instanceof ClassicGroup) return heartbeat(group, request, step)
      throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
    })
    return call.error === errors.NONE ? errorByCode(call.answer.errorCode ?? 0).name : call.error.name
  }

  leaveClassic(name: string): string {
    const consumer = this.classic(name)
    const { memberId, options } = consumer
    this.classics.delete(name)
    const members = [{ memberId, groupInstanceId: options.instance ?? null, reason: null }]
    const call = this.shard.run(({ groups }, step) => {
      const group = groups.get(GROUP)
      if (group instanceof ConsumerGroup) return leaveConsumerGroupByRequest(groups, group, { members }, step)
      if (group instanceof ClassicGroup) return leaveGroup(group, { members }, step)
      throw new KafkaError(errors.UNKNOWN_MEMBER_ID)
    })
    return call.error === errors.NONE
      ? errorByCode(call.answer.members![0]!.errorCode ?? 0).name
      : call.error.name
  }

  /** Everybody lives for a while: heartbeats every three seconds. */
  live(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      this.advance(3000)
      for (const name of this.consumers.keys()) this.liveOn(name)
      for (const name of this.classics.keys()) this.beatClassic(name)
    }
  }

  protected liveOn(name: string): void {
    if (this.consumer(name).epoch === 0) this.join(name)
    else this.beat(name)
  }
}

/** A classic group with these members, each with its part. */
export function classicGroup(
  members: Readonly<Record<string, Partial<ClassicOptions>>>,
  options: ScriptOptions = {},
) {
  const script = new MixedScript({ topics: { t: 4 }, ...options })
  for (const [name, member] of Object.entries(members)) script.enter(name, { topics: ['t'], ...member })
  script.live(3)
  assert.equal(script.type, 'classic')
  script.reasons()
  return script
}

/** A consumer group of one consumer of each protocol: `old` has t-0 and t-1, `new` the rest. */
export function mixedGroup(options: ScriptOptions = {}, old: Partial<ClassicOptions> = {}) {
  const script = classicGroup({ old }, options)
  script.join('new', 't')
  script.live(4)
  assert.match(script.shape, /^Stable /)
  script.reasons()
  return script
}
