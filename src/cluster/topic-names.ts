// What a topic may be called, and which topics the broker keeps for itself.
// Promises Apache Kafka 4.3's rules (clients/common/internals/Topic). Leaves existing topics to topic-decisions.ts.

export const LONGEST_TOPIC_NAME = 249

/** Kafka's own metadata log: a directory of this name is never served, and no topic may take the name. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'

const internalTopics = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

/** What is wrong with `name` as the name of a topic; null when nothing is. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is illegal: it must not be empty.'
  if (name === '.' || name === '..') return `Topic name '${name}' is illegal: it must not be '.' or '..'.`
  if (name.length > LONGEST_TOPIC_NAME) {
    return `Topic name is illegal: it has ${name.length} characters, at most ${LONGEST_TOPIC_NAME} are allowed.`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name '${name}' is illegal: only ASCII letters, digits, '.', '_' and '-' are allowed.`
  }
  return null
}

/** Names that differ only in '.' and '_' collide: metrics of both would have the same name. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}
