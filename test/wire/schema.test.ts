// The combinators and what the compilers make of them, on a small message of our own.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AssertionError } from '../../src/lib/assert.ts'
import { message } from '../../src/wire/api.ts'
import { type FetchResponse, fetch } from '../../src/wire/apis/fetch.ts'
import { describeMessage } from '../../src/wire/describe.ts'
import {
  array,
  between,
  bool,
  bytes,
  defaultsTo,
  type Input,
  int16,
  int32,
  int64,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  uint32,
  until,
  type Value,
  ZERO_UUID,
} from '../../src/wire/schema.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'

const seal = struct({ by: string, at: defaultsTo(int64, -1) })

const letter = message('Letter', {
  versions: [0, 4],
  flexible: 3,
  fields: {
    id: defaultsTo(int32, -1),
    pages: array({ number: int16, text: nullable(string, 1) }),
    urgent: since(1, defaultsTo(bool, true)),
    old: until(1, string),
    middle: between(1, 2, int16),
    seal: since(2, optional(seal)),
    weight: since(2, uint32),
    stamp: tagged(1, defaultsTo(int32, 5), 3),
    note: tagged(0, optional(string), 4),
  },
})

type Letter = Value<typeof letter>
type LetterInput = Input<typeof letter>

/** Fails to compile unless the two types are the same. */
type Same<Left, Right> =
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false
const sameTypes: [
  Same<Letter['pages'][number], { number: number; text: string | null }>,
  Same<Letter['seal'], { by: string; at: number } | null>,
  Same<Letter['note'], string | null>,
  Same<NonNullable<LetterInput['id']>, number>,
  Same<FetchResponse['responses'][number]['partitions'][number]['records'], Buffer | null>,
] = [true, true, true, true, true]

function encode(value: LetterInput, version: number): Buffer {
  const writer = new Writer()
  letter.encode(writer, value, version)
  return flatten(writer.finish())
}

const decode = (hex: string, version: number) => {
  const given = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return letter.decode(given, 0, given.length, version)
}

const plain: Letter = {
  id: -1,
  pages: [],
  urgent: true,
  old: '',
  middle: 0,
  seal: null,
  weight: 0,
  stamp: 5,
  note: null,
}

describe('a message for all its versions', () => {
  test('has one static type, inferred', () => {
    assert.deepEqual(new Set(sameTypes), new Set([true]))
  })

  test('has the fields of the version in the order of the wire', () => {
    const names = (version: number) => describeMessage(letter, version).map(({ name }) => name)
    assert.deepEqual(names(0), ['id', 'pages', 'old'])
    assert.deepEqual(names(1), ['id', 'pages', 'urgent', 'old', 'middle'])
    assert.deepEqual(names(2), ['id', 'pages', 'urgent', 'middle', 'seal', 'weight'])
    assert.deepEqual(names(4), ['id', 'pages', 'urgent', 'seal', 'weight', 'note', 'stamp'])
  })

  test('is laid out as the version says', () => {
    const value = {
      id: 1,
      pages: [{ number: 2, text: 'a' }],
      old: 'o',
      seal: { by: 'b' },
      weight: 2 ** 32 - 1,
    }
    assert.equal(encode(value, 0).toString('hex'), '00000001000000010002000161' + '00016f')
    assert.equal(
      encode({ ...value, stamp: 6, note: 'n' }, 4).toString('hex'),
      '00000001' +
        '02' +
        '00020261' +
        '00' +
        '01' +
        '01' +
        '0262' +
        'ffffffffffffffff' +
        '00' +
        'ffffffff' +
        '02' +
        '0002026e' +
        '010400000006',
    )
  })

  test('leaves out what the version does not have, and gives it its default', () => {
    const value = { urgent: false, old: 'o', stamp: 6, note: 'n' }
    assert.deepEqual(letter.decode(encode(value, 0), 0, 11, 0), { ...plain, old: 'o' })
    const bytes4 = encode(value, 4)
    assert.deepEqual(letter.decode(bytes4, 0, bytes4.length, 4), {
      ...plain,
      urgent: false,
      stamp: 6,
      note: 'n',
    })
  })

  test('gives fresh arrays and structs: a default is never shared', () => {
    const [left, right] = [decode('00000001 00000000 0000', 0), decode('00000001 00000000 0000', 0)]
    assert.notEqual(left.pages, right.pages)
    const fetched = Buffer.alloc(14)
    const first = fetch.response.decode(fetched, 0, 14, 7)
    assert.notEqual(first.nodeEndpoints, fetch.response.decode(fetched, 0, 14, 7).nodeEndpoints)
  })

  test('passes over unknown tags, and takes known ones in any order', () => {
    const head = '00000001 01 01 ff 00000000'
    assert.deepEqual(decode(`${head} 03 01 04 00000009 00 02 0278 7f 03 aabbcc`, 4), {
      ...plain,
      id: 1,
      stamp: 9,
      note: 'x',
    })
  })

  test('ignores bytes left over', () => {
    assert.deepEqual(decode('00000001 00000000 0000 aabb', 0), { ...plain, id: 1 })
  })
})

describe('what decoding refuses', () => {
  const cases: [what: string, hex: string, version: number, message: string][] = [
    ['an early end', '000000', 0, 'Letter.id@0: needs 4 bytes, 3 left'],
    [
      'an early end inside a run of fields',
      '00000001 00000000 01 0001 00',
      1,
      'Letter.middle@12: needs 2 bytes, 0 left',
    ],
    [
      'too many elements',
      '00000001 7fffffff 0000',
      0,
      'Letter.pages@8: 2147483647 elements cannot be in 2 bytes',
    ],
    [
      'too many compact elements',
      '00000001 ffffffff0f',
      3,
      'Letter.pages@9: 4294967294 elements cannot be in 0 bytes',
    ],
    ['a null array', '00000001 ffffffff', 0, 'Letter.pages@8: null where a value is required'],
    [
      'a null text',
      '00000001 00000001 0007 ffff 0000',
      0,
      'Letter.pages.text@12: null where a value is required',
    ],
    ['a text beyond the end', '00000001 00000000 0009 61', 0, 'Letter.old@10: needs 9 bytes, 1 left'],
    ['an endless varint', '00000001 8080808080', 3, 'Letter.pages@4: not a varint of 32 bits'],
    [
      'a tag beyond the end',
      '00000001 01 01 ff 00000000 01 09 05 aa',
      3,
      'Letter.(tags)@14: needs 5 bytes, 1 left',
    ],
    [
      'a tag of another size than its type',
      '00000001 01 01 ff 00000000 01 01 05 0000000900',
      3,
      'Letter.stamp@18: a tagged field is not the 5 bytes long that it claims',
    ],
  ]
  for (const [what, hex, version, message] of cases) {
    test(what, () => {
      assert.throws(() => decode(hex, version), { name: 'DecodeError', message })
    })
  }

  test('a text longer than Kafka allows', () => {
    const long = message('Long', { versions: [0, 0], flexible: 0, fields: { text: string } })
    const given = Buffer.concat([Buffer.from('818002', 'hex'), Buffer.alloc(40_000, 0x61)])
    assert.throws(() => long.decode(given, 0, given.length, 0), /Long\.text@3: a text of 32768 bytes/)
  })
})

describe('what encoding refuses', () => {
  const cases: [what: string, value: LetterInput, version: number][] = [
    ['null where the version has none', { pages: [{ number: 1, text: null }] }, 0],
    ['a number out of range', { middle: 70_000 }, 1],
    ['a fraction', { id: 0.5 }, 0],
    ['an unsafe int64', { seal: { at: 2 ** 53 } }, 2],
    ['a negative unsigned number', { weight: -1 }, 2],
    ['a truth value that is none', { urgent: 1 as never }, 1],
  ]
  for (const [what, value, version] of cases) {
    test(what, () => {
      assert.throws(() => encode(value, version), AssertionError)
    })
  }

  test('a version that does not exist', () => {
    assert.throws(() => encode({}, 5), /Letter has no version 5/)
    assert.throws(() => letter.decode(Buffer.alloc(0), 0, 0, 5), /Letter has no version 5/)
  })
})

test('bytes and records are views of what was read, not copies', () => {
  const parcel = message('Parcel', {
    versions: [0, 0],
    flexible: 0,
    fields: { label: bytes, content: nullable(records) },
  })
  const writer = new Writer()
  parcel.encode(
    writer,
    { label: Buffer.from('label'), content: [Buffer.from('con'), Buffer.from('tent')] },
    0,
  )
  const given = flatten(writer.finish())
  const read = parcel.decode(given, 0, given.length, 0)
  assert.equal(read.content?.toString(), 'content')
  assert.equal(read.label.buffer, given.buffer)
  given.fill(0x2e)
  assert.equal(read.label.toString(), '.....')
  assert.equal(ZERO_UUID.length, 22)
})
