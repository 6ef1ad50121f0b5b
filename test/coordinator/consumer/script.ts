// Stories of a consumer group in a few lines: consumers with short names that do what real ones do (keep what they are told,
// give up what is taken from them, say what they have), and what they hear as text.
// Promises that nobody is ever told to have a partition that another consumer has and has not given up: looked at after every
// answer. Leaves virtual time and the log to ../trace.ts.
//
//   const script = new ConsumerScript({ topics: { t: 4 } })
//   script.join('a', 't')      // 'epoch 2: t-0 t-1 t-2 t-3'
//   script.beat('a')           // 'epoch 2', or the name of the error
//   script.shape               // 'Stable 2/2: a@2 t-0 t-1 t-2 t-3'
import assert from 'node:assert/strict'
import { advance, type ClusterImage, emptyImage } from '../../../src/cluster/image.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../../src/config/broker-config.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import { consumerGroupHeartbeat } from '../../../src/coordinator/group/consumer/heartbeat.ts'
import { memberStates } from '../../../src/coordinator/group/consumer/member.ts'
import type { HeartbeatAnswer, HeartbeatRequest } from '../../../src/coordinator/group/consumer/request.ts'
import type { GroupSurroundings } from '../../../src/coordinator/group/group.ts'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import type { TimelineEvent } from '../../../src/coordinator/group/timeline.ts'
import { TopicPatterns, type TopicPatternsOptions } from '../../../src/coordinator/group/topic-patterns.ts'
import { SeededRandom } from '../../../src/lib/random.ts'
import { topicImage } from '../../partition/stage.ts'
import { type Call, TraceShard } from '../trace.ts'
import { ConsumerPieces } from './pieces.ts'

export const GROUP = 'g'

export interface Subscription {
  readonly topics?: readonly string[]
  readonly regex?: string
  readonly instance?: string
  readonly assignor?: string
  readonly rebalanceMs?: number
  readonly rack?: string
}

/** What a consumer knows: only from answers. */
export class Consumer {
  readonly name: string
  memberId: string
  epoch = 0
  subscription: Subscription
  /** `t-0`: what it was told to have and has not given up. */
  owned = new Set<string>()
  /** What it was told last, if it has not come round to it yet. */
  told: readonly string[] | undefined
  /** Whether the coordinator knows what it owns. */
  hasTold = true

  constructor(name: string, memberId: string, subscription: Subscription) {
    this.name = name
    this.memberId = memberId
    this.subscription = subscription
  }
}

export interface ScriptOptions {
  /** Topics and how many partitions they have. */
  readonly topics?: Readonly<Record<string, number>>
  readonly settings?: Readonly<Record<string, string>>
  readonly seed?: number
  /** Bounds of what patterns may cost. */
  readonly patterns?: Omit<TopicPatternsOptions, 'clock'>
}

export class ConsumerScript {
  readonly shard: TraceShard<GroupRecord, ConsumerPieces>
  readonly notes: TimelineEvent[] = []
  readonly surroundings: GroupSurroundings
  readonly patterns: TopicPatterns
  /** Who waits for the end of the turn of the event loop: it ends with every heartbeat, unless a test wants to see between. */
  readonly turns: (() => void)[] = []
  endsTurns = true
  readonly consumers = new Map<string, Consumer>()
  image: ClusterImage = emptyImage('cluster')
  private topicCount = 0
  private memberCount = 0

  constructor({ topics = {}, settings = {}, seed = 1, patterns = {} }: ScriptOptions = {}) {
    const config: BrokerConfig = parseBrokerConfig({
      'group.initial.rebalance.delay.ms': '0',
      'group.consumer.min.assignment.interval.ms': '0',
      'group.consumer.assignment.interval.ms': '0',
      ...settings,
    })
    this.patterns = new TopicPatterns({
      clock: { endOfTurn: (wake) => this.turns.push(wake), monotonicMs: () => this.shard.nowMs },
      ...patterns,
    })
    this.surroundings = {
      config: () => config,
      groupConfig: () => ({
        consumerSessionTimeoutMs: config.groupConsumerSessionTimeoutMs,
        consumerHeartbeatIntervalMs: config.groupConsumerHeartbeatIntervalMs,
        consumerAssignmentIntervalMs: config.groupConsumerAssignmentIntervalMs,
      }),
      image: () => this.image,
      random: new SeededRandom(seed),
      patterns: this.patterns,
      note: (_groupId, event) => this.notes.push(event),
    }
    this.shard = new TraceShard(() => new ConsumerPieces(this.surroundings))
    for (const [name, partitions] of Object.entries(topics)) this.createTopic(name, partitions)
  }

  // The cluster.

  createTopic(name: string, partitions: number): void {
    const id = Buffer.from(`topic ${String(this.topicCount++).padStart(10, '0')}`).toString('base64url')
    this.image = advance(this.image, { topics: [topicImage(name, { id, partitions })] })
  }

  addPartitions(name: string, partitions: number): void {
    this.image = advance(this.image, {
      topics: [topicImage(name, { id: this.image.topics.get(name)!.id, partitions })],
    })
  }

  /** Nobody has anything of it any more: a topic of the same name that comes later is another one. */
  deleteTopic(name: string): void {
    for (const { owned } of this.owners()) {
      for (const partition of owned) if (partition.startsWith(`${name}-`)) owned.delete(partition)
    }
    for (const consumer of this.consumers.values()) {
      consumer.told = consumer.told?.filter((partition) => !partition.startsWith(`${name}-`))
    }
    this.image = advance(this.image, { deletedTopicIds: [this.image.topics.get(name)!.id] })
  }

  /** `t-0`, or the id where the topic is gone. */
  nameOf(topicId: string, partition: number): string {
    return `${this.image.topicsById.get(topicId)?.name ?? topicId}-${partition}`
  }

  // Consumers.

  consumer(name: string): Consumer {
    const consumer = this.consumers.get(name)
    assert(consumer !== undefined, `no consumer ${name}`)
    return consumer
  }

  /** A consumer comes, or one that was put out comes again: with nothing. */
  join(
    name: string,
    subscription: string | Subscription = {},
    changes: Partial<HeartbeatRequest> = {},
  ): string {
    const wanted = typeof subscription === 'string' ? { topics: subscription.split(' ') } : subscription
    let consumer = this.consumers.get(name)
    if (consumer === undefined) {
      consumer = new Consumer(name, `${name}${++this.memberCount}`, wanted)
      this.consumers.set(name, consumer)
    } else if (Object.keys(wanted).length > 0) {
      consumer.subscription = { ...consumer.subscription, ...wanted }
    }
    this.abandon(consumer)
    return this.hear(consumer, this.send(consumer, this.fullRequest(consumer, changes)))
  }

  fullRequest(consumer: Consumer, changes: Partial<HeartbeatRequest> = {}): Partial<HeartbeatRequest> {
    const { topics, regex, assignor, rebalanceMs, rack } = consumer.subscription
    return {
      memberEpoch: consumer.epoch,
      rebalanceTimeoutMs: rebalanceMs ?? 60_000,
      subscribedTopicNames: topics === undefined && regex !== undefined ? null : [...(topics ?? [])],
      subscribedTopicRegex: regex ?? null,
      serverAssignor: assignor ?? null,
      rackId: rack ?? null,
      topicPartitions: this.listed(consumer.owned),
      ...changes,
    }
  }

  /** A heartbeat. The consumer first comes round to what it was told last, and says so. */
  beat(name: string, changes: Partial<HeartbeatRequest> = {}): string {
    const consumer = this.consumer(name)
    this.comply(consumer)
    const topicPartitions = consumer.hasTold ? null : this.listed(consumer.owned)
    return this.hear(consumer, this.send(consumer, { topicPartitions, ...changes }))
  }

  /** All of them, twice each at least, until nothing changes any more. */
  settle(): void {
    for (let round = 0, before = ''; round < 20; round++) {
      for (const name of this.consumers.keys()) this.beat(name)
      const now = this.shape
      if (now === before) return
      before = now
    }
    assert.fail(`does not settle: ${this.shape}`)
  }

  leave(name: string, memberEpoch = -1): string {
    const consumer = this.consumer(name)
    const text = this.describe(this.send(consumer, { memberEpoch }))
    this.abandon(consumer)
    if (memberEpoch === -1) this.consumers.delete(name)
    return text
  }

  /** Gone without a word; it has nothing any more. */
  crash(name: string): void {
    this.abandon(this.consumer(name))
    this.consumers.delete(name)
  }

  abandon(consumer: Consumer): void {
    consumer.epoch = 0
    consumer.owned.clear()
    consumer.told = undefined
    consumer.hasTold = true
  }

  /** Sends a heartbeat and leaves it to the caller whether the consumer gets the answer. */
  send(consumer: Consumer, changes: Partial<HeartbeatRequest>): Call<HeartbeatAnswer> {
    const request: HeartbeatRequest = {
      groupId: GROUP,
      memberId: consumer.memberId,
      memberEpoch: consumer.epoch,
      instanceId: consumer.subscription.instance ?? null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      clientId: consumer.name,
      clientHost: '/10.0.0.3',
      apiVersion: 1,
      ...changes,
    }
    const call = this.shard.run(({ groups }, step) =>
      consumerGroupHeartbeat(groups, request, step, this.surroundings),
    )
    if (this.endsTurns) this.endTurn()
    return call
  }

  /** False: nothing waited for it. */
  endTurn(): boolean {
    const turns = this.turns.splice(0)
    for (const wake of turns) wake()
    return turns.length > 0
  }

  /** The consumer takes in an answer: what it says, as text. */
  hear(consumer: Consumer, call: Call<HeartbeatAnswer>): string {
    if (call.error.code === 0) {
      const { memberEpoch, memberId, assignment } = call.answer
      assert(
        memberEpoch! >= consumer.epoch,
        `${consumer.name} went back from ${consumer.epoch} to ${memberEpoch}`,
      )
      consumer.epoch = memberEpoch!
      consumer.memberId = memberId!
      consumer.hasTold = true
      if (assignment != null) {
        consumer.told = this.names(assignment.topicPartitions!)
        // New ones can be used at once; what has to go takes until the next heartbeat.
        for (const partition of consumer.told) this.own(consumer, partition)
      }
    } else if (['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'].includes(call.error.name)) {
      this.abandon(consumer)
    } else if (['FENCED_INSTANCE_ID', 'GROUP_ID_NOT_FOUND'].includes(call.error.name)) {
      // Another one has its instance id, or there is nothing to come back to: clients give up.
      this.crash(consumer.name)
    }
    return this.describe(call)
  }

  private own(consumer: Consumer, partition: string): void {
    for (const other of this.owners()) {
      if (other === consumer || !other.owned.has(partition)) continue
      // Put out by the coordinator, which it has not heard yet: its offsets are fenced.
      if (!this.isIn(other.memberId)) continue
      assert.fail(`${partition} was given to ${consumer.name} while ${other.name} has it\n${this.shape}`)
    }
    if (!consumer.owned.has(partition)) consumer.hasTold = false
    consumer.owned.add(partition)
  }

  /** Gives up what it was told not to have. */
  comply(consumer: Consumer): void {
    if (consumer.told === undefined) return
    const surplus = [...consumer.owned].filter((partition) => !consumer.told!.includes(partition))
    for (const partition of surplus) consumer.owned.delete(partition)
    if (surplus.length > 0) consumer.hasTold = false
    consumer.told = undefined
  }

  describe(call: Call<HeartbeatAnswer>): string {
    if (call.error.code !== 0) return call.error.name
    const { memberEpoch, assignment } = call.answer
    if (assignment == null) return `epoch ${memberEpoch}`
    return `epoch ${memberEpoch}:${this.names(assignment.topicPartitions!)
      .map((name) => ` ${name}`)
      .join('')}`
  }

  private names(
    listed: readonly { topicId?: string | undefined; partitions?: readonly number[] | undefined }[],
  ): string[] {
    return listed
      .flatMap(({ topicId, partitions }) => partitions!.map((partition) => this.nameOf(topicId!, partition)))
      .sort()
  }

  listed(owned: Iterable<string>): { topicId: string; partitions: number[] }[] {
    const byTopic = new Map<string, number[]>()
    for (const name of owned) {
      const at = name.lastIndexOf('-')
      const topic = name.slice(0, at)
      const topicId = this.image.topics.get(topic)?.id ?? topic
      byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), Number(name.slice(at + 1))])
    }
    return Array.from(byTopic, ([topicId, partitions]) => ({ topicId, partitions }))
  }

  // The coordinator.

  protected owners(): Iterable<{ name: string; memberId: string; owned: Set<string> }> {
    return this.consumers.values()
  }

  protected isIn(memberId: string): boolean {
    const group = this.shard.machine.groups.get(GROUP)
    return group instanceof ConsumerGroup && group.member(memberId) !== undefined
  }

  get group(): ConsumerGroup {
    const group = this.shard.machine.groups.get(GROUP)
    assert(group instanceof ConsumerGroup, 'there is no consumer group')
    return group
  }

  /** `Reconciling 3/3: a@2 t-0 (-t-1) / b@3? t-2`: state, epochs of group and target, members; `?`: waits for others. */
  get shape(): string {
    const { group } = this
    const members = Array.from(group.members(), (member) => {
      const held = (partitions: typeof member.assigned) =>
        this.names(
          Array.from(partitions, ([topicId, epochs]) => ({ topicId, partitions: [...epochs.keys()] })),
        )
      const waits = member.state === memberStates.UNRELEASED_PARTITIONS ? '?' : ''
      const name = this.clientOf(member.memberId)
      return [
        `${name}@${member.memberEpoch}${waits}`,
        ...held(member.assigned),
        ...held(member.pendingRevocation).map((partition) => `(-${partition})`),
      ].join(' ')
    })
    const epochs = `${group.groupEpoch}/${group.assignmentEpoch}`
    return `${group.stateName} ${epochs}:${members.length === 0 ? '' : ` ${members.join(' / ')}`}`
  }

  private clientOf(memberId: string): string {
    return this.group.member(memberId)!.clientId
  }

  /** The reasons noted since the last call. */
  reasons(): string[] {
    return this.notes.splice(0).map(({ reason }) => reason)
  }

  advance(ms: number): void {
    this.shard.advance(ms)
  }

  /** Short forms of the records written since `from`: `8 a1 null`. */
  recordTypes(from = 0): string[] {
    return this.shard.records.slice(from).map(({ type, value }) => {
      const short = type.replace(/^ConsumerGroup/, '')
      return value === null ? `${short} null` : short
    })
  }

  /** Whoever reads the log, whole or compacted, knows what the coordinator knows. */
  assertSameAfterReload(): void {
    const contents = this.shard.machine.contents()
    assert.deepEqual(this.shard.reload().contents(), contents)
    this.assertNothingLeft()
    assert.deepEqual(
      new ConsumerPieces(this.surroundings).readCompacted(this.shard.log).contents(),
      contents,
      'the compacted log',
    )
  }

  /** No record is left of a member that is gone. */
  private assertNothingLeft(): void {
    const last = new Map(this.shard.log.map(({ record, bytes }) => [bytes!.key.toString('latin1'), record]))
    for (const { type, key, value } of last.values()) {
      if (value === null || !('memberId' in key)) continue
      const group = this.shard.machine.groups.get(key.groupId)
      const isThere = group instanceof ConsumerGroup && group.member(key.memberId) !== undefined
      assert(isThere, `${type} of ${key.memberId}, who is gone`)
    }
  }
}
