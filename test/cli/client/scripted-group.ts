// A group on a scripted broker: one topic, one member under test, and answers that go wrong when the test says so.
// What happens to the member's partitions, and what the broker is asked, is written down in one list of lines.
import { Cluster } from '../../../src/cli/client/cluster.ts'
import { partitionName, type TopicPartition } from '../../../src/cli/client/group-admin.ts'
import type {
  GroupMember,
  GroupMemberOptions,
  PartitionHolder,
} from '../../../src/cli/client/group-member.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import * as all from '../../../src/wire/apis/index.ts'
import { decodeAssignment, encodeAssignment } from '../../../src/wire/consumer-protocol.ts'
import { type ErrorCode, errors } from '../../../src/wire/errors.ts'
import { disconnect, ScriptedBroker, silence } from './scripted-broker.ts'

export const topicId = 'EREREREREREREREREREREQ'

/** What befalls a request: an error, the end of the connection, or no answer at all. */
export type Mishap = ErrorCode | typeof disconnect | typeof silence

export class ScriptedGroup implements PartitionHolder {
  readonly broker: ScriptedBroker
  readonly cluster: Cluster
  /** What was asked and what was done, in order: heartbeats that change nothing are left out. */
  readonly lines: string[] = []
  /** For the next requests of an API, by its name. */
  readonly mishaps = new Map<string, Mishap[]>()
  partitions = 2
  /** What the next SyncGroup or ConsumerGroupHeartbeat gives the member; undefined: what it decided as the leader, or nothing new. */
  given: number[] | undefined
  epoch = 0
  heartbeats = 0
  private memberCount = 0
  private wakeUp = () => {}

  private constructor(broker: ScriptedBroker) {
    this.broker = broker
    this.cluster = new Cluster({
      bootstrap: [{ host: '127.0.0.1', port: broker.port }],
      clientId: 'test',
      connectTimeoutMs: 2000,
      requestTimeoutMs: 2000,
      callTimeoutMs: 2000,
      clock: systemClock,
    })
  }

  static async start(
    versions: Readonly<Record<string, readonly [number, number]>> = {},
  ): Promise<ScriptedGroup> {
    const group = new ScriptedGroup(await ScriptedBroker.start())
    group.serve(versions)
    return group
  }

  async stop(): Promise<void> {
    this.cluster.close()
    await this.broker.stop()
  }

  options(change: Partial<GroupMemberOptions> = {}): GroupMemberOptions {
    return {
      groupId: 'g',
      topics: ['orders'],
      instanceId: null,
      assignors: ['range', 'cooperative-sticky'],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      heartbeatIntervalMs: 10,
      metadataAgeMs: 60_000,
      ...change,
    }
  }

  /** Attends to the member, as a loop that reads records does, until the lines say so. */
  async until(member: GroupMember, isDone: () => boolean): Promise<void> {
    for (;;) {
      if (member.needsAttention) await member.attend()
      if (isDone() && !member.needsAttention) return
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve
        setTimeout(resolve, 5)
      })
    }
  }

  has(line: string, times = 1): boolean {
    return this.lines.filter((one) => one === line).length >= times
  }

  // As the holder of partitions:

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.lines.push(`> has ${partitions.map(partitionName).join(' ')}`)
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.lines.push(`> gives up ${partitions.map(partitionName).join(' ')}`)
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.lines.push(`> lost ${partitions.map(partitionName).join(' ')}`)
  }

  wake(): void {
    this.wakeUp()
  }

  // As the broker:

  private serve(versions: Readonly<Record<string, readonly [number, number]>>): void {
    const { broker } = this
    const on: ScriptedBroker['on'] = (api, answer) => {
      const range = versions[api.name] ?? api.advertised
      if (range[1] < range[0]) return
      broker.on(
        api,
        (request, version) => {
          const mishap = this.mishaps.get(api.name)?.shift()
          if (mishap === disconnect || mishap === silence) {
            this.lines.push(`${api.name}: ${mishap.description}`)
            return mishap as never
          }
          if (mishap === undefined) return answer(request, version)
          this.lines.push(`${api.name}: ${mishap.name}`)
          return this.refusal(api.name, mishap) as never
        },
        range,
      )
    }
    const here = { nodeId: 1, host: '127.0.0.1', port: broker.port }
    on(all.metadata, () => ({ brokers: [here], controllerId: 1, topics: [this.metadata()] }))
    on(all.findCoordinator, (request) => {
      this.lines.push('FindCoordinator')
      return { ...here, coordinators: request.coordinatorKeys.map((key) => ({ key, ...here })) }
    })
    on(all.joinGroup, (request, version) => this.join(request, version))
    on(all.syncGroup, (request) => this.sync(request))
    on(all.heartbeat, () => {
      this.heartbeats++
      return {}
    })
    on(all.leaveGroup, ({ members, memberId }) => {
      const leaver = members[0] ?? { memberId, reason: null }
      this.lines.push(`LeaveGroup ${leaver.memberId}${leaver.reason ? `: ${leaver.reason}` : ''}`)
      return {}
    })
    on(all.offsetCommit, (request) => {
      const rows = request.topics.flatMap(({ name, partitions }) =>
        partitions.map((row) => `${name}-${row.partitionIndex}=${row.committedOffset}`),
      )
      this.lines.push(`OffsetCommit of epoch ${request.generationIdOrMemberEpoch}: ${rows.join(' ')}`)
      return { topics: request.topics.map(({ name }) => ({ name, partitions: [{ partitionIndex: 0 }] })) }
    })
    on(all.consumerGroupHeartbeat, (request) => this.beat(request))
  }

  private refusal(api: string, { code }: ErrorCode) {
    if (api !== 'OffsetCommit') return { errorCode: code, errorMessage: null }
    return { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: code }] }] }
  }

  private metadata() {
    const partitions = Array.from({ length: this.partitions }, (_, partitionIndex) => ({
      partitionIndex,
      leaderId: 1,
      replicaNodes: [1],
      isrNodes: [1],
    }))
    return { name: 'orders', topicId, partitions }
  }

  private join(request: all.JoinGroupRequest, version: number) {
    const named = request.memberId === '' ? 'nobody' : request.memberId
    this.lines.push(`JoinGroup ${named}${request.reason ? `: ${request.reason}` : ''}`)
    if (request.memberId === '') {
      const memberId = `m${++this.memberCount}`
      if (version >= 4 && request.groupInstanceId === null) {
        return { errorCode: errors.MEMBER_ID_REQUIRED.code, memberId, protocolName: '' }
      }
      return this.joined(memberId, request)
    }
    return this.joined(request.memberId, request)
  }

  private joined(memberId: string, request: all.JoinGroupRequest) {
    const { name: protocolName, metadata } = request.protocols[0]!
    const members = [{ memberId, groupInstanceId: request.groupInstanceId, metadata }]
    return { generationId: ++this.epoch, protocolName, leader: memberId, memberId, members }
  }

  private sync({ assignments, memberId }: all.SyncGroupRequest) {
    const { given } = this
    this.given = undefined
    const own = assignments.find((row) => row.memberId === memberId)?.assignment ?? Buffer.alloc(0)
    if (given === undefined) return { assignment: own }
    const decided = decodeAssignment(own)
    const assignedPartitions = given.length === 0 ? [] : [{ topic: 'orders', partitions: given }]
    return { assignment: encodeAssignment({ ...decided, assignedPartitions }) }
  }

  private beat(request: all.ConsumerGroupHeartbeatRequest) {
    this.heartbeats++
    const { memberEpoch, topicPartitions, subscribedTopicNames } = request
    const owned = topicPartitions?.flatMap(({ partitions }) => partitions)
    const told = [
      ...(subscribedTopicNames === null ? [] : [`subscribes to ${subscribedTopicNames.join(' ')}`]),
      ...(owned === undefined ? [] : [`has ${owned.length === 0 ? 'nothing' : owned.join(' ')}`]),
    ]
    if (memberEpoch <= 0) told.unshift(['joins', 'leaves', 'goes on leave'][-memberEpoch]!)
    if (told.length > 0) this.lines.push(`ConsumerGroupHeartbeat: ${told.join(', ')}`)
    if (memberEpoch === 0) this.epoch++
    const { given } = this
    this.given = undefined
    const assignment =
      given === undefined
        ? null
        : { topicPartitions: given.length === 0 ? [] : [{ topicId, partitions: given }] }
    return { memberId: request.memberId, memberEpoch: this.epoch, heartbeatIntervalMs: 10, assignment }
  }
}
