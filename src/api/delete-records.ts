// DeleteRecords: moves the start of a log up, so that what lies below is gone for readers (KIP-107).
// Promises that nothing below the new start is served once this has answered. Leaves freeing the disk to retention.
import type { DeleteRecordsRequest, deleteRecords } from '../wire/apis/delete-records.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { BrokerContext, RequestContext } from './context.ts'
import { asKafkaError, localPartition } from './each.ts'

type DeleteRecordsAnswer = Input<typeof deleteRecords.response>

export function handleDeleteRecords(
  request: DeleteRecordsRequest,
  context: RequestContext,
): DeleteRecordsAnswer {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        try {
          const lowWatermark = deleteOne(context.broker, name, partitionIndex, offset)
          return { partitionIndex, lowWatermark, errorCode: 0 }
        } catch (error) {
          return { partitionIndex, lowWatermark: -1, errorCode: asKafkaError(error, context.broker).code }
        }
      }),
    })),
  }
}

function deleteOne(broker: BrokerContext, topic: string, index: number, offset: number): number {
  const partition = localPartition(broker, topic, index)
  if (partition.isInternal) {
    throw new KafkaError(errors.INVALID_TOPIC_EXCEPTION, `${topic} is kept by the broker: its records stay`)
  }
  if (!partition.isDeletable) {
    throw new KafkaError(
      errors.POLICY_VIOLATION,
      `records of ${topic} cannot be deleted by offset: its cleanup.policy does not contain delete`,
    )
  }
  return partition.deleteRecords(offset)
}
