// JoinGroup: enters a group of the classic protocol, or comes back to it. The answer waits for the other members.
// Promises an answer to everybody within the time-outs that the members name. Leaves the protocol to coordinator/group.
import type { JoinGroupRequest, joinGroup } from '../wire/apis/join-group.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { answerOrRefusal, groupClient } from './group-client.ts'

type Answer = Input<typeof joinGroup.response>

/** From this version on a missing protocol name is null (KIP-559). */
const NULLABLE_PROTOCOL_VERSION = 7

export async function handleJoinGroup(request: JoinGroupRequest, context: RequestContext): Promise<Answer> {
  const joining = context.broker.groupCoordinator.joinGroup({ ...request, ...groupClient(context) })
  const answer = await answerOrRefusal<Answer>(joining, context, ({ code }) => ({
    errorCode: code,
    memberId: request.memberId,
  }))
  const isNamed = answer.protocolName !== null && answer.protocolName !== undefined
  if (isNamed) return answer
  return { ...answer, protocolName: context.apiVersion < NULLABLE_PROTOCOL_VERSION ? '' : null }
}
