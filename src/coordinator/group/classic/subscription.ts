// The topics in a consumer's metadata: the one thing of what clients tell each other that the broker looks at, so that
// offsets of topics in use do not expire. Promises undefined for anything that is not a subscription. Leaves all versions
// after 0 to the clients: they only add to its end.
//
//   version int16 | topics int32 count, each: int16 length, UTF-8 | user data ...
import { DecodeError, Reader } from '../../../wire/reader.ts'

/** Adds the topics to `topics`. False if the metadata is no subscription of the `consumer` protocol. */
export function collectTopics(metadata: Buffer, topics: Set<string>): boolean {
  try {
    const reader = new Reader(metadata, 0, metadata.length, 'ConsumerProtocolSubscription')
    const version = reader.int16()
    const count = reader.int32()
    if (version < 0 || count < 0) return false
    for (let i = 0; i < count; i++) topics.add(reader.string())
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}
