// OffsetCommit: stores how far a group has read.
// Promises an answer for each partition, in the order of the request: what does not exist is refused by itself, what the group
// has to say goes for all the rest. Leaves who may commit, and the commit itself, to the coordinator.
//
// 10 topic ids in place of names: UNKNOWN_TOPIC_ID
import type { ClusterImage, TopicImage } from '../cluster/image.ts'
import type { OffsetCommitRequest, offsetCommit } from '../wire/apis/offset-commit.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof offsetCommit.response>
type Topic = OffsetCommitRequest['topics'][number]

const FIRST_VERSION_WITH_IDS = 10

/** A topic of the request, and what there is of it. */
interface Asked {
  readonly topic: Topic
  readonly image: TopicImage | undefined
  readonly committable: Topic['partitions']
}

export async function handleOffsetCommit(
  request: OffsetCommitRequest,
  context: RequestContext,
): Promise<Answer> {
  const { apiVersion, broker } = context
  const hasIds = apiVersion >= FIRST_VERSION_WITH_IDS
  const asked = request.topics.map((topic) => lookUp(topic, hasIds, broker.cluster.image()))
  const codes = await commit(request, asked, context)
  const unknown = hasIds ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION
  return {
    topics: asked.map(({ topic, image }) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.map((partition) => {
        const missing = image === undefined ? unknown : errors.UNKNOWN_TOPIC_OR_PARTITION
        const errorCode = codes.get(partition) ?? missing.code
        return { partitionIndex: partition.partitionIndex, errorCode }
      }),
    })),
  }
}

function lookUp(topic: Topic, hasIds: boolean, { topics, topicsById }: ClusterImage): Asked {
  const image = hasIds ? topicsById.get(topic.topicId) : topics.get(topic.name)
  const committable = topic.partitions.filter(
    ({ partitionIndex }) => image?.partitions[partitionIndex] !== undefined,
  )
  return { topic, image, committable }
}

/** Commits what can be committed; what became of it, for each of these partitions. */
async function commit(
  request: OffsetCommitRequest,
  asked: readonly Asked[],
  { apiVersion, broker }: RequestContext,
): Promise<ReadonlyMap<Topic['partitions'][number], number>> {
  const committed = asked.filter(({ committable }) => committable.length > 0)
  const codes = new Map<Topic['partitions'][number], number>()
  if (committed.length === 0) return codes
  const topics = committed.map(({ image, committable }) => ({
    name: image!.name,
    topicId: image!.id,
    partitions: committable,
  }))
  try {
    const answer = await broker.groupCoordinator.offsetCommit({ ...request, topics, apiVersion })
    for (const [at, { committable }] of committed.entries()) {
      const answered = answer.topics?.[at]?.partitions ?? []
      for (const [i, partition] of committable.entries()) codes.set(partition, answered[i]?.errorCode ?? 0)
    }
  } catch (error) {
    const { code } = asKafkaError(error, broker)
    for (const { committable } of committed) for (const partition of committable) codes.set(partition, code)
  }
  return codes
}
