// What a command has to do with its surroundings: where answers go, where notes go, what is typed, who interrupts.
// Promises that a reader who leaves (EPIPE) ends the program quietly, and that tests can stand in for the terminal.
// Leaves the shape of what is printed to output.ts.
import { readFileSync } from 'node:fs'

export interface Io {
  /** Lines or bytes that the command was given. */
  readonly input: AsyncIterable<Uint8Array>
  readonly inputIsTerminal: boolean
  /** Writes an answer. A promise when the reader is slower than the writer: await it. */
  print(text: string | Uint8Array): Promise<void> | undefined
  /** Tells a person something that is not the answer. */
  note(text: string): void
  /** True when a person reads what is printed. */
  readonly outputIsTerminal: boolean
  /** True when a person reads the notes: then progress may be drawn over itself. */
  readonly notesAreTerminal: boolean
  readonly notesStream: NodeJS.WritableStream
  /** Calls `handle` at the first SIGINT or SIGTERM, until the returned function is called; a second one ends the process. */
  onInterrupt(handle: () => void): () => void
  /**
   * Calls `handle` when nobody reads any more what is printed, until the returned function is called; printing does
   * nothing from then on. For those with something to put in order: without it the process ends there and then.
   */
  onReaderGone(handle: () => void): () => void
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Exit code of a command that was interrupted, as shells have it. */
export const INTERRUPTED = 130

export function processIo(): Io {
  const readerHandlers = new Set<() => void>()
  let isReaderGone = false
  const leave = (error: NodeJS.ErrnoException) => {
    // The reader has what it wanted (`odradek consume ... | head -1`).
    if (error.code !== 'EPIPE') {
      process.stderr.write(`odradek: what is printed cannot be written: ${error.message}\n`)
      process.exit(1)
    }
    if (readerHandlers.size === 0) process.exit(0)
    isReaderGone = true
    for (const handle of readerHandlers) handle()
  }
  process.stdout.on('error', leave)
  process.stderr.on('error', leave)
  return {
    get input() {
      return process.stdin as AsyncIterable<Uint8Array>
    },
    get inputIsTerminal() {
      return process.stdin.isTTY === true
    },
    print(text) {
      if (isReaderGone || process.stdout.write(text)) return undefined
      return new Promise((resolve) => {
        const goOn = () => {
          process.stdout.off('drain', goOn)
          process.stdout.off('error', goOn)
          resolve()
        }
        process.stdout.on('drain', goOn)
        process.stdout.on('error', goOn)
      })
    },
    note(text) {
      process.stderr.write(`${text}\n`)
    },
    outputIsTerminal: process.stdout.isTTY === true,
    notesAreTerminal: process.stderr.isTTY === true,
    notesStream: process.stderr,
    onInterrupt(handle) {
      let isAsked = false
      const interrupted = () => {
        if (isAsked) process.exit(INTERRUPTED)
        isAsked = true
        handle()
      }
      process.on('SIGINT', interrupted)
      process.on('SIGTERM', interrupted)
      return () => {
        process.off('SIGINT', interrupted)
        process.off('SIGTERM', interrupted)
      }
    },
    onReaderGone(handle) {
      readerHandlers.add(handle)
      return () => readerHandlers.delete(handle)
    },
    environment: process.env,
  }
}

/** The text of a file that somebody named; errors carry the path in every case (a directory that is read has none). */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw Object.assign(error as Error, { path })
  }
}

/** The version in package.json, which lies two folders above the compiled file. */
export function packageVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name: string
        version: string
      }
      if (name === 'odradek') return version
    } catch {
      // not there: try the next place
    }
  }
  return 'unknown'
}

/** Keeps the process alive until the returned function is called: the clock's timers alone do not. */
export function keepAlive(): () => void {
  const { port1 } = new MessageChannel()
  port1.ref()
  return () => port1.close()
}
