// DescribeProducers: who writes to a partition idempotently or in transactions, for finding hanging ones (KIP-664).
// Promises the state that appends are checked against. Leaves that state to log/.
import { topicNameProblem } from '../cluster/topic-names.ts'
import type { DescribeProducersRequest, describeProducers } from '../wire/apis/describe-producers.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError, localPartition } from './each.ts'

type DescribeProducersAnswer = Input<typeof describeProducers.response>

/** All the producers of a partition a hundred thousand times would be gigabytes. */
const NAMED_TWICE = 'The partition is named more than once in the request.'

export function handleDescribeProducers(
  request: DescribeProducersRequest,
  context: RequestContext,
): DescribeProducersAnswer {
  const named = new Set<string>()
  return {
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        try {
          if (topicNameProblem(name) !== null) throw new KafkaError(errors.INVALID_TOPIC_EXCEPTION)
          const key = `${partitionIndex}:${name}`
          if (named.has(key)) throw new KafkaError(errors.INVALID_REQUEST, NAMED_TWICE)
          named.add(key)
          const partition = localPartition(context.broker, name, partitionIndex)
          partition.checkLeader(-1)
          const activeProducers = partition.log.activeProducers().map((producer) => ({
            ...producer,
            currentTxnStartOffset: producer.currentTransactionStartOffset,
          }))
          return { partitionIndex, errorCode: 0, activeProducers }
        } catch (error) {
          const { code, message } = asKafkaError(error, context.broker)
          return { partitionIndex, errorCode: code, errorMessage: message, activeProducers: [] }
        }
      }),
    })),
  }
}
