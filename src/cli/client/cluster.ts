// The cluster as a client sees it: its brokers, a connection to each that is needed, topics and their leaders.
// Promises fresh metadata after errors that call for it, and one time limit over all tries of a call.
// Leaves what is asked to admin.ts, producer.ts and consumer.ts.
import type { Clock } from '../../lib/clock.ts'
import type { Api } from '../../wire/api.ts'
import { findCoordinator } from '../../wire/apis/find-coordinator.ts'
import { type MetadataResponse, metadata } from '../../wire/apis/metadata.ts'
import { errors } from '../../wire/errors.ts'
import type { Input, Value } from '../../wire/schema.ts'
import { ZERO_UUID } from '../../wire/schema.ts'
import { Connection, type RequestOptions } from './connection.ts'
import {
  type Address,
  addressText,
  check,
  DisconnectedError,
  HungUpError,
  isRetriable,
  NoSuchTopicError,
  UnreachableError,
} from './failure.ts'

export interface ClusterOptions {
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Limit for a call with all its tries. */
  readonly callTimeoutMs: number
  readonly clock: Clock
}

export type TopicMetadata = MetadataResponse['topics'][number]
export type PartitionMetadata = TopicMetadata['partitions'][number]
export type BrokerMetadata = MetadataResponse['brokers'][number]

/** The largest answer taken: fetches ask for less, except for a single batch larger than that. */
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024
/** FindCoordinator asks for several groups at a time from this version on (KIP-699). */
const COORDINATOR_BATCH_VERSION = 4
/** Key type of a group in FindCoordinator. */
const GROUP_KEY = 0
const RETRY_BACKOFF_MS = 50
const RETRY_BACKOFF_MAX_MS = 1000

export class Cluster {
  readonly options: ClusterOptions
  private readonly connections = new Map<string, Promise<Connection>>()
  private readonly topics = new Map<string, TopicMetadata>()
  private readonly names = new Map<string, string>()
  private readonly coordinators = new Map<string, Address>()
  private brokerRows: readonly BrokerMetadata[] = []
  private controllerId = -1
  private id: string | null = null
  private isClosed = false

  constructor(options: ClusterOptions) {
    this.options = options
  }

  get brokers(): readonly BrokerMetadata[] {
    return this.brokerRows
  }

  get clusterId(): string | null {
    return this.id
  }

  get controller(): number {
    return this.controllerId
  }

  close(): void {
    this.isClosed = true
    for (const opening of this.connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.connections.clear()
  }

  /** Waits. The process stays alive as long as its main function runs. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.options.clock.schedule(ms, resolve))
  }

  /** A connection to any broker: one known, else the first of the bootstrap list that answers. */
  async any(): Promise<Connection> {
    const addresses = [...this.options.bootstrap, ...this.brokerRows]
    let first: UnreachableError | undefined
    for (const address of addresses) {
      try {
        return await this.connection(address)
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error
        first ??= error
      }
    }
    throw new UnreachableError(
      this.options.bootstrap,
      first?.code ?? 'ENOTFOUND',
      first?.message ?? 'no address',
    )
  }

  /** A connection to the broker with this id, at the address that it advertises. */
  async node(nodeId: number): Promise<Connection> {
    const broker = this.brokerRows.find((row) => row.nodeId === nodeId)
    if (broker === undefined) throw new DisconnectedError(`broker ${nodeId} is not in the cluster`)
    try {
      return await this.connection(broker)
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      const told = `broker ${nodeId} says it is at ${addressText(broker)}, but: ${error.message}`
      throw new UnreachableError([broker], error.code, told)
    }
  }

  /** Asks any broker for its view: of `topics`, or of all (null). What it says of each topic is kept. */
  async refresh(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<MetadataResponse> {
    const connection = await this.any()
    const answer = await connection.request(metadata, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation,
    })
    check(answer.errorCode, null, 'Metadata')
    this.brokerRows = answer.brokers
    this.controllerId = answer.controllerId
    this.id = answer.clusterId
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      if (topic.errorCode !== errors.NONE.code) {
        this.topics.delete(topic.name)
        continue
      }
      this.topics.set(topic.name, topic)
      if (topic.topicId !== ZERO_UUID) this.names.set(topic.topicId, topic.name)
    }
    return answer
  }

  /** What is known of a topic; nothing is asked. */
  known(topic: string): TopicMetadata | undefined {
    return this.topics.get(topic)
  }

  nameOf(topicId: string): string | undefined {
    return this.names.get(topicId)
  }

  /** Forgets a topic, so that the next look asks again. */
  forget(topic: string): void {
    this.topics.delete(topic)
  }

  /** A topic with a leader for each partition that has one. Asks until it exists or time is up. */
  async topic(name: string, allowAutoTopicCreation = false): Promise<TopicMetadata> {
    const found = this.topics.get(name)
    if (found !== undefined) return found
    return this.retrying(async () => {
      const answer = await this.refresh([name], allowAutoTopicCreation)
      const topic = answer.topics.find((row) => row.name === name)
      const code = topic?.errorCode ?? errors.UNKNOWN_TOPIC_OR_PARTITION.code
      // Without auto-creation nobody is about to make the topic: asking again would only hide the typing error.
      if (code === errors.UNKNOWN_TOPIC_OR_PARTITION.code && !allowAutoTopicCreation)
        throw new NoSuchTopicError(name)
      check(code, null, `topic ${name}`)
      return topic!
    })
  }

  /** Asks the controller, or any broker when none is known. */
  async askController<A extends Api>(api: A, request: Input<A['request']>, options?: RequestOptions) {
    return this.retrying(async () => {
      if (this.controllerId < 0) await this.refresh([])
      const connection = this.controllerId < 0 ? await this.any() : await this.node(this.controllerId)
      return (await connection.request(api, request, options)) as Value<A['response']>
    })
  }

  /** Asks any broker. */
  async askAny<A extends Api>(api: A, request: Input<A['request']>, options?: RequestOptions) {
    return this.retrying(async () => {
      const connection = await this.any()
      return (await connection.request(api, request, options)) as Value<A['response']>
    })
  }

  /**
   * A connection to the broker that coordinates the group, apart from those that records come by: a join waits there for
   * the other members, and fetches must not wait with it. `lane` makes one more of them.
   */
  async coordinator(groupId: string, lane = 'group'): Promise<Connection> {
    const address = this.coordinators.get(groupId) ?? (await this.findCoordinator(groupId))
    return this.connection(address, lane)
  }

  forgetCoordinator(groupId: string): void {
    this.coordinators.delete(groupId)
  }

  /** Runs `ask` with the group's coordinator, again with the next one while it fails in a way that may pass. */
  askCoordinator<T>(groupId: string, ask: (connection: Connection) => Promise<T>, lane?: string): Promise<T> {
    return this.retrying(async () => {
      try {
        return await ask(await this.coordinator(groupId, lane))
      } catch (error) {
        if (isRetriable(error)) this.forgetCoordinator(groupId)
        throw error
      }
    })
  }

  /** Runs `attempt` again, after a growing pause, while it fails in a way that may pass and time is left. */
  async retrying<T>(attempt: () => Promise<T>, timeoutMs = this.options.callTimeoutMs): Promise<T> {
    const { clock } = this.options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    for (let backoffMs = RETRY_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * 2, RETRY_BACKOFF_MAX_MS)) {
      try {
        return await attempt()
      } catch (error) {
        // A broker that is not there at the first try is for a person to start; later it may be coming back.
        const isAway = error instanceof UnreachableError || error instanceof HungUpError
        const isFirstContact = isAway && this.brokerRows.length === 0
        if (!isRetriable(error) || isFirstContact || this.isClosed) throw error
        if (clock.monotonicMs() + backoffMs >= deadlineMs) throw error
        // Leaders and the controller may have moved: look again.
        this.topics.clear()
        this.controllerId = -1
        await this.pause(backoffMs)
      }
    }
  }

  private async findCoordinator(groupId: string): Promise<Address> {
    const connection = await this.any()
    const isBatch = (connection.versionOf(findCoordinator) ?? 0) >= COORDINATOR_BATCH_VERSION
    const answer = await connection.request(findCoordinator, {
      keyType: GROUP_KEY,
      ...(isBatch ? { coordinatorKeys: [groupId] } : { key: groupId }),
    })
    const found = isBatch ? answer.coordinators[0] : answer
    check(found?.errorCode ?? errors.COORDINATOR_NOT_AVAILABLE.code, found?.errorMessage, `group ${groupId}`)
    const address = { host: found!.host, port: found!.port }
    this.coordinators.set(groupId, address)
    return address
  }

  private connection(address: Address, lane = ''): Promise<Connection> {
    if (this.isClosed) return Promise.reject(new DisconnectedError('the client was closed'))
    const key = `${addressText(address)} ${lane}`
    const known = this.connections.get(key)
    if (known !== undefined) return known
    const { host, port } = address
    const opening = Connection.open({ host, port }, { ...this.options, maxResponseBytes: MAX_RESPONSE_BYTES })
    this.connections.set(key, opening)
    const forget = () => {
      if (this.connections.get(key) === opening) this.connections.delete(key)
    }
    opening.then((connection) => {
      if (this.isClosed) connection.close()
      connection.onClose(forget)
    }, forget)
    return opening
  }
}
