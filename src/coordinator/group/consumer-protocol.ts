// What members of classic groups of consumers tell each other through the coordinator: subscriptions and assignments.
// Promises to read every version (a newer one as the newest known, as Apache Kafka does) and to write versions 0 to 3.
// Leaves what a group makes of them to classic/ and consumer/.
//
//   subscription := version int16 | topics [string] | user data nbytes
//                   | 1+: owned [topic, partitions [int32]] | 2+: generation int32 | 3+: rack nstring
//   assignment   := version int16 | assigned [topic, partitions [int32]] | user data nbytes
import { type Message, message, NEVER_FLEXIBLE } from '../../wire/api.ts'
import { DecodeError } from '../../wire/reader.ts'
import {
  array,
  bytes,
  defaultsTo,
  type Input,
  int32,
  optional,
  since,
  string,
  type Value,
} from '../../wire/schema.ts'
import { flatten, Writer } from '../../wire/writer.ts'

/** The protocol type of groups whose members are consumers. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

const NEWEST_VERSION = 3

const topicPartitions = array({ topic: string, partitions: array(int32) })

const subscription = message('ConsumerProtocolSubscription', {
  versions: [0, NEWEST_VERSION],
  flexible: NEVER_FLEXIBLE,
  fields: {
    topics: array(string),
    userData: optional(bytes),
    ownedPartitions: since(1, topicPartitions),
    generationId: since(2, defaultsTo(int32, -1)),
    rackId: since(3, optional(string, 3)),
  },
})

const assignment = message('ConsumerProtocolAssignment', {
  versions: [0, NEWEST_VERSION],
  flexible: NEVER_FLEXIBLE,
  fields: {
    assignedPartitions: topicPartitions,
    userData: optional(bytes),
  },
})

export type ConsumerProtocolSubscription = Value<typeof subscription>
export type ConsumerProtocolAssignment = Value<typeof assignment>

/**
 * The version that the bytes begin with, at most the newest known one.
 * @throws DecodeError when there is none, or a negative one
 */
export function consumerProtocolVersion(encoded: Buffer): number {
  if (encoded.length < 2) throw new DecodeError('version', 0, `needs 2 bytes, ${encoded.length} there`)
  const version = encoded.readInt16BE(0)
  if (version < 0) throw new DecodeError('version', 0, `a version from 0 on was expected, not ${version}`)
  return Math.min(version, NEWEST_VERSION)
}

/** What a member subscribes to. User data is a view of `encoded`. @throws DecodeError */
export function decodeSubscription(encoded: Buffer): ConsumerProtocolSubscription {
  return subscription.decode(encoded, 2, encoded.length, consumerProtocolVersion(encoded))
}

/** What a member was assigned. User data is a view of `encoded`. @throws DecodeError */
export function decodeAssignment(encoded: Buffer): ConsumerProtocolAssignment {
  return assignment.decode(encoded, 2, encoded.length, consumerProtocolVersion(encoded))
}

export function encodeSubscription(value: Input<typeof subscription>, version: number): Buffer {
  return encode(subscription, value, version)
}

export function encodeAssignment(value: Input<typeof assignment>, version: number): Buffer {
  return encode(assignment, value, version)
}

function encode<In>(schema: Message<unknown, In>, value: In, version: number): Buffer {
  const writer = new Writer()
  writer.int16(version)
  schema.encode(writer, value, version)
  return flatten(writer.finish())
}
