// Subscription patterns: what matches, what is refused and how it is said, and that no pattern takes long.
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, MAX_PATTERN_LENGTH } from '../../src/coordinator/group/regex.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'

const names = ['Payments', '__consumer_offsets', 'orders', 'orders-eu', 'orders.eu', 'payments']

function matching(pattern: string): string[] {
  const compiled = compilePattern(pattern)
  return names.filter((name) => compiled.matches(name))
}

function refusal(pattern: string): string {
  try {
    compilePattern(pattern)
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    assert.equal(error.error, errors.INVALID_REGULAR_EXPRESSION)
    return error.message
  }
  return assert.fail(`${pattern} was accepted`)
}

describe('subscription patterns', () => {
  test('match whole names, as RE2 has it', () => {
    assert.deepEqual(matching('orders'), ['orders'])
    assert.deepEqual(matching('orders|orders-eu'), ['orders', 'orders-eu'])
    assert.deepEqual(matching('orders.+'), ['orders-eu', 'orders.eu'])
    assert.deepEqual(matching(String.raw`orders\.\w+`), ['orders.eu'])
    assert.deepEqual(matching(String.raw`\Qorders.eu\E`), ['orders.eu'])
    assert.deepEqual(matching('(?i)payments'), ['Payments', 'payments'])
    assert.deepEqual(matching('[[:alpha:]]{6}'), ['orders'])
    assert.deepEqual(matching('rders'), [])
    assert.deepEqual(matching('order'), [])
    assert.deepEqual(matching('^orders$'), ['orders'])
    assert.deepEqual(matching(''), [])
  })

  test('internal topics match like all others', () => {
    assert.deepEqual(matching('__.*'), ['__consumer_offsets'])
    assert.deepEqual(matching('.*'), names)
  })

  test('a name made of a pattern without special characters matches itself only', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/),
        fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/),
        (a, b) => {
          const pattern = compilePattern(a)
          assert.ok(pattern.matches(a))
          assert.equal(pattern.matches(b), a === b)
          assert.ok(!pattern.matches(`${a}x`) && !pattern.matches(`x${a}`))
        },
      ),
    )
  })
})

describe('patterns that are refused', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['orders(', /missing closing \)/],
    ['[z-a]', /invalid character class range/],
    ['*', /missing argument to repetition/],
    ['a**', /invalid nested repetition/],
    ['(?=orders).*', /Perl syntax/],
    ['(?<=orders).*', /invalid named capture/],
    [String.raw`(a)\1`, /invalid escape sequence/],
    ['a{1001}', /invalid repeat count/],
    ['((a{10}){11}){10}', /invalid repeat count/],
    ['('.repeat(1100) + ')'.repeat(1100), /nests too deeply/],
  ]

  test('wrong ones, with the pattern and the reason', () => {
    for (const [pattern, reason] of wrong) {
      const message = refusal(pattern)
      assert.match(message, reason)
      assert.ok(message.includes(pattern.slice(0, 100)), message)
      assert.ok(message.length < 600)
    }
  })

  test('long ones, and those that repetitions make large', () => {
    assert.match(refusal('a'.repeat(MAX_PATTERN_LENGTH + 1)), /4097 characters; at most 4096/)
    const large = [
      '.{1000}'.repeat(20),
      `(${'abcdefghij'.repeat(10)}){1000}`,
      `(${String.raw`\pL?`.repeat(20)}){0,1000}`,
      '([a-z]{10}[0-9]{10}){500,}',
      String.raw`(\Qabcdefghijabcdefghij\E){900}`,
      '(('.repeat(50) + 'ab'.repeat(20) + '){10})'.repeat(50),
    ]
    for (const pattern of large) assert.match(refusal(pattern), /too large/)
  })

  test('no text makes the check itself fail or take long', () => {
    const piece = fc.constantFrom(
      '(',
      ')',
      '[',
      ']',
      '{9,',
      '{99}',
      '}',
      '\\',
      '\\Q',
      '\\E',
      '\\p{',
      '[:',
      '|',
      'a',
      '*',
      '😀',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const startMs = performance.now()
        try {
          compilePattern(pieces.join('')).matches('orders')
        } catch (error) {
          assert.ok(error instanceof KafkaError)
        }
        assert.ok(performance.now() - startMs < 1000)
      }),
    )
  })
})

describe('time', () => {
  const longest = 249
  const names = [...Array(20).keys()].map((i) => `${'a'.repeat(longest - 3)}-${i}`)

  /** Far above what they need (a few milliseconds), far below what a search with retries would (centuries). */
  const boundMs = 2000

  for (const pattern of [
    '(a+)+$',
    '(a|a)*b',
    '(a*)*c',
    '(.*)(.*)(.*)(.*)(.*)x',
    '(a?){250}a{250}',
    '(x+x+)+y|(a+a+)+y',
    String.raw`(\pL?${String.raw`\pL?`.repeat(6)}){240}`,
  ]) {
    test(`linear for ${pattern}`, () => {
      const startMs = performance.now()
      const compiled = compilePattern(pattern)
      for (const name of names) compiled.matches(name)
      assert.ok(performance.now() - startMs < boundMs, `${performance.now() - startMs} ms`)
    })
  }

  test('a pattern of the greatest length compiles, and finds each of its names', () => {
    const topics = [...Array(380).keys()].map((i) => `topic-${i}`)
    const pattern = topics.join('|').slice(0, MAX_PATTERN_LENGTH)
    const startMs = performance.now()
    const compiled = compilePattern(pattern)
    assert.ok(topics.filter((topic) => compiled.matches(topic)).length >= 370)
    assert.ok(performance.now() - startMs < boundMs)
  })
})
