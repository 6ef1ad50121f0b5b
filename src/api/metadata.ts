// Metadata: brokers, topics, partitions and their leaders. What every client asks first.
// Promises that a leader which is named is there and takes requests, and addresses that the client can reach. A missing topic
// is created before the answer (auto.create.topics.enable), so that no client has to wait and ask again; Apache Kafka answers
// UNKNOWN_TOPIC_OR_PARTITION first. Internal topics are never created this way.
//
//  0 an empty list means all topics, later null does   4 the client says whether missing topics may be created
// 10 topic ids are told   12 topics may be asked for by id
import type { TopicImage } from '../cluster/image.ts'
import { isInternalTopic, topicNameProblem } from '../cluster/topic-names.ts'
import type { MetadataRequest, metadata } from '../wire/apis/metadata.ts'
import { type ErrorCode, errors } from '../wire/errors.ts'
import { type Input, ZERO_UUID } from '../wire/schema.ts'
import { authorizedClusterOperations, authorizedTopicOperations } from './authorized-operations.ts'
import type { RequestContext } from './context.ts'
import { partitionState, reachableBrokers } from './partition-states.ts'

type MetadataAnswer = Input<typeof metadata.response>
type TopicAnswer = NonNullable<MetadataAnswer['topics']>[number]

const BY_ID_VERSION = 12
const LISTENER_ERRORS_VERSION = 6

/** A topic that was asked for, by name or by id. */
interface Asked {
  readonly name: string | null
  readonly topicId: string
}

export function handleMetadata(
  request: MetadataRequest,
  context: RequestContext,
): MetadataAnswer | Promise<MetadataAnswer> {
  const asked = askedTopics(request, context)
  const missing = creatable(request, asked, context)
  if (missing.length === 0) return answer(request, asked, new Map(), context)
  return create(missing, context).then((failures) => answer(request, asked, failures, context))
}

/** Null: all. Each topic once, in the order of the request. */
function askedTopics({ topics }: MetadataRequest, { apiVersion }: RequestContext): Asked[] | null {
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return null
  const byKey = new Map<string, Asked>()
  for (const { name, topicId } of topics) {
    byKey.set(topicId === ZERO_UUID ? `name ${name}` : topicId, { name, topicId })
  }
  return [...byKey.values()]
}

function isById({ topicId }: Asked): boolean {
  return topicId !== ZERO_UUID
}

function creatable(
  request: MetadataRequest,
  asked: readonly Asked[] | null,
  { broker }: RequestContext,
): string[] {
  if (asked === null || !request.allowAutoTopicCreation || !broker.config().autoCreateTopicsEnable) return []
  const { topics } = broker.cluster.image()
  return asked.flatMap((topic) => {
    const { name } = topic
    if (name === null || isById(topic) || topics.has(name)) return []
    return topicNameProblem(name) === null && !isInternalTopic(name) ? [name] : []
  })
}

/** What kept topics from being created, by name. */
async function create(names: readonly string[], { broker }: RequestContext): Promise<Map<string, ErrorCode>> {
  const outcomes = await broker.controller.autoCreateTopics(names)
  const failed = outcomes.filter(({ error }) => error !== errors.NONE)
  const [first] = failed
  // One line, however many were asked for: a request must not fill the log.
  if (first !== undefined) {
    const { name, message } = first
    broker.logger.warn('could not create a topic', {
      topic: name,
      reason: message,
      others: failed.length - 1,
    })
  }
  return new Map(failed.map(({ name, error }) => [name, error]))
}

function answer(
  request: MetadataRequest,
  asked: readonly Asked[] | null,
  failures: ReadonlyMap<string, ErrorCode>,
  context: RequestContext,
): MetadataAnswer {
  const image = context.broker.cluster.image()
  const topics =
    asked === null
      ? Array.from(image.topics.values(), (topic) => describe(topic, request, context))
      : asked.map((topic) => answerOne(topic, request, failures, context))
  return {
    brokers: reachableBrokers(context).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    topics,
    clusterAuthorizedOperations: authorizedClusterOperations(request.includeClusterAuthorizedOperations),
  }
}

function answerOne(
  asked: Asked,
  request: MetadataRequest,
  failures: ReadonlyMap<string, ErrorCode>,
  context: RequestContext,
): TopicAnswer {
  const { name, topicId } = asked
  const image = context.broker.cluster.image()
  if (context.apiVersion < BY_ID_VERSION && (isById(asked) || name === null)) {
    return refuse(errors.INVALID_REQUEST, { name: name ?? '', topicId })
  }
  if (isById(asked)) {
    const topic = image.topicsById.get(topicId)
    if (topic === undefined) return refuse(errors.UNKNOWN_TOPIC_ID, { name: null, topicId })
    return describe(topic, request, context)
  }
  if (name === null) return refuse(errors.INVALID_REQUEST, asked)
  const topic = image.topics.get(name)
  if (topic !== undefined) return describe(topic, request, context)
  const failure = failures.get(name)
  if (failure !== undefined) return refuse(failure, asked)
  const isPossible = topicNameProblem(name) === null
  return {
    ...refuse(isPossible ? errors.UNKNOWN_TOPIC_OR_PARTITION : errors.INVALID_TOPIC_EXCEPTION, asked),
    // Apache Kafka 4.3 tells them of topics that are not there, too (measured).
    topicAuthorizedOperations: authorizedTopicOperations(request.includeTopicAuthorizedOperations),
  }
}

function refuse(error: ErrorCode, { name, topicId }: Asked): TopicAnswer {
  return {
    errorCode: error.code,
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
  }
}

function describe(topic: TopicImage, request: MetadataRequest, context: RequestContext): TopicAnswer {
  const knowsListenerErrors = context.apiVersion >= LISTENER_ERRORS_VERSION
  return {
    errorCode: errors.NONE.code,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map((partition) => partitionState(partition, context, knowsListenerErrors)),
    topicAuthorizedOperations: authorizedTopicOperations(request.includeTopicAuthorizedOperations),
  }
}
