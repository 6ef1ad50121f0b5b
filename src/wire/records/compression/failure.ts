// How a codec refuses bytes: two kinds of failure, each with the codec's name and the figures in it.
// Promises that nothing but KafkaError leaves a codec because of its input. Leaves the choice of answer to the caller.
import { errors, KafkaError } from '../../errors.ts'

/** The bytes are not what the codec's format allows, or end too early. */
export function corrupt(codec: string, reason: string): KafkaError {
  return new KafkaError(errors.CORRUPT_MESSAGE, `${codec} data is corrupt: ${reason}`)
}

/** The bytes would unfold to more than the reader is willing to hold. */
export function tooLarge(codec: string, maxBytes: number): KafkaError {
  return new KafkaError(
    errors.MESSAGE_TOO_LARGE,
    `${codec} data decompresses to more than the ${maxBytes} bytes that are allowed`,
  )
}

/** Runs a library's decoder; whatever it throws because of its input becomes `corrupt`. */
export function guarded<T>(codec: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof KafkaError) throw error
    throw corrupt(codec, error instanceof Error ? error.message : String(error))
  }
}
