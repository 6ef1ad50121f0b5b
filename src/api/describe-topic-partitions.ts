// DescribeTopicPartitions (KIP-966): topics and their partitions, a page at a time, in order of name.
// Promises at most `max.request.partition.size.limit` partitions in an answer, and a cursor to where the next page begins.
import type { ClusterImage, TopicImage } from '../cluster/image.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import type {
  DescribeTopicPartitionsRequest,
  describeTopicPartitions,
} from '../wire/apis/describe-topic-partitions.ts'
import { errors } from '../wire/errors.ts'
import { type Input, ZERO_UUID } from '../wire/schema.ts'
import { authorizedTopicOperations } from './authorized-operations.ts'
import type { RequestContext } from './context.ts'
import { partitionState } from './partition-states.ts'

type Answer = Input<typeof describeTopicPartitions.response>
type TopicAnswer = NonNullable<Answer['topics']>[number]

export function handleDescribeTopicPartitions(
  request: DescribeTopicPartitionsRequest,
  context: RequestContext,
): Answer {
  const { cursor } = request
  if (cursor !== null && !isPossible(cursor, request)) {
    const names = request.topics.length > 0 ? request.topics.map(({ name }) => name) : [cursor.topicName]
    return { topics: names.map((name) => refuse(name, errors.INVALID_REQUEST.code)), nextCursor: null }
  }
  const image = context.broker.cluster.image()
  const names = namesFrom(request, image)
  const most = context.broker.config().maxRequestPartitionSizeLimit
  let left = Math.max(1, Math.min(most, request.responsePartitionLimit))
  const topics: TopicAnswer[] = []
  for (const name of names) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } }
    const topic = image.topics.get(name)
    if (topic === undefined) {
      const topicAuthorizedOperations = authorizedTopicOperations(true)
      topics.push({ ...refuse(name, unknownCode(name)), topicAuthorizedOperations })
      continue
    }
    const start = cursor?.topicName === name ? cursor.partitionIndex : 0
    const end = Math.min(topic.partitions.length, start + left)
    topics.push(describe(topic, start, end, context))
    if (end < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: end } }
    left -= Math.max(0, end - start)
  }
  return { topics, nextCursor: null }
}

/** A cursor comes from an answer to the same list of topics. */
function isPossible(
  { topicName, partitionIndex }: NonNullable<DescribeTopicPartitionsRequest['cursor']>,
  { topics }: DescribeTopicPartitionsRequest,
): boolean {
  return partitionIndex >= 0 && (topics.length === 0 || topics.some(({ name }) => name === topicName))
}

/** The names that are left, sorted: those asked for, or all, from the cursor's on. */
function namesFrom({ topics, cursor }: DescribeTopicPartitionsRequest, image: ClusterImage): string[] {
  const names = topics.length === 0 ? image.topics.keys() : topics.map(({ name }) => name)
  const first = cursor?.topicName ?? ''
  return [...new Set(names)].filter((name) => name >= first).sort((one, other) => (one < other ? -1 : 1))
}

function unknownCode(name: string): number {
  return (
    topicNameProblem(name) === null ? errors.UNKNOWN_TOPIC_OR_PARTITION : errors.INVALID_TOPIC_EXCEPTION
  ).code
}

function refuse(name: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId: ZERO_UUID, isInternal: false, partitions: [] }
}

function describe(topic: TopicImage, start: number, end: number, context: RequestContext): TopicAnswer {
  return {
    errorCode: errors.NONE.code,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.slice(start, end).map((partition) => ({
      ...partitionState(partition, context),
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
    topicAuthorizedOperations: authorizedTopicOperations(true),
  }
}
