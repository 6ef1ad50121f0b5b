// Apache Kafka's message definitions, brought into the form of our own descriptions so that the two can be
// compared. Promises to fail on anything in a definition that it does not understand, rather than to pass
// over it.

import type { Description } from '../../../src/wire/describe.ts'
import { EMPTY_BYTES, type Kind, ZERO_UUID } from '../../../src/wire/schema.ts'
import { readJar } from './jar.ts'

interface Field {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean | null
  readonly fields?: readonly Field[]
}

interface Struct {
  readonly name: string
  readonly fields: readonly Field[]
}

/** One of Kafka's definitions of a message. */
export interface Definition {
  readonly apiKey: number
  readonly type: 'request' | 'response' | 'coordinator-key' | 'coordinator-value'
  readonly name: string
  readonly listeners?: readonly string[]
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly Field[]
  readonly commonStructs?: readonly Struct[]
}

const FIELD_KEYS = new Set([
  ...['name', 'type', 'versions', 'nullableVersions', 'taggedVersions', 'tag', 'default', 'fields'],
  // What a field is about, what kind of name it holds, and what Kafka's Java classes do with it.
  ...['about', 'entityType', 'ignorable', 'mapKey'],
])

/** The messages that the jar defines, by name: requests and responses, or others by the end of their names. */
export function readDefinitions(
  jarPath: string,
  ends: readonly string[] = ['Request', 'Response'],
): Map<string, Definition> {
  const isWanted = (name: string) =>
    name.startsWith('common/message/') && ends.some((end) => name.endsWith(`${end}.json`))
  const files = readJar(jarPath, isWanted)
  return new Map(
    [...files.values()].map((bytes) => {
      const definition: Definition = JSON.parse(bytes.toString().replace(/^\s*\/\/.*$/gm, ''))
      return [definition.name, definition]
    }),
  )
}

export interface Versions {
  readonly first: number
  readonly last: number
}

/** `3+`, `0-7`, `2`; undefined for `none`. */
export function parseVersions(text: string | undefined): Versions | undefined {
  if (text === undefined || text === 'none') return undefined
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`a range of versions that is not understood: '${text}'`)
  const first = Number(match[1])
  if (match[2] !== undefined) return { first, last: Number.POSITIVE_INFINITY }
  return { first, last: match[3] === undefined ? first : Number(match[3]) }
}

function holds(text: string | undefined, version: number): boolean {
  const range = parseVersions(text)
  return range !== undefined && version >= range.first && version <= range.last
}

/** The fields of a definition in one version, in the order of the wire. */
export function describeDefinition(definition: Definition, version: number): readonly Description[] {
  const structs = new Map((definition.commonStructs ?? []).map((struct) => [struct.name, struct.fields]))
  return describeFields(definition.fields, structs, version)
}

type Structs = ReadonlyMap<string, readonly Field[]>

function describeFields(fields: readonly Field[], structs: Structs, version: number): Description[] {
  const present = fields.filter((field) => holds(field.versions, version))
  const isTagged = (field: Field) => holds(field.taggedVersions, version)
  const tagged = present.filter(isTagged).sort((left, right) => left.tag! - right.tag!)
  return [...present.filter((field) => !isTagged(field)), ...tagged].map((field) =>
    describeField(field, structs, version, isTagged(field) ? field.tag! : -1),
  )
}

function describeField(field: Field, structs: Structs, version: number, tag: number): Description {
  const unknown = Object.keys(field).find((key) => !FIELD_KEYS.has(key))
  if (unknown !== undefined)
    throw new Error(`${field.name} has a property '${unknown}' that is not understood`)
  const isArray = field.type.startsWith('[]')
  const named = isArray ? field.type.slice(2) : field.type
  const inner = field.fields ?? structs.get(named)
  const kind = inner === undefined ? (named as Kind) : 'struct'
  const fields = inner === undefined ? null : describeFields(inner, structs, version)
  const element: Description = {
    name: '',
    kind,
    nullable: false,
    tag: -1,
    fallback: impliedDefault(kind, inner, structs),
    element: null,
    fields,
  }
  return {
    ...element,
    ...(isArray ? { kind: 'array', element, fields: null } : {}),
    name: field.name.charAt(0).toLowerCase() + field.name.slice(1),
    nullable: holds(field.nullableVersions, version),
    tag,
    fallback: defaultOf(field, structs),
  }
}

/** The default of a field: named in the definition, or implied by its type. */
function defaultOf(field: Field, structs: Structs): unknown {
  const isArray = field.type.startsWith('[]')
  const inner = field.fields ?? structs.get(field.type.replace('[]', ''))
  const kind = isArray ? 'array' : inner === undefined ? (field.type as Kind) : 'struct'
  // A null that is not in quotes is none: Kafka's generator takes it for a default that is not given.
  if (field.default == null) return impliedDefault(kind, inner, structs)
  const text = String(field.default)
  if (text === 'null') return null
  switch (kind) {
    case 'string':
      return text
    case 'bool':
      return text.toLowerCase() === 'true'
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64': {
      // Long.MAX_VALUE is beyond what a number holds exactly; it saturates as it does when it is read.
      const value = Number(text)
      return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, value))
    }
    default:
      throw new Error(`${field.name}: a default for ${kind} that is not understood: ${text}`)
  }
}

function impliedDefault(
  kind: Kind | 'array',
  inner: readonly Field[] | undefined,
  structs: Structs,
): unknown {
  switch (kind) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'bytes':
      return EMPTY_BYTES
    case 'uuid':
      return ZERO_UUID
    case 'records':
      return null
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(
        inner!.map((field) => [
          field.name.charAt(0).toLowerCase() + field.name.slice(1),
          defaultOf(field, structs),
        ]),
      )
    default:
      return 0
  }
}
