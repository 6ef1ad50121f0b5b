// Programmer errors: a broken invariant ends the process rather than corrupt a log.
// Promises a message that names the invariant; leaves operating errors (disk, network, bad input) to their layers.

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws when `condition` is false. `message` names the invariant that was broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant broken: ${message}`)
}
