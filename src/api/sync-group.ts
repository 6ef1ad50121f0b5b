// SyncGroup: the leader of a classic group hands in the assignment, every member takes its own part.
// Promises that all members of a generation are told the same assignment. Leaves the protocol to coordinator/group.
import type { SyncGroupRequest, syncGroup } from '../wire/apis/sync-group.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { answerOrRefusal } from './group-client.ts'

export function handleSyncGroup(
  request: SyncGroupRequest,
  context: RequestContext,
): Promise<Input<typeof syncGroup.response>> {
  const answer = context.broker.groupCoordinator.syncGroup(request)
  return answerOrRefusal(answer, context, ({ code }) => ({ errorCode: code }))
}
