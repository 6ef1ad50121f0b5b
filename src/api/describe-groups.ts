// DescribeGroups: state, protocol and members of groups of the classic protocol.
// Promises one answer for each group, in the order of the request. Groups of the consumer protocol count as not there: they have
// ConsumerGroupDescribe. Leaves what is shown of a group to classic/.
//
//  0 a group that is not there is "Dead", which is no error      6 GROUP_ID_NOT_FOUND, with a message (KIP-1043)
import type { DescribeGroupsRequest, describeGroups } from '../wire/apis/describe-groups.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import { authorizedGroupOperations } from './authorized-operations.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'
import { describeEach } from './group-client.ts'

type Answer = Input<typeof describeGroups.response>
type DescribedGroup = NonNullable<Answer['groups']>[number]

const FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND = 6

export async function handleDescribeGroups(
  { groups, includeAuthorizedOperations }: DescribeGroupsRequest,
  context: RequestContext,
): Promise<Answer> {
  const authorizedOperations = authorizedGroupOperations(includeAuthorizedOperations)
  const described = await describeEach<DescribedGroup>(groups, async (groupId) => {
    const group = await describe(groupId, context)
    return group.errorCode === errors.NONE.code ? { ...group, authorizedOperations } : group
  })
  return { groups: described }
}

async function describe(
  groupId: string,
  { apiVersion, broker }: RequestContext,
): Promise<DescribedGroup & { readonly errorCode: number }> {
  try {
    const group = await broker.groupCoordinator.describeClassicGroup(groupId)
    if (group !== undefined) return { ...group, errorCode: errors.NONE.code }
    const dead = { groupId, groupState: 'Dead' }
    if (apiVersion < FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND) return { ...dead, errorCode: errors.NONE.code }
    const errorMessage = `Group ${groupId} not found, or not a group of the classic protocol.`
    return { ...dead, errorCode: errors.GROUP_ID_NOT_FOUND.code, errorMessage }
  } catch (error) {
    const { code, message } = asKafkaError(error, broker)
    return { groupId, errorCode: code, errorMessage: message }
  }
}
