// From what a lower layer throws to the code a client is told, partition by partition.
// Promises that only protocol outcomes become codes: a broken invariant goes on to end the process.
// Leaves the shape of each answer to its handler.
import { AssertionError } from '../lib/assert.ts'
import type { Partition } from '../partition/partition.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import type { BrokerContext } from './context.ts'

/** The error as a protocol outcome. What nobody foresaw is logged and told as UNKNOWN_SERVER_ERROR. */
export function asKafkaError(error: unknown, broker: BrokerContext): KafkaError {
  if (error instanceof KafkaError) return error
  if (error instanceof AssertionError) throw error
  broker.logger.error('a request failed in a way nobody foresaw', {
    reason: String((error as Error).stack ?? error),
  })
  return new KafkaError(errors.UNKNOWN_SERVER_ERROR)
}

/**
 * The partition on this broker. Throws UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER when it is elsewhere, or
 * KAFKA_STORAGE_ERROR when its log cannot be opened.
 */
export function localPartition(broker: BrokerContext, topic: string, index: number): Partition {
  const partition = broker.replicas.find(topic, index)
  if (partition !== undefined) return partition
  const offlineReason = broker.replicas.offlineReason(topic, index)
  if (offlineReason !== undefined) throw new KafkaError(errors.KAFKA_STORAGE_ERROR, offlineReason)
  const image = broker.cluster.image().topics.get(topic)?.partitions[index]
  // One of ours that is not here is on its way out: the image is told last.
  const isElsewhere = image !== undefined && !image.replicas.includes(broker.nodeId)
  throw new KafkaError(isElsewhere ? errors.NOT_LEADER_OR_FOLLOWER : errors.UNKNOWN_TOPIC_OR_PARTITION)
}

/** The name of a topic that was named by id (KIP-516). Throws UNKNOWN_TOPIC_ID. */
export function topicNameOf(broker: BrokerContext, topicId: string): string {
  const topic = topicId === ZERO_UUID ? undefined : broker.cluster.image().topicsById.get(topicId)
  if (topic === undefined) throw new KafkaError(errors.UNKNOWN_TOPIC_ID)
  return topic.name
}
