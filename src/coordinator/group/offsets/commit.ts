// OffsetCommit: who may commit, and the records that a commit comes to.
// Promises Apache Kafka 4.3's outcomes: the group and the member decide about the request as a whole, the size of its metadata
// about each partition. Leaves names, ids and existence of topics to the handler.
import type { OffsetCommitRequest, offsetCommit } from '../../../wire/apis/offset-commit.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Input } from '../../../wire/schema.ts'
import type { GroupStep, GroupSurroundings } from '../group.ts'
import type { OffsetCommitRecord } from '../records.ts'
import type { OffsetsState } from './state.ts'

/** A request whose topics have both their name and their id, whichever of them the client knew. */
export type OffsetsToCommit = OffsetCommitRequest & { readonly apiVersion: number }

export type OffsetCommitAnswer = Input<typeof offsetCommit.response>

/** From this version on a group that is not there is told as such. */
const FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND = 9

const NO_RETENTION = -1

/**
 * Commits offsets. One record for each partition, unless its metadata is too large: OFFSET_METADATA_TOO_LARGE then, and
 * the others are committed all the same.
 * @throws KafkaError GROUP_ID_NOT_FOUND (ILLEGAL_GENERATION before version 9) when members commit for a group that is not
 * there, and what `Group.checkOffsetCommit` says
 */
export function commitOffsets(
  { groups }: OffsetsState,
  request: OffsetsToCommit,
  step: GroupStep,
  surroundings: GroupSurroundings,
): OffsetCommitAnswer {
  const maxMetadata = surroundings.config().offsetMetadataMaxBytes
  const isTooLarge = ({ committedMetadata }: { committedMetadata: string | null }) =>
    committedMetadata !== null && committedMetadata.length > maxMetadata
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, apiVersion } = request
  const group = groups.get(groupId)
  if (group !== undefined) {
    const client = { memberId, groupInstanceId, generationIdOrMemberEpoch, apiVersion }
    const partitions = request.topics.flatMap(({ name: topic, partitions }) =>
      partitions
        .filter((partition) => !isTooLarge(partition))
        .map(({ partitionIndex }) => ({ topic, partition: partitionIndex })),
    )
    group.checkOffsetCommit(client, partitions, step)
  } else if (generationIdOrMemberEpoch >= 0) {
    throw apiVersion >= FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND
      ? new KafkaError(errors.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
      : new KafkaError(errors.ILLEGAL_GENERATION)
  }
  let records = 0
  const topics = request.topics.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.map((partition) => {
      const { partitionIndex } = partition
      if (isTooLarge(partition)) {
        return { partitionIndex, errorCode: errors.OFFSET_METADATA_TOO_LARGE.code }
      }
      step.append(recordOf(request, topic, partition, step.nowMs))
      records++
      return { partitionIndex, errorCode: errors.NONE.code }
    }),
  }))
  if (group === undefined && records > 0) {
    const reason = 'offsets were committed by a client that does not join groups'
    surroundings.note(groupId, { kind: 'created', reason })
  }
  return { topics }
}

function recordOf(
  { groupId, retentionTimeMs }: OffsetsToCommit,
  { name, topicId }: OffsetsToCommit['topics'][number],
  partition: OffsetsToCommit['topics'][number]['partitions'][number],
  nowMs: number,
): OffsetCommitRecord {
  return {
    type: 'OffsetCommit',
    key: { group: groupId, topic: name, partition: partition.partitionIndex },
    value: {
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata ?? '',
      commitTimestamp: nowMs,
      // Some clients ask for the longest time there is.
      expireTimestamp:
        retentionTimeMs === NO_RETENTION ? -1 : Math.min(nowMs + retentionTimeMs, Number.MAX_SAFE_INTEGER),
      topicId,
    },
  }
}
