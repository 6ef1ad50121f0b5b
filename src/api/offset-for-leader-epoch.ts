// OffsetForLeaderEpoch: where an epoch ended, so that a reader can tell whether its history is ours (KIP-101, KIP-320).
// Promises -1 and -1 without an error for an epoch that is not known. Leaves the epochs to log/.
import type {
  OffsetForLeaderEpochRequest,
  offsetForLeaderEpoch,
} from '../wire/apis/offset-for-leader-epoch.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError, localPartition } from './each.ts'

type OffsetForLeaderEpochAnswer = Input<typeof offsetForLeaderEpoch.response>

export function handleOffsetForLeaderEpoch(
  request: OffsetForLeaderEpochRequest,
  context: RequestContext,
): OffsetForLeaderEpochAnswer {
  return {
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((query) => {
        try {
          const partition = localPartition(context.broker, topic, query.partition)
          partition.checkLeader(query.currentLeaderEpoch)
          const { leaderEpoch, endOffset } = partition.log.endOffsetForEpoch(query.leaderEpoch)
          return { partition: query.partition, errorCode: 0, leaderEpoch, endOffset }
        } catch (error) {
          return { partition: query.partition, errorCode: asKafkaError(error, context.broker).code }
        }
      }),
    })),
  }
}
