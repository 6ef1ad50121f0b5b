// ListOffsets: the offsets that matter of a partition: first, last, by time, of the largest timestamp.
// Promises Kafka's special timestamps, each from the version that brought it. Leaves finding offsets to log/.
//
//  1 oldest  2 isolation level  4 leader epochs  7 largest timestamp (KIP-734)  8 earliest local (KIP-405)
//  9 last tiered (KIP-1005)  11 earliest pending upload (KIP-1023)
import { nextTurn } from '../lib/clock.ts'
import { type SearchRoom, searchRoom } from '../log/log-search.ts'
import type { Partition } from '../partition/partition.ts'
import type { ListOffsetsRequest, listOffsets } from '../wire/apis/list-offsets.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError, localPartition } from './each.ts'

type ListOffsetsAnswer = Input<typeof listOffsets.response>
type TopicAnswer = NonNullable<ListOffsetsAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]
type PartitionQuery = ListOffsetsRequest['topics'][number]['partitions'][number]

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** First version in which each special timestamp may be asked for. */
const firstVersions: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

const READ_COMMITTED = 1
const NOT_FOUND = { timestamp: -1, offset: -1, leaderEpoch: -1 }

/** So much is unfolded at once, then others have their turn. */
const UNFOLDED_IN_A_TURN_BYTES = 8 * 1024 * 1024

export async function handleListOffsets(
  request: ListOffsetsRequest,
  context: RequestContext,
): Promise<ListOffsetsAnswer> {
  const topics: TopicAnswer[] = []
  const room = searchRoom()
  let pauseAtBytes = room.bytes - UNFOLDED_IN_A_TURN_BYTES
  for (const { name, partitions } of request.topics) {
    const named = new Map<number, PartitionQuery>()
    const repeated = new Set<number>()
    for (const query of partitions) {
      if (named.has(query.partitionIndex)) repeated.add(query.partitionIndex)
      named.set(query.partitionIndex, query)
    }
    const answers: PartitionAnswer[] = []
    for (const query of named.values()) {
      const { partitionIndex } = query
      if (repeated.has(partitionIndex)) {
        answers.push({ partitionIndex, errorCode: errors.INVALID_REQUEST.code })
        continue
      }
      answers.push(answerOne(name, query, request.isolationLevel === READ_COMMITTED, context, room))
      if (room.bytes > pauseAtBytes) continue
      pauseAtBytes = room.bytes - UNFOLDED_IN_A_TURN_BYTES
      await nextTurn(context.broker.clock)
    }
    topics.push({ name, partitions: answers })
  }
  return { topics }
}

function answerOne(
  topic: string,
  query: PartitionQuery,
  isCommittedOnly: boolean,
  context: RequestContext,
  room: SearchRoom,
): PartitionAnswer {
  const { partitionIndex } = query
  try {
    checkVersion(query.timestamp, context.apiVersion)
    const partition = localPartition(context.broker, topic, partitionIndex)
    partition.checkLeader(query.currentLeaderEpoch)
    const found = find(partition, query.timestamp, isCommittedOnly, room)
    return { partitionIndex, errorCode: 0, ...found }
  } catch (error) {
    return { partitionIndex, errorCode: asKafkaError(error, context.broker).code }
  }
}

/** Before anything is looked up, as in Apache Kafka 4.3 (measured). */
function checkVersion(timestamp: number, apiVersion: number): void {
  if (timestamp < 0 && apiVersion < (firstVersions.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    throw new KafkaError(
      errors.UNSUPPORTED_VERSION,
      `timestamp ${timestamp} has no meaning in version ${apiVersion}`,
    )
  }
}

function find(partition: Partition, timestamp: number, isCommittedOnly: boolean, room: SearchRoom) {
  const { log } = partition
  const endOffset = isCommittedOnly ? partition.lastStableOffset : partition.highWatermark
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: endOffset, leaderEpoch: partition.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: log.startOffset, leaderEpoch: log.epochOf(log.startOffset) ?? -1 }
    case LATEST_TIERED:
      return NOT_FOUND
    case EARLIEST_PENDING_UPLOAD:
      // Without tiered storage nothing ever waits for an upload.
      return NOT_FOUND
    default: {
      const found =
        timestamp === MAX_TIMESTAMP ? log.offsetOfMaxTimestamp(room) : log.offsetForTimestamp(timestamp, room)
      return found === undefined || found.offset >= endOffset ? NOT_FOUND : found
    }
  }
}
