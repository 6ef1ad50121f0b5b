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
  /** Those of its partitions that exist, in their order. */
  readonly committable: Topic['partitions']
  /** What became of these. */
  codes: readonly number[]
}

export async function handleOffsetCommit(
  request: OffsetCommitRequest,
  context: RequestContext,
): Promise<Answer> {
  const { apiVersion, broker } = context
  const hasIds = apiVersion >= FIRST_VERSION_WITH_IDS
  const cluster = broker.cluster.image()
  const asked = request.topics.map((topic) => lookUp(topic, hasIds, cluster))
  await commit(request, asked, context)
  const unknownTopic = hasIds ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION
  return { topics: asked.map((each) => answerFor(each, unknownTopic.code)) }
}

function lookUp(topic: Topic, hasIds: boolean, { topics, topicsById }: ClusterImage): Asked {
  const image = hasIds ? topicsById.get(topic.topicId) : topics.get(topic.name)
  const committable = topic.partitions.filter((partition) => isThere(image, partition))
  return { topic, image, committable, codes: [] }
}

function isThere(image: TopicImage | undefined, { partitionIndex }: { partitionIndex: number }): boolean {
  return image?.partitions[partitionIndex] !== undefined
}

/** Commits what can be committed, and notes what became of it. */
async function commit(
  request: OffsetCommitRequest,
  asked: readonly Asked[],
  { apiVersion, broker }: RequestContext,
): Promise<void> {
  const committed = asked.filter(({ committable }) => committable.length > 0)
  if (committed.length === 0) return
  const topics = committed.map(({ image, committable }) => ({
    name: image!.name,
    topicId: image!.id,
    partitions: committable,
  }))
  try {
    const answer = await broker.groupCoordinator.offsetCommit({ ...request, topics, apiVersion })
    for (const [at, each] of committed.entries()) {
      each.codes = (answer.topics?.[at]?.partitions ?? []).map(({ errorCode }) => errorCode ?? 0)
    }
  } catch (error) {
    const { code } = asKafkaError(error, broker)
    for (const each of committed) each.codes = each.committable.map(() => code)
  }
}

function answerFor({ topic, image, codes }: Asked, unknownTopic: number) {
  const missing = image === undefined ? unknownTopic : errors.UNKNOWN_TOPIC_OR_PARTITION.code
  let next = 0
  const partitions = topic.partitions.map((partition) => ({
    partitionIndex: partition.partitionIndex,
    errorCode: isThere(image, partition) ? codes[next++]! : missing,
  }))
  return { name: topic.name, topicId: topic.topicId, partitions }
}
