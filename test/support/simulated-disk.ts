// A broker on a simulated disk that can be full, fail, or lose power, with real sockets before it.
// Promises that everything else is as in production. Leaves virtual time to simulated-broker.ts.
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { systemNetwork } from '../../src/lib/network.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { type Lifetime, type LogLine, noteLines } from './local-broker.ts'
import { RawClient } from './raw-client.ts'

export interface DiskBroker {
  readonly broker: Broker
  readonly lines: LogLine[]
  connect(): Promise<RawClient>
}

/** Starts a broker whose data are in `data` (or `log.dirs`) of these files. */
export async function startOnDisk(
  lifetime: Lifetime,
  files: SimulatedFiles,
  config: Readonly<{ [key: string]: string | number }> = {},
): Promise<DiskBroker> {
  const settings = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': 'data', ...config }
  const entries = new Map(Object.entries(settings).map(([key, value]) => [key, String(value)]))
  const { logger, lines } = noteLines()
  const broker = await Broker.start({
    config: parseBrokerConfig(entries),
    staticEntries: entries,
    files,
    network: systemNetwork,
    clock: systemClock,
    random: systemRandom,
    logger,
  })
  const clients: RawClient[] = []
  lifetime.after(async () => {
    for (const client of clients) client.close()
    await broker.close().catch(() => {})
  })
  return {
    broker,
    lines,
    async connect() {
      const client = await RawClient.connect(broker.port)
      clients.push(client)
      return client
    },
  }
}

/** Takes all room but `leftBytes` away. */
export async function fillUp(files: SimulatedFiles, leftBytes: number): Promise<void> {
  files.capacityBytes = Number.MAX_SAFE_INTEGER
  const { freeBytes } = await files.space()
  files.capacityBytes -= freeBytes - leftBytes
}
