// What the broker tells its operator: structured lines with a level.
// Promises one narrow interface; the lines themselves are written by pino. Silent unless asked in a test.
import { pino } from 'pino'

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

type Pino = ReturnType<typeof pino>

function wrap(target: Pino): Logger {
  return {
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
    child: (fields) => wrap(target.child(fields)),
  }
}

/** JSON lines on standard error, so that standard output stays free for what a command answers. */
export function createLogger(level: LogLevel): Logger {
  if (level === 'silent') return silentLogger
  return wrap(pino({ level, base: undefined }, pino.destination({ dest: 2, sync: true })))
}
