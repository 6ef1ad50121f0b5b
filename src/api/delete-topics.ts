// DeleteTopics: removes topics with their records.
// Promises that what is answered without an error is gone: the name can be used again at once. Leaves deciding to cluster/.
//
//  3 TOPIC_DELETION_DISABLED is known   6 by name or by id (KIP-516)
import type { DeleteTopicsRequest, deleteTopics } from '../wire/apis/delete-topics.ts'
import { errors } from '../wire/errors.ts'
import { type Input, ZERO_UUID } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

const DISABLED_VERSION = 3
const BY_ID_VERSION = 6

export async function handleDeleteTopics(
  request: DeleteTopicsRequest,
  context: RequestContext,
): Promise<Input<typeof deleteTopics.response>> {
  const asked =
    context.apiVersion < BY_ID_VERSION
      ? request.topicNames.map((name) => ({ name, topicId: null }))
      : request.topics.map(({ name, topicId }) => ({ name, topicId: topicId === ZERO_UUID ? null : topicId }))
  const outcomes = await context.broker.controller.deleteTopics(asked)
  return {
    responses: outcomes.map(({ name, topicId, error, message }) => {
      const isUnknownToClient =
        error === errors.TOPIC_DELETION_DISABLED && context.apiVersion < DISABLED_VERSION
      return {
        name,
        topicId: topicId ?? ZERO_UUID,
        errorCode: (isUnknownToClient ? errors.INVALID_REQUEST : error).code,
        errorMessage: message,
      }
    }),
  }
}
