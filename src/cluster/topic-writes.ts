// What a decision about topics or settings writes, entry by entry.
// Promises that an order which may be cut between any two transactions leaves the old state or the new one, and leftovers
// that nobody sees. Leaves the transactions to decision-log.ts.
import type { DecidedConfigs } from './config-decisions.ts'
import type { Write, WriteGroup } from './decision-log.ts'
import type { TopicImage } from './image.ts'
import {
  chunkCount,
  encodeChunk,
  encodeConfigs,
  encodeTopicInfo,
  PARTITIONS_PER_CHUNK,
  paths,
} from './layout.ts'

function infoWrite({ id, name, partitions, configs }: TopicImage): Write {
  return {
    path: paths.topicInfo(id),
    value: encodeTopicInfo({ name, partitions: partitions.length, configs }),
  }
}

function chunkWrite({ id, partitions }: TopicImage, chunk: number): Write {
  const start = chunk * PARTITIONS_PER_CHUNK
  return {
    path: paths.topicChunk(id, chunk),
    value: encodeChunk(partitions.slice(start, start + PARTITIONS_PER_CHUNK)),
  }
}

function changedWithin(chunk: number, before: TopicImage, after: TopicImage): boolean {
  const start = chunk * PARTITIONS_PER_CHUNK
  return after.partitions
    .slice(start, start + PARTITIONS_PER_CHUNK)
    .some((partition, offset) => partition !== before.partitions[start + offset])
}

/** `info` last: it is what makes the topic exist, should the writes not fit into one transaction. */
export function newTopicWrites(topic: TopicImage): WriteGroup {
  const chunks = Array.from({ length: chunkCount(topic.partitions.length) }, (_, chunk) =>
    chunkWrite(topic, chunk),
  )
  return [...chunks, infoWrite(topic)]
}

/** `info` first, for the same reason. */
export function deletedTopicWrites({ id, partitions }: TopicImage): WriteGroup {
  const chunks = Array.from({ length: chunkCount(partitions.length) }, (_, chunk) =>
    paths.topicChunk(id, chunk),
  )
  return [paths.topicInfo(id), ...chunks].map((path) => ({ path, value: null }))
}

export function configWrites(decided: DecidedConfigs): WriteGroup {
  if ('topic' in decided) return [infoWrite({ ...decided.topic, configs: decided.configs })]
  if ('broker' in decided) {
    return [{ path: paths.brokerConfigs(decided.broker), value: encodeConfigs(decided.configs) }]
  }
  // Groups come and go: one that has no settings of its own any more leaves nothing behind.
  const value = decided.configs.size === 0 ? null : encodeConfigs(decided.configs)
  return [{ path: paths.groupConfigs(decided.group), value }]
}

/** What a topic that had `before` partitions needs to have more; `info` last. */
export function grownTopicWrites(topic: TopicImage, before: number): WriteGroup {
  const writes: Write[] = []
  const chunks = chunkCount(topic.partitions.length)
  for (let chunk = Math.floor(before / PARTITIONS_PER_CHUNK); chunk < chunks; chunk++) {
    writes.push(chunkWrite(topic, chunk))
  }
  return [...writes, infoWrite(topic)]
}

/** The chunks in which a topic's partitions differ from what they were. */
export function changedChunkWrites(before: TopicImage, after: TopicImage): WriteGroup[] {
  const groups: WriteGroup[] = []
  for (let chunk = 0; chunk < chunkCount(after.partitions.length); chunk++) {
    if (changedWithin(chunk, before, after)) groups.push([chunkWrite(after, chunk)])
  }
  return groups
}
