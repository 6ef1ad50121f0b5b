// A walk over the records of an uncompressed batch: does every part lie where its record says, to the last byte?
// Promises to refuse what a reader's parser refuses, no allocation, and some ten nanoseconds a record. Leaves the bytes
// of keys and values unread. Which records are at fault in another way is for a second, slower walk (append-check.ts).
//
//   record: length varint | attributes int8 | timestampDelta varlong | offsetDelta varint | keyLength varint (-1: null)
//           | key | valueLength varint (-1: null) | value | headersCount varint | header*
//   header: keyLength varint | key | valueLength varint (-1: null) | value

/** What a walk found; one object for all walks, which are synchronous. */
export interface Walk {
  /** Undefined: every record has its place. */
  damage: string | undefined
  /** The index of the record that `damage` is about. */
  damagedIndex: number
  maxTimestamp: number
  /** Smallest timestamp that is not -1 ("none"); infinity when there is none. */
  minTimestamp: number
  hasNullKey: boolean
}

const walk: Walk = {
  damage: undefined,
  damagedIndex: -1,
  maxTimestamp: -1,
  minTimestamp: Number.POSITIVE_INFINITY,
  hasNullKey: false,
}

/** The zigzag forms of -1 and 0, and the bit of what is below 0. */
const NULL = 1
const NO_HEADERS = 0
const NEGATIVE = 1
/** Set in what `short` returns for a varint of more than two bytes. */
const LONGER = 0x4000
/** Up to the length of a record's key, when every number has two bytes. */
const COMMON_HEAD_BYTES = 9

/** Where the last varint ended; -1 when it was broken. */
let cursor = 0

/** Walks `count` records that fill [start, end). The result is valid until the next walk. */
export function walkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  baseTimestamp: number,
): Walk {
  walk.damage = undefined
  walk.damagedIndex = -1
  walk.hasNullKey = false
  walk.maxTimestamp = Number.NEGATIVE_INFINITY
  walk.minTimestamp = Number.POSITIVE_INFINITY
  let at = start
  for (let index = 0; index < count; ) {
    index = walkCommonRecords(bytes, at, end, index, count, baseTimestamp)
    at = cursor
    if (index === count) break
    at = walkAnyRecord(bytes, at, end, index, baseTimestamp)
    if (at < 0) return walk
    index++
  }
  if (at !== end) damaged(count, `${end - at} bytes follow the last record`)
  return walk
}

/**
 * Walks on from the record `first` at `start` as long as records are of the form that nearly all have: no number has
 * more than two bytes, and there are no headers. That halves the time. Returns the index of the first record that is
 * not, or not whole, for walkAnyRecord to judge, and leaves the cursor there.
 */
function walkCommonRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  first: number,
  count: number,
  baseTimestamp: number,
): number {
  let { maxTimestamp, minTimestamp, hasNullKey } = walk
  let from = start
  let index = first
  // Within these bytes numbers may be read before anybody knows whether they belong to this record: `at` only grows,
  // and has to meet the record's end in the end.
  for (; index < count && from + COMMON_HEAD_BYTES <= end; index++) {
    const length = short(bytes, from)
    let at = behindShort(bytes, from)
    const next = at + (length >>> 1)
    const timestampDelta = short(bytes, at + 1)
    at = behindShort(bytes, at + 1)
    const offsetDelta = short(bytes, at)
    at = behindShort(bytes, at)
    const key = short(bytes, at)
    at = behindShort(bytes, at)
    if (key !== NULL) at += key >>> 1
    if (next > end || at + 2 > next) break
    const value = short(bytes, at)
    at = behindShort(bytes, at)
    if (value !== NULL) at += value >>> 1
    if (at + 1 !== next || bytes[at] !== NO_HEADERS || offsetDelta !== index << 1) break
    if (((length | timestampDelta | key | value) & LONGER) !== 0) break
    if ((length & NEGATIVE) !== 0 || isBelowNull(key) || isBelowNull(value)) break
    const timestamp = baseTimestamp + ((timestampDelta >>> 1) ^ -(timestampDelta & 1))
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (timestamp < minTimestamp && timestamp !== -1) minTimestamp = timestamp
    if (key === NULL) hasNullKey = true
    from = next
  }
  walk.maxTimestamp = maxTimestamp
  walk.minTimestamp = minTimestamp
  walk.hasNullKey = hasNullKey
  cursor = from
  return index
}

/** Walks one record, whatever its form. Returns its end, or -1 when the walk has found damage. */
function walkAnyRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  index: number,
  baseTimestamp: number,
): number {
  const length = varint(bytes, start, end)
  const next = cursor + length
  if (cursor < 0 || length < 1 || next > end) return damaged(index, `length ${length} does not fit`)
  const timestamp = baseTimestamp + varlong(bytes, cursor + 1, next)
  if (cursor < 0) return damaged(index, 'the timestamp is cut off')
  if (timestamp > walk.maxTimestamp) walk.maxTimestamp = timestamp
  if (timestamp < walk.minTimestamp && timestamp !== -1) walk.minTimestamp = timestamp
  const offsetDelta = varint(bytes, cursor, next)
  if (cursor < 0 || offsetDelta !== index) {
    return damaged(index, `offset delta ${offsetDelta}, but records count up from 0`)
  }
  const keyLength = varint(bytes, cursor, next)
  if (cursor < 0 || keyLength < -1 || keyLength > next - cursor) {
    return damaged(index, `key length ${keyLength} does not fit`)
  }
  if (keyLength < 0) walk.hasNullKey = true
  const valueLength = varint(bytes, keyLength > 0 ? cursor + keyLength : cursor, next)
  if (cursor < 0 || valueLength < -1 || valueLength > next - cursor) {
    return damaged(index, `value length ${valueLength} does not fit`)
  }
  const damage = damageOfHeaders(bytes, valueLength > 0 ? cursor + valueLength : cursor, next)
  return damage === undefined ? next : damaged(index, damage)
}

/** What is wrong with the headers that have to fill [start, end), if anything. */
function damageOfHeaders(bytes: Uint8Array, start: number, end: number): string | undefined {
  const count = varint(bytes, start, end)
  if (cursor < 0 || count < 0 || count > end - cursor) return `header count ${count} does not fit`
  for (let index = 0; index < count; index++) {
    const keyLength = varint(bytes, cursor, end)
    if (cursor < 0 || keyLength < 0 || keyLength > end - cursor) {
      return `key length ${keyLength} of header ${index} does not fit`
    }
    const valueLength = varint(bytes, cursor + keyLength, end)
    if (cursor < 0 || valueLength < -1 || valueLength > end - cursor) {
      return `value length ${valueLength} of header ${index} does not fit`
    }
    if (valueLength > 0) cursor += valueLength
  }
  return cursor === end ? undefined : `${end - cursor} bytes of it follow its last part`
}

function damaged(index: number, reason: string): -1 {
  walk.damage = reason
  walk.damagedIndex = index
  return -1
}

/** The zigzag form of a varint of one or two bytes; with the bit LONGER when it has more. */
function short(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  return first < 0x80 ? first : (first & 0x7f) | (bytes[at + 1]! << 7)
}

function behindShort(bytes: Uint8Array, at: number): number {
  return bytes[at]! < 0x80 ? at + 1 : at + 2
}

function isBelowNull(zigzag: number): boolean {
  return (zigzag & NEGATIVE) !== 0 && zigzag !== NULL
}

/** Reads a zigzag varint of at most 5 bytes and moves the cursor behind it, or to -1. */
function varint(bytes: Uint8Array, from: number, end: number): number {
  if (from >= end) return broken()
  let byte = bytes[from]!
  if (byte < 0x80) {
    cursor = from + 1
    return (byte >>> 1) ^ -(byte & 1)
  }
  let value = byte & 0x7f
  for (let shift = 7, at = from + 1; shift <= 28 && at < end; shift += 7, at++) {
    byte = bytes[at]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor = at + 1
      return (value >>> 1) ^ -(value & 1)
    }
  }
  return broken()
}

/** Reads a zigzag varint of at most 10 bytes as a number, rounded beyond 2^53, and moves the cursor likewise. */
function varlong(bytes: Uint8Array, from: number, end: number): number {
  if (from >= end) return broken()
  const first = bytes[from]!
  if (first < 0x80) {
    cursor = from + 1
    return (first >>> 1) ^ -(first & 1)
  }
  let magnitude = (first & 0x7f) >>> 1
  let scale = 64
  for (let at = from + 1; at < end && at < from + 10; at++, scale *= 128) {
    const byte = bytes[at]!
    magnitude += (byte & 0x7f) * scale
    if (byte < 0x80) {
      cursor = at + 1
      return (first & 1) === 0 ? magnitude : -magnitude - 1
    }
  }
  return broken()
}

function broken(): number {
  cursor = -1
  return 0
}
