// Reading records: what Java's client wrote with every codec, and the refusal of every breach of the layout.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { buildBatch } from '../../../src/wire/records/build.ts'
import { codecs } from '../../../src/wire/records/compression/index.ts'
import { RecordReader, records } from '../../../src/wire/records/record.ts'
import { javaBatches } from './foreign-bytes.ts'

/** A batch of `count` records whose bytes are given as they are. */
function rawBatch(count: number, body: string): Buffer {
  const bytes = Buffer.from(body.replaceAll(' ', ''), 'hex')
  const batch = Buffer.concat([buildBatch({ records: [] }), bytes])
  batch.writeInt32BE(49 + bytes.length, 8)
  batch.writeInt32BE(count, 57)
  return batch
}

function refusal(batch: Buffer): string {
  try {
    for (const _ of records(batch)) {
      // only reading matters
    }
  } catch (error) {
    assert.ok(error instanceof KafkaError && error.error === errors.INVALID_RECORD, String(error))
    return error.message
  }
  assert.fail('was accepted')
}

describe('records', () => {
  for (const name of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`${name}: the 20 records that Java wrote`, () => {
      const read = [...records(javaBatches[name])]
      assert.equal(read.length, 20)
      for (const [i, record] of read.entries()) {
        assert.equal(record.offset, i)
        assert.equal(record.timestamp, 1_700_000_000_000 + i * (i % 3 === 0 ? -1000 : 1000))
        assert.equal(record.key?.toString() ?? null, i % 4 === 0 ? null : `key-${i}`)
        assert.equal(record.value?.toString() ?? null, i % 5 === 0 ? null : `value value value value ${i}`)
        const headers = record.headers.map(({ key, value }) => [key, value?.toString() ?? null])
        const expected = [
          ['h', 'x'],
          ['h', null],
          ['grüß', ''],
        ]
        assert.deepEqual(headers, i % 7 === 0 ? expected : [])
      }
    })
  }

  for (const name of ['gzipBig', 'snappyBig', 'lz4Big', 'zstdBig'] as const) {
    test(`${name}: a record over several blocks that Java wrote`, () => {
      const [record, ...more] = [...records(javaBatches[name])]
      assert.equal(more.length, 0)
      assert.equal(record!.key, null)
      const value = record!.value!
      assert.equal(value.length, name === 'snappyBig' ? 40_000 : 150_000)
      assert.ok(value.every((byte, i) => byte === 97 + Math.floor(i / 40_000)))
    })
  }

  test('a batch is read at its position, between others, without copying', () => {
    const bytes = Buffer.concat([Buffer.alloc(7), javaBatches.none, javaBatches.gzip])
    const read = [...records(bytes, 7)]
    assert.equal(read.length, 20)
    assert.equal(read[1]!.value!.buffer, bytes.buffer)
  })

  test('iteration stops early without reading on', () => {
    const batch = rawBatch(2, '0c 00 00 00 01 01 00  ff')
    for (const record of records(batch)) {
      assert.equal(record.offset, 0)
      break
    }
  })

  test('a delete horizon far after the records gives back their times (negative deltas of 41 bits)', () => {
    const batch = buildBatch({ records: [{ timestamp: 5, value: null }], deleteHorizonMs: 2 ** 41 + 12345 })
    assert.equal([...records(batch)][0]!.timestamp, 5)
  })

  test('a timestamp delta beyond 2^53 saturates instead of wrapping', () => {
    const batch = rawBatch(1, '1e 00 feffffffffffffffff01 00 01 01 00')
    assert.equal([...records(batch)][0]!.timestamp, Number.MAX_SAFE_INTEGER - 1)
  })
})

describe('a breach of the layout is INVALID_RECORD and says which record and why', () => {
  const breaches: [string, number, string, RegExp][] = [
    ['a negative header count', 1, '0c 00 00 00 01 01 01', /record 0 .*header count -1/],
    ['more headers than bytes', 1, '0c 00 00 00 01 01 08', /4 headers in 0 bytes/],
    ['a null header key', 1, '10 00 00 00 01 01 02 01 00', /header key/],
    ['a body shorter than its length', 1, '0e 00 00 00 01 01 00 ff', /1 bytes before its length/],
    ['a body longer than its length', 1, '0a 00 00 00 01 01 00', /ends inside a varint/],
    ['a length beyond the batch', 1, '7e 00 00 00 01 01 00', /record length 63, but 6 bytes/],
    ['a negative length', 1, '01 00 00 00 01 01 00', /record length -1/],
    ['length zero', 1, '00', /record length 0/],
    ['a key beyond the record', 1, '0c 00 00 00 7e 01 00', /key length 63/],
    ['a key length below -1', 1, '0c 00 00 00 03 01 00', /key length -2/],
    ['a value beyond the record', 1, '0c 00 00 00 01 7e 00', /value length 63/],
    ['a varint of six bytes', 1, '16 00 00 808080808080 01 01 00', /more than 5 bytes/],
    ['a varint of eleven bytes', 1, '20 00 8080808080808080808000 00 01 01 00', /more than 10 bytes/],
    ['bytes behind the last record', 1, '0c 00 00 00 01 01 00 00', /1 bytes follow the last record/],
    ['fewer records than announced', 2, '0c 00 00 00 01 01 00', /record 1 .*ends inside a varint/],
    ['a negative record count', -1, '', /negative record count/],
  ]
  for (const [what, count, body, reason] of breaches) {
    test(what, () => assert.match(refusal(rawBatch(count, body)), reason))
  }

  test('a batch length that does not fit the bytes', () => {
    const batch = rawBatch(1, '0c 00 00 00 01 01 00')
    batch.writeInt32BE(batch.length, 8)
    assert.match(refusal(batch), /its length does not fit/)
    batch.writeInt32BE(10, 8)
    assert.match(refusal(batch), /its length does not fit/)
  })

  test('a compressed batch that holds more records than it announces', () => {
    const batch = Buffer.from(javaBatches.lz4)
    batch.writeInt32BE(19, 57)
    assert.match(refusal(batch), /bytes follow the last record/)
  })

  test('any damage gives records or a KafkaError', () => {
    const original = javaBatches.none
    const reads = (changes: [number, number][]) => {
      const batch = Buffer.from(original)
      for (const [at, value] of changes) batch[at] = value
      try {
        for (const record of records(batch, 0, 100_000)) assert.ok(record.headers.length < 1000)
      } catch (error) {
        assert.ok(error instanceof KafkaError, String(error))
      }
    }
    const change = fc.tuple(fc.integer({ min: 8, max: original.length - 1 }), fc.nat(255))
    fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), reads), { numRuns: 2000 })
  })
})

test('a reader tells where key and value lie without making views', () => {
  const batch = buildBatch({
    records: [{ timestamp: 1, key: Buffer.from('k'), value: Buffer.from('vv') }, { timestamp: 2 }],
    compression: codecs.zstd,
  })
  const reader = new RecordReader(batch)
  assert.ok(reader.next())
  assert.equal(reader.bytes.toString('utf8', reader.valueStart, reader.valueStart + reader.valueLength), 'vv')
  assert.ok(reader.next())
  assert.deepEqual([reader.keyLength, reader.valueLength, reader.offsetDelta], [-1, -1, 1])
  assert.equal(reader.next(), false)
})
