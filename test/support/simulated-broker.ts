// A whole broker in virtual time: simulated disk, clock, chance and network. One seed, one history.
// Promises that nothing moves unless `until` or `pass` let it, and that a crash leaves nothing of the process but its disk.
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import type { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { type Random, SeededRandom } from '../../src/lib/random.ts'
import { type LogLine, noteLines } from './local-broker.ts'
import { type MemoryClient, MemoryNetwork } from './memory-network.ts'

const TURNS_WITHOUT_END = 100_000

export class SimulatedBroker {
  readonly files: SimulatedFiles
  readonly lines: LogLine[] = []
  private readonly settings: ReadonlyMap<string, string>
  private readonly random: Random
  private clock = new SimulatedClock()
  private network = new MemoryNetwork()
  private running: Broker | undefined

  constructor(files: SimulatedFiles, random: Random, settings: Readonly<{ [key: string]: string }> = {}) {
    this.files = files
    this.random = random
    this.settings = new Map(
      Object.entries({ listeners: 'PLAINTEXT://127.0.0.1:9092', 'log.dirs': 'data', ...settings }),
    )
  }

  get wallMs(): number {
    return this.clock.wallMs()
  }

  /** The broker, which must be running. */
  get broker(): Broker {
    if (this.running === undefined) throw new Error('the broker is not running')
    return this.running
  }

  async start(): Promise<void> {
    const { logger, lines } = noteLines()
    const starting = Broker.start({
      config: parseBrokerConfig(this.settings),
      staticEntries: this.settings,
      files: this.files,
      network: this.network,
      clock: this.clock,
      random: new SeededRandom(this.random.below(2 ** 31)),
      logger: {
        ...logger,
        error: (message, fields) => {
          logger.error(message, fields)
          this.lines.push(...lines.splice(0))
        },
      },
    })
    this.running = await this.until(starting)
  }

  connect(): MemoryClient {
    return this.network.dial(9092)
  }

  async stop(): Promise<void> {
    await this.until(this.broker.close())
    this.abandon()
  }

  /** The process dies, and with `power` all that was not synced may be gone, or not. */
  crash(how: 'process' | 'power'): void {
    if (how === 'power') this.files.crash(this.random)
    else this.files.processDied()
    this.abandon()
  }

  /** Lets the broker work until `promise` has an outcome. Time stands still meanwhile. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = () => {
      isSettled = true
    }
    promise.then(settled, settled)
    for (let turn = 0; !isSettled; turn++) {
      if (turn > TURNS_WITHOUT_END) throw new Error('nothing came of it, however long the broker worked')
      await this.turn()
    }
    return promise
  }

  /** Lets time pass, in steps small enough for what falls due to be worked on. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.advance(Math.min(100, left))
      await this.turn()
    }
  }

  private async turn(): Promise<void> {
    this.clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** What is left of the process gets no time, no bytes and no say any more. */
  private abandon(): void {
    this.running = undefined
    this.network.cut()
    this.network = new MemoryNetwork()
    this.clock = new SimulatedClock(this.clock.wallMs() + 1000)
  }
}
