// Apache Kafka's own code as the referee of our settings: its definitions against the facts that the unit tests use, and
// its rulings on values against ours. Skipped with a line where Java is missing; in CI that is a failure.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isIgnoredKafkaKey, refusedKafkaKey } from '../../../src/config/kafka-keys.ts'
import { topicRows } from '../../../src/config/keys.ts'
import { canonicalText, parseValue } from '../../../src/config/values.ts'
import { type KafkaFact, kafkaBrokerFacts, kafkaTopicFacts } from '../../config/kafka-facts.ts'
import { javaSkipReason, repositoryRoot, runJava } from '../../support/apache-kafka.ts'

const referee = () => join(repositoryRoot(), 'test/interop/config/ConfigReferee.java')

const texts = [
  ...['', ' ', '0', '-1', '-2', '1', '+5', ' 7 ', '007', '1.0', '1e7', '0x10', '1_000', 'abc', 'null'],
  ...[
    '2147483647',
    '2147483648',
    '-2147483648',
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775809',
  ],
  ...['true', 'TRUE', ' False', 'yes', '0.5', '.5', '5.', '5e-1', '0.5d', '1F', '1.01', '-0.1'],
  ...[
    'delete',
    'Delete',
    'compact',
    ' compact , delete ',
    'delete,delete',
    'delete,',
    ',',
    'delete,,compact',
  ],
  ...[
    'gzip',
    'GZIP',
    'none',
    'uncompressed',
    'CreateTime',
    'createtime',
    '*',
    '*,0:1',
    '0:1',
    '0:1,2:3',
    '0:1,0:1',
    '0',
    'a:b',
  ],
]

interface Ruling {
  readonly key: string
  readonly text: string
}

function ours({ key, text }: Ruling): string {
  const row = topicRows.get(key)!
  return 'problem' in parseValue(row, text) ? 'no' : `ok ${canonicalText(row, text)}`
}

/** Kafka takes a lone comma for two replicas without names; we do not. */
function isOdd({ key, text }: Ruling): boolean {
  return key.endsWith('throttled.replicas') && text === ','
}

describe('settings as Apache Kafka 4.3 sees them', { skip: javaSkipReason() }, () => {
  test('its definitions are the facts that our tables are tested with', async () => {
    const { code, stdout, stderr } = await runJava(referee(), ['facts'])
    assert.equal(code, 0, stderr)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    const facts = (scope: string): KafkaFact[] =>
      rows
        .filter(([first]) => first === scope)
        .map(([, name = '', type = '', value = '', allowed = '', last = '']) => ({
          name,
          type,
          default: value,
          allowed,
          last,
        }))
    assert.deepEqual(facts('topic'), kafkaTopicFacts)
    const known = new Set(kafkaBrokerFacts.map(({ name }) => name))
    const broker = facts('broker')
    assert.deepEqual(
      broker.filter(({ name }) => known.has(name)),
      kafkaBrokerFacts,
    )
    for (const { name } of broker) {
      const isPlaced = known.has(name) || isIgnoredKafkaKey(name) || refusedKafkaKey(name) !== undefined
      assert.ok(isPlaced || name.startsWith('internal.'), `${name} is neither honoured, ignored nor refused`)
    }
  })

  test('its rulings on values are ours, and so is the text it shows for them', async () => {
    // Hundredths only: before Java 19 longer fractions have more than one spelling.
    const numbers = fc.sample(
      fc.oneof(
        fc.maxSafeInteger().map(String),
        fc.integer({ min: 0, max: 100 }).map((percent) => String(percent / 100)),
      ),
      40,
    )
    const rulings = [...topicRows.keys()].flatMap((key) =>
      [...texts, ...numbers].map((text) => ({ key, text })),
    )
    const wanted = rulings.filter((ruling) => !isOdd(ruling))
    const input = wanted.map(({ key, text }) => `${key}\t${text}\n`).join('')
    const { code, stdout, stderr } = await runJava(referee(), ['values'], { stdin: input })
    assert.equal(code, 0, stderr)
    const theirs = stdout.split('\n')
    const differences = wanted.flatMap((ruling, at) =>
      theirs[at] === ours(ruling)
        ? []
        : [`${ruling.key}=${JSON.stringify(ruling.text)}: Kafka ${theirs[at]}, ours ${ours(ruling)}`],
    )
    assert.deepEqual(differences, [])
  })
})
