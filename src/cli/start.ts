// `odradek start`: runs a broker until it is told to stop.
// Promises that with wrong settings nothing is started, that the first SIGINT or SIGTERM closes cleanly and the second ends
// at once. The banner goes to standard output, the log to standard error. Leaves settings and the broker to index.ts.
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import type { LogLevel } from '../lib/logger.ts'
import { CommandError } from './failure.ts'
import { type Io, packageVersion, readTextFile } from './io.ts'
import { DEFAULT_BOOTSTRAP, listed, wholeNumber } from './options.ts'

interface Flags {
  readonly config?: string
  readonly set: string[]
  readonly port?: number
  readonly data?: string
  readonly memory: boolean
  readonly logLevel: LogLevel
}

export function makeCommand(io: Io): Command {
  return new Command('start')
    .description('Run a broker until SIGINT or SIGTERM')
    .option('-c, --config <file>', 'settings in the form of server.properties')
    .option('-s, --set <key=value>', 'a setting, over those of the file; may be repeated', listed, [])
    .option(
      '-p, --port <n>',
      'listen on 127.0.0.1 at this port (0: any free one)',
      wholeNumber('--port', 0, 65_535),
    )
    .option('-d, --data <directory>', 'where the data is (./data without)')
    .option('--memory', 'keep everything in memory and nothing on disk', false)
    .addOption(
      new Option('--log-level <level>', 'what is logged to standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('warn'),
    )
    .addHelpText(
      'after',
      `
Settings have Kafka's names and come from --config, then variables such as ODRADEK_LOG_DIRS, then --set; the last wins.

Examples:
  $ odradek start
  $ odradek start --port 19092 --data /var/lib/odradek
  $ odradek start --config server.properties --set log.retention.hours=24
  $ odradek start --set listeners=PLAINTEXT://0.0.0.0:9092 --set advertised.listeners=PLAINTEXT://broker.example:9092
  $ odradek start --memory --port 0`,
    )
    .action(async (flags: Flags, command: Command) => {
      command.setOptionValue('exitCode', await start(io, flags))
    })
}

async function start(io: Io, flags: Flags): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  const { ConfigError, ListenError, loadConfig, startBroker } = await import('../index.ts')
  try {
    const { config, entries, warnings } = loadConfig({
      ...fileOf(flags),
      env: io.environment,
      sets: [...shorthands(flags), ...flags.set],
    })
    for (const warning of warnings) io.note(`odradek: ${warning}`)
    const stopped = stopSignal(io)
    const broker = await startBroker({
      // An embedded broker has other defaults: any port, and memory.
      config: {
        listeners: config.listeners.join(','),
        'log.dirs': config.logDirs.join(','),
        ...Object.fromEntries(entries),
      },
      storage: flags.memory ? 'memory' : 'disk',
      logLevel: flags.logLevel,
    })
    const readyMs = Math.round(systemClock.monotonicMs() - startedMs)
    const data = flags.memory ? 'in memory only' : config.logDirs.map((path) => resolve(path)).join(', ')
    await io.print(banner(broker.bootstrapServers, data, readyMs))
    const failure = await Promise.race([stopped, broker.stopped])
    if (failure instanceof Error) throw new CommandError(failure.message)
    await broker.close()
    return 0
  } catch (error) {
    if (error instanceof ConfigError)
      throw new CommandError(`nothing was started, because of the settings\n${error.message}`)
    if (error instanceof ListenError) throw new CommandError(`${error.message} (--port, --set listeners=...)`)
    throw error
  }
}

function fileOf({ config: path }: Flags): { file?: { path: string; text: string } } {
  return path === undefined ? {} : { file: { path, text: readTextFile(path) } }
}

function shorthands(flags: Flags): string[] {
  return [
    ...(flags.port === undefined ? [] : [`listeners=PLAINTEXT://127.0.0.1:${flags.port}`]),
    ...(flags.data === undefined ? [] : [`log.dirs=${flags.data}`]),
  ]
}

export function banner(bootstrapServers: string, data: string, readyMs: number): string {
  const to = bootstrapServers === DEFAULT_BOOTSTRAP ? '' : ` -b ${bootstrapServers.split(',')[0]}`
  return [
    `odradek ${packageVersion()}  ready in ${readyMs} ms`,
    `  address  ${bootstrapServers}`,
    `  data     ${data}`,
    `  try      echo hello | npx odradek produce greetings${to} && npx odradek consume greetings${to}`,
    '',
  ].join('\n')
}

/** Resolves at the first signal to stop; io ends the process at the second. */
function stopSignal(io: Io): Promise<void> {
  return new Promise((resolve) => {
    io.onInterrupt(() => {
      io.note('odradek: closing; a second signal ends at once')
      resolve()
    })
  })
}
