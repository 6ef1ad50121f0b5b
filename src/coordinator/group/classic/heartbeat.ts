// Heartbeat: a member is alive, and learns here that it has to join again.
// Promises a session that begins anew with each. Leaves what happens when none comes to session.ts.
import type { HeartbeatRequest, heartbeat as heartbeatApi } from '../../../wire/apis/heartbeat.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Input } from '../../../wire/schema.ts'
import type { GroupStep } from '../group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { keepAlive } from './session.ts'

export type HeartbeatAnswer = Input<typeof heartbeatApi.response>

/**
 * A member is heard of.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION
 */
export function heartbeat(group: ClassicGroup, request: HeartbeatRequest, step: GroupStep): HeartbeatAnswer {
  const member = group.member(request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generationId) throw new KafkaError(errors.ILLEGAL_GENERATION)
  keepAlive(group, member, step)
  const isCalled = group.state === 'PreparingRebalance'
  return { errorCode: (isCalled ? errors.REBALANCE_IN_PROGRESS : errors.NONE).code }
}
