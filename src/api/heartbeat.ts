// Heartbeat: a member of a classic group is alive, and is told when it has to join again.
// Promises nothing but the group's answer, and patience while groups are loaded: every member then has its whole session
// before it. Leaves sessions to coordinator/group.
import type { HeartbeatRequest, heartbeat } from '../wire/apis/heartbeat.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { answerOrRefusal } from './group-client.ts'

export function handleHeartbeat(
  request: HeartbeatRequest,
  context: RequestContext,
): Promise<Input<typeof heartbeat.response>> {
  const answer = context.broker.groupCoordinator.heartbeat(request)
  return answerOrRefusal(answer, context, ({ error }) => ({
    errorCode: (error === errors.COORDINATOR_LOAD_IN_PROGRESS ? errors.NONE : error).code,
  }))
}
