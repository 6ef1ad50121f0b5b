// The five codecs: round trips, what other clients write, damaged input, and the bound on output.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { compressSync as snappyBlock } from 'snappy'
import { SeededRandom } from '../../../../src/lib/random.ts'
import { errors, KafkaError } from '../../../../src/wire/errors.ts'
import {
  codecName,
  codecs,
  compress,
  decompress,
  isCodec,
} from '../../../../src/wire/records/compression/index.ts'
import { xxhash32 } from '../../../../src/wire/records/compression/xxhash32.ts'
import { compressInWasm, decompressInWasm } from '../../../../src/wire/records/compression/zstd-wasm.ts'
import { pythonFrames } from '../foreign-bytes.ts'

const MAX_BYTES = 8 * 1024 * 1024
const compressing = [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]

/** Between nothing and several blocks of any codec, compressible and not. */
const payloads = fc
  .record({
    seedBytes: fc.uint8Array({ maxLength: 2000 }),
    repeats: fc.integer({ min: 1, max: 200 }),
  })
  .map(({ seedBytes, repeats }) => Buffer.concat(Array.from({ length: repeats }, () => seedBytes)))

function refusal(run: () => unknown): KafkaError {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof KafkaError, `not a KafkaError: ${error}`)
    return error
  }
  assert.fail('was accepted')
}

describe('every codec', () => {
  for (const codec of [codecs.none, ...compressing]) {
    test(`${codecName(codec)}: decompressing gives back what was compressed`, () => {
      const roundTrip = (bytes: Buffer) =>
        assert.deepEqual(decompress(codec, compress(codec, bytes), MAX_BYTES), bytes)
      fc.assert(fc.property(payloads, roundTrip), { numRuns: 40 })
    })
  }

  for (const codec of compressing) {
    const name = codecName(codec)!
    test(`${name}: output of exactly maxBytes passes, one byte more is MESSAGE_TOO_LARGE with the figure`, () => {
      for (const length of [1000, 200_000, 3_000_000]) {
        const packed = compress(codec, Buffer.alloc(length))
        assert.equal(decompress(codec, packed, length).length, length)
        const error = refusal(() => decompress(codec, packed, length - 1))
        assert.equal(error.error, errors.MESSAGE_TOO_LARGE)
        assert.match(error.message, new RegExp(`${name}.*${length - 1} bytes`))
      }
    })

    test(`${name}: input cut off anywhere is refused or, at a block's end, gives a beginning`, () => {
      const original = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(3000))
      const packed = compress(codec, original)
      for (let end = 0; end < packed.length; end += Math.ceil(packed.length / 97)) {
        // A xerial stream has no end mark: only there a cut between chunks goes unnoticed (the record count tells).
        try {
          const output = decompress(codec, packed.subarray(0, end), MAX_BYTES)
          assert.equal(codec, codecs.snappy)
          assert.deepEqual(output, original.subarray(0, output.length))
        } catch (error) {
          assert.ok(error instanceof KafkaError && error.error === errors.CORRUPT_MESSAGE, String(error))
        }
      }
    })

    test(`${name}: any bytes give a value or a KafkaError`, () => {
      const packed = compress(codec, Buffer.from('abcabcabc'.repeat(50)))
      const decodes = (bytes: Uint8Array) => {
        try {
          assert.ok(decompress(codec, bytes, 100_000).length <= 100_000)
        } catch (error) {
          assert.ok(error instanceof KafkaError, String(error))
        }
      }
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodes), { numRuns: 200 })
      const damage = fc.record({ at: fc.nat(packed.length - 1), value: fc.nat(255) })
      const decodesDamaged = ({ at, value }: { at: number; value: number }) => {
        const damaged = Buffer.from(packed)
        damaged[at] = value
        decodes(damaged)
      }
      fc.assert(fc.property(damage, decodesDamaged), { numRuns: 300 })
    })

    test(`${name}: bytes behind the end of the stream are refused`, () => {
      const packed = Buffer.concat([
        compress(codec, Buffer.from('hello hello hello')),
        Buffer.from('behind it'),
      ])
      assert.equal(refusal(() => decompress(codec, packed, MAX_BYTES)).error, errors.CORRUPT_MESSAGE)
    })
  }

  test('an id beyond the five is UNSUPPORTED_COMPRESSION_TYPE', () => {
    for (const id of [5, 6, 7, -1]) {
      assert.equal(isCodec(id), false)
      assert.equal(refusal(() => compress(id, Buffer.alloc(1))).error, errors.UNSUPPORTED_COMPRESSION_TYPE)
      assert.equal(
        refusal(() => decompress(id, Buffer.alloc(1), 10)).error,
        errors.UNSUPPORTED_COMPRESSION_TYPE,
      )
    }
  })

  test('uncompressed bytes come back without a copy', () => {
    const bytes = Buffer.from('as they are')
    assert.equal(decompress(codecs.none, bytes, 100).buffer, bytes.buffer)
  })
})

describe('gzip', () => {
  test('members in a row are one stream', () => {
    const members = Buffer.concat([gzipSync('first '), gzipSync('second')])
    assert.equal(decompress(codecs.gzip, members, 100).toString(), 'first second')
  })

  test('a higher level gives fewer bytes', () => {
    const text = Buffer.from(Array.from({ length: 5000 }, (_, i) => `line ${i * 7919}`).join('\n'))
    assert.ok(compress(codecs.gzip, text, 9).length < compress(codecs.gzip, text, 1).length)
  })
})

describe('snappy', () => {
  test('a bare block, as librdkafka sends, is read', () => {
    const text = Buffer.from('a bare block '.repeat(1000))
    assert.deepEqual(decompress(codecs.snappy, snappyBlock(text), MAX_BYTES), text)
  })

  test('the xerial form is written, with chunks of at most 32 KiB', () => {
    const packed = compress(codecs.snappy, Buffer.alloc(40_000))
    assert.equal(packed.toString('hex', 0, 16), '82534e41505059000000000100000001')
    const second = 20 + packed.readInt32BE(16)
    assert.equal(second + 4 + packed.readInt32BE(second), packed.length)
  })

  test('a xerial stream without chunks is empty', () => {
    const header = compress(codecs.snappy, Buffer.alloc(0))
    assert.equal(header.length, 16)
    assert.equal(decompress(codecs.snappy, header, 10).length, 0)
  })

  test('a block that claims 4 GiB is refused before memory is taken', () => {
    const claim = Buffer.from('ffffffff0f00', 'hex')
    assert.equal(refusal(() => decompress(codecs.snappy, claim, MAX_BYTES)).error, errors.MESSAGE_TOO_LARGE)
  })
})

const pythonInput = Buffer.concat(Array.from({ length: 3 }, () => pythonPart()))
function pythonPart(): Buffer {
  const stored = decompress(codecs.lz4, pythonFrames.lz4Stored, 1000)
  assert.equal(stored.length, 300)
  return Buffer.concat([stored, Buffer.alloc(65_000, '-')])
}

describe('lz4', () => {
  for (const name of ['lz4Linked', 'lz4LinkedWithChecksums', 'lz4Independent256'] as const) {
    test(`${name} of another writer is read`, () => {
      assert.ok(decompress(codecs.lz4, pythonFrames[name], MAX_BYTES).equals(pythonInput))
    })
  }

  test('what is written is what Java reads: independent blocks of 64 KiB, no checksums, no content size', () => {
    const packed = compress(codecs.lz4, Buffer.alloc(100_000))
    assert.equal(packed.toString('hex', 0, 7), '04224d18604082')
    assert.equal(packed.readUInt32LE(packed.length - 4), 0)
  })

  test('a block that does not shrink is stored', () => {
    const noise = new SeededRandom(1).bytes(5000)
    const packed = compress(codecs.lz4, noise)
    assert.equal(packed.readUInt32LE(7), noise.length + 0x80000000)
    assert.equal(packed.length, 7 + 4 + noise.length + 4)
  })

  test('frames in a row are one stream', () => {
    const frames = Buffer.concat([
      compress(codecs.lz4, Buffer.from('one ')),
      compress(codecs.lz4, Buffer.from('two')),
    ])
    assert.equal(decompress(codecs.lz4, frames, 100).toString(), 'one two')
  })

  test('a wrong header checksum, block checksum, reserved bit or dictionary is refused', () => {
    const change = (source: Buffer, at: number, value: number) => {
      const changed = Buffer.from(source)
      changed[at] = value
      return refusal(() => decompress(codecs.lz4, changed, MAX_BYTES)).message
    }
    const packed = compress(codecs.lz4, Buffer.from('hello'))
    assert.match(change(packed, 6, 0x83), /header does not match/)
    assert.match(change(packed, 4, 0x62), /reserved/)
    assert.match(change(packed, 4, 0x61), /dictionary/)
    const checked = pythonFrames.lz4LinkedWithChecksums
    assert.match(change(checked, 40, checked[40]! ^ 1), /block does not match/)
  })

  test('xxHash32 gives the published values', () => {
    assert.equal(xxhash32(Buffer.alloc(0)), 0x02cc5d05)
    assert.equal(xxhash32(Buffer.from('a')), 0x550d7456)
    assert.equal(xxhash32(Buffer.from('abc')), 0x32d153ff)
    assert.equal(xxhash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f)
  })
})

describe('zstd', () => {
  for (const name of ['zstdSized', 'zstdStreamedWithChecksum'] as const) {
    test(`${name} of another writer is read, alone and several in a row`, () => {
      const frame = pythonFrames[name]
      assert.ok(decompress(codecs.zstd, frame, MAX_BYTES).equals(pythonInput))
      const twice = decompress(codecs.zstd, Buffer.concat([frame, pythonFrames.zstdSized]), MAX_BYTES)
      assert.ok(twice.equals(Buffer.concat([pythonInput, pythonInput])))
    })
  }

  test('a skippable frame is skipped', () => {
    const skippable = Buffer.from('512a4d1803000000aabbcc', 'hex')
    const packed = Buffer.concat([skippable, compress(codecs.zstd, Buffer.from('hello'))])
    assert.equal(decompress(codecs.zstd, packed, 100).toString(), 'hello')
  })

  test('a frame that claims a terabyte takes no more memory than its blocks could need', () => {
    // Single segment, content size 2^40 in 8 bytes, one raw last block of 1 byte.
    const claim = Buffer.from('28b52ffde0000000000001000009000061', 'hex')
    assert.equal(refusal(() => decompress(codecs.zstd, claim, MAX_BYTES)).error, errors.CORRUPT_MESSAGE)
  })

  test('both implementations write what the other reads', () => {
    const text = Buffer.from('both of them '.repeat(20_000))
    const fromWasm = compressInWasm(text, 3)
    assert.ok(decompress(codecs.zstd, fromWasm, text.length).equals(text))
    assert.ok(decompressInWasm(compress(codecs.zstd, text), text.length)!.equals(text))
    assert.equal(decompressInWasm(fromWasm, text.length - 1), undefined)
  })
})
