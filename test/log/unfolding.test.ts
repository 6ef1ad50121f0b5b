// Batches that have to be opened when they come: what they may unfold to, together, and what is made of their records.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import { appendRules, checkFromClient, newUnfolding, RecordsError } from '../../src/log/append-check.ts'
import type { LogConfig } from '../../src/log/log.ts'
import { KafkaError } from '../../src/wire/errors.ts'
import * as batch from '../../src/wire/records/batch.ts'
import { buildBatch } from '../../src/wire/records/build.ts'
import { codecs } from '../../src/wire/records/compression/index.ts'
import { RecordReader } from '../../src/wire/records/record.ts'
import { batchOf, defaults } from './workshop.ts'

const NOW = 1_700_000_000_000
const compacted = appendRules({ ...defaults, cleanupPolicy: ['compact'] })
const rulesWith = (config: Partial<LogConfig>) => appendRules({ ...defaults, ...config })

/** A few kilobytes that unfold to so many megabytes. */
function bomb(megabytes: number): Buffer {
  const value = Buffer.alloc(1_000_000)
  return batchOf(Array(megabytes).fill(value), { key: '', compression: codecs.gzip })
}

function refusal(check: () => unknown): string {
  try {
    check()
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    return error.error.name
  }
  return 'NONE'
}

describe('what batches unfold to', () => {
  test('is bounded for all of a request together, and nothing more is opened beyond that', () => {
    const unfolding = newUnfolding()
    const bytes = bomb(20)
    const check = () => refusal(() => checkFromClient(bytes, compacted, NOW, unfolding))
    const outcomes = Array.from({ length: 6 }, check)
    assert.deepEqual(outcomes.slice(0, 3), ['NONE', 'NONE', 'NONE'])
    assert.deepEqual(outcomes.slice(3), Array(3).fill('MESSAGE_TOO_LARGE'))
    assert.equal(unfolding.extraBytes, 0, 'what was opened in vain counts')
  })

  test('does not count where it is a dozen times the batch, however many a request has', () => {
    const random = new SeededRandom(7)
    const value = Buffer.concat(Array(12).fill(random.bytes(30_000)))
    const usual = batchOf([value], { key: '', compression: codecs.gzip })
    const ratio = new RecordReader(usual).bytes.byteLength / usual.byteLength
    assert.ok(ratio > 8 && ratio < 16, `unfolds to ${ratio} times its size`)
    const unfolding = newUnfolding()
    for (let count = 0; count < 400; count++) {
      assert.equal(
        refusal(() => checkFromClient(usual, compacted, NOW, unfolding)),
        'NONE',
      )
    }
  })
})

describe('a batch that is compressed anew', () => {
  test('keeps its headers byte by byte', () => {
    const value = Buffer.from([0xff, 0xfe])
    const headers = Array.from({ length: 1000 }, () => ({ key: 'xy', value }))
    const plain = buildBatch({
      records: [
        { timestamp: NOW, key: null, value },
        { timestamp: NOW, key: value, value, headers },
      ],
    })
    // A key that is no UTF-8: what is read as text and written again would be something else.
    plain.fill(0xff, plain.indexOf('xy'), plain.indexOf('xy') + 2)
    batch.writeCrc(plain, 0)
    const records = Buffer.from(plain.subarray(batch.HEADER_BYTES))
    const stored = checkFromClient(plain, rulesWith({ compressionType: 'gzip' }), NOW)
    assert.equal(batch.codecOf(stored, 0), codecs.gzip)
    assert.deepEqual(new RecordReader(stored).bytes, records)
  })
})

describe('records at fault', () => {
  test('are counted, and named up to ten thousand of them', () => {
    const records = Array.from({ length: 10_005 }, () => ({ timestamp: NOW, value: null }))
    for (const compression of [codecs.none, codecs.gzip]) {
      try {
        checkFromClient(buildBatch({ records, compression }), compacted, NOW)
        assert.fail('was accepted')
      } catch (error) {
        assert.ok(error instanceof RecordsError)
        assert.match(error.message, /^10005 record/)
        assert.equal(error.recordErrors.length, 10_000)
      }
    }
  })
})
