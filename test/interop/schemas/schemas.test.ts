// The referee of our schemas: the message definitions inside the kafka-clients 4.3.0 jar, compared field by
// field in every version. Skipped with a line where Java or Maven is missing; in CI that is a failure.
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import type { Api, Message } from '../../../src/wire/api.ts'
import { message } from '../../../src/wire/api.ts'
import { apis, fetch } from '../../../src/wire/apis/index.ts'
import { defaultsTo, type Fields, int16, int32, int64, since, tagged } from '../../../src/wire/schema.ts'
import { apacheKafkaClasspath, apacheKafkaVersion, javaSkipReason } from '../../support/apache-kafka.ts'
import { type Definition, parseVersions, readDefinitions } from './definitions.ts'
import { differences } from './differences.ts'

/**
 * APIs of the broker's listener that have no schema here yet: delegation tokens, new group types, raft
 * voters.
 */
const NOT_YET = new Set([
  ...[38, 39, 40, 41, 71, 72, 76, 77, 78, 79],
  ...[80, 81, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92],
])
/** Produce tells librdkafka of versions it does not serve (KAFKA-18659); they have no definition either. */
const ADVERTISED_BELOW_SCHEMA = new Map([[0, 0]])

let definitions: Map<string, Definition>

function definitionOf(part: Message): Definition {
  const definition = definitions.get(part.name)
  assert.ok(definition, `the jar has no ${part.name}`)
  return definition
}

describe('schemas against Apache Kafka 4.3', { skip: javaSkipReason() }, () => {
  before(async () => {
    const libraries = dirname(await apacheKafkaClasspath())
    definitions = readDefinitions(join(libraries, `kafka-clients-${apacheKafkaVersion}.jar`))
  })

  for (const api of apis.values()) {
    test(`${api.name} is what Kafka defines, in every version of both directions`, () => {
      for (const part of [api.request, api.response]) {
        const definition = definitionOf(part)
        assert.equal(definition.apiKey, api.key)
        assert.deepEqual(differences(part, definition), [])
      }
      assert.deepEqual([...api.advertised], advertisedByKafka(api))
    })
  }

  test('every API of the broker listener has a schema or is on the list of those to come', () => {
    const missing = [...definitions.values()].filter(
      ({ apiKey, type, listeners, validVersions }) =>
        type === 'request' &&
        listeners?.includes('broker') &&
        validVersions !== 'none' &&
        !apis.has(apiKey) &&
        !NOT_YET.has(apiKey),
    )
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    )
    assert.deepEqual(
      [...NOT_YET].filter((key) => apis.has(key)),
      [],
    )
  })

  describe('the referee sees', () => {
    const perturbations: [string, (fields: Fields) => Fields][] = [
      ['a field too many', (fields) => ({ ...fields, extra: int32 })],
      ['a field too few', ({ maxWaitMs: _, ...rest }) => rest],
      ['another type', (fields) => ({ ...fields, maxWaitMs: int64 })],
      ['another default', (fields) => ({ ...fields, sessionEpoch: since(7, int32) })],
      ['another first version', (fields) => ({ ...fields, sessionId: since(8, int32) })],
      ['another tag', (fields) => ({ ...fields, replicaState: tagged(2, fields.replicaState!, 15) })],
      ['null where none is allowed', (fields) => withTopics(fields, { nullableSince: 0 })],
      ['another order', ({ maxWaitMs, ...rest }) => ({ ...rest, maxWaitMs: maxWaitMs! })],
      ['another default deep inside', (fields) => inTopics(fields, 'logStartOffset', since(5, int64))],
      ['another type deep inside', (fields) => inTopics(fields, 'fetchOffset', defaultsTo(int16, 0))],
    ]
    for (const [what, perturb] of perturbations) {
      test(what, () => {
        const { name, versions, flexible, fields } = fetch.request
        const wrong = message(name, { versions, flexible, fields: perturb(fields) })
        assert.notDeepEqual(differences(wrong, definitionOf(fetch.request)), [])
      })
    }

    test('other versions, and another first flexible one', () => {
      const { name, versions, flexible, fields } = fetch.request
      const definition = definitionOf(fetch.request)
      const fewer = message(name, { versions: [versions[0], versions[1] - 1], flexible, fields })
      const sooner = message(name, { versions, flexible: flexible - 1, fields })
      assert.notDeepEqual(differences(fewer, definition), [])
      assert.notDeepEqual(differences(sooner, definition), [])
    })
  })
})

function advertisedByKafka(api: Api): [number, number] {
  const definition = definitionOf(api.request)
  const { first, last } = parseVersions(definition.validVersions)!
  const stable = definition.latestVersionUnstable === true ? last - 1 : last
  return [ADVERTISED_BELOW_SCHEMA.get(api.key) ?? first, stable]
}

function withTopics(fields: Fields, change: object): Fields {
  return { ...fields, topics: { ...fields.topics!, ...change } }
}

/** The request with one field of its partitions replaced. */
function inTopics(fields: Fields, name: string, replacement: Fields[string]): Fields {
  const topic = fields.topics!.element!
  const partitions = topic.fields!.partitions!
  const partition = { ...partitions.element!, fields: { ...partitions.element!.fields, [name]: replacement } }
  const topicFields = { ...topic.fields, partitions: { ...partitions, element: partition } }
  return withTopics(fields, { element: { ...topic, fields: topicFields } })
}
