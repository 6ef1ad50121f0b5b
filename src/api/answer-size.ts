// How large an answer may become that a small request can ask for thousands of times over.
// Promises one bound for all of them. Leaves counting to the handlers, and what is told beyond it.

export const MOST_ANSWER_BYTES = 100 * 1024 * 1024

/** About what the fields of fixed size and the lengths of texts take of one entry. */
export const FRAME_BYTES = 24
