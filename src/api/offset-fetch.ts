// OffsetFetch: what groups have committed, for some partitions or for all.
// Promises that one group's error does not touch the others, that each version finds errors where it looks for them, and only
// such as its clients know. Leaves the offsets to the coordinator.
//
//  1 a group's error is that of each of its partitions      2 beside the topics      8 in the group's own part
// 10 topic ids in place of names: UNKNOWN_TOPIC_ID; topics without an id are not told
import type { FetchedTopic } from '../coordinator/group/offsets/fetch.ts'
import { noOffset } from '../coordinator/group/offsets/fetch.ts'
import type { OffsetFetchRequest, offsetFetch } from '../wire/apis/offset-fetch.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import { type Input, ZERO_UUID } from '../wire/schema.ts'
import { FRAME_BYTES, MOST_ANSWER_BYTES } from './answer-size.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof offsetFetch.response>

const FIRST_VERSION_WITH_TOP_LEVEL_ERROR = 2
const FIRST_VERSION_WITH_GROUPS = 8
const FIRST_VERSION_WITH_IDS = 10

/** One group, whichever version asked for it. */
interface GroupToFetch {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly topics: readonly TopicToFetch[] | null
}

interface TopicToFetch {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

interface FetchedGroup {
  readonly groupId: string
  readonly topics: readonly FetchedTopic[]
  readonly errorCode: number
}

export async function handleOffsetFetch(
  request: OffsetFetchRequest,
  context: RequestContext,
): Promise<Answer> {
  const { apiVersion } = context
  const { requireStable } = request
  if (apiVersion >= FIRST_VERSION_WITH_GROUPS) {
    const room = { bytes: MOST_ANSWER_BYTES }
    const groups: FetchedGroup[] = []
    // One after the other, so that what does not fit is let go of before more is fetched.
    for (const group of request.groups) groups.push(await fetchGroup(group, requireStable, context, room))
    return { groups }
  }
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics }
  const { errorCode, topics: fetched } = await fetchGroup(group, requireStable, context, {
    bytes: MOST_ANSWER_BYTES,
  })
  return { topics: fetched, errorCode }
}

async function fetchGroup(
  group: GroupToFetch,
  requireStable: boolean,
  context: RequestContext,
  room: { bytes: number },
): Promise<FetchedGroup> {
  const { groupId } = group
  try {
    const topics = await (group.topics === null
      ? fetchAll(group, requireStable, context)
      : fetchSome({ ...group, topics: group.topics }, requireStable, context))
    room.bytes -= roughBytes(topics)
    if (room.bytes < 0) {
      throw new KafkaError(errors.INVALID_REQUEST, 'the answer would be too large: ask for less at a time')
    }
    return { groupId, topics, errorCode: errors.NONE.code }
  } catch (error) {
    return failed(group, codeFor(asKafkaError(error, context.broker)), context)
  }
}

async function fetchAll(
  group: GroupToFetch,
  requireStable: boolean,
  { apiVersion, broker }: RequestContext,
): Promise<readonly FetchedTopic[]> {
  const fetched = await broker.groupCoordinator.offsetFetch({ ...group, topics: null, requireStable })
  if (apiVersion < FIRST_VERSION_WITH_IDS) return fetched
  const { topics } = broker.cluster.image()
  return fetched.flatMap((topic) => {
    const topicId = topics.get(topic.name)?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}

async function fetchSome(
  group: GroupToFetch & { readonly topics: readonly TopicToFetch[] },
  requireStable: boolean,
  { apiVersion, broker }: RequestContext,
): Promise<readonly FetchedTopic[]> {
  const { topics, topicsById } = broker.cluster.image()
  const hasIds = apiVersion >= FIRST_VERSION_WITH_IDS
  // Those who know the name alone mean the topic that has it now: it has no part in the offsets of one before it.
  const named = hasIds
    ? group.topics.map((topic) => ({ ...topic, name: topicsById.get(topic.topicId)?.name ?? '' }))
    : group.topics.map((topic) => ({ ...topic, topicId: topics.get(topic.name)?.id ?? ZERO_UUID }))
  const isKnown = ({ name }: TopicToFetch) => !hasIds || name !== ''
  const known = named.filter(isKnown)
  const fetched = await broker.groupCoordinator.offsetFetch({ ...group, topics: known, requireStable })
  const unknown = named
    .filter((topic) => !isKnown(topic))
    .map((topic) => withError(topic, errors.UNKNOWN_TOPIC_ID.code))
  return [...fetched, ...unknown]
}

/** About as many bytes as the topics have in an answer. */
function roughBytes(topics: readonly FetchedTopic[]): number {
  let bytes = 0
  for (const { name, partitions } of topics) {
    bytes += FRAME_BYTES + name.length
    for (const { metadata } of partitions) bytes += FRAME_BYTES + metadata.length
  }
  return bytes
}

/** Consumers before Kafka 3.9 know but one of the two, and end themselves for the other; both have them look for the coordinator. */
function codeFor({ error }: KafkaError): number {
  return (error === errors.COORDINATOR_NOT_AVAILABLE ? errors.NOT_COORDINATOR : error).code
}

function failed({ groupId, topics }: GroupToFetch, code: number, { apiVersion }: RequestContext) {
  if (apiVersion >= FIRST_VERSION_WITH_TOP_LEVEL_ERROR) return { groupId, topics: [], errorCode: code }
  return { groupId, topics: (topics ?? []).map((topic) => withError(topic, code)), errorCode: code }
}

function withError({ name, topicId, partitionIndexes }: TopicToFetch, errorCode: number): FetchedTopic {
  return { name, topicId, partitions: partitionIndexes.map((index) => noOffset(index, errorCode)) }
}
