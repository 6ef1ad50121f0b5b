// Odradek inside a Node process: the public interface of the package.
// Promises a broker in memory on a free port unless asked otherwise, and that `close` leaves nothing behind.
// Leaves the command line to cli/.
import { Broker as RunningBroker } from './broker.ts'
import { parseBrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import { systemClock } from './lib/clock.ts'
import { SimulatedFiles } from './lib/files/simulated.ts'
import { systemFiles } from './lib/files/system.ts'
import { createLogger, type Logger, type LogLevel } from './lib/logger.ts'
import { systemNetwork } from './lib/network.ts'
import { systemRandom } from './lib/random.ts'

export { loadConfig } from './config/load.ts'
export type { Logger, LogLevel } from './lib/logger.ts'
export { ListenError } from './net/listen-error.ts'
export { ConfigError }

/** Where a broker keeps its logs. */
export type Storage = 'memory' | 'disk'

export interface BrokerOptions {
  /** Address to listen on. Default 127.0.0.1. Not together with `config.listeners`. */
  readonly host?: string
  /** Port to listen on; 0, the default, takes any free one. Not together with `config.listeners`. */
  readonly port?: number
  /** Default: `disk` when `dataDir` or `log.dirs` is given, else `memory`, of which nothing is left after `close`. */
  readonly storage?: Storage
  /** Data directory, made when absent: the same as `log.dirs` in `config`. */
  readonly dataDir?: string
  /** Settings by their Kafka names (docs/config.md), such as `{ 'num.partitions': 3 }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** What is written to standard error, as JSON lines. Default `silent`. */
  readonly logLevel?: LogLevel
  /** Takes the lines in place of standard error. */
  readonly logger?: Logger
}

/** A running broker. */
export interface Broker {
  /** What clients take as `bootstrap.servers` or `brokers`: `127.0.0.1:49152`. */
  readonly bootstrapServers: string
  /** The port of the first listener. */
  readonly port: number
  /** Resolves when the broker has stopped: with undefined after `close`, with the reason when it had to stop by itself. */
  readonly stopped: Promise<Error | undefined>
  /** Stops in order and frees everything. Harmless when repeated. */
  close(): Promise<void>
}

/**
 * Starts a broker in this process and resolves when it answers.
 *
 * @throws ConfigError for settings that make no sense, naming key, value and what is allowed
 * @throws ListenError when a port is taken
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const entries = entriesOf(options)
  const { storage = entries.has('log.dirs') ? 'disk' : 'memory' } = options
  // Not everybody has a compiler to tell them, and what is meant for the disk must not be gone with the process.
  if (storage !== 'disk' && storage !== 'memory') {
    throw new ConfigError([{ key: 'storage', message: `'${storage}' is not allowed; allowed: memory, disk` }])
  }
  return RunningBroker.start({
    config: parseBrokerConfig(entries),
    staticEntries: entries,
    files: storage === 'disk' ? systemFiles : new SimulatedFiles({ wallMs: () => systemClock.wallMs() }),
    network: systemNetwork,
    clock: systemClock,
    random: systemRandom,
    logger: options.logger ?? createLogger(options.logLevel ?? 'silent'),
  })
}

function entriesOf({
  host = '127.0.0.1',
  port = 0,
  dataDir,
  config = {},
}: BrokerOptions): Map<string, string> {
  const entries = new Map(Object.entries(config).map(([key, value]) => [key, String(value)]))
  if (!entries.has('listeners')) entries.set('listeners', `PLAINTEXT://${bracketed(host)}:${port}`)
  if (dataDir !== undefined) entries.set('log.dirs', dataDir)
  else if (entries.has('log.dir') && !entries.has('log.dirs')) {
    entries.set('log.dirs', entries.get('log.dir')!)
    entries.delete('log.dir')
  }
  return entries
}

/** An IPv6 address as it stands in front of a port. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
