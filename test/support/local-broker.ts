// A broker inside the test's own process, in memory and on a free port, and clients of it.
// Promises that both are gone when the test or the suite that asked for them is over. Leaves brokers that are to be killed
// to broker-process.ts.
import { after } from 'node:test'
import { type Broker, type BrokerOptions, startBroker } from '../../src/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { RawClient } from './raw-client.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: object
}

/** A logger that keeps its lines. */
export function noteLines(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const note =
    (level: LogLine['level']) =>
    (message: string, fields: object = {}) => {
      lines.push({ level, message, fields })
    }
  const logger: Logger = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    child: () => logger,
  }
  return { logger, lines }
}

/** What ends things: a test's context, or `suiteLifetime`. */
export interface Lifetime {
  after(end: () => void | Promise<void>): void
}

/** The life of the suite that is being described: to be called at its top, usable in its `before` as well. */
export function suiteLifetime(): Lifetime {
  const ends: (() => void | Promise<void>)[] = []
  after(async () => {
    for (const end of ends.reverse()) await end()
  })
  return { after: (end) => ends.push(end) }
}

export interface LocalBroker {
  readonly broker: Broker
  readonly port: number
  readonly lines: LogLine[]
  connect(): Promise<RawClient>
}

/** Starts a broker that lives as long as `lifetime`. Topics come into being only by CreateTopics. */
export async function startLocalBroker(
  lifetime: Lifetime,
  config: BrokerOptions['config'] = {},
): Promise<LocalBroker> {
  const { logger, lines } = noteLines()
  const broker = await startBroker({ config, logger })
  const clients: RawClient[] = []
  lifetime.after(async () => {
    for (const client of clients) client.close()
    await broker.close()
  })
  return {
    broker,
    port: broker.port,
    lines,
    async connect() {
      const client = await RawClient.connect(broker.port)
      clients.push(client)
      return client
    },
  }
}
