// Records as lines, in both directions.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CommandError } from '../../src/cli/failure.ts'
import { parseLine, recordLine, type ShownPart, timeText } from '../../src/cli/record-text.ts'
import type { Record } from '../../src/wire/records/record.ts'

const plain = { json: false }
const json = { json: true, show: new Set<ShownPart>(), separator: '\t', nullMarker: 'null' }
const refused = (run: () => unknown, reason: RegExp) =>
  assert.throws(run, (error) => error instanceof CommandError && reason.test(error.message))

describe('parseLine', () => {
  test('without a separator the whole line is the value, the key null', () => {
    assert.deepEqual(parseLine('a:b', plain, 7), { timestamp: 7, key: null, value: Buffer.from('a:b') })
  })

  test('the first separator splits key and value', () => {
    const { key, value } = parseLine('k::v:w', { ...plain, keySeparator: '::' }, 0)
    assert.deepEqual([key!.toString(), value!.toString()], ['k', 'v:w'])
    refused(() => parseLine('kv', { ...plain, keySeparator: ':' }, 0), /no key separator ":" in "kv"/)
  })

  test('the null marker makes a null key, or a tombstone', () => {
    const { key, value } = parseLine('N:N', { ...plain, keySeparator: ':', nullMarker: 'N' }, 0)
    assert.deepEqual([key, value], [null, null])
  })

  test('headers stand first; one without = has a null value; none are none', () => {
    const format = { ...plain, headerSeparator: '\t', keySeparator: ':' }
    assert.deepEqual(parseLine('a=1,b,c=x=y\tk:v', format, 0).headers, [
      { key: 'a', value: Buffer.from('1') },
      { key: 'b', value: null },
      { key: 'c', value: Buffer.from('x=y') },
    ])
    assert.deepEqual(parseLine('\tk:v', format, 0).headers, [])
    refused(() => parseLine('k:v', format, 0), /no header separator/)
  })

  test('a JSON line may leave everything out but the braces; a value that is a document is its text', () => {
    const format = { json: true }
    assert.deepEqual(parseLine('{}', format, 5), { timestamp: 5, key: null, value: null, headers: [] })
    assert.equal(parseLine('{"value":{"a":[1]}}', format, 5).value!.toString(), '{"a":[1]}')
    assert.equal(parseLine('{"value":3}', format, 5).value!.toString(), '3')
    assert.deepEqual(parseLine('{"headers":{"h":"v"}}', format, 5).headers, [
      { key: 'h', value: Buffer.from('v') },
    ])
  })

  test('a JSON line that is not what it should be is refused with the part at fault', () => {
    const parse = (line: string) => () => parseLine(line, { json: true }, 0)
    refused(parse('{"value"'), /not JSON/)
    refused(parse('[]'), /expected a JSON object/)
    refused(parse('{"key":3}'), /key: expected a string, null or \{"base64"/)
    refused(parse('{"partition":-1}'), /partition: -1/)
    refused(parse('{"timestamp":"now"}'), /timestamp: "now"/)
    refused(parse('{"headers":[1]}'), /headers: expected \[name, value\] pairs/)
  })
})

describe('recordLine', () => {
  const record = {
    offset: 3,
    timestamp: 1_700_000_000_000,
    key: Buffer.from('k'),
    value: null,
    headers: [
      { key: 'h', value: Buffer.from('v') },
      { key: 'n', value: null },
    ],
  }

  test('text shows what was asked for, always in the same order', () => {
    const format = {
      ...json,
      json: false,
      separator: '|',
      show: new Set<ShownPart>(['value', 'key', 'offset', 'headers']),
    }
    assert.equal(recordLine(record, 't', 1, format), '3|h=v,n|k|null')
    const all = { ...format, show: new Set<ShownPart>(['timestamp', 'partition']) }
    assert.equal(recordLine(record, 't', 1, all), '2023-11-14T22:13:20.000Z|1')
  })

  test('a JSON line gives the same record when it is read, whatever the bytes', () => {
    const part = fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)))
    const plainObject = { noNullPrototype: true }
    const header = fc.record({ key: fc.string(), value: part }, plainObject)
    const headers = fc.array(header, { maxLength: 3 })
    const anyRecord = fc.record(
      { offset: fc.nat(), timestamp: fc.nat(), key: part, value: part, headers },
      plainObject,
    )
    const roundTrip = (written: Record) => {
      const { partition, ...read } = parseLine(recordLine(written, 't', 9, json), { json: true }, 0)
      const { offset, ...expected } = written
      assert.deepEqual(read, expected)
      assert.equal(partition, 9)
    }
    fc.assert(fc.property(anyRecord, roundTrip))
  })

  test('times: none, and beyond every calendar', () => {
    assert.equal(timeText(-1), '-')
    assert.equal(timeText(Number.MAX_SAFE_INTEGER), '9007199254740991')
    assert.equal(timeText(0), '1970-01-01T00:00:00.000Z')
  })
})
