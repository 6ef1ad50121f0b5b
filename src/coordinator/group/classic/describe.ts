// A classic group as DescribeGroups shows it. Promises what Kafka shows in each state. Leaves authorisation, and groups that
// are not there, to the handler.
import type { describeGroups } from '../../../wire/apis/describe-groups.ts'
import { EMPTY_BYTES, type Input } from '../../../wire/schema.ts'
import type { ClassicGroup } from './classic-group.ts'

export type DescribedClassicGroup = NonNullable<Input<typeof describeGroups.response>['groups']>[number]

/** The protocol and the members' metadata are shown only while the group is Stable. */
export function describeClassicGroup(group: ClassicGroup): DescribedClassicGroup {
  const isStable = group.state === 'Stable'
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? member.metadata(group.protocolName) : EMPTY_BYTES,
      memberAssignment: member.assignment,
    })),
  }
}
