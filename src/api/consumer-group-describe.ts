// ConsumerGroupDescribe (KIP-848): consumer groups with their members, what they have and what they shall have.
// Promises GROUP_ID_NOT_FOUND for groups of the classic protocol too: DescribeGroups shows those.
//
//  1 whether a member speaks the consumer or the classic protocol
import type {
  ConsumerGroupDescribeRequest,
  consumerGroupDescribe,
} from '../wire/apis/consumer-group-describe.ts'
import type { Input } from '../wire/schema.ts'
import { authorizedGroupOperations } from './authorized-operations.ts'
import type { RequestContext } from './context.ts'
import {
  answerOrRefusal,
  consumerProtocolIsOff,
  describeEach,
  servesConsumerProtocol,
} from './group-client.ts'

type Answer = Input<typeof consumerGroupDescribe.response>
type Described = NonNullable<Answer['groups']>[number]

export async function handleConsumerGroupDescribe(
  { groupIds, includeAuthorizedOperations }: ConsumerGroupDescribeRequest,
  context: RequestContext,
): Promise<Answer> {
  const groups = await describeEach<Described>(groupIds, async (groupId) => {
    if (!servesConsumerProtocol(context)) return { groupId, ...consumerProtocolIsOff }
    const described = await answerOrRefusal<Described>(
      context.broker.groupCoordinator.consumerGroupDescribe(groupId),
      context,
      ({ code, message }) => ({ groupId, errorCode: code, errorMessage: message }),
    )
    const isThere = (described.errorCode ?? 0) === 0
    if (!isThere) return described
    return { ...described, authorizedOperations: authorizedGroupOperations(includeAuthorizedOperations) }
  })
  return { groups }
}
