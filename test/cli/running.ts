// A command that goes on until it is interrupted, in this process: what it has printed so far, and its end.
import assert from 'node:assert/strict'
import { run } from '../../src/cli/program.ts'
import { type FakeIoOptions, fakeIo } from './fake-io.ts'

export interface Running {
  printed(): string
  noted(): string
  /** Resolves when what was printed matches. Fails when the command ends before. */
  until(pattern: RegExp): Promise<void>
  /** As Ctrl-C does; resolves with the exit code. */
  interrupt(): Promise<number>
  readonly exit: Promise<number>
}

export function start(words: readonly string[], options: FakeIoOptions = {}): Running {
  const io = fakeIo(options)
  let code: number | undefined
  const exit = run(words, io).then((ended) => {
    code = ended
    return ended
  })
  return {
    printed: io.printed,
    noted: io.noted,
    exit,
    async until(pattern) {
      while (!pattern.test(io.printed())) {
        assert.equal(code, undefined, `ended before ${pattern} was printed: ${io.printed()}${io.noted()}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    interrupt() {
      io.interrupt()
      return exit
    },
  }
}
