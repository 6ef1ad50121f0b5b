// Members of groups as light as they can be: a socket and our own codecs each, and no records. Thousands fit in one process.
// Promises to do what a member has to and nothing else; any answer that a healthy group would not get is an error.
// Leaves how many there are, and what is timed, to rows/groups.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../src/wire/apis/consumer-group-heartbeat.ts'
import { findCoordinator } from '../src/wire/apis/find-coordinator.ts'
import { heartbeat } from '../src/wire/apis/heartbeat.ts'
import { type JoinGroupResponse, joinGroup } from '../src/wire/apis/join-group.ts'
import { metadata } from '../src/wire/apis/metadata.ts'
import { offsetCommit } from '../src/wire/apis/offset-commit.ts'
import { syncGroup } from '../src/wire/apis/sync-group.ts'
import { encodeAssignment, encodeSubscription } from '../src/wire/consumer-protocol.ts'
import { errors } from '../src/wire/errors.ts'
import { RawClient } from '../test/support/raw-client.ts'

/** Longer than any row: nobody is thrown out for being slow. */
const SESSION_TIMEOUT_MS = 300_000
const GROUP_KEY_TYPE = 0
/** Sockets that are opened at the same time: fewer than the backlog of either broker. */
const AT_A_TIME = 50
const PROTOCOL = 'range'

const patience = new Set<number>([
  errors.COORDINATOR_LOAD_IN_PROGRESS.code,
  errors.COORDINATOR_NOT_AVAILABLE.code,
  errors.NOT_COORDINATOR.code,
])

function demand(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what} was answered with error ${errorCode}`)
}

export async function openClients(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const few = Math.min(AT_A_TIME, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: few }, () => RawClient.connect(port)))))
  }
  return clients
}

/** Waits until the group has a coordinator, which includes the making of `__consumer_offsets`. */
export async function untilCoordinated(client: RawClient, groupIds: readonly string[]): Promise<void> {
  for (;;) {
    const { coordinators } = await client.ask(findCoordinator, 4, {
      keyType: GROUP_KEY_TYPE,
      coordinatorKeys: groupIds,
    })
    if (coordinators.every(({ errorCode }) => errorCode === 0)) return
    await sleep(50)
  }
}

export async function topicIdOf(client: RawClient, topic: string): Promise<string> {
  const { topics } = await client.ask(metadata, 12, {
    topics: [{ topicId: '00000000-0000-0000-0000-000000000000', name: topic }],
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: false,
  })
  const [row] = topics
  demand(`Metadata of ${topic}`, row!.errorCode)
  return row!.topicId
}

/** A member of a classic group. */
export class ClassicMember {
  generation = -1
  isLeader = false
  private memberId = ''
  private readonly client: RawClient
  private readonly groupId: string
  private readonly subscription: Buffer

  constructor(client: RawClient, groupId: string, topic: string) {
    this.client = client
    this.groupId = groupId
    this.subscription = encodeSubscription(
      { topics: [topic], userData: null, ownedPartitions: [], generationId: -1, rackId: null },
      1,
    )
  }

  /** Joins and syncs, again and again until a rebalance ends with it in the group. */
  async join(): Promise<void> {
    for (;;) {
      const joined = await this.client.ask(joinGroup, 9, {
        groupId: this.groupId,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        rebalanceTimeoutMs: SESSION_TIMEOUT_MS,
        memberId: this.memberId,
        protocolType: 'consumer',
        protocols: [{ name: PROTOCOL, metadata: this.subscription }],
      })
      if (joined.errorCode === errors.MEMBER_ID_REQUIRED.code) {
        this.memberId = joined.memberId
        continue
      }
      if (patience.has(joined.errorCode)) {
        await sleep(20)
        continue
      }
      demand('JoinGroup', joined.errorCode)
      if (await this.sync(joined)) return
    }
  }

  /** False when the group is rebalancing. */
  async heartbeat(): Promise<boolean> {
    const { groupId, generation: generationId, memberId } = this
    const { errorCode } = await this.client.ask(heartbeat, 4, { groupId, generationId, memberId })
    if (errorCode === errors.REBALANCE_IN_PROGRESS.code) return false
    demand('Heartbeat', errorCode)
    return true
  }

  async commit(topic: string, committedOffset: number): Promise<void> {
    const answer = await this.client.ask(offsetCommit, 9, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: this.generation,
      memberId: this.memberId,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }],
    })
    demand('OffsetCommit', answer.topics[0]!.partitions[0]!.errorCode)
  }

  private async sync(joined: JoinGroupResponse): Promise<boolean> {
    this.memberId = joined.memberId
    this.generation = joined.generationId
    this.isLeader = joined.leader === joined.memberId
    const assignment = (partition: number) =>
      encodeAssignment(
        { assignedPartitions: [{ topic: 'bench', partitions: [partition] }], userData: null },
        1,
      )
    const { errorCode } = await this.client.ask(syncGroup, 5, {
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocolName: PROTOCOL,
      assignments: joined.members.map(({ memberId }, index) => ({ memberId, assignment: assignment(index) })),
    })
    if (errorCode === errors.REBALANCE_IN_PROGRESS.code) return false
    demand('SyncGroup', errorCode)
    return true
  }
}

/** A member of a group of the new protocol (KIP-848). */
export class ConsumerMember {
  epoch = 0
  /** Partitions it has, and has told the broker of. */
  owned = 0
  private assignment: NonNullable<ConsumerGroupHeartbeatResponse['assignment']>['topicPartitions'] = []
  private hasChanged = false
  private readonly client: RawClient
  private readonly groupId: string
  private readonly memberId: string
  private readonly topic: string

  constructor(client: RawClient, groupId: string, memberId: string, topic: string) {
    this.client = client
    this.groupId = groupId
    this.memberId = memberId
    this.topic = topic
  }

  /** One heartbeat: the first joins. Whatever is assigned is taken up, whatever is taken away given up, with the next. */
  async heartbeat(): Promise<void> {
    const isJoining = this.epoch === 0
    const told = isJoining || this.hasChanged ? this.assignment : null
    const answer = await this.client.ask(consumerGroupHeartbeat, 1, {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      rebalanceTimeoutMs: isJoining ? SESSION_TIMEOUT_MS : -1,
      subscribedTopicNames: isJoining ? [this.topic] : null,
      topicPartitions: told,
    })
    if (patience.has(answer.errorCode)) return
    demand('ConsumerGroupHeartbeat', answer.errorCode)
    if (told !== null) this.owned = told.reduce((sum, { partitions }) => sum + partitions.length, 0)
    this.epoch = answer.memberEpoch
    this.hasChanged = answer.assignment !== null
    if (answer.assignment !== null) this.assignment = answer.assignment.topicPartitions
  }

  async leave(): Promise<void> {
    const answer = await this.client.ask(consumerGroupHeartbeat, 1, {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: -1,
      subscribedTopicNames: null,
      topicPartitions: null,
    })
    demand('ConsumerGroupHeartbeat to leave', answer.errorCode)
    this.epoch = 0
    this.owned = 0
    this.assignment = []
    this.hasChanged = false
  }
}
