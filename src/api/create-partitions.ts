// CreatePartitions: gives topics more partitions.
// Promises that the new partitions take records when the answer comes. Leaves deciding to cluster/.
import type { CreatePartitionsRequest, createPartitions } from '../wire/apis/create-partitions.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

export async function handleCreatePartitions(
  request: CreatePartitionsRequest,
  context: RequestContext,
): Promise<Input<typeof createPartitions.response>> {
  const asked = request.topics.map(({ name, count, assignments }) => ({
    name,
    count,
    assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
  }))
  const outcomes = await context.broker.controller.createPartitions(asked, {
    validateOnly: request.validateOnly,
  })
  return {
    results: outcomes.map(({ name, error, message }) => ({
      name,
      errorCode: error.code,
      errorMessage: message,
    })),
  }
}
