// A message of ours beside Apache Kafka's definition of it. Promises to name every difference, in every version, down to the
// fields of fields. Leaves reading definitions to definitions.ts.
import assert from 'node:assert/strict'
import type { Message } from '../../../src/wire/api.ts'
import { type Description, describeMessage } from '../../../src/wire/describe.ts'
import { type Definition, describeDefinition, parseVersions } from './definitions.ts'

/** Every way in which one message differs from its definition, in any version. */
export function differences(ours: Message, definition: Definition): string[] {
  const found: string[] = []
  const valid = parseVersions(definition.validVersions)!
  const flexible = parseVersions(definition.flexibleVersions)
  const compare = (what: string, mine: unknown, theirs: unknown) => {
    try {
      assert.deepStrictEqual(mine, theirs)
    } catch {
      found.push(`${ours.name} ${what}: ${JSON.stringify(mine)}, Apache Kafka: ${JSON.stringify(theirs)}`)
    }
  }
  compare('versions', [...ours.versions], [valid.first, valid.last])
  compare('flexible from', ours.flexible, flexible?.first ?? Number.POSITIVE_INFINITY)
  for (let version = valid.first; version <= valid.last; version++) {
    if (version < ours.versions[0] || version > ours.versions[1]) continue
    compareFields(
      `v${version}`,
      describeMessage(ours, version),
      describeDefinition(definition, version),
      compare,
    )
  }
  return found
}

function compareFields(
  path: string,
  ours: readonly Description[],
  theirs: readonly Description[],
  compare: (what: string, mine: unknown, theirs: unknown) => void,
): void {
  const names = (fields: readonly Description[]) => fields.map((field) => field.name)
  compare(`${path} fields`, names(ours), names(theirs))
  for (const mine of ours) {
    const other = theirs.find(({ name }) => name === mine.name)
    if (other !== undefined) compareField(`${path}.${mine.name}`, mine, other, compare)
  }
}

function compareField(
  path: string,
  mine: Description,
  other: Description,
  compare: (what: string, mine: unknown, theirs: unknown) => void,
): void {
  const flat = ({ name, kind, nullable, tag, fallback }: Description) => ({
    name,
    kind,
    nullable,
    tag,
    fallback,
  })
  compare(path, flat(mine), flat(other))
  if (mine.element !== null && other.element !== null) {
    compareField(`${path}[]`, mine.element, other.element, compare)
  }
  if (mine.fields !== null && other.fields !== null) compareFields(path, mine.fields, other.fields, compare)
}
