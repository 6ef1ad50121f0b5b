// The layers below the handlers of records, on a simulated disk and clock, and a cluster image that the test writes.
// Requests come as bytes in a buffer that is overwritten as soon as the call returns, as the socket layer does it.
import type { BrokerContext } from '../../src/api/context.ts'
import { Dispatcher, type Origin } from '../../src/api/dispatch.ts'
import {
  advance,
  type BrokerRegistration,
  difference,
  emptyImage,
  type TopicImage,
} from '../../src/cluster/image.ts'
import { ProducerIds } from '../../src/cluster/producer-ids.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { resolveTopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { logEnvironment } from '../../src/log/environment.ts'
import { LogDirectory } from '../../src/log/log-directory.ts'
import { AppendQueue } from '../../src/partition/append-queue.ts'
import { FetchSessions } from '../../src/partition/fetch-session.ts'
import { Replicas } from '../../src/partition/replicas.ts'
import type { Api } from '../../src/wire/api.ts'
import type { Input, Value } from '../../src/wire/schema.ts'
import { type Encoded, flatten } from '../../src/wire/writer.ts'
import { NODE_ID, PatientFiles } from '../partition/stage.ts'
import { type LogLine, noteLines } from '../support/local-broker.ts'
import { type Asker, readAnswer, requestBytes } from '../support/raw-client.ts'

export function registration(id: number, host: string, listenerName = 'PLAINTEXT'): BrokerRegistration {
  const endpoints = [{ listenerName, host, port: 9000 + id, securityProtocol: 'PLAINTEXT' as const }]
  return { id, epoch: id, rack: `rack-${id}`, endpoints }
}

export class DataBroker implements Asker {
  readonly clock = new SimulatedClock()
  readonly files = new PatientFiles()
  readonly replicas: Replicas
  readonly lines: LogLine[]
  readonly context: BrokerContext
  readonly dispatcher: Dispatcher
  clientId: string | null = 'test'
  /** Who wants to know that the client's connection has closed. */
  private readonly waiting = new Set<() => void>()
  private readonly origin: Origin = {
    listenerName: 'PLAINTEXT',
    localAddress: '127.0.0.1',
    localPort: 9092,
    remoteAddress: '127.0.0.1',
    whenClosed: (tell) => {
      this.waiting.add(tell)
      return () => this.waiting.delete(tell)
    },
  }
  private image = emptyImage('cluster')

  constructor(settings: Readonly<{ [key: string]: string }> = {}) {
    const { clock, files } = this
    const config = parseBrokerConfig(settings)
    const random = new SeededRandom(1)
    const { logger, lines } = noteLines()
    this.lines = lines
    const environment = logEnvironment({ files, clock, random })
    const directory = new LogDirectory(environment, { path: 'data', clusterId: 'cluster', nodeId: NODE_ID })
    this.replicas = new Replicas({
      nodeId: NODE_ID,
      clock,
      logger,
      appendQueue: new AppendQueue(clock),
      directories: [directory],
      topicConfig: ({ configs }) => resolveTopicConfig(config, configs),
    })
    let blocks = 0
    const allocateProducerIds = async () => ({ first: 1000 * blocks++, count: 3 })
    this.context = {
      nodeId: NODE_ID,
      config: () => config,
      staticEntries: new Map(),
      cluster: { image: () => this.image },
      controller: { allocateProducerIds },
      replicas: this.replicas,
      fetchSessions: new FetchSessions(10, clock, random),
      producerIds: new ProducerIds({ allocateProducerIds }),
      clock,
      logger,
    } as unknown as BrokerContext
    this.dispatcher = new Dispatcher(this.context)
  }

  /** The next step of the cluster. */
  step(changes: Parameters<typeof advance>[1]): void {
    const before = this.image
    const after = advance(before, changes)
    this.replicas.apply(after, difference(before, after))
    this.image = after
  }

  put(...topics: readonly TopicImage[]): void {
    this.step({ topics })
  }

  /** Hands a request over and, when the call has returned, spoils the memory it lay in. */
  dispatch(bytes: Buffer): Encoded | undefined | Promise<Encoded | undefined> {
    const receiveBuffer = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')])
    const start = 'before'.length + 4
    const frame = { bytes: receiveBuffer, start, end: start + bytes.length - 4, isOwned: false }
    try {
      return this.dispatcher.dispatch(frame, this.origin)
    } finally {
      receiveBuffer.fill(0xee)
    }
  }

  /** Starts a request; its answer comes when turns end and time passes. */
  start<A extends Api>(api: A, version: number, request: Input<A['request']>): Promise<Value<A['response']>> {
    const outcome = this.dispatch(requestBytes(api, version, request, 7, this.clientId))
    return Promise.resolve(outcome).then((encoded) => {
      if (encoded === undefined) throw new Error('there is no answer')
      return readAnswer(api, version, flatten(encoded).subarray(4), 7)
    })
  }

  /** How many requests want to know when the client's connection closes. */
  get mindful(): number {
    return this.waiting.size
  }

  closeConnection(): void {
    for (const tell of this.waiting) tell()
  }

  /** Starts a request and ends the turn. */
  async ask<A extends Api>(
    api: A,
    version: number,
    request: Input<A['request']>,
  ): Promise<Value<A['response']>> {
    const answer = this.start(api, version, request)
    await this.endTurn()
    return answer
  }

  async endTurn(): Promise<void> {
    this.clock.advance(0)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
