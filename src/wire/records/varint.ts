// The signed variable-length integers inside records: zigzag, little-endian groups of seven bits.
// Promises exact values up to 2^53 on either side (saturating beyond); leaves bounds of buffers to the caller when writing.
// Not to be mixed up with the unsigned varints of flexible message fields.
//
//   int32 takes 1 to 5 bytes, int64 1 to 10:   0 -> 00   -1 -> 01   1 -> 02   -65 -> 81 01

/** The bytes that `value`, an int32, takes. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/** Writes `value`, an int32, at `at`; answers the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let position = at
  for (; rest >= 0x80; rest >>>= 7) bytes[position++] = (rest & 0x7f) | 0x80
  bytes[position++] = rest
  return position
}

/** The bytes that `value`, a whole number within 2^53, takes as an int64. */
export function varlongSize(value: number): number {
  // Zigzag makes of a negative number its distance from -1, so that both sides need the same bits.
  let rest = Math.floor((value < 0 ? -(value + 1) : value) / 64)
  let size = 1
  for (; rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

/** Writes `value`, a whole number within 2^53, as an int64 at `at`; answers the position behind it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  const magnitude = value < 0 ? -(value + 1) : value
  let group = (magnitude % 64) * 2 + (value < 0 ? 1 : 0)
  let rest = Math.floor(magnitude / 64)
  let position = at
  while (rest > 0) {
    bytes[position++] = group | 0x80
    group = rest % 128
    rest = Math.floor(rest / 128)
  }
  bytes[position++] = group
  return position
}
