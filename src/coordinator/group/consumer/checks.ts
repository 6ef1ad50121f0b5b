// Whom a consumer group believes: member epochs and instance ids of heartbeats, epochs of offset commits.
// Promises errors of KIP-848 with messages that name both sides. Pure. Leaves what a heartbeat then does to heartbeat.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { TopicPartition } from '../group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, JOIN_EPOCH, STATIC_LEAVE_EPOCH } from './member.ts'
import { includesAll, type PartitionList } from './partitions.ts'

export function unknownMember(memberId: string, groupId: string): KafkaError {
  return new KafkaError(
    errors.UNKNOWN_MEMBER_ID,
    `Member '${memberId}' is not a member of group '${groupId}'.`,
  )
}

/**
 * The epoch of a heartbeat has to be the member's own. The one before is taken too, as the answer with the present one may
 * have been lost: from a member that has nothing beyond what it is assigned now, and has not shown since that it knows better.
 * @throws KafkaError FENCED_MEMBER_EPOCH
 */
export function checkMemberEpoch(
  group: ConsumerGroup,
  member: ConsumerMember,
  epoch: number,
  owned: PartitionList | null,
): void {
  if (epoch === JOIN_EPOCH || epoch === member.memberEpoch) return
  const missedAnAnswer =
    epoch === member.previousMemberEpoch &&
    epoch < member.memberEpoch &&
    group.acknowledgedEpochs.get(member.memberId) !== member.memberEpoch &&
    owned !== null &&
    includesAll(member.assigned, owned)
  if (missedAnAnswer) return
  throw new KafkaError(
    errors.FENCED_MEMBER_EPOCH,
    `The member epoch ${epoch} is ${epoch > member.memberEpoch ? 'greater' : 'smaller'} than the one the group coordinator knows (${member.memberEpoch}). The member has to give up its partitions and join again.`,
  )
}

/** @throws KafkaError UNKNOWN_MEMBER_ID when nobody has the instance id */
export function knownInstance(group: ConsumerGroup, instanceId: string): ConsumerMember {
  const member = group.staticMember(instanceId)
  if (member === undefined) {
    throw new KafkaError(errors.UNKNOWN_MEMBER_ID, `Instance id '${instanceId}' is unknown.`)
  }
  return member
}

/** @throws KafkaError FENCED_INSTANCE_ID when the instance id belongs to another member by now */
export function checkInstance(member: ConsumerMember, memberId: string): void {
  if (member.memberId === memberId) return
  throw new KafkaError(
    errors.FENCED_INSTANCE_ID,
    `Static member '${memberId}' with instance id '${member.instanceId}' was fenced by member '${member.memberId}'.`,
  )
}

/** @throws KafkaError UNRELEASED_INSTANCE_ID when the member that has the instance id is not on leave */
export function checkReleased(member: ConsumerMember, memberId: string): void {
  if (member.memberEpoch === STATIC_LEAVE_EPOCH) return
  throw new KafkaError(
    errors.UNRELEASED_INSTANCE_ID,
    `Static member '${memberId}' cannot join with instance id '${member.instanceId}': member '${member.memberId}' has it and has not left.`,
  )
}

/**
 * Whether a member may commit at `epoch`: at its own, or at an older one for partitions it has had since then (Apache
 * Kafka 4.3). Without knowing the partitions, only its own will do.
 * @throws KafkaError STALE_MEMBER_EPOCH, or ILLEGAL_GENERATION to members of the classic protocol
 */
export function checkCommitEpoch(
  member: ConsumerMember,
  epoch: number,
  partitions: readonly TopicPartition[] | undefined,
  image: ClusterImage,
): void {
  if (epoch === member.memberEpoch) return
  const error = member.classic === null ? errors.STALE_MEMBER_EPOCH : errors.ILLEGAL_GENERATION
  if (epoch > member.memberEpoch || partitions === undefined) {
    throw new KafkaError(error, `The member is at epoch ${member.memberEpoch}, not at ${epoch}.`)
  }
  for (const { topic, partition } of partitions) {
    const topicId = image.topics.get(topic)?.id ?? ''
    const givenAt =
      member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
    if (givenAt === undefined) {
      throw new KafkaError(
        error,
        `Partition ${topic}-${partition} does not belong to the member, which committed at its old epoch ${epoch}.`,
      )
    }
    if (epoch < givenAt) {
      throw new KafkaError(
        error,
        `The epoch ${epoch} is older than ${givenAt}, in which the member was given partition ${topic}-${partition}.`,
      )
    }
  }
}

/** A static member that comes back under another id takes no more room than it had. */
export function checkRoom(group: ConsumerGroup, memberId: string, instanceId: string | null): void {
  const { groupConsumerMaxSize } = group.surroundings.config()
  if (group.memberCount < groupConsumerMaxSize || group.member(memberId) !== undefined) return
  if (group.staticMember(instanceId) !== undefined) return
  throw new KafkaError(
    errors.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${groupConsumerMaxSize} members.`,
  )
}
