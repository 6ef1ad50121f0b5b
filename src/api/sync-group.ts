// SyncGroup: the leader of a classic group hands in the assignment, every member takes its own part.
// Promises that all members of a generation are told the same assignment, and that who asks while groups are loaded joins
// again: loading forgets assignments that are being made. Leaves the protocol to coordinator/group.
import type { SyncGroupRequest, syncGroup } from '../wire/apis/sync-group.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { answerOrRefusal } from './group-client.ts'

/** From this version on members name the protocol that they were told (KIP-559). */
const NAMED_PROTOCOL_VERSION = 5

export async function handleSyncGroup(
  request: SyncGroupRequest,
  context: RequestContext,
): Promise<Input<typeof syncGroup.response>> {
  const isNameless = request.protocolType === null || request.protocolName === null
  if (context.apiVersion >= NAMED_PROTOCOL_VERSION && isNameless) {
    return { errorCode: errors.INCONSISTENT_GROUP_PROTOCOL.code }
  }
  const answer = context.broker.groupCoordinator.syncGroup(request)
  // As in Apache Kafka before 4.0: consumers take COORDINATOR_LOAD_IN_PROGRESS here for the end of everything.
  return answerOrRefusal(answer, context, ({ error }) => ({
    errorCode: (error === errors.COORDINATOR_LOAD_IN_PROGRESS ? errors.REBALANCE_IN_PROGRESS : error).code,
  }))
}
