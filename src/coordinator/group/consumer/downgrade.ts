// A consumer group whose last member of the consumer protocol goes becomes a classic group again (KIP-848), if members of
// the classic protocol stay. Promises a group that has a rebalance under way, so that what the others left is shared out.
// Leaves the classic group from then on to classic/.
import type { ClusterImage } from '../../../cluster/image.ts'
import {
  CONSUMER_PROTOCOL_TYPE,
  consumerProtocolVersion,
  encodeAssignment,
} from '../../../wire/consumer-protocol.ts'
import { DecodeError } from '../../../wire/reader.ts'
import type { Assignment } from '../assignors/assignor.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import { ClassicMember } from '../classic/member.ts'
import { persisting } from '../classic/persisting-step.ts'
import { prepareRebalance } from '../classic/rebalance.ts'
import { groupMetadataRecord } from '../classic/record.ts'
import { keepAlive } from '../classic/session.ts'
import type { GroupStep } from '../group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { Scene } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { assignmentOf, listPartitions, union } from './partitions.ts'
import { cancelMemberTimers, groupTimerKey } from './timer-keys.ts'

export interface DowngradeOptions {
  /** How many members join the classic group in the same step, in place of those who leave. */
  readonly newcomers?: number
  /** Called when the records of it cannot be appended. */
  readonly onFailed?: (step: GroupStep) => void
}

/** Converts the group, without those who leave, if it can be and may be. False: it stays a consumer group. */
export function downgradeWithout(
  scene: Scene,
  group: ConsumerGroup,
  leavers: ReadonlySet<string>,
  { newcomers = 0, onFailed = () => {} }: DowngradeOptions = {},
): boolean {
  const staying = [...group.members()].filter(({ memberId }) => !leavers.has(memberId))
  const size = staying.length + newcomers
  const { groupConsumerMigrationPolicy: policy, groupMaxSize } = group.surroundings.config()
  if (policy !== 'bidirectional' && policy !== 'downgrade') return false
  if (size === 0 || size > groupMaxSize) return false
  if (staying.some(({ classic }) => classic === null)) return false
  const classic = classicGroupOf(group, staying, scene.step.nowMs)
  if (classic === undefined) return false
  replace(scene, group, classic)
  scene.step.onAppendFailed((undo) => {
    classic.state = 'Dead'
    scene.groups.set(group)
    onFailed(undo)
  })
  const reason = 'the last member of the consumer protocol went: the group is a classic group again'
  group.surroundings.note(group.groupId, { kind: 'protocol-changed', generation: group.groupEpoch, reason })
  if (staying.length > 0) prepareRebalance(classic, reason, scene.step)
  return true
}

/**
 * Stable, at the generation that is the group's epoch; Empty if nobody stays. Everybody counts as assigned what it has not
 * given up yet: nobody is told of it, as the rebalance follows, but the group may turn into a consumer group again before
 * the rebalance ends. Undefined if the members have no protocol in common.
 */
function classicGroupOf(
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  nowMs: number,
): ClassicGroup | undefined {
  const classic = new ClassicGroup(
    {
      groupId: group.groupId,
      stateSinceMs: nowMs,
      generationId: group.groupEpoch,
      protocolType: CONSUMER_PROTOCOL_TYPE,
    },
    group.surroundings,
  )
  if (members.length === 0) return classic
  for (const member of members) classic.add(classicMemberOf(member), CONSUMER_PROTOCOL_TYPE)
  classic.protocolName = classic.chooseProtocol()
  if (classic.protocolName === null) return undefined
  const image = group.surroundings.image()
  try {
    for (const { memberId, assigned, pendingRevocation } of members) {
      const member = classic.members.get(memberId)!
      const version = consumerProtocolVersion(member.metadata(classic.protocolName))
      const held = assignmentOf(listPartitions(union(assigned, pendingRevocation)))
      member.assignment = encodeNamed(held, image, version)
    }
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
  classic.refreshTopics()
  classic.moveTo('Stable', nowMs)
  return classic
}

function classicMemberOf(member: ConsumerMember): ClassicMember {
  const { sessionTimeoutMs, supportedProtocols } = member.classic!
  return new ClassicMember({
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocols: supportedProtocols,
  })
}

/** An assignment as members of the classic protocol read it; topics that are gone are left out. */
export function encodeNamed(assignment: Assignment, image: ClusterImage, version: number): Buffer {
  const assignedPartitions = [...assignment].flatMap(([topicId, partitions]) => {
    const topic = image.topicsById.get(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions }]
  })
  return encodeAssignment({ assignedPartitions }, version)
}

/** At once, with the records for when the log is read again: the classic group goes on in this very step. */
function replace({ groups, step }: Scene, group: ConsumerGroup, classic: ClassicGroup): void {
  const { groupId } = group
  group.appendTombstones(persisting(step))
  const record = groupMetadataRecord(classic)
  // Without a leader: a broker that loads it, because this one fails before the rebalance ends, begins the rebalance again.
  step.persist({ ...record, value: { ...record.value!, leader: null } })
  groups.set(classic)
  step.cancel(groupTimerKey('target', groupId))
  for (const { memberId } of group.members()) cancelMemberTimers(step, groupId, memberId)
  for (const member of classic.members.values()) keepAlive(classic, member, step)
}
