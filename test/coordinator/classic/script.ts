// Stories of a classic group in a few lines: clients with short names that join, sync, leave; what they hear is text.
// Promises that ids, generations and bytes stay out of sight: `a` is the client a, whatever member id the broker gave it.
// Leaves virtual time and the log to trace.ts.
//
//   const group = new GroupScript()
//   group.join('a')            // sends JoinGroup, without an id the first time, with the one it was given afterwards
//   group.advance(0)
//   group.heard()              // ['a joins: MEMBER_ID_REQUIRED']
//   group.shape                // 'Stable 2: a* b'  the leader has a star
import assert from 'node:assert/strict'
import { type BrokerConfig, parseBrokerConfig } from '../../../src/config/broker-config.ts'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { heartbeat } from '../../../src/coordinator/group/classic/heartbeat.ts'
import { type ClassicJoin, joinGroup } from '../../../src/coordinator/group/classic/join.ts'
import { leaveGroup } from '../../../src/coordinator/group/classic/leave.ts'
import type { JoinGroupAnswer, SyncGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import { groupLoaded, replayGroupMetadata } from '../../../src/coordinator/group/classic/replay.ts'
import { syncGroup } from '../../../src/coordinator/group/classic/sync.ts'
import type { GroupStep, GroupSurroundings, OffsetsClient } from '../../../src/coordinator/group/group.ts'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import type { TimelineEvent } from '../../../src/coordinator/group/timeline.ts'
import type { Waiter } from '../../../src/coordinator/step.ts'
import { SeededRandom } from '../../../src/lib/random.ts'
import type { SyncGroupRequest } from '../../../src/wire/apis/sync-group.ts'
import { errorByCode, errors, KafkaError } from '../../../src/wire/errors.ts'
import { GroupPieces, noPatterns } from '../pieces.ts'
import { type Call, type Pieces, TraceShard } from '../trace.ts'

export const GROUP = 'g'

/** Just the classic groups of a shard. */
export class ClassicPieces extends GroupPieces implements Pieces<GroupRecord> {
  get group(): ClassicGroup {
    const group = this.groups.get(GROUP)
    assert(group instanceof ClassicGroup, 'there is no classic group')
    return group
  }

  replay(record: GroupRecord): void {
    assert(record.type === 'GroupMetadata')
    replayGroupMetadata(this.groups, record, this.surroundings)
  }

  loaded(step: GroupStep): void {
    for (const group of this.groups.all()) {
      if (group instanceof ClassicGroup) groupLoaded(group, step)
    }
  }
}

/** What a client of the script knows. */
interface Client {
  memberId: string
  generationId: number
  instance: string | null
}

export interface JoinOptions {
  /** Protocols and what it says about itself, the favourite first. */
  readonly protocols?:
    | Readonly<Record<string, string | Buffer>>
    | readonly { name: string; metadata: Buffer }[]
  readonly protocolType?: string
  readonly instance?: string
  /** Another id than the one the client knows. */
  readonly as?: string
  readonly version?: number
  readonly sessionMs?: number
  readonly rebalanceMs?: number
  readonly why?: string
}

interface Expected {
  readonly call: Call<unknown>
  readonly say: () => string
  /** What it was told, once it has taken note of it. */
  text: string | undefined
}

export interface SyncOptions {
  readonly generation?: number
  readonly as?: string
  readonly instance?: string | null
  readonly protocolType?: string
  readonly protocolName?: string
}

export class GroupScript {
  readonly shard: TraceShard<GroupRecord, ClassicPieces>
  readonly notes: TimelineEvent[] = []
  readonly surroundings: GroupSurroundings
  private readonly clients = new Map<string, Client>()
  private expected: Expected[] = []

  constructor(settings: Readonly<Record<string, string>> = {}, seed = 1) {
    let config: BrokerConfig = parseBrokerConfig({ 'group.initial.rebalance.delay.ms': '0', ...settings })
    this.configure = (changed) => {
      config = parseBrokerConfig({ 'group.initial.rebalance.delay.ms': '0', ...settings, ...changed })
    }
    this.surroundings = {
      config: () => config,
      groupConfig: () => assert.fail('classic groups have no settings of their own'),
      image: () => assert.fail('classic groups know no topics'),
      random: new SeededRandom(seed),
      patterns: noPatterns,
      note: (_groupId, event) => this.notes.push(event),
    }
    this.shard = new TraceShard(() => new ClassicPieces(this.surroundings))
  }

  /** Other settings from now on, as after a restart. */
  readonly configure: (settings: Readonly<Record<string, string>>) => void

  get group(): ClassicGroup {
    return this.shard.machine.group
  }

  /** `Stable 2: a* b`: state, generation, members in order, a star at the leader. */
  get shape(): string {
    const { state, generationId, members, leaderId } = this.group
    const names = [...members].map(([id, { clientId }]) => clientId + (id === leaderId ? '*' : ''))
    return `${state} ${generationId}:${names.length === 0 ? '' : ` ${names.join(' ')}`}`
  }

  /** What clients have been told since the last call, in the order in which they had asked. */
  heard(): string[] {
    this.takeNote()
    const heard = this.expected.flatMap(({ text }) => text ?? [])
    this.expected = this.expected.filter(({ text }) => text === undefined)
    return heard
  }

  /** The reasons noted since the last call. */
  reasons(): string[] {
    return this.notes.splice(0).map(({ reason }) => reason)
  }

  advance(ms: number): void {
    this.shard.advance(ms)
  }

  /** What the client knows of itself. */
  client(name: string): Client {
    this.takeNote()
    let client = this.clients.get(name)
    if (client === undefined) {
      client = { memberId: '', generationId: -1, instance: null }
      this.clients.set(name, client)
    }
    return client
  }

  /** The client was started again: it knows nothing. */
  forget(name: string): void {
    this.takeNote()
    this.clients.delete(name)
  }

  join(name: string, options: JoinOptions = {}): Call<JoinGroupAnswer> {
    const client = this.client(name)
    client.instance = options.instance ?? client.instance
    const request: ClassicJoin = {
      groupId: GROUP,
      sessionTimeoutMs: options.sessionMs ?? 10_000,
      rebalanceTimeoutMs: options.rebalanceMs ?? 60_000,
      memberId: options.as ?? client.memberId,
      groupInstanceId: client.instance,
      protocolType: options.protocolType ?? 'consumer',
      protocols: protocolsOf(options.protocols ?? { range: name }),
      reason: options.why ?? null,
      clientId: name,
      clientHost: '/10.0.0.3',
      apiVersion: options.version ?? 9,
    }
    const call = this.shard.run((machine, step) =>
      joinGroup(machine.groups, request, step, this.surroundings),
    )
    return this.expect(`${name} joins`, call, (answer) => this.joined(client, answer))
  }

  /** Joins twice where it has to: to get an id, and with it. */
  enter(name: string, options: JoinOptions = {}): Call<JoinGroupAnswer> {
    const first = this.join(name, options)
    if (!first.isAnswered || first.answer.errorCode !== errors.MEMBER_ID_REQUIRED.code) return first
    this.client(name).memberId = first.answer.memberId!
    this.expected = this.expected.filter(({ call }) => call !== first)
    return this.join(name, options)
  }

  /** Asks for its assignment; a leader brings what each client gets. */
  sync(name: string, parts: Readonly<Record<string, string>> = {}, options: SyncOptions = {}) {
    const client = this.client(name)
    const request: SyncGroupRequest = {
      groupId: GROUP,
      generationId: options.generation ?? client.generationId,
      memberId: options.as ?? client.memberId,
      groupInstanceId: options.instance === undefined ? client.instance : options.instance,
      protocolType: options.protocolType ?? null,
      protocolName: options.protocolName ?? null,
      assignments: Object.entries(parts).map(([to, part]) => ({
        memberId: this.clients.get(to)?.memberId ?? to,
        assignment: Buffer.from(part),
      })),
    }
    const call = this.run((group, step) => syncGroup(group, request, step))
    return this.expect(`${name} syncs`, call, synced)
  }

  heartbeat(name: string, options: Pick<SyncOptions, 'generation' | 'as' | 'instance'> = {}) {
    const client = this.client(name)
    const call = this.run((group, step) =>
      heartbeat(
        group,
        {
          groupId: GROUP,
          generationId: options.generation ?? client.generationId,
          memberId: options.as ?? client.memberId,
          groupInstanceId: options.instance === undefined ? client.instance : options.instance,
        },
        step,
      ),
    )
    return this.expect(`${name} beats`, call, ({ errorCode }) => errorByCode(errorCode ?? 0).name)
  }

  leave(name: string, why: string | null = null) {
    const { memberId, instance } = this.client(name)
    return this.leaveAs(name, [{ memberId, groupInstanceId: instance, reason: why }])
  }

  leaveAs(
    name: string,
    members: readonly { memberId: string; groupInstanceId: string | null; reason: string | null }[],
  ) {
    const call = this.run((group, step) => leaveGroup(group, { members: [...members] }, step))
    return this.expect(`${name} leaves`, call, (answer) =>
      answer.members!.map(({ errorCode }) => errorByCode(errorCode ?? 0).name).join(', '),
    )
  }

  /** Offsets are committed: what the client is told. */
  commit(name: string, options: Partial<OffsetsClient> = {}): string {
    const { memberId, generationId, instance } = this.client(name)
    const client = {
      memberId,
      groupInstanceId: instance,
      generationIdOrMemberEpoch: generationId,
      apiVersion: 9,
      ...options,
    }
    const call = this.run((group, step) => {
      group.checkOffsetCommit(client, [], step)
      return null
    })
    return call.error.name
  }

  /** A stable group of these clients, each with its name as assignment. */
  settle(...names: readonly string[]): void {
    for (const name of names) this.enter(name)
    this.advance(0)
    this.syncAll(...names)
    this.heard()
    this.notes.length = 0
  }

  /** Every one asks for its assignment; whoever leads gives each its name. */
  syncAll(...names: readonly string[]): void {
    this.heard()
    const parts = Object.fromEntries(names.map((name) => [name, name]))
    for (const name of names) {
      this.sync(name, this.client(name).memberId === this.group.leaderId ? parts : {})
    }
  }

  run<Answer>(command: (group: ClassicGroup, step: GroupStep) => Answer | Waiter<Answer>): Call<Answer> {
    return this.shard.run<Answer>((machine, step) => command(machine.group, step))
  }

  nameOf(memberId: string): string {
    for (const [name, client] of this.clients) if (client.memberId === memberId) return name
    return memberId.replace(/-[0-9a-f-]{36}$/, '?')
  }

  private expect<Answer>(label: string, call: Call<Answer>, say: (answer: Answer) => string): Call<Answer> {
    const words = () => {
      if (call.error !== errors.NONE) return `${label}: ${call.error.name}`
      return `${label}: ${say(call.answer)}`
    }
    this.expected.push({ call: call as Call<unknown>, say: words, text: undefined })
    return call
  }

  private takeNote(): void {
    for (const expected of this.expected) {
      if (expected.call.isAnswered) expected.text ??= expected.say()
    }
  }

  /** What a JoinGroup was answered, and what the client remembers of it. */
  private joined(client: Client, answer: JoinGroupAnswer): string {
    const error = errorByCode(answer.errorCode ?? 0)
    if (error === errors.MEMBER_ID_REQUIRED) client.memberId = answer.memberId!
    if (error !== errors.NONE) return error.name
    client.memberId = answer.memberId!
    client.generationId = answer.generationId!
    const members = answer.members!.map(({ memberId }) => this.nameOf(memberId!))
    const isLeader = answer.leader === answer.memberId
    const role = isLeader ? `leads ${members.join(' ')}` : 'follows'
    return `${answer.generationId} ${answer.protocolName}, ${role}${answer.skipAssignment ? ', skips' : ''}`
  }
}

function synced(answer: SyncGroupAnswer): string {
  const error = errorByCode(answer.errorCode ?? 0)
  return error === errors.NONE ? `gets "${Buffer.from(answer.assignment!).toString()}"` : error.name
}

function protocolsOf(protocols: NonNullable<JoinOptions['protocols']>): ClassicJoin['protocols'] {
  if (Array.isArray(protocols)) return [...protocols]
  return Object.entries(protocols).map(([name, metadata]) => ({ name, metadata: Buffer.from(metadata) }))
}

/** The error that `act` throws. */
export function errorOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof KafkaError) return error.error.name
    throw error
  }
  return errors.NONE.name
}
