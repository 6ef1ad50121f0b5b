// ConsumerGroupDescribe (KIP-848): a consumer group as tools show it. Promises what the coordinator knows now, with topics by
// name and those left out that are gone. Leaves who may see it to the handler.
import type { ClusterImage } from '../../../cluster/image.ts'
import type { consumerGroupDescribe } from '../../../wire/apis/consumer-group-describe.ts'
import { errors } from '../../../wire/errors.ts'
import type { Input } from '../../../wire/schema.ts'
import type { Groups } from '../group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './member.ts'
import { listAssignment, listPartitions, union } from './partitions.ts'
import { preferredAssignor } from './target.ts'

type Described = NonNullable<Input<typeof consumerGroupDescribe.response>['groups']>[number]

const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

/** The group, or GROUP_ID_NOT_FOUND in its place: also for groups of the classic protocol, which have a request of their own. */
export function describeConsumerGroup(groups: Groups, groupId: string): Described {
  const group = groups.get(groupId)
  if (!(group instanceof ConsumerGroup)) {
    const errorMessage =
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
    return { groupId, errorCode: errors.GROUP_ID_NOT_FOUND.code, errorMessage }
  }
  return {
    errorCode: errors.NONE.code,
    errorMessage: null,
    groupId,
    groupState: group.stateName,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group, group.members()).name,
    members: Array.from(group.members(), (member) => describeMember(group, member)),
  }
}

function describeMember(group: ConsumerGroup, member: ConsumerMember) {
  const image = group.surroundings.image()
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    // It answers for partitions it has yet to give up.
    assignment: named(listPartitions(union(member.assigned, member.pendingRevocation)), image),
    targetAssignment: named(listAssignment(group.targetOf(member.memberId)), image),
    memberType: member.classic === null ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  }
}

function named(listed: readonly { topicId: string; partitions: number[] }[], image: ClusterImage) {
  const topicPartitions = listed.flatMap(({ topicId, partitions }) => {
    const topicName = image.topicsById.get(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
  })
  return { topicPartitions }
}
