// One random history of a group: clients come, go, crash and freeze, topics grow, the network and the coordinator fail; then
// everything heals. Promises to fail when one of these does not hold, with the moment it happened:
// - Nobody else may commit for a partition that a client owns and may commit for: one owner in every generation. (Looked at
//   after every step and every answer: whoever believes to own a partition is asked for by the commit rules of its group.)
// - Committed offsets change by commits alone, and go back only when a tool sets them (coordinator.ts).
// - Once everything works, the group becomes stable, every partition that somebody reads has one owner, and all stay so.
import assert from 'node:assert/strict'
import { advance, emptyImage } from '../../../src/cluster/image.ts'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import type { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import type { Group, GroupSurroundings } from '../../../src/coordinator/group/group.ts'
import { TopicPatterns } from '../../../src/coordinator/group/topic-patterns.ts'
import { KafkaError } from '../../../src/wire/errors.ts'
import type { Style } from './assignments.ts'
import { ClassicClient } from './classic-client.ts'
import type { Client } from './client.ts'
import { ConsumerClient } from './consumer-client.ts'
import { Coordinator, GROUP } from './coordinator.ts'
import { configOf, faultsOf, idleStep, topicOf } from './scenery.ts'
import { NO_FAULTS, World } from './world.ts'

export const KINDS = ['eager', 'cooperative', 'consumer', 'mixed'] as const

/** Who is in the group: classic consumers of one style, consumers of the new protocol, or both. */
export type Kind = (typeof KINDS)[number]

const CHAOS_MS = 90_000
/** Sessions and rebalances must have ended by then, also those of new members that nobody hears of (5 minutes). */
const LONGEST_HEALING_MS = 15 * 60_000
/** What was on its way when everything healed has had its effect. */
const AFTERMATH_MS = 60_000
const QUIET_MS = 30_000
/** Of what happened before a failure. */
const MOST_LINES = 3000
const TOPICS = ['ta', 'tb', 'tc']
/** The first reads one of them, the second two, and so on. */
const INSTANCES = ['i1', 'i2', 'i3']

export interface HistoryResult {
  readonly rebalances: number
  readonly clients: number
}

/**
 * Runs one history. `lines` takes down everything that happens in it.
 * @throws AssertionError
 */
export function runHistory(kind: Kind, seed: number, lines?: string[]): HistoryResult {
  return new History(kind, seed, lines).run()
}

/**
 * Runs the histories of these seeds. One that fails is run again for its story, which ends the error's message.
 * @throws Error
 */
export function runHistories(kind: Kind, fromSeed: number, toSeed: number): void {
  for (let seed = fromSeed; seed < toSeed; seed++) {
    try {
      runHistory(kind, seed)
    } catch {
      const lines: string[] = []
      try {
        runHistory(kind, seed, lines)
      } catch (error) {
        const { stack } = error as Error
        throw new Error(`GROUP_HISTORY=${kind}:${seed}\n${stack}\n\n${lines.slice(-MOST_LINES).join('\n')}`)
      }
      throw new Error(`GROUP_HISTORY=${kind}:${seed} fails, and not when it is run again`)
    }
  }
}

/** In every other history with so few steps for each turn that patterns are not known in the heartbeats that bring them. */
function patternsOf(world: World, seed: number): TopicPatterns {
  const clock = {
    endOfTurn: (wake: () => void) => world.after(1, wake),
    monotonicMs: () => world.nowMs,
  }
  return new TopicPatterns(seed % 2 === 0 ? { clock } : { clock, stepsPerTurn: 100 })
}

class History {
  readonly world: World
  private readonly kind: Kind
  private readonly style: Style
  private readonly coordinator: Coordinator
  private readonly clients: Client[] = []
  private started = 0

  constructor(kind: Kind, seed: number, lines: string[] | undefined) {
    let image = emptyImage('simulation')
    this.world = new World(seed, image, lines)
    const topics = TOPICS.map((name) => topicOf(name, 1 + this.world.random.below(5)))
    image = advance(image, { topics })
    this.world.image = image
    this.kind = kind
    this.style =
      kind === 'mixed'
        ? this.world.pick(['eager', 'cooperative'])
        : kind === 'eager'
          ? 'eager'
          : 'cooperative'
    const config = configOf(this.world)
    const surroundings: GroupSurroundings = {
      config: () => config,
      groupConfig: () => ({
        consumerSessionTimeoutMs: config.groupConsumerSessionTimeoutMs,
        consumerHeartbeatIntervalMs: config.groupConsumerHeartbeatIntervalMs,
        consumerAssignmentIntervalMs: config.groupConsumerAssignmentIntervalMs,
      }),
      image: () => this.world.image,
      random: this.world.random,
      patterns: patternsOf(this.world, seed),
      note: (_groupId, { generation, reason }) =>
        this.world.say('group', () => `${generation ?? ''} ${reason}`),
    }
    this.coordinator = new Coordinator(this.world, surroundings, () => this.checkOwners())
  }

  run(): HistoryResult {
    this.world.faults = faultsOf(this.world)
    const first = 1 + this.world.random.below(4)
    for (let i = 0; i < first; i++) this.startClient()
    this.scheduleChange()
    this.runUntil(() => this.world.nowMs >= CHAOS_MS)
    this.heal()
    const healedMs = this.world.nowMs
    this.runUntil(() => this.world.nowMs > healedMs + AFTERMATH_MS)
    this.runUntil(() => this.unsettled() === undefined || this.world.nowMs > healedMs + LONGEST_HEALING_MS)
    assert.equal(this.unsettled(), undefined, `${this.unsettled()}\n${this.describe()}`)
    this.stayQuiet()
    const group = this.group
    const rebalances =
      group instanceof ClassicGroup ? group.generationId : (group as ConsumerGroup | undefined)?.groupEpoch
    return { rebalances: rebalances ?? 0, clients: this.started }
  }

  private get group(): Group | undefined {
    return this.coordinator.machine.groups.get(GROUP)
  }

  private get living(): Client[] {
    return this.clients.filter(({ isAlive }) => isAlive)
  }

  private runUntil(isOver: () => boolean): void {
    while (!isOver()) {
      const eventMs = this.world.nextMs
      const timerMs = this.coordinator.nextTimerMs
      if (timerMs !== undefined && (eventMs === undefined || timerMs <= eventMs)) this.coordinator.fireTimer()
      else if (eventMs !== undefined) {
        this.world.runNext()
        this.checkOwners()
      } else return
    }
  }

  // What happens.

  private startClient(): void {
    const { world } = this
    const instances = INSTANCES.filter(
      (id) => world.chance(0.02) || !this.living.some(({ instanceId }) => instanceId === id),
    )
    const instanceId = instances.length > 0 && world.chance(0.3) ? world.pick(instances) : null
    const options = {
      name: `c${++this.started}`,
      instanceId,
      // Classic groups do not look at what a static member subscribes to that comes back, as with Apache Kafka.
      topics: instanceId === null ? this.someTopics() : TOPICS.slice(0, Number(instanceId.slice(1))),
      rebalanceTimeoutMs: world.pick([6000, 10_000, 20_000]),
    }
    const isClassic = this.kind === 'mixed' ? world.chance(0.5) : this.kind !== 'consumer'
    const client = isClassic
      ? new ClassicClient(world, this.coordinator, {
          ...options,
          style: this.style,
          // Before version 9 nobody leads after a static leader has come back (KIP-814), nor sees that topics grow.
          joinVersion: instanceId === null ? world.pick([3, 5, 9]) : 9,
        })
      : new ConsumerClient(world, this.coordinator, {
          ...options,
          regex: world.chance(0.2) ? world.pick(['t.*', 't[ab]', 'nothing']) : null,
        })
    this.clients.push(client)
    client.start()
  }

  private someTopics(): readonly string[] {
    const { world } = this
    return world.chance(0.5) ? TOPICS : TOPICS.filter((_, i) => i === 0 || world.chance(0.5))
  }

  private scheduleChange(): void {
    this.world.after(this.world.between(200, 12_000), () => {
      if (this.world.nowMs >= CHAOS_MS) return
      this.change()
      this.scheduleChange()
    })
  }

  private change(): void {
    const { world, living } = this
    const dynamic = living.filter(({ instanceId }) => instanceId === null)
    const dice = world.random.below(100)
    if (dice < 30 && living.length < 6) this.startClient()
    else if (dice < 45 && living.length > 0) world.pick(living).leave()
    else if (dice < 58 && living.length > 0) world.pick(living).crash()
    else if (dice < 68 && living.length > 0) world.pick(living).freeze(world.between(1000, 30_000))
    else if (dice < 76 && dynamic.length > 0) world.pick(dynamic).subscribe(this.someTopics())
    else if (dice < 82) this.growTopic()
    else if (dice < 93) this.crashCoordinator()
    else if (this.coordinator.isUp) this.useTool(dice)
  }

  private growTopic(): void {
    const topic = this.world.image.topics.get(this.world.pick(TOPICS))!
    if (topic.partitions.length >= 8) return
    const grown = topicOf(topic.name, topic.partitions.length + 1)
    this.world.image = advance(this.world.image, { topics: [grown] })
    this.world.say('topics', () => `${topic.name} has ${grown.partitions.length} partitions`)
    for (const client of this.living)
      this.world.after(this.world.between(0, 3000), () => client.topicsChanged())
  }

  private crashCoordinator(): void {
    if (!this.coordinator.isUp) return
    this.coordinator.crash()
    this.world.after(this.world.between(10, 8000), () => this.coordinator.restart())
  }

  /** Offsets are set, or the group deleted, only if nobody is in it. */
  private useTool(dice: number): void {
    if (dice < 95) this.coordinator.removeMember(this.world.pick(INSTANCES))
    else if (dice < 97) this.coordinator.deleteGroup()
    else this.resetOffset()
  }

  private resetOffset(): void {
    const topic = this.world.image.topics.get(this.world.pick(TOPICS))!
    const partitionIndex = this.world.random.below(topic.partitions.length)
    const offset = { partitionIndex, committedOffset: 0, committedLeaderEpoch: -1, committedMetadata: '' }
    this.coordinator.reset({
      groupId: GROUP,
      memberId: '',
      groupInstanceId: null,
      generationIdOrMemberEpoch: -1,
      apiVersion: 9,
      retentionTimeMs: -1,
      topics: [{ name: topic.name, topicId: topic.id, partitions: [offset] }],
    })
  }

  private heal(): void {
    this.world.say('world', () => 'heals')
    this.world.faults = NO_FAULTS
    for (const client of this.living) client.thaw()
  }

  // What must hold.

  private checkOwners(): void {
    if (!this.coordinator.isUp) return
    const owners = new Map<string, Client>()
    for (const client of this.clients) {
      if (!client.isAlive || client.identity === undefined) continue
      for (const key of client.owned.keys()) {
        const other = owners.get(key)
        if (other === undefined) owners.set(key, client)
        else if (this.mayCommit(other, key)) {
          assert(
            !this.mayCommit(client, key),
            `both own ${key}:\n  ${other.describe()}\n  ${client.describe()}`,
          )
        } else owners.set(key, client)
      }
    }
  }

  private mayCommit(client: Client, key: string): boolean {
    const dash = key.lastIndexOf('-')
    const partition = { topic: key.slice(0, dash), partition: Number(key.slice(dash + 1)) }
    const { group } = this
    if (group === undefined) return false
    try {
      group.checkOffsetCommit(client.identity!, [partition], idleStep(this.world.nowMs))
      return true
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return false
    }
  }

  /** Why the group is not where it should be; undefined: it is. */
  private unsettled(): string | undefined {
    const { group, living } = this
    if (!this.coordinator.isUp) return 'the coordinator is down'
    if (living.length === 0)
      return group === undefined || group.isEmpty ? undefined : 'the group is not empty'
    if (group?.stateName !== 'Stable') return `the group is ${group?.stateName ?? 'not there'}`
    const memberIds = this.memberIds(group).sort().join(' ')
    const alive = living.map((client) => (client as ClassicClient | ConsumerClient).memberId)
    if (memberIds !== alive.sort().join(' ')) return `members are ${memberIds}, alive are ${alive}`
    const behind = (living as (ClassicClient | ConsumerClient)[]).find(
      (client) => client.generation !== this.generationOf(group, client.memberId),
    )
    if (behind !== undefined) return `${behind.name} has not heard of its generation`
    const restless = living.find((client) => !client.isSettled)
    if (restless !== undefined) return `${restless.name} is not settled`
    return this.misplaced()
  }

  private memberIds(group: Group): string[] {
    if (group instanceof ClassicGroup) return [...group.members.keys()]
    return Array.from((group as ConsumerGroup).members(), ({ memberId }) => memberId)
  }

  private generationOf(group: Group, memberId: string): number | undefined {
    return group instanceof ClassicGroup
      ? group.generationId
      : (group as ConsumerGroup).member(memberId)?.memberEpoch
  }

  /** A partition that has no owner, or two, or one that does not read it. */
  private misplaced(): string | undefined {
    const owners = new Map<string, Client>()
    for (const client of this.living) {
      for (const key of client.owned.keys()) {
        if (owners.has(key)) return `${key} has two owners`
        if (!client.reads(key.slice(0, key.lastIndexOf('-')))) return `${client.name} does not read ${key}`
        owners.set(key, client)
      }
    }
    for (const { name, partitions } of this.world.image.topics.values()) {
      if (!this.living.some((client) => client.reads(name))) continue
      for (const { index } of partitions)
        if (!owners.has(`${name}-${index}`)) return `nobody has ${name}-${index}`
    }
    return undefined
  }

  /** Once stable, nothing moves any more, and everybody can commit. */
  private stayQuiet(): void {
    const describe = () => this.living.map((client) => client.describe()).join('\n')
    const before = describe()
    for (const client of this.living) client.hasCommitted = false
    const fromMs = this.world.nowMs
    this.runUntil(() => this.world.nowMs > fromMs + QUIET_MS)
    assert.equal(this.unsettled(), undefined, 'the group was stable and is not any more')
    assert.equal(describe(), before, 'something moved without a cause')
    for (const client of this.living) {
      assert(client.owned.size === 0 || client.hasCommitted, `${client.name} could not commit`)
    }
  }

  private describe(): string {
    return [
      this.coordinator.describe(),
      ...this.clients.filter(({ isAlive }) => isAlive).map((client) => client.describe()),
    ].join('\n')
  }
}
