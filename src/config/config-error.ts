// Settings that a broker cannot start with: all that is wrong with them, at once.
// Promises a message of one line for each problem: where it was said, the key, the value, what is allowed.

export interface ConfigProblem {
  readonly key: string
  readonly message: string
  /** Where it was said: `server.properties line 7`, `--set`, `environment variable ODRADEK_LISTENERS`. */
  readonly origin?: string
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(problemText).join('\n'))
    this.problems = problems
  }
}

function problemText({ key, message, origin }: ConfigProblem): string {
  return `${origin === undefined ? '' : `${origin}: `}${key}: ${message}`
}
