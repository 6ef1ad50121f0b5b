// What the broker tells its operator: structured lines with a level.
// Promises one narrow interface; the lines themselves are written by pino. Silent unless asked in a test.
import { createRequire } from 'node:module'
import type { Logger as Pino } from 'pino'

export interface Logger {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}

/** Makes the library's logger when the first line is due: most starts write none, and loading it takes a while. */
function lazily(make: () => Pino): Logger {
  let made: Pino | undefined
  const target = (): Pino => (made ??= make())
  return {
    debug: (message, fields) => target().debug(fields ?? {}, message),
    info: (message, fields) => target().info(fields ?? {}, message),
    warn: (message, fields) => target().warn(fields ?? {}, message),
    error: (message, fields) => target().error(fields ?? {}, message),
    child: (fields) => lazily(() => target().child(fields)),
  }
}

const severities: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** `logger` without the lines below `level`, which then cost nothing. */
function atLeast(level: LogLevel, logger: Logger): Logger {
  const isWanted = (severity: LogLevel) => severities.indexOf(severity) >= severities.indexOf(level)
  const nothing = () => {}
  return {
    debug: isWanted('debug') ? logger.debug : nothing,
    info: isWanted('info') ? logger.info : nothing,
    warn: isWanted('warn') ? logger.warn : nothing,
    error: logger.error,
    child: (fields) => atLeast(level, logger.child(fields)),
  }
}

/** JSON lines on standard error, so that standard output stays free for what a command answers. */
export function createLogger(level: LogLevel): Logger {
  if (level === 'silent') return silentLogger
  return atLeast(
    level,
    lazily(() => {
      const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
      return pino({ level, base: undefined }, pino.destination({ dest: 2, sync: true }))
    }),
  )
}
