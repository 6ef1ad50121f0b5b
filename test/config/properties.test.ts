// Java's .properties format: the same entries as java.util.Properties reads.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatProperties, PropertiesError, parseProperties } from '../../src/config/properties.ts'

const pairs = (text: string) => parseProperties(text).map(({ key, value }) => [key, value])

describe('.properties texts', () => {
  test('key and value are parted by =, : or blanks, and blanks around are dropped', () => {
    const expected = [['key', 'value']]
    for (const text of [
      'key=value',
      'key:value',
      'key value',
      'key = value',
      '  key\t:\tvalue',
      'key \f=value',
    ]) {
      assert.deepEqual(pairs(text), expected, text)
    }
    assert.deepEqual(pairs('key==value'), [['key', '=value']])
    assert.deepEqual(pairs('key = = value'), [['key', '= value']])
    assert.deepEqual(pairs('key'), [['key', '']])
    assert.deepEqual(pairs('key=value  '), [['key', 'value  ']])
    assert.deepEqual(pairs('listeners=PLAINTEXT://:9092'), [['listeners', 'PLAINTEXT://:9092']])
  })

  test('comments and empty lines are passed over, whatever ends a line', () => {
    assert.deepEqual(pairs('# a\r\n! b\r\n\r\n   \n  # c\rk=v\n'), [['k', 'v']])
    assert.deepEqual(pairs('k=v # not a comment'), [['k', 'v # not a comment']])
    assert.deepEqual(pairs('# a comment is not continued \\\nk=v'), [['k', 'v']])
  })

  test('a backslash at the end continues a line, and the indent of the next is dropped', () => {
    assert.deepEqual(pairs('fruits = apple, \\\n    pear, \\\r\n\tplum'), [['fruits', 'apple, pear, plum']])
    assert.deepEqual(pairs('k=ends with a backslash\\\\\nx=y'), [
      ['k', 'ends with a backslash\\'],
      ['x', 'y'],
    ])
    assert.deepEqual(pairs('k=v\\'), [['k', 'v']])
  })

  test('escapes stand for their characters, an unknown one for itself', () => {
    assert.deepEqual(pairs('k=\\t\\n\\r\\f\\u00e9\\\\\\q'), [['k', '\t\n\r\f\u00e9\\q']])
    assert.deepEqual(pairs('a\\ b\\=c\\:d=e'), [['a b=c:d', 'e']])
  })

  test('entries tell their line, and repeated keys are all told', () => {
    const found = parseProperties('# first\na=1\\\n2\nb=3\na=4')
    assert.deepEqual(found, [
      { key: 'a', value: '12', line: 2 },
      { key: 'b', value: '3', line: 4 },
      { key: 'a', value: '4', line: 5 },
    ])
  })

  test('a broken \\u escape is an error that names the line', () => {
    assert.throws(() => parseProperties('a=1\nb=\\u12g4'), { name: 'PropertiesError', message: /^line 2: / })
    assert.throws(() => parseProperties('b=\\u12'), PropertiesError)
  })

  test('what is written is read back, whatever the characters', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...' \t\f\n\r\\=:#!u0') }),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (entries) => {
        assert.deepEqual(pairs(formatProperties(entries)), entries)
      }),
    )
  })

  test('any text gives entries or a PropertiesError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' \t\n\r\\=:#!uabc') }), (text) => {
        try {
          parseProperties(text)
        } catch (error) {
          assert.ok(error instanceof PropertiesError)
        }
      }),
    )
  })
})
