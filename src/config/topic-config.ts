// A topic's settings as the layers below use them: its own where it has any, else those its broker gives to all topics.
// Promises checked, typed values under Kafka's names in camelCase; leaves storing overrides to the cluster metadata.
import type { CamelCase, ValueOf } from './definition.ts'
import type { TopicKey, topicKeys } from './topic-keys.ts'

/** Every topic setting with its effective value: `segmentBytes`, `retentionMs`, `cleanupPolicy`, ... */
export type TopicConfig = {
  readonly [Key in TopicKey as CamelCase<Key>]: ValueOf<(typeof topicKeys)[Key]>
}
