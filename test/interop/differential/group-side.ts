// One broker's classic group under test: clients with short names, each request on a connection of its own so that it may
// wait, and a picture of everything that was answered so far in which ids of members have become names.
// Promises equal pictures of equal behaviour. Leaves what clients do, and judging differences, to classic-groups.test.ts.
import type { Api } from '../../../src/wire/api.ts'
import { describeGroups } from '../../../src/wire/apis/describe-groups.ts'
import { findCoordinator } from '../../../src/wire/apis/find-coordinator.ts'
import { heartbeat } from '../../../src/wire/apis/heartbeat.ts'
import { joinGroup } from '../../../src/wire/apis/join-group.ts'
import { leaveGroup } from '../../../src/wire/apis/leave-group.ts'
import { offsetCommit } from '../../../src/wire/apis/offset-commit.ts'
import { syncGroup } from '../../../src/wire/apis/sync-group.ts'
import { errorByCode } from '../../../src/wire/errors.ts'
import type { Input, Value } from '../../../src/wire/schema.ts'
import { RawClient } from '../../support/raw-client.ts'
import { waitFor } from '../support/processes.ts'

/** A topic that both brokers have, for commits. */
export const TOPIC = 'committed'

export interface Join {
  readonly version?: number
  readonly instance?: string | null
  readonly memberId?: string
  readonly protocols?: readonly (readonly [name: string, metadata: string])[]
  readonly protocolType?: string
  readonly sessionMs?: number
  readonly rebalanceMs?: number
}

export interface As {
  readonly version?: number
  readonly memberId?: string
  readonly generation?: number
  readonly instance?: string | null
  readonly protocolType?: string | null
  readonly protocolName?: string | null
}

interface Client {
  memberId: string
  generation: number
  instance: string | null
  protocolType: string | null
  protocolName: string | null
}

interface Asked {
  readonly words: string
  outcome: Readonly<Record<string, unknown>> | 'waits'
}

const NEW_CLIENT: Client = {
  memberId: '',
  generation: -1,
  instance: null,
  protocolType: null,
  protocolName: null,
}
const nameOfError = (code: number) => errorByCode(code).name
const UUID = /-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export class GroupSide {
  readonly port: number
  readonly groupId: string
  private readonly clients = new Map<string, Client>()
  private readonly asked: Asked[] = []
  private readonly labels = new Map<string, string>()
  private readonly connections = new Set<RawClient>()

  constructor(port: number, groupId: string) {
    this.port = port
    this.groupId = groupId
  }

  /** Waits until the broker serves the group. */
  async ready(): Promise<void> {
    await waitFor(`a coordinator of ${this.groupId}`, async () => {
      const answer = await this.once(findCoordinator, 3, { key: this.groupId, keyType: 0 })
      if (answer.errorCode !== 0) return undefined
      const { groups } = await this.once(describeGroups, 5, { groups: [this.groupId] })
      return groups[0]!.errorCode === 0 || undefined
    })
  }

  close(): void {
    for (const connection of this.connections) connection.close()
  }

  join(name: string, join: Join = {}): void {
    const client = this.client(name)
    if (join.instance !== undefined) client.instance = join.instance
    const version = join.version ?? 9
    const request = {
      groupId: this.groupId,
      sessionTimeoutMs: join.sessionMs ?? 60_000,
      rebalanceTimeoutMs: join.rebalanceMs ?? 60_000,
      memberId: join.memberId ?? client.memberId,
      groupInstanceId: client.instance,
      protocolType: join.protocolType ?? 'consumer',
      protocols: (join.protocols ?? [['range', name]]).map(([protocol, metadata]) => ({
        name: protocol,
        metadata: Buffer.from(metadata),
      })),
    }
    this.ask(name, `${name} joins in v${version}`, joinGroup, version, request, (answer) => {
      if (answer.errorCode === 0 || answer.errorCode === 79) client.memberId = answer.memberId
      if (answer.errorCode === 0) {
        client.generation = answer.generationId
        client.protocolType = join.protocolType ?? 'consumer'
        client.protocolName = answer.protocolName
      }
      const { memberId, leader, members, generationId, protocolName, protocolType, skipAssignment } = answer
      const id = this.labelOf(memberId)
      return {
        error: nameOfError(answer.errorCode),
        generationId,
        protocolName,
        protocolType,
        skipAssignment,
        memberId: id,
        leader: this.labelOf(leader),
        members: members
          .map((member) => [this.labelOf(member.memberId), member.groupInstanceId, String(member.metadata)])
          .sort(),
      }
    })
  }

  /** Everybody is assigned its own name, if this client leads. */
  sync(name: string, as: As = {}): void {
    const { memberId, generation, instance, protocolType, protocolName } = this.client(name)
    const version = as.version ?? 5
    const request = {
      groupId: this.groupId,
      generationId: as.generation ?? generation,
      memberId: as.memberId ?? memberId,
      groupInstanceId: as.instance === undefined ? instance : as.instance,
      protocolType: as.protocolType === undefined ? protocolType : as.protocolType,
      protocolName: as.protocolName === undefined ? protocolName : as.protocolName,
      assignments: [...this.clients].map(([each, client]) => ({
        memberId: client.memberId,
        assignment: Buffer.from(each),
      })),
    }
    this.ask(name, `${name} syncs`, syncGroup, version, request, (answer) => ({
      error: nameOfError(answer.errorCode),
      protocol: [answer.protocolType, answer.protocolName],
      assignment: String(answer.assignment),
    }))
  }

  heartbeat(name: string, as: As = {}): void {
    const { memberId, generation, instance } = this.client(name)
    const request = {
      groupId: this.groupId,
      generationId: as.generation ?? generation,
      memberId: as.memberId ?? memberId,
      groupInstanceId: as.instance === undefined ? instance : as.instance,
    }
    this.ask(name, `${name} beats`, heartbeat, as.version ?? 4, request, ({ errorCode }) => ({
      error: nameOfError(errorCode),
    }))
  }

  leave(name: string, as: As = {}): void {
    const { memberId, instance } = this.client(name)
    const version = as.version ?? 5
    const member = {
      memberId: as.memberId ?? memberId,
      groupInstanceId: as.instance === undefined ? instance : as.instance,
    }
    const request = { groupId: this.groupId, memberId: member.memberId, members: [member] }
    this.ask(name, `${name} leaves in v${version}`, leaveGroup, version, request, (answer) => ({
      error: nameOfError(answer.errorCode),
      members: answer.members.map((each) => [
        this.labelOf(each.memberId),
        each.groupInstanceId,
        nameOfError(each.errorCode),
      ]),
    }))
  }

  commit(name: string, as: As = {}): void {
    const { memberId, generation, instance } = this.client(name)
    const request = {
      groupId: this.groupId,
      generationIdOrMemberEpoch: as.generation ?? generation,
      memberId: as.memberId ?? memberId,
      groupInstanceId: as.instance === undefined ? instance : as.instance,
      topics: [
        { name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] },
      ],
    }
    this.ask(name, `${name} commits`, offsetCommit, as.version ?? 9, request, ({ topics }) => ({
      error: topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => nameOfError(errorCode))),
    }))
  }

  /** The client was started again: it knows nothing but its instance id. */
  crash(name: string): void {
    const { instance } = this.client(name)
    this.clients.set(name, { ...NEW_CLIENT, instance })
  }

  idOf(name: string): string {
    return this.client(name).memberId
  }

  /** Everything that was asked with what was answered so far, and the group as it is described. */
  async picture() {
    const described = await this.once(describeGroups, 5, { groups: [this.groupId] })
    const calls = this.asked.map(({ words, outcome }) => [words, outcome] as const)
    const groups = described.groups.map(({ groupId: _, members, ...group }) => ({
      ...group,
      members: members
        .map((member) => ({
          ...member,
          memberId: this.labelOf(member.memberId),
          memberMetadata: String(member.memberMetadata),
          memberAssignment: String(member.memberAssignment),
        }))
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
    }))
    return { calls, groups }
  }

  private client(name: string): Client {
    let client = this.clients.get(name)
    if (client === undefined) {
      client = { ...NEW_CLIENT }
      this.clients.set(name, client)
    }
    return client
  }

  /** `a#1`: the first id that was made of the name a. */
  private labelOf(memberId: string): string {
    if (!UUID.test(memberId)) return memberId
    const known = this.labels.get(memberId)
    if (known !== undefined) return known
    const prefix = memberId.replace(UUID, '')
    const same = [...this.labels.values()].filter((label) => label.startsWith(`${prefix}#`)).length
    const label = `${prefix}#${same + 1}`
    this.labels.set(memberId, label)
    return label
  }

  private ask<A extends Api>(
    name: string,
    words: string,
    api: A,
    version: number,
    request: Input<A['request']>,
    outcomeOf: (answer: Value<A['response']>) => Readonly<Record<string, unknown>>,
  ): void {
    const asked: Asked = { words: `${this.asked.length + 1}. ${words}`, outcome: 'waits' }
    this.asked.push(asked)
    void this.once(api, version, request, name)
      .then((answer) => {
        asked.outcome = outcomeOf(answer)
      })
      .catch((error: Error) => {
        asked.outcome = { failed: error.name }
      })
  }

  private async once<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
    clientId = 'test',
  ): Promise<Value<A['response']>> {
    const connection = await RawClient.connect(this.port)
    this.connections.add(connection)
    connection.clientId = clientId
    try {
      return await connection.ask(api, version, request)
    } finally {
      connection.close()
      this.connections.delete(connection)
    }
  }
}
