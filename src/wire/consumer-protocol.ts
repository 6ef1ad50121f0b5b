// What members of a classic group tell each other through the coordinator: their subscriptions and, from the leader, their
// assignments (protocol type `consumer`). Promises that a version later than ours is read as ours, as Kafka does: later ones
// only add fields at the end. Leaves what assignors put into `userData` to them.
//
//   subscription or assignment   int16 version | message in that version
//
//   subscription  0  topics, user data   1  + owned partitions (KIP-429)   2  + generation (KIP-792)   3  + rack (KIP-881)
//   assignment    0  partitions, user data; the versions count along
import { message, NEVER_FLEXIBLE } from './api.ts'
import { DecodeError } from './reader.ts'
import {
  array,
  bytes,
  defaultsTo,
  type Input,
  int32,
  optional,
  since,
  string,
  struct,
  type Value,
} from './schema.ts'
import { flatten, Writer } from './writer.ts'

/** The protocol type of groups whose members are consumers. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

const LATEST = 3
const VERSION_BYTES = 2

const topicPartitions = struct({
  topic: string,
  partitions: array(int32),
})

const options = { versions: [0, LATEST], flexible: NEVER_FLEXIBLE } as const

const subscription = message('ConsumerProtocolSubscription', {
  ...options,
  fields: {
    topics: array(string),
    userData: optional(bytes),
    ownedPartitions: since(1, array(topicPartitions)),
    generationId: since(2, defaultsTo(int32, -1)),
    rackId: since(3, optional(string, 3)),
  },
})

const assignment = message('ConsumerProtocolAssignment', {
  ...options,
  fields: {
    assignedPartitions: array(topicPartitions),
    userData: optional(bytes),
  },
})

export type ConsumerProtocolSubscription = Value<typeof subscription>
export type ConsumerProtocolAssignment = Value<typeof assignment>

/** @throws DecodeError when the bytes are no subscription */
export function decodeSubscription(given: Buffer): ConsumerProtocolSubscription {
  return subscription.decode(given, VERSION_BYTES, given.length, consumerProtocolVersion(given))
}

/** Empty bytes, which a member without partitions may be sent, are an empty assignment. @throws DecodeError when the bytes are none */
export function decodeAssignment(given: Buffer): ConsumerProtocolAssignment {
  if (given.length === 0) return { assignedPartitions: [], userData: null }
  return assignment.decode(given, VERSION_BYTES, given.length, consumerProtocolVersion(given))
}

export function encodeSubscription(value: Input<typeof subscription>, version: number = LATEST): Buffer {
  return encoded(version, (writer) => subscription.encode(writer, value, version))
}

export function encodeAssignment(value: Input<typeof assignment>, version: number = LATEST): Buffer {
  return encoded(version, (writer) => assignment.encode(writer, value, version))
}

/** The version that the bytes begin with, at most the latest one known. @throws DecodeError when there is none */
export function consumerProtocolVersion(given: Buffer): number {
  if (given.length < VERSION_BYTES) {
    throw new DecodeError('version', 0, `needs ${VERSION_BYTES} bytes, ${given.length} there`)
  }
  const version = given.readInt16BE(0)
  if (version < 0) throw new DecodeError('version', 0, `a version from 0 on was expected, not ${version}`)
  return Math.min(version, LATEST)
}

function encoded(version: number, write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.int16(version)
  write(writer)
  return flatten(writer.finish())
}
