// Texts and values of settings: what Apache Kafka 4.3 accepts is accepted, and errors say what is allowed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type KeyDefinition, LONG_MAX } from '../../src/config/definition.ts'
import { topicRows } from '../../src/config/keys.ts'
import { allowedText, canonicalText, formatValue, parseValue } from '../../src/config/values.ts'

const row = (name: string): KeyDefinition => topicRows.get(name)!

function value(name: string, text: string): unknown {
  const parsed = parseValue(row(name), text)
  return 'value' in parsed ? parsed.value : assert.fail(`${name}=${text}: ${parsed.problem}`)
}

function problem(name: string, text: string): string {
  const parsed = parseValue(row(name), text)
  return 'problem' in parsed ? parsed.problem : assert.fail(`${name}=${text} was accepted`)
}

describe('values of settings', () => {
  test('spellings that Kafka accepts are accepted', () => {
    assert.equal(value('segment.bytes', ' +2097152 '), 2_097_152)
    assert.equal(value('preallocate', 'TRUE'), true)
    assert.equal(value('min.cleanable.dirty.ratio', '.5'), 0.5)
    assert.equal(value('min.cleanable.dirty.ratio', '5e-1'), 0.5)
    assert.equal(value('min.cleanable.dirty.ratio', '0.5d'), 0.5)
    assert.equal(value('compression.type', ' gzip'), 'gzip')
    assert.deepEqual(value('cleanup.policy', ' compact , delete '), ['compact', 'delete'])
    assert.deepEqual(value('cleanup.policy', 'delete,delete'), ['delete'])
    assert.deepEqual(value('cleanup.policy', ''), [])
    assert.deepEqual(value('leader.replication.throttled.replicas', '0:1,0:1'), ['0:1', '0:1'])
    assert.deepEqual(value('leader.replication.throttled.replicas', '*'), ['*'])
    assert.equal(value('retention.bytes', '-500'), -500)
  })

  test('a text that may be in any case is held as the table writes it', () => {
    const row = { type: 'string', default: 'on', allowed: ['on', 'off'], ignoresCase: true, doc: '' } as const
    assert.deepEqual(parseValue(row, ' OFF '), { value: 'off' })
    assert.ok('problem' in parseValue(row, 'offf'))
    assert.ok('problem' in parseValue({ ...row, ignoresCase: false }, 'OFF'))
  })

  test('what Kafka refuses is refused, naming the value and what is allowed', () => {
    assert.equal(problem('segment.bytes', '5'), "'5' is out of range; allowed: 1048576 to 2147483647")
    assert.equal(
      problem('segment.bytes', '2147483648'),
      "'2147483648' is not a whole number of type int; allowed: 1048576 to 2147483647",
    )
    for (const text of ['', 'abc', '1e7', '0x100000', '1_000_000', '2097152.0'])
      problem('segment.bytes', text)
    assert.equal(
      problem('retention.ms', '9223372036854775808'),
      "'9223372036854775808' is not a whole number of type long; allowed: -1 to 9223372036854775807",
    )
    assert.equal(problem('preallocate', 'yes'), "'yes' is neither true nor false")
    assert.equal(problem('min.cleanable.dirty.ratio', '1.01'), "'1.01' is out of range; allowed: 0 to 1")
    problem('min.cleanable.dirty.ratio', 'NaN')
    assert.equal(problem('compression.gzip.level', '0'), "'0' is out of range; allowed: 1 to 9, or -1")
    assert.equal(
      problem('cleanup.policy', 'Delete'),
      "'Delete' is not allowed; allowed: any of compact, delete",
    )
    assert.equal(
      problem('cleanup.policy', 'delete,,compact'),
      "'delete,,compact' has an empty element; allowed: any of compact, delete",
    )
    assert.equal(
      problem('compression.type', 'GZIP'),
      "'GZIP' is not allowed; allowed: uncompressed, zstd, lz4, snappy, gzip, producer",
    )
    assert.match(problem('leader.replication.throttled.replicas', '*,0:1'), /is not \* alone or a list/)
    problem('leader.replication.throttled.replicas', '0')
  })

  test('a very long text is refused without being shown whole', () => {
    assert.ok(problem('retention.ms', '9'.repeat(100_000)).length < 400)
    assert.ok(problem('compression.type', 'x'.repeat(100_000)).length < 400)
  })

  test('a password is never shown', () => {
    const secret: KeyDefinition = {
      type: 'password',
      default: null,
      doc: '',
      form: { text: 'a secret of at least 8 letters', matches: ([text = '']) => text.length >= 8 },
    }
    assert.deepEqual(parseValue(secret, 'swordfish'), { value: 'swordfish' })
    const refused = parseValue(secret, 'hunter2')
    assert.deepEqual(refused, { problem: 'the value is not a secret of at least 8 letters' })
  })

  test('Long.MAX_VALUE and its neighbours are held as "never" and written back exactly', () => {
    assert.equal(value('flush.messages', '9223372036854775807'), LONG_MAX)
    assert.equal(formatValue(row('flush.messages'), LONG_MAX), '9223372036854775807')
    assert.equal(canonicalText(row('flush.messages'), ' +9223372036854775806 '), '9223372036854775806')
  })

  test('doubles are written as Java writes them, booleans and lists in one spelling', () => {
    assert.equal(canonicalText(row('min.cleanable.dirty.ratio'), '1'), '1.0')
    assert.equal(canonicalText(row('min.cleanable.dirty.ratio'), '.25'), '0.25')
    assert.equal(canonicalText(row('min.cleanable.dirty.ratio'), '0.0001'), '1.0E-4')
    assert.equal(canonicalText(row('min.cleanable.dirty.ratio'), '1.5e-7'), '1.5E-7')
    assert.equal(canonicalText(row('preallocate'), ' True'), 'true')
    assert.equal(canonicalText(row('cleanup.policy'), 'compact , delete'), 'compact,delete')
  })

  test('every whole number inside a range, and none outside, is accepted and comes back as itself', () => {
    const levels = row('compression.zstd.level')
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.integer({ min: -131_080, max: 30 })), (number) => {
        const parsed = parseValue(levels, String(number))
        assert.equal('value' in parsed, number >= -131_072 && number <= 22)
        if ('value' in parsed) assert.equal(formatValue(levels, parsed.value), String(number))
      }),
    )
  })

  test('any text gives a value or a problem, and a canonical text is its own canonical text', () => {
    const names = fc.constantFrom(...topicRows.keys())
    fc.assert(
      fc.property(
        names,
        fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)),
        (name, text) => {
          const once = canonicalText(row(name), text)
          assert.equal(canonicalText(row(name), once), once)
        },
      ),
    )
  })

  test('every row says in words what it allows', () => {
    for (const [name, definition] of topicRows) assert.notEqual(allowedText(definition), '', name)
    assert.equal(allowedText(row('retention.bytes')), '-9223372036854775808 to 9223372036854775807')
  })
})
