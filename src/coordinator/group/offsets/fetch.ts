// OffsetFetch: what a group has committed, for some partitions or for all of them.
// Promises an answer for every partition that is asked for: what is not there is -1, which is no error. Leaves ids and
// existence of topics, and the shapes of the older versions, to the handler.
import { errors } from '../../../wire/errors.ts'
import { ZERO_UUID } from '../../../wire/schema.ts'
import type { CommittedOffset } from './offset-columns.ts'
import type { OffsetsState } from './state.ts'

/** One group of an OffsetFetch, and whether offsets of open transactions are to be told (KIP-447). */
export interface OffsetsToFetch {
  readonly groupId: string
  readonly memberId: string | null
  /** Below 0: the client is no member of a group whose members have epochs. */
  readonly memberEpoch: number
  readonly requireStable: boolean
  /** Null: all. An offset that was committed for another topic of the same name is not told to those who know the id. */
  readonly topics:
    | readonly {
        readonly name: string
        readonly topicId: string
        readonly partitionIndexes: readonly number[]
      }[]
    | null
}

export interface FetchedOffset {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}

export interface FetchedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly FetchedOffset[]
}

/**
 * The offsets that were asked for, in that order, or all that there are.
 * @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH (KIP-848)
 */
export function fetchOffsets(state: OffsetsState, request: OffsetsToFetch): FetchedTopic[] {
  const { topics } = request
  const group = state.groups.get(request.groupId)
  group?.checkOffsetFetch(request.memberId, request.memberEpoch)
  if (topics === null) return group === undefined ? [] : fetchAllOffsets(state, request)
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => {
      const committed = group === undefined ? undefined : state.offsets.get(request.groupId, name, partition)
      const isOfTopic = committed === undefined || isSameTopic(committed.topicId, topicId)
      return fetched(state, request, name, partition, isOfTopic ? committed : undefined)
    }),
  }))
}

function fetchAllOffsets(state: OffsetsState, request: OffsetsToFetch): FetchedTopic[] {
  const { groupId } = request
  return Array.from(state.offsets.topicsOf(groupId), (name) => ({
    name,
    // Which topic of this name it is, is for the handler to say, as in Apache Kafka.
    topicId: ZERO_UUID,
    partitions: Array.from(state.offsets.offsetsOf(groupId, name), ([partition, committed]) =>
      fetched(state, request, name, partition, committed),
    ),
  }))
}

function fetched(
  { offsets }: OffsetsState,
  { groupId, requireStable }: OffsetsToFetch,
  topic: string,
  partitionIndex: number,
  committed: CommittedOffset | undefined,
): FetchedOffset {
  const isUnstable = requireStable && offsets.hasPending(groupId, topic, partitionIndex)
  if (isUnstable) return noOffset(partitionIndex, errors.UNSTABLE_OFFSET_COMMIT.code)
  if (committed === undefined) return noOffset(partitionIndex)
  return {
    partitionIndex,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: errors.NONE.code,
  }
}

/** What is told of a partition without an offset, or with an error. */
export function noOffset(partitionIndex: number, errorCode: number = errors.NONE.code): FetchedOffset {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
}

/** Ids that are not known, of old records and old clients, are taken for the right ones. */
function isSameTopic(one: string, other: string): boolean {
  return one === ZERO_UUID || other === ZERO_UUID || one === other
}
