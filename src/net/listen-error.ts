// A listener that could not be opened: names it and says what to do.
// Promises a file that needs no other: it is part of the package's interface, and so are the types of what it imports.

export class ListenError extends Error {
  override readonly name = 'ListenError'
}
