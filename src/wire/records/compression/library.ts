// Loads a codec's library when the first batch asks for it.
// Promises KafkaError (UNSUPPORTED_COMPRESSION_TYPE) where the library has no binary for this platform.
// Leaves what is in the library to the codec's own file.
import { createRequire } from 'node:module'
import { errors, KafkaError } from '../../errors.ts'

/** @throws KafkaError when the library is not there or has no binary for this platform */
export function loadLibrary(codec: string, library: string): unknown {
  try {
    return createRequire(import.meta.url)(library)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new KafkaError(
      errors.UNSUPPORTED_COMPRESSION_TYPE,
      `${codec} is not to be had on ${process.platform} ${process.arch}: ${library} does not load (${reason})`,
    )
  }
}
