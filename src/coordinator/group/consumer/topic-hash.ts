// One number for everything about the topics of a group that its assignment depends on: their ids, names, partition
// counts and the racks of their replicas. Promises the same number for the same topics on every broker and at any time,
// and 0 for no topics. Leaves when to compare it to heartbeat.ts. Kafka's own function is another one: a group that
// changes brokers of the two kinds gets one assignment more.
import { createHash } from 'node:crypto'
import type { ClusterImage, TopicImage } from '../../../cluster/image.ts'

interface HashedTopic {
  readonly brokers: ClusterImage['brokers']
  readonly hash: number
}

/** Images share unchanged topics, so a topic is hashed once for all groups. */
const hashedTopics = new WeakMap<TopicImage, HashedTopic>()

/** 48 bits, so that it is a safe integer. Topics that do not exist do not count. */
export function topicsHash(topics: Iterable<string>, image: ClusterImage): number {
  const lines: string[] = []
  for (const name of topics) {
    const topic = image.topics.get(name)
    if (topic !== undefined) lines.push(`${topic.id} ${topicHash(topic, image.brokers)}`)
  }
  return lines.length === 0 ? 0 : hashOf(lines.sort())
}

function topicHash(topic: TopicImage, brokers: ClusterImage['brokers']): number {
  const known = hashedTopics.get(topic)
  if (known?.brokers === brokers) return known.hash
  const partitions = topic.partitions.map(({ replicas }) =>
    replicas.map((id) => brokers.get(id)?.rack ?? null).sort(),
  )
  const hash = hashOf([JSON.stringify([topic.id, topic.name, partitions])])
  hashedTopics.set(topic, { brokers, hash })
  return hash
}

function hashOf(lines: readonly string[]): number {
  const digest = createHash('sha256')
  for (const line of lines) digest.update(line).update('\n')
  return digest.digest().readUIntBE(0, 6)
}
