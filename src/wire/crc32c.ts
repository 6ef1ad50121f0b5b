// CRC-32C (Castagnoli), the checksum of a record batch.
// Promises native speed on x64 and arm64 through a prebuilt binary; leaves the choice of bytes to the caller.
import { crc32c as nativeCrc32c } from '@node-rs/crc32'

/** The checksum of `bytes[start, end)` as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return nativeCrc32c(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
}
