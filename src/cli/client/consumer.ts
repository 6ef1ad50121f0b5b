// A consumer of assigned partitions: one fetch under way to each leader, the next sent before the last is handed out.
// Promises every visible record from the given offsets on, once and in order within a partition, across changes of leader,
// and none of a partition that was taken away. Leaves who assigns to group-member.ts; leaves what to do when an offset is not there to its caller (OFFSET_OUT_OF_RANGE).
import { type Deferred, deferred } from '../../lib/deferred.ts'
import { type FetchResponse, fetch } from '../../wire/apis/fetch.ts'
import { errors } from '../../wire/errors.ts'
import { ZERO_UUID } from '../../wire/schema.ts'
import { leaderOf } from './admin.ts'
import type { Cluster } from './cluster.ts'
import { failureOf, isRetriable } from './failure.ts'
import { FetchedPartition } from './fetched.ts'

export interface ConsumerOptions {
  readonly readCommitted: boolean
  readonly minBytes: number
  readonly maxWaitMs: number
  /** Bytes in one answer, and of one partition in it; a single batch may exceed both. */
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  /** Told of each answer, how long it took. */
  readonly onAnswer?: (elapsedMs: number) => void
}

export interface Position {
  readonly topic: string
  readonly index: number
  readonly offset: number
}

interface Assigned {
  readonly topic: string
  readonly index: number
  offset: number
  isUnderWay: boolean
}

/** What one partition brought, and for which assignment of it. */
interface Fetched {
  readonly of: Assigned
  readonly part: FetchedPartition
}

const TOPIC_IDS_SINCE = 13
/** Session epoch of a fetch that wants no session (KIP-227). */
const NO_SESSION = -1
const RETRY_BACKOFF_MS = 100
/** Answers that wait to be taken before no more are asked for. */
const MAX_WAITING_ANSWERS = 2

export class Consumer {
  private readonly cluster: Cluster
  private readonly options: ConsumerOptions
  private readonly assigned = new Set<Assigned>()
  private readonly busy = new Set<number>()
  private fetched: Fetched[][] = []
  private failure: Error | undefined
  private waiting: Deferred<FetchedPartition[]> | undefined
  private isClosed = false
  private failingSinceMs: number | undefined

  constructor(cluster: Cluster, options: ConsumerOptions, positions: readonly Position[]) {
    this.cluster = cluster
    this.options = options
    this.add(positions)
  }

  /** False after `close`. */
  get isOpen(): boolean {
    return !this.isClosed
  }

  /**
   * What came next: partitions with at least one batch each, or nothing when `maxWaitMs` passed or `wake` was called.
   * One caller at a time.
   */
  async poll(): Promise<FetchedPartition[]> {
    const next = this.nextFetched()
    if (next === undefined && this.failure !== undefined) throw this.failure
    void this.fetchMore()
    if (next !== undefined) return next
    if (this.isClosed) return []
    const waiting = deferred<FetchedPartition[]>()
    this.waiting = waiting
    // Nobody answers when there is nobody to ask.
    if (this.assigned.size === 0) {
      const wake = () => this.waiting === waiting && this.wake()
      this.cluster.options.clock.schedule(this.options.maxWaitMs, wake)
    }
    return waiting.promise
  }

  /** Ends a wait for records: `poll` answers with none. */
  wake(): void {
    this.waiting?.resolve([])
    this.waiting = undefined
  }

  /** Takes up more partitions. None of them may be assigned already. */
  assign(positions: readonly Position[]): void {
    this.add(positions)
    void this.fetchMore()
  }

  /** Gives up those partitions for which `isGivenUp` holds; what was fetched of them and not polled is forgotten. */
  giveUp(isGivenUp: (topic: string, index: number) => boolean): void {
    for (const row of this.assigned) if (isGivenUp(row.topic, row.index)) this.assigned.delete(row)
  }

  close(): void {
    this.isClosed = true
    this.wake()
  }

  private add(positions: readonly Position[]): void {
    for (const position of positions) this.assigned.add({ ...position, isUnderWay: false })
  }

  private nextFetched(): FetchedPartition[] | undefined {
    for (let next = this.fetched.shift(); next !== undefined; next = this.fetched.shift()) {
      const parts = this.stillAssigned(next)
      if (parts.length > 0) return parts
    }
    return undefined
  }

  private stillAssigned(fetched: readonly Fetched[]): FetchedPartition[] {
    return fetched.filter(({ of }) => this.assigned.has(of)).map(({ part }) => part)
  }

  /** Sends a fetch to every leader that has none under way. */
  private async fetchMore(): Promise<void> {
    if (this.isClosed || this.failure !== undefined || this.fetched.length >= MAX_WAITING_ANSWERS) return
    try {
      const byLeader = new Map<number, Assigned[]>()
      for (const partition of [...this.assigned].filter((row) => !row.isUnderWay)) {
        const topic = this.cluster.known(partition.topic) ?? (await this.cluster.topic(partition.topic))
        const leader = leaderOf(this.cluster, topic, partition.index)
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
      }
      for (const [leader, partitions] of byLeader) {
        const free = partitions.filter((row) => !row.isUnderWay)
        if (!this.busy.has(leader) && free.length > 0) void this.fetchFrom(leader, free)
      }
    } catch (error) {
      await this.pauseOrFail(error as Error)
    }
  }

  private async fetchFrom(leader: number, partitions: readonly Assigned[]): Promise<void> {
    this.busy.add(leader)
    for (const partition of partitions) partition.isUnderWay = true
    let arrived: Fetched[] | undefined
    let failure: Error | undefined
    try {
      const connection = await this.cluster.node(leader)
      const { request, maxVersion } = this.requestFor(partitions)
      const timeoutMs = this.options.maxWaitMs + this.cluster.options.requestTimeoutMs
      const { clock } = this.cluster.options
      const askedMs = clock.monotonicMs()
      const answer = await connection.request(fetch, request, { maxVersion, timeoutMs })
      this.options.onAnswer?.(clock.monotonicMs() - askedMs)
      const taken = this.take(partitions, answer)
      arrived = taken.fetched
      failure = taken.failure
    } catch (error) {
      failure = error as Error
    }
    this.busy.delete(leader)
    for (const partition of partitions) partition.isUnderWay = false
    if (failure === undefined) this.failingSinceMs = undefined
    if (arrived !== undefined && (arrived.length > 0 || failure === undefined)) this.deliver(arrived)
    if (failure !== undefined) await this.pauseOrFail(failure)
    else await this.fetchMore()
  }

  private deliver(fetched: Fetched[]): void {
    if (this.waiting === undefined) {
      if (fetched.length > 0) this.fetched.push(fetched)
      return
    }
    this.waiting.resolve(this.stillAssigned(fetched))
    this.waiting = undefined
  }

  private requestFor(partitions: readonly Assigned[]) {
    const byTopic = new Map<string, Assigned[]>()
    for (const partition of partitions) {
      byTopic.set(partition.topic, [...(byTopic.get(partition.topic) ?? []), partition])
    }
    let maxVersion = fetch.advertised[1]
    const topics = [...byTopic].map(([topic, rows]) => {
      const topicId = this.cluster.known(topic)?.topicId ?? ZERO_UUID
      if (topicId === ZERO_UUID) maxVersion = TOPIC_IDS_SINCE - 1
      const partitionMaxBytes = this.options.partitionMaxBytes
      return {
        topic,
        topicId,
        partitions: rows.map((row) => ({ partition: row.index, fetchOffset: row.offset, partitionMaxBytes })),
      }
    })
    const { maxWaitMs, minBytes, maxBytes, readCommitted } = this.options
    const isolationLevel = readCommitted ? 1 : 0
    return {
      request: { maxWaitMs, minBytes, maxBytes, isolationLevel, sessionEpoch: NO_SESSION, topics },
      maxVersion,
    }
  }

  /** Moves positions on; the first error of a partition is answered beside what the others brought. */
  private take(partitions: readonly Assigned[], answer: FetchResponse) {
    let failure: Error | undefined = failureOf(answer.errorCode, null, 'Fetch')
    const fetched: Fetched[] = []
    for (const { topic: name, topicId, partitions: rows } of answer.responses) {
      const topic = name === '' ? this.cluster.nameOf(topicId) : name
      for (const row of rows) {
        const partition = partitions.find((own) => own.topic === topic && own.index === row.partitionIndex)
        if (partition === undefined || !this.assigned.has(partition)) continue
        if (row.errorCode !== errors.NONE.code) {
          const range =
            row.errorCode === errors.OFFSET_OUT_OF_RANGE.code ? ` (offset ${partition.offset})` : ''
          failure ??= failureOf(row.errorCode, null, `${partition.topic}-${partition.index}${range}`)
          continue
        }
        const { index, offset: fetchOffset } = partition
        const part = new FetchedPartition({ topic: partition.topic, index, fetchOffset }, row)
        if (part.byteLength === 0) continue
        partition.offset = part.nextOffset
        fetched.push({ of: partition, part })
      }
    }
    return { fetched, failure }
  }

  /** A passing failure: looks for the leaders again a little later. Any other, or one that lasts, ends the consumer. */
  private async pauseOrFail(error: Error): Promise<void> {
    const { clock, callTimeoutMs } = this.cluster.options
    if (this.isClosed) return
    this.failingSinceMs ??= clock.monotonicMs()
    if (isRetriable(error) && clock.monotonicMs() - this.failingSinceMs < callTimeoutMs) {
      for (const { topic } of this.assigned) this.cluster.forget(topic)
      await this.cluster.pause(RETRY_BACKOFF_MS)
      await this.fetchMore()
      return
    }
    this.failure = error
    this.waiting?.reject(error)
    this.waiting = undefined
  }
}
