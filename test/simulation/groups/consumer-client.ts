// A consumer of the consumer protocol (KIP-848), as the Java client 4.3 behaves: one heartbeat at a time, everything about
// itself in the first one and after a failure; comes round to what it is told when its application lets it, gives up
// before it takes, and says so at once. Promises to forget what it owned as soon as it knows that it was fenced.
import type { HeartbeatAnswer } from '../../../src/coordinator/group/consumer/request.ts'
import type { OffsetsClient } from '../../../src/coordinator/group/group.ts'
import { type ErrorCode, errors } from '../../../src/wire/errors.ts'
import { byTopic } from './assignments.ts'
import { Client, type ClientOptions, isRetriable } from './client.ts'
import { type Coordinator, GROUP, type Outcome } from './coordinator.ts'
import type { World } from './world.ts'

export interface ConsumerOptions extends ClientOptions {
  /** Subscribes to this instead of topics. */
  readonly regex: string | null
}

const FATAL: ReadonlySet<ErrorCode> = new Set([
  errors.FENCED_INSTANCE_ID,
  errors.UNRELEASED_INSTANCE_ID,
  errors.GROUP_MAX_SIZE_REACHED,
])

export class ConsumerClient extends Client {
  readonly memberId: string
  epoch = 0
  private readonly regex: string | null
  private heartbeatIntervalMs = 1000
  private isBeating = false
  private isReconciling = false
  /** What it was told to have; undefined: nothing yet. */
  private target: ReadonlySet<string> | undefined
  /** What it last said that it owns; undefined: everything has to be said again. */
  private said: string | undefined
  private saidTopics: string | undefined
  private beats = 0

  constructor(world: World, coordinator: Coordinator, options: ConsumerOptions) {
    super(world, coordinator, options)
    this.regex = options.regex
    this.memberId = `${options.name}-${world.random.bytes(4).toString('hex')}`
  }

  start(): void {
    this.say(
      () => `starts: consumer, ${this.instanceId ?? 'dynamic'}, ${this.regex ?? this.topics.join(' ')}`,
    )
    this.startCommitting()
    this.beat()
  }

  leave(): void {
    this.say(() => 'leaves')
    const finish = () => {
      const memberEpoch = this.instanceId === null ? -1 : -2
      const request = this.request({ memberEpoch })
      this.call({
        what: `leaves with ${memberEpoch}`,
        command: (machine, step) => machine.consumerGroupHeartbeat(request, step),
        tell: () => 'done',
        done: () => {},
      })
      this.end()
    }
    if (this.epoch === 0) this.end()
    else this.commit([...this.owned.keys()], finish)
  }

  subscribe(topics: readonly string[]): void {
    this.say(() => `subscribes to ${topics.join(' ')}`)
    this.topics = topics
    if (!this.isBeating) this.beat()
  }

  topicsChanged(): void {}

  get isSettled(): boolean {
    return (
      this.epoch > 0 &&
      this.target !== undefined &&
      !this.isReconciling &&
      this.target.size === this.owned.size &&
      [...this.owned].every(([key, position]) => this.target!.has(key) && position !== undefined)
    )
  }

  /** The generation or member epoch that it knows. */
  get generation(): number {
    return this.epoch
  }

  get identity(): OffsetsClient | undefined {
    if (this.epoch <= 0) return undefined
    return {
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      generationIdOrMemberEpoch: this.epoch,
      apiVersion: 9,
    }
  }

  protected get reader() {
    return { memberId: this.memberId, memberEpoch: this.epoch }
  }

  reads(topic: string): boolean {
    return this.regex === null ? this.topics.includes(topic) : new RegExp(`^(${this.regex})$`).test(topic)
  }

  describe(): string {
    return `${this.name}: epoch ${this.epoch}, has ${[...this.owned.keys()].sort().join(' ')}${this.isReconciling ? ', reconciles' : ''}`
  }

  // Heartbeats.

  private beat(): void {
    this.isBeating = true
    this.beats++
    const owned = [...this.owned.keys()].sort().join(' ')
    const topics = this.regex ?? this.topics.join(' ')
    const isFull = this.said === undefined
    const tells = isFull || owned !== this.said
    const changes = {
      memberEpoch: this.epoch,
      rebalanceTimeoutMs: isFull ? this.rebalanceTimeoutMs : -1,
      topicPartitions: tells ? this.ownedById() : null,
      ...(isFull || topics !== this.saidTopics ? this.subscription() : {}),
    }
    this.said = owned
    this.saidTopics = topics
    const request = this.request(changes)
    this.call({
      what: `heartbeat ${this.epoch}${tells ? ` has ${owned}` : ''}`,
      command: (machine, step) => machine.consumerGroupHeartbeat(request, step),
      isOrdered: true,
      tell: ({ memberEpoch, assignment }) =>
        assignment == null && memberEpoch === request.memberEpoch ? undefined : `epoch ${memberEpoch}`,
      done: (outcome) => {
        this.isBeating = false
        this.heard(outcome)
      },
    })
  }

  private request(changes: { memberEpoch: number }) {
    return {
      groupId: GROUP,
      memberId: this.memberId,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      clientId: this.name,
      clientHost: '/10.0.0.2',
      apiVersion: 1,
      ...changes,
    }
  }

  /** Both: a static member inherits what its request leaves out, as with Apache Kafka. */
  private subscription() {
    return this.regex === null
      ? { subscribedTopicNames: [...this.topics], subscribedTopicRegex: '' }
      : { subscribedTopicNames: [], subscribedTopicRegex: this.regex }
  }

  private ownedById() {
    return byTopic(this.owned.keys()).map(({ topic, partitions }) => ({
      topicId: this.world.image.topics.get(topic)!.id,
      partitions,
    }))
  }

  private beatIn(ms: number): void {
    const { beats } = this
    this.after(ms, () => {
      if (!this.isBeating && this.beats === beats) this.beat()
    })
  }

  private heard(outcome: Outcome<HeartbeatAnswer>): void {
    if (outcome.kind === 'answer') {
      this.told(outcome.answer)
    } else if (isRetriable(outcome)) {
      this.said = undefined
      this.beatIn(this.world.between(50, 500))
    } else if (outcome.kind === 'error' && FATAL.has(outcome.error)) {
      this.say(() => 'ends')
      this.end()
    } else {
      // Fenced, or not known (any more): begins again.
      this.forget()
      this.beatIn(this.world.between(0, 500))
    }
  }

  private told({ memberEpoch, heartbeatIntervalMs, assignment }: HeartbeatAnswer): void {
    this.epoch = memberEpoch!
    this.heartbeatIntervalMs = heartbeatIntervalMs!
    if (assignment != null) {
      const target = assignment.topicPartitions!.flatMap(({ topicId, partitions }) => {
        const topic = this.world.image.topicsById.get(topicId!)!
        return partitions!.map((partition) => `${topic.name}-${partition}`)
      })
      this.target = new Set(target)
      this.say(() => `is told to have ${target.sort().join(' ')}`)
      if (!this.isReconciling) this.reconcile()
    }
    const hasNews = this.said !== undefined && this.saidTopics !== (this.regex ?? this.topics.join(' '))
    this.beatIn(hasNews ? 0 : this.heartbeatIntervalMs)
  }

  /** Gives up, then takes, then says so. */
  private reconcile(): void {
    this.isReconciling = true
    const { target } = this
    const surplus = [...this.owned.keys()].filter((key) => !target!.has(key))
    const busyMs = this.world.chance(0.05) ? this.world.between(0, 25_000) : this.world.between(0, 300)
    this.after(surplus.length > 0 ? busyMs : 0, () => {
      if (this.target !== target) {
        // Fenced meanwhile, or told otherwise.
        this.isReconciling = false
        if (this.target !== undefined) this.reconcile()
        return
      }
      this.commit(surplus, () => {
        this.isReconciling = false
        if (this.target !== target) {
          if (this.target !== undefined) this.reconcile()
          return
        }
        for (const key of surplus) this.owned.delete(key)
        for (const key of target!) if (!this.owned.has(key)) this.gain(key)
        if (!this.isBeating) this.beat()
      })
    })
  }

  private forget(): void {
    this.epoch = 0
    this.owned.clear()
    this.target = undefined
    this.said = undefined
  }

  /** The next heartbeat tells. */
  protected commitFailed(): void {}
}
