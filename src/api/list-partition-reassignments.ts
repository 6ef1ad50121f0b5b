// ListPartitionReassignments (KIP-455): partitions that move to other brokers.
// Promises those of the topics asked for; topics that do not exist are passed over, as in Apache Kafka.
import type {
  ListPartitionReassignmentsRequest,
  listPartitionReassignments,
} from '../wire/apis/list-partition-reassignments.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

type Answer = Input<typeof listPartitionReassignments.response>
type PartitionAnswer = NonNullable<NonNullable<Answer['topics']>[number]['partitions']>[number]

export function handleListPartitionReassignments(
  request: ListPartitionReassignmentsRequest,
  { broker }: RequestContext,
): Answer {
  const asked =
    request.topics &&
    new Map(request.topics.map(({ name, partitionIndexes }) => [name, new Set(partitionIndexes)]))
  const topics = new Map<string, PartitionAnswer[]>()
  for (const { topic, partition } of broker.controller.reassigning()) {
    if (asked !== null && !asked.get(topic.name)?.has(partition.index)) continue
    const partitions = topics.get(topic.name) ?? []
    topics.set(topic.name, partitions)
    partitions.push({
      partitionIndex: partition.index,
      replicas: partition.replicas,
      addingReplicas: partition.addingReplicas,
      removingReplicas: partition.removingReplicas,
    })
  }
  return {
    errorCode: errors.NONE.code,
    errorMessage: null,
    topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })),
  }
}
