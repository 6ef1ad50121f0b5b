// Reads files out of a jar (a zip) with nothing but zlib: stored and deflated entries, found through the
// central directory. Promises an error for a file that is not such a zip. Leaves zip64 and encryption out.
//
//   end of directory   'PK\5\6' | 10: int16 entries | 16: int32 where the directory begins | 22: comment
//   directory entry    'PK\1\2' | 10: int16 method | 20: int32 packed size | 28: int16 name size
//                      | 30: int16 extra size | 32: int16 comment size | 42: int32 where it is | 46: name
//   file               'PK\3\4' | 26: int16 name size | 28: int16 extra size | 30: name, extra, packed bytes
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const END = 0x06054b50
const ENTRY = 0x02014b50
const END_BYTES = 22
const LONGEST_COMMENT_BYTES = 0xffff

/** The entries of the jar whose names `wanted` accepts, by name. */
export function readJar(path: string, wanted: (name: string) => boolean): Map<string, Buffer> {
  const jar = readFileSync(path)
  const end = endOfDirectory(jar, path)
  const files = new Map<string, Buffer>()
  let at = jar.readUInt32LE(end + 16)
  for (let left = jar.readUInt16LE(end + 10); left > 0; left--) {
    if (jar.readUInt32LE(at) !== ENTRY) throw new Error(`${path}: no directory entry at byte ${at}`)
    const nameBytes = jar.readUInt16LE(at + 28)
    const name = jar.toString('utf8', at + 46, at + 46 + nameBytes)
    if (wanted(name)) files.set(name, unpack(jar, at))
    at += 46 + nameBytes + jar.readUInt16LE(at + 30) + jar.readUInt16LE(at + 32)
  }
  return files
}

function endOfDirectory(jar: Buffer, path: string): number {
  const lowest = Math.max(0, jar.length - END_BYTES - LONGEST_COMMENT_BYTES)
  for (let at = jar.length - END_BYTES; at >= lowest; at--) {
    if (jar.readUInt32LE(at) === END) return at
  }
  throw new Error(`${path} is not a zip file`)
}

function unpack(jar: Buffer, entry: number): Buffer {
  const method = jar.readUInt16LE(entry + 10)
  const size = jar.readUInt32LE(entry + 20)
  const file = jar.readUInt32LE(entry + 42)
  const start = file + 30 + jar.readUInt16LE(file + 26) + jar.readUInt16LE(file + 28)
  const packed = jar.subarray(start, start + size)
  return method === 0 ? packed : inflateRawSync(packed)
}
