// InitProducerId: an identity for an idempotent producer (KIP-98).
// Promises an id that nobody else was given. Transactional ids need a transaction coordinator, which this broker does
// not have yet: they are told so.
//
//  3 the producer may name its id to go on with (KIP-360)  6 two-phase commit (KIP-939), not stable
import type { InitProducerIdRequest, initProducerId } from '../wire/apis/init-producer-id.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type InitProducerIdAnswer = Input<typeof initProducerId.response>

const NONE = -1

export async function handleInitProducerId(
  request: InitProducerIdRequest,
  context: RequestContext,
): Promise<InitProducerIdAnswer> {
  // A producer names both or none of what it was given.
  const isHalfNamed = (request.producerId === NONE) !== (request.producerEpoch === NONE)
  if (request.transactionalId === '' || isHalfNamed) return refused(errors.INVALID_REQUEST.code)
  if (request.transactionalId !== null) return refused(errors.COORDINATOR_NOT_AVAILABLE.code)
  try {
    const producerId = await context.broker.producerIds.take()
    return { errorCode: 0, producerId, producerEpoch: 0 }
  } catch (error) {
    return refused(asKafkaError(error, context.broker).code)
  }
}

function refused(errorCode: number): InitProducerIdAnswer {
  return { errorCode, producerId: NONE, producerEpoch: NONE }
}
