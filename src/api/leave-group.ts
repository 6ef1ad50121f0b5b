// LeaveGroup: members go without waiting for their sessions to run out, or are sent away by a tool.
// Promises an answer for each member. Leaves the rebalance that follows to coordinator/group.
//
//  0-2 one member, whose error is the error of the answer   3 several, by member id or instance id (KIP-345)
import type { LeaveGroupRequest, leaveGroup } from '../wire/apis/leave-group.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { answerOrRefusal } from './group-client.ts'

type Answer = Input<typeof leaveGroup.response>

const BATCH_VERSION = 3

export async function handleLeaveGroup(request: LeaveGroupRequest, context: RequestContext): Promise<Answer> {
  const isBatch = context.apiVersion >= BATCH_VERSION
  const only = { memberId: request.memberId, groupInstanceId: null, reason: null }
  const members = isBatch ? request.members : [only]
  const leaving = context.broker.groupCoordinator.leaveGroup({ ...request, members })
  const answer = await answerOrRefusal<Answer>(leaving, context, (error) => {
    if (error.error !== errors.UNKNOWN_MEMBER_ID) return { errorCode: error.code }
    // There is no such group: none of them is in it.
    const answers = members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: error.code,
    }))
    return { members: answers }
  })
  if (isBatch || (answer.errorCode ?? 0) !== 0) return answer
  return { errorCode: answer.members?.[0]?.errorCode ?? 0 }
}
