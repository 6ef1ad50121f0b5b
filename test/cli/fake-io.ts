// A terminal that is none: what a command reads and prints, in memory.
import { PassThrough } from 'node:stream'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/program.ts'

export interface FakeIo extends Io {
  printed(): string
  noted(): string
  interrupt(): void
}

export interface FakeIoOptions {
  readonly input?: string | readonly Uint8Array[]
  readonly isTerminal?: boolean
}

export function fakeIo({ input = '', isTerminal = false }: FakeIoOptions = {}): FakeIo {
  const prints: Buffer[] = []
  const notes: string[] = []
  const handlers = new Set<() => void>()
  const pieces = typeof input === 'string' ? [Buffer.from(input)] : input
  return {
    input: (async function* () {
      yield* pieces
    })(),
    inputIsTerminal: false,
    print(text) {
      prints.push(Buffer.from(text as string))
      return undefined
    },
    note: (text) => notes.push(text),
    outputIsTerminal: isTerminal,
    notesAreTerminal: false,
    notesStream: new PassThrough(),
    onInterrupt(handle) {
      handlers.add(handle)
      return () => handlers.delete(handle)
    },
    onReaderGone: () => () => {},
    environment: {},
    printed: () => Buffer.concat(prints).toString(),
    noted: () => notes.join('\n'),
    interrupt() {
      for (const handle of handlers) handle()
    },
  }
}

/** Runs a command line and answers everything it left behind. */
export async function odradek(words: readonly string[], options: FakeIoOptions = {}) {
  const io = fakeIo(options)
  const code = await run(words, io)
  return { code, printed: io.printed(), noted: io.noted() }
}
