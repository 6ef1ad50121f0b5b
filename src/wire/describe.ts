// What a message is in one version, as plain data: for documentation, for the referee that compares our
// schemas with Apache Kafka's, and for generators of test values. Promises the order of the wire: ordinary
// fields as they stand, then the tagged ones by tag.
import type { Message } from './api.ts'
import { defaultValue, ordinaryFields, type Shape, taggedFields } from './layout.ts'
import { isNullable, type Kind, type Type } from './schema.ts'

/** One field, or the element of an array. */
export interface Description {
  /** Empty for the element of an array. */
  readonly name: string
  readonly kind: Kind
  readonly nullable: boolean
  /** -1 for a field that is not tagged. */
  readonly tag: number
  /** The value where the field is absent, in the form that decoding gives. */
  readonly fallback: unknown
  /** What an array holds. */
  readonly element: Description | null
  /** What a struct holds. */
  readonly fields: readonly Description[] | null
}

/** The fields that `message` has in `version`. */
export function describeMessage(message: Message, version: number): readonly Description[] {
  return describeFields(message.fields, { version, flexible: version >= message.flexible })
}

function describeFields(fields: NonNullable<Type['fields']>, shape: Shape): Description[] {
  return [...ordinaryFields(fields, shape), ...taggedFields(fields, shape)].map(({ name, type }) =>
    describeType(name, type, shape),
  )
}

function describeType(name: string, type: Type, shape: Shape): Description {
  return {
    name,
    kind: type.kind,
    nullable: isNullable(type, shape.version),
    tag: type.tag,
    fallback: defaultValue(type),
    element: type.element === null ? null : describeType('', type.element, shape),
    fields: type.fields === null ? null : describeFields(type.fields, shape),
  }
}
