// The referee of the records of __consumer_offsets: their definitions inside the kafka-group-coordinator 4.3.0 jar, compared
// field by field in every version. Skipped with a line where Java or Maven is missing; in CI that is a failure.
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { decodeRecord, groupRecordKinds } from '../../../src/coordinator/group/records.ts'
import { type Message, message } from '../../../src/wire/api.ts'
import { defaultsTo, int32, since } from '../../../src/wire/schema.ts'
import { apacheKafkaClasspath, apacheKafkaVersion, javaSkipReason } from '../../support/apache-kafka.ts'
import { type Definition, readDefinitions } from './definitions.ts'
import { differences } from './differences.ts'

/** Records of groups that are not served here. */
const OTHER_GROUPS = /^(Share|Streams)Group/

let definitions: Map<string, Definition>

function definitionOf({ name }: Message): Definition {
  const definition = definitions.get(name)
  assert.ok(definition, `the jar has no ${name}`)
  return definition
}

describe('records of groups against Apache Kafka 4.3', { skip: javaSkipReason() }, () => {
  before(async () => {
    const libraries = dirname(await apacheKafkaClasspath())
    const jar = join(libraries, `kafka-group-coordinator-${apacheKafkaVersion}.jar`)
    definitions = readDefinitions(jar, ['Key', 'Value'])
  })

  for (const [type, { keyType, key, value }] of Object.entries(groupRecordKinds)) {
    test(`${type} is what Kafka defines, in every version`, () => {
      for (const part of [key, value]) {
        const definition = definitionOf(part)
        assert.equal(definition.apiKey, keyType)
        assert.deepEqual(differences(part, definition), [])
      }
      assert.equal(key.name, `${type}Key`)
    })
  }

  test('keys of type 0 and their values look like offsets of version 0', () => {
    const { key, value } = groupRecordKinds.OffsetCommit
    const asLegacy = ({ fields, flexible }: Message, part: string) =>
      message(`LegacyOffsetCommit${part}`, { versions: [0, 0], flexible, fields })
    const legacyKey = asLegacy(key, 'Key')
    assert.equal(definitionOf(legacyKey).apiKey, 0)
    assert.deepEqual(differences(legacyKey, definitionOf(legacyKey)), [])
    const legacyValue = asLegacy({ ...value, flexible: Number.POSITIVE_INFINITY }, 'Value')
    assert.deepEqual(differences(legacyValue, definitionOf(legacyValue)), [])
  })

  test('every record type is known, or belongs to groups that are not served', () => {
    const known = new Set<number>(Object.values(groupRecordKinds).map(({ keyType }) => keyType))
    for (const { name, apiKey, type } of definitions.values()) {
      if (type !== 'coordinator-key' || apiKey === 0 || known.has(apiKey)) continue
      assert.match(name, OTHER_GROUPS)
      const key = Buffer.from([apiKey >> 8, apiKey & 0xff, 0, 1, 0x67])
      assert.equal(
        decodeRecord(key, null, (problem) => assert.fail(problem)),
        undefined,
      )
    }
  })

  test('a difference would be found', () => {
    const { name, versions, flexible, fields } = groupRecordKinds.OffsetCommit.value
    const wrong = message(name, {
      versions,
      flexible,
      fields: { ...fields, leaderEpoch: since(2, defaultsTo(int32, -1)) },
    })
    assert.notDeepEqual(differences(wrong, definitionOf(wrong)), [])
  })
})
