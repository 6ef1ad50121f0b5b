// Compression of record batches: the five codecs that the low three bits of a batch's attributes name.
// Promises synchronous calls, libraries loaded at first use, output bounded by the caller, and KafkaError for bad input.
// Leaves framing to one file per codec; leaves levels of topics (`compression.gzip.level`) to the caller.
import { errors, KafkaError } from '../../errors.ts'
import { tooLarge } from './failure.ts'
import * as gzip from './gzip.ts'
import * as lz4 from './lz4.ts'
import * as snappy from './snappy.ts'
import * as zstd from './zstd.ts'

/** Codec ids as they stand in a batch's attributes. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type CodecName = keyof typeof codecs
export type Codec = (typeof codecs)[CodecName]

const names = Object.keys(codecs) as CodecName[]

export function isCodec(id: number): id is Codec {
  return Number.isInteger(id) && id >= codecs.none && id <= codecs.zstd
}

/** The name of a codec id, or undefined for ids 5 to 7, which mean nothing. */
export function codecName(id: number): CodecName | undefined {
  return names[id]
}

function unknown(id: number): KafkaError {
  return new KafkaError(
    errors.UNSUPPORTED_COMPRESSION_TYPE,
    `compression codec ${id} is unknown: 0 to 4 (${names.join(', ')}) are known`,
  )
}

/**
 * Compresses in the form that every client reads. `level` is the codec's own (gzip 1-9, zstd -131072..22; the others
 * have none) and defaults to Kafka's. With codec `none` the same bytes come back, uncopied.
 */
export function compress(codec: number, bytes: Uint8Array, level?: number): Buffer {
  switch (codec) {
    case codecs.none:
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    case codecs.gzip:
      return gzip.compress(bytes, level)
    case codecs.snappy:
      return snappy.compress(bytes)
    case codecs.lz4:
      return lz4.compress(bytes)
    case codecs.zstd:
      return zstd.compress(bytes, level)
    default:
      throw unknown(codec)
  }
}

/**
 * Decompresses what any client may have written, holding at most `maxBytes` of output.
 * Throws KafkaError: CORRUPT_MESSAGE for broken or truncated input, MESSAGE_TOO_LARGE when the output would exceed
 * `maxBytes`, UNSUPPORTED_COMPRESSION_TYPE for an unknown codec. With codec `none` the same bytes come back, uncopied.
 */
export function decompress(codec: number, bytes: Uint8Array, maxBytes: number): Buffer {
  switch (codec) {
    case codecs.none:
      if (bytes.length > maxBytes) throw tooLarge('uncompressed', maxBytes)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    case codecs.gzip:
      return gzip.decompress(bytes, maxBytes)
    case codecs.snappy:
      return snappy.decompress(bytes, maxBytes)
    case codecs.lz4:
      return lz4.decompress(bytes, maxBytes)
    case codecs.zstd:
      return zstd.decompress(bytes, maxBytes)
    default:
      throw unknown(codec)
  }
}
