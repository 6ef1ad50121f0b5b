// The record that belongs to a number, and the digest of a sequence of records: the same in every client program.
import { createHash } from 'node:crypto'

/** The record of a number: its SHA-256 decides length and content; some have no key, no value or headers. */
export function numbered(number) {
  const digest = createHash('sha256').update(`record-${number}`).digest()
  const length = digest.readUInt16BE(0) % 300
  const value = Buffer.alloc(length)
  for (let at = 0; at < length; at += digest.length) digest.copy(value, at)
  return {
    key: number % 7 === 0 ? null : Buffer.from(digest.toString('hex', 0, 8)),
    value: number % 13 === 0 ? null : value,
    headers:
      number % 5 === 0
        ? [
            ['number', Buffer.from(String(number))],
            ['number', Buffer.alloc(0)],
            ['ünïcode', digest.subarray(0, 4)],
          ]
        : [],
  }
}

function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Hashes records in order: each part with its length before it, -1 for null. */
export function digester() {
  const hash = createHash('sha256')
  const part = (bytes) => {
    hash.update(int32(bytes === null ? -1 : bytes.length))
    if (bytes !== null) hash.update(bytes)
  }
  return {
    add({ key, value, headers }) {
      part(key)
      part(value)
      hash.update(int32(headers.length))
      for (const [name, bytes] of headers) {
        part(Buffer.from(name))
        part(bytes)
      }
    },
    sum: () => hash.digest('hex'),
  }
}

const bytesOf = (text) => (text === null ? null : Buffer.from(text, 'base64'))
const textOf = (bytes) => (bytes === null ? null : bytes.toString('base64'))

/** From a command's JSON: base64 to bytes, null stays null, headers as pairs. */
export const fromJson = ({ key, value, headers, timestamp }) => ({
  key: bytesOf(key),
  value: bytesOf(value),
  headers: headers.map((header) => [header.key, bytesOf(header.value)]),
  timestamp,
})

export const toJson = ({ key, value, headers, ...rest }) => ({
  key: textOf(key),
  value: textOf(value),
  headers: headers.map(([name, bytes]) => ({ key: name, value: textOf(bytes) })),
  ...rest,
})
