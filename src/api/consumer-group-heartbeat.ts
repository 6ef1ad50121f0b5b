// ConsumerGroupHeartbeat (KIP-848): a member of a consumer group joins, lives, gives up and takes partitions, and leaves.
// Promises errors with a sentence that says what was wrong. Leaves the protocol to coordinator/group.
//
//  1 members name themselves (KIP-1082), subscription by pattern
import type {
  ConsumerGroupHeartbeatRequest,
  consumerGroupHeartbeat,
} from '../wire/apis/consumer-group-heartbeat.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import {
  answerOrRefusal,
  consumerProtocolIsOff,
  groupClient,
  servesConsumerProtocol,
} from './group-client.ts'

type Answer = Input<typeof consumerGroupHeartbeat.response>

export async function handleConsumerGroupHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  context: RequestContext,
): Promise<Answer> {
  if (!servesConsumerProtocol(context)) return consumerProtocolIsOff
  const { groupCoordinator } = context.broker
  const beating = groupCoordinator.consumerGroupHeartbeat({ ...request, ...groupClient(context) })
  return answerOrRefusal<Answer>(beating, context, ({ code, message }) => ({
    errorCode: code,
    errorMessage: message,
  }))
}
