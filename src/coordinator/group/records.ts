// The records of __consumer_offsets: what each key type is called, and its bytes. Promises to read every version that
// Kafka up to 4.3 has written and to write what Kafka 4.3 writes, and that a decoded record keeps nothing of the bytes
// it was read from. Leaves layouts to record-schemas.ts and meaning to classic/, consumer/ and offsets/.
//
//   key    := type int16 | body              value := version int16 | body, or null: a tombstone
import type { Message } from '../../wire/api.ts'
import type { Value } from '../../wire/schema.ts'
import { flatten, Writer } from '../../wire/writer.ts'
import * as schemas from './record-schemas.ts'

interface Kind<Key extends Message, Val extends Message> {
  /** The number that a key begins with. */
  readonly keyType: number
  readonly key: Key
  readonly value: Val
  /** The version in which a value is written. */
  writtenVersion(value: Frozen<Value<Val>>): number
  /** Whether values have fields of bytes, which decoding would leave as views of what was read. */
  readonly hasBytes: boolean
}

function kind<Key extends Message, Val extends Message>(
  keyType: number,
  key: Key,
  value: Val,
  options: Partial<Pick<Kind<Key, Val>, 'writtenVersion' | 'hasBytes'>> = {},
): Kind<Key, Val> {
  return { keyType, key, value, writtenVersion: () => 0, hasBytes: false, ...options }
}

/** The records that this version knows, by Kafka's names. */
export const groupRecordKinds = {
  OffsetCommit: kind(1, schemas.offsetCommitKey, schemas.offsetCommitValue, {
    // Only version 1 has room for a retention time that the client asked for.
    writtenVersion: ({ expireTimestamp }) => (expireTimestamp === -1 ? 4 : 1),
  }),
  GroupMetadata: kind(2, schemas.groupMetadataKey, schemas.groupMetadataValue, {
    writtenVersion: () => 3,
    hasBytes: true,
  }),
  ConsumerGroupMetadata: kind(3, schemas.consumerGroupMetadataKey, schemas.consumerGroupMetadataValue),
  ConsumerGroupPartitionMetadata: kind(
    4,
    schemas.consumerGroupPartitionMetadataKey,
    schemas.consumerGroupPartitionMetadataValue,
  ),
  ConsumerGroupMemberMetadata: kind(
    5,
    schemas.consumerGroupMemberMetadataKey,
    schemas.consumerGroupMemberMetadataValue,
    { hasBytes: true },
  ),
  ConsumerGroupTargetAssignmentMetadata: kind(
    6,
    schemas.consumerGroupTargetAssignmentMetadataKey,
    schemas.consumerGroupTargetAssignmentMetadataValue,
  ),
  ConsumerGroupTargetAssignmentMember: kind(
    7,
    schemas.consumerGroupTargetAssignmentMemberKey,
    schemas.consumerGroupTargetAssignmentMemberValue,
  ),
  ConsumerGroupCurrentMemberAssignment: kind(
    8,
    schemas.consumerGroupCurrentMemberAssignmentKey,
    schemas.consumerGroupCurrentMemberAssignmentValue,
  ),
  ConsumerGroupRegularExpression: kind(
    16,
    schemas.consumerGroupRegularExpressionKey,
    schemas.consumerGroupRegularExpressionValue,
  ),
} as const

type Kinds = typeof groupRecordKinds
export type GroupRecordType = keyof Kinds

/** A value nobody may change: a record is shared by the log, the state and those who answer. */
export type Frozen<T> = T extends Uint8Array | string | number | boolean | null
  ? T
  : T extends readonly (infer Element)[]
    ? readonly Frozen<Element>[]
    : { readonly [Name in keyof T]: Frozen<T[Name]> }

/** A record of one type. */
export interface GroupRecordOf<Type extends GroupRecordType> {
  readonly type: Type
  readonly key: Frozen<Value<Kinds[Type]['key']>>
  /** Null: a tombstone. */
  readonly value: Frozen<Value<Kinds[Type]['value']>> | null
}

/** A record of __consumer_offsets; `type` says which. */
export type GroupRecord = { [Type in GroupRecordType]: GroupRecordOf<Type> }[GroupRecordType]

export type OffsetCommitRecord = GroupRecordOf<'OffsetCommit'>
export type GroupMetadataRecord = GroupRecordOf<'GroupMetadata'>
export type ConsumerGroupMemberMetadataRecord = GroupRecordOf<'ConsumerGroupMemberMetadata'>
export type ConsumerGroupCurrentMemberAssignmentRecord = GroupRecordOf<'ConsumerGroupCurrentMemberAssignment'>

/** The group a record is about. */
export function groupIdOf(record: GroupRecord): string {
  return 'group' in record.key ? record.key.group : record.key.groupId
}

/** The bytes of a record, each part in memory of its own. */
export function encodeRecord(record: GroupRecord): { key: Buffer; value: Buffer | null } {
  // The union of types is opened here once: a record's key and value belong to its own type.
  const { keyType, key, value, writtenVersion } = groupRecordKinds[record.type] as unknown as AnyKind
  return {
    key: encode(key, record.key, 0, keyType),
    value: record.value === null ? null : encodeVersioned(value, record.value, writtenVersion(record.value)),
  }
}

type AnyKind = Kind<Message<unknown, unknown>, Message<unknown, unknown>>

function encodeVersioned(schema: Message<unknown, unknown>, value: unknown, version: number): Buffer {
  return encode(schema, value, version, version)
}

function encode(schema: Message<unknown, unknown>, fields: unknown, version: number, prefix: number): Buffer {
  const writer = new Writer()
  writer.int16(prefix)
  schema.encode(writer, fields, version)
  return flatten(writer.finish())
}

/** Keys of clients before Kafka 0.9, as OffsetCommit but for the number. */
const LEGACY_OFFSET_COMMIT = 0

const typesByNumber: ReadonlyMap<number, GroupRecordType> = new Map([
  [LEGACY_OFFSET_COMMIT, 'OffsetCommit'],
  ...(Object.keys(groupRecordKinds) as GroupRecordType[]).map((type): [number, GroupRecordType] => [
    groupRecordKinds[type].keyType,
    type,
  ]),
])

/** Told of bytes that are no record though their key type is known: what is wrong, for the log. */
export type DamageReport = (problem: string) => void

/**
 * The record that a key and a value are, or undefined: for key types that are not known here (share groups, streams
 * groups, what later versions have) in silence, for damaged bytes with a report. Never throws: one bad record must not
 * keep all groups of its partition away from their consumers.
 */
export function decodeRecord(
  key: Buffer,
  value: Buffer | null,
  onDamage: DamageReport = () => {},
): GroupRecord | undefined {
  if (key.length < 2) {
    onDamage(`a key of ${key.length} bytes, too short for its type`)
    return undefined
  }
  const type = typesByNumber.get(key.readInt16BE(0))
  if (type === undefined) return undefined
  const found = groupRecordKinds[type] as unknown as AnyKind
  try {
    return {
      type,
      key: found.key.decode(key, 2, key.length, 0),
      value: value === null ? null : decodeValue(found, value),
    } as GroupRecord
  } catch (error) {
    onDamage(`${type}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function decodeValue({ value: schema, hasBytes }: AnyKind, value: Buffer): unknown {
  if (value.length < 2) throw new RangeError(`a value of ${value.length} bytes, too short for its version`)
  const version = value.readInt16BE(0)
  const [oldest, newest] = schema.versions
  if (version < oldest || version > newest) {
    throw new RangeError(`values have the versions ${oldest} to ${newest}, this one ${version}`)
  }
  const bytes = hasBytes ? Buffer.from(value) : value
  return schema.decode(bytes, 2, bytes.length, version)
}
