// OffsetDelete (KIP-496): forgets how far a group has read topics that it does not read any more.
// Promises an answer for each partition unless the group as a whole says no. Leaves who reads what to the coordinator.
import type { OffsetDeleteRequest, offsetDelete } from '../wire/apis/offset-delete.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof offsetDelete.response>

export async function handleOffsetDelete(
  request: OffsetDeleteRequest,
  { broker }: RequestContext,
): Promise<Answer> {
  const image = broker.cluster.image()
  const isThere = (topic: string, index: number) => image.topics.get(topic)?.partitions[index] !== undefined
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.filter(({ partitionIndex }) => isThere(name, partitionIndex)),
  }))
  try {
    // Asked also when nothing is left: whether there is such a group is worth knowing.
    const deleted = await broker.groupCoordinator.offsetDelete({ ...request, topics })
    return {
      topics: request.topics.map(({ name, partitions }, at) => {
        const answered = deleted.topics?.[at]?.partitions ?? []
        let next = 0
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) => {
            const unknown = { partitionIndex, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code }
            return isThere(name, partitionIndex) ? (answered[next++] ?? unknown) : unknown
          }),
        }
      }),
    }
  } catch (error) {
    return { errorCode: asKafkaError(error, broker).code, topics: [] }
  }
}
