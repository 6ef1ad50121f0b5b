// A client program in another language or on another Node, driven by a test: JSON commands to its standard input, JSON answers back.
// Promises answers in order, an error that carries the broker's code, and a clear failure when the program ends or stays silent.
// Leaves building the program to its folder, and what its commands mean to the program.
import { createInterface } from 'node:readline'
import { collect, launch } from '../support/processes.ts'

/** What the client threw; `code` is the protocol's error code where the client told one, otherwise 0. */
export class ClientError extends Error {
  readonly code: number
  constructor(message: string, name: string, code: number) {
    super(message)
    this.name = name
    this.code = code
  }
}

export interface Failure {
  readonly message: string
  readonly name?: string
  readonly code?: number
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly progress?: unknown
  readonly error?: Failure
}

export interface CallOptions {
  readonly onProgress?: (progress: { readonly acknowledged: number }) => void
  /** A release of Kafka such as `v2.1`, for programs that can speak as a client of that time. */
  readonly release?: string
  /** Default 100000. */
  readonly timeoutMs?: number
}

interface Pending {
  readonly onAnswer: (answer: Answer) => void
  readonly fail: (error: Error) => void
}

export class ClientProgram {
  readonly #child: ReturnType<typeof launch>
  readonly #complaints: () => string
  readonly #pending = new Map<number, Pending>()
  readonly #line: string
  #lastId = 0
  #ended: Error | undefined

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#line = [command, ...args].join(' ')
    this.#child = launch(command, args, { env })
    this.#complaints = collect(this.#child.stderr)
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line))
    this.#child.once('error', (error) => this.#end(`cannot start: ${error.message}`))
    this.#child.once('close', (code, signal) => this.#end(`ended with ${code ?? signal}`))
  }

  /** Runs one command of the program. Throws `ClientError` with what the client threw. */
  async call<Result>(
    bootstrapServers: string,
    command: string,
    args: object,
    options: CallOptions = {},
  ): Promise<Result> {
    if (this.#ended) throw this.#ended
    this.#lastId += 1
    const id = this.#lastId
    const { timeoutMs = 100_000, release } = options
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(
        () => settle(() => reject(new Error(this.#describe(`${command}: no answer within ${timeoutMs} ms`)))),
        timeoutMs,
      )
      const settle = (report: () => void) => {
        clearTimeout(timer)
        this.#pending.delete(id)
        report()
      }
      this.#pending.set(id, {
        onAnswer: (answer) => {
          if (answer.progress === undefined) settle(() => resolve(answer))
          else options.onProgress?.(answer.progress as { acknowledged: number })
        },
        fail: (error) => settle(() => reject(error)),
      })
      this.#child.stdin.write(
        `${JSON.stringify({ id, command, bootstrapServers, release, arguments: args })}\n`,
      )
    })
    if (answer.error) {
      throw new ClientError(answer.error.message, answer.error.name ?? 'ClientError', answer.error.code ?? 0)
    }
    return answer.result as Result
  }

  /** Ends the program by closing its input, or by force if that does not help. */
  async close(): Promise<void> {
    if (this.#ended) return
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await closed
    clearTimeout(timer)
  }

  #read(line: string): void {
    let answer: Answer
    try {
      answer = JSON.parse(line)
    } catch {
      this.#end(`said something that is not JSON: ${line.slice(0, 500)}`)
      this.#child.kill('SIGKILL')
      return
    }
    this.#pending.get(answer.id)?.onAnswer(answer)
  }

  #end(how: string): void {
    this.#ended ??= new Error(this.#describe(how))
    for (const { fail } of [...this.#pending.values()]) fail(this.#ended)
  }

  #describe(what: string): string {
    return `\`${this.#line}\` ${what}\nstderr: ${this.#complaints().slice(-6000)}`
  }
}
