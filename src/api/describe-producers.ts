// DescribeProducers: who writes to a partition idempotently or in transactions, for finding hanging ones (KIP-664).
// Promises the state that appends are checked against. Leaves that state to log/.
import { topicNameProblem } from '../cluster/topic-names.ts'
import type { DescribeProducersRequest, describeProducers } from '../wire/apis/describe-producers.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError, localPartition } from './each.ts'

type DescribeProducersAnswer = Input<typeof describeProducers.response>
type TopicAnswer = NonNullable<DescribeProducersAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number] & {
  readonly activeProducers: readonly object[]
}

/** Producers in one answer, from where on no partition is told again: a hundred thousand times would be gigabytes. */
const MOST_TOLD_AGAIN = 500_000

export function handleDescribeProducers(
  request: DescribeProducersRequest,
  context: RequestContext,
): DescribeProducersAnswer {
  const told = new Map<string, PartitionAnswer>()
  let producers = 0
  const answerOnce = (topic: string, index: number): PartitionAnswer => {
    const key = `${index}:${topic}`
    const before = told.get(key)
    if (before !== undefined && producers + before.activeProducers.length > MOST_TOLD_AGAIN) {
      const errorMessage =
        'The partition is named more than once, and the answer is too large to tell of it again.'
      const errorCode = errors.INVALID_REQUEST.code
      return { partitionIndex: index, errorCode, errorMessage, activeProducers: [] }
    }
    const answer = before ?? answerOne(topic, index, context)
    told.set(key, answer)
    producers += answer.activeProducers.length
    return answer
  }
  return {
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => answerOnce(name, index)),
    })),
  }
}

function answerOne(topic: string, partitionIndex: number, context: RequestContext): PartitionAnswer {
  try {
    if (topicNameProblem(topic) !== null) throw new KafkaError(errors.INVALID_TOPIC_EXCEPTION)
    const partition = localPartition(context.broker, topic, partitionIndex)
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
}
