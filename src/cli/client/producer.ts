// A producer: gathers records into batches per partition and keeps several requests under way to each broker.
// Promises one outcome per record, order within a partition, and with idempotence no duplicate (KIP-98).
// Leaves transactions out. A batch that cannot be delivered in time ends an idempotent producer: its sequence is broken.
import type { Timer } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { initProducerId } from '../../wire/apis/init-producer-id.ts'
import { type ProduceResponse, produce } from '../../wire/apis/produce.ts'
import { errors, KafkaError } from '../../wire/errors.ts'
import type { RecordToWrite } from '../../wire/records/build.ts'
import { ZERO_UUID } from '../../wire/schema.ts'
import type { Cluster } from './cluster.ts'
import { failureOf, isRetriable, TimeoutError } from './failure.ts'
import {
  type BatchLimits,
  type Outcome,
  PartitionQueue,
  type PendingBatch,
  type ProducerIdentity,
} from './partition-queue.ts'
import { partitionOf } from './partitioner.ts'

export interface ProducerOptions extends BatchLimits {
  /** 0: do not wait; 1: written by the leader; -1: by all in-sync replicas. */
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  /** How long a batch may wait for more records. */
  readonly lingerMs: number
  /** Requests under way to one broker; at most 5 keep the order under idempotence. */
  readonly maxInFlight: number
  /** Bytes of records held before `room` makes callers wait. */
  readonly bufferBytes: number
  /** Bytes of batches in one request, at least one batch. */
  readonly requestBytes: number
  /** Limit from a batch's first record to its answer, all tries included. */
  readonly deliveryTimeoutMs: number
}

export interface ProducerRecord extends RecordToWrite {
  /** Chosen by the key, or in turns for records without one, when absent. */
  readonly partition?: number | undefined
}

/** From this version on, requests name topics by id. */
const TOPIC_IDS_SINCE = 13
const RETRY_BACKOFF_MS = 100

interface Shipment {
  readonly queue: PartitionQueue
  readonly batch: PendingBatch
}

export class Producer {
  private readonly cluster: Cluster
  private readonly options: ProducerOptions
  private readonly queues = new Map<string, PartitionQueue>()
  private readonly underWay = new Map<number, number>()
  private readonly turns = new Map<string, number>()
  private readonly asking = new Set<string>()
  private identity: ProducerIdentity | undefined
  private failure: Error | undefined
  private bufferedBytes = 0
  private waitingForRoom: (() => void)[] = []
  private waitingForQuiet: (() => void)[] = []
  private isFlushing = false
  private isPumpDue = false
  private timer: Timer | undefined
  private timerDueMs = Number.POSITIVE_INFINITY

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.cluster = cluster
    this.options = options
  }

  /** Gets a producer id when idempotent. Call before the first record. */
  async start(): Promise<void> {
    if (!this.options.idempotent) return
    this.identity = await this.cluster.retrying(async () => {
      const connection = await this.cluster.any()
      const answer = await connection.request(initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      })
      const failure = failureOf(answer.errorCode, null, 'a producer id for idempotence')
      if (failure !== undefined) throw failure
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    })
  }

  /** Adds a record and answers its partition and offset when it was acknowledged. */
  async send(topic: string, record: ProducerRecord): Promise<{ partition: number; offset: number }> {
    await this.cluster.topic(topic, true)
    await this.room()
    const done = deferred<number>()
    const partition = this.append(topic, record, (error, offset) => {
      if (error === undefined) done.resolve(offset)
      else done.reject(error)
    })
    return { partition, offset: await done.promise }
  }

  /** Adds a record at once; the topic's metadata must be known (`cluster.topic`). Answers the partition. */
  append(topic: string, record: ProducerRecord, outcome: Outcome): number {
    const partition = this.choosePartition(topic, record)
    if (this.failure !== undefined) {
      outcome(this.failure, -1)
      return partition
    }
    const queue = this.queueOf(topic, partition)
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
    this.bufferedBytes += bytes
    const settled: Outcome = (error, offset) => {
      this.release(bytes)
      outcome(error, offset)
    }
    const completed = queue.append(record, settled, this.nowMs())
    if (completed && record.partition === undefined && !record.key) {
      this.turns.set(topic, (this.turns.get(topic) ?? 0) + 1)
    }
    if (completed) this.pump()
    else if (this.options.lingerMs === 0) this.pumpAfterTurn()
    else this.wakeIn(this.options.lingerMs)
    return partition
  }

  /** Resolves when less than `bufferBytes` are held. */
  room(): Promise<void> | undefined {
    if (this.bufferedBytes < this.options.bufferBytes) return undefined
    return new Promise((resolve) => this.waitingForRoom.push(resolve))
  }

  /** Sends what is held and waits until everything has its outcome. */
  async flush(): Promise<void> {
    this.isFlushing = true
    this.pump()
    if (!this.isQuiet()) await new Promise<void>((resolve) => this.waitingForQuiet.push(resolve))
    this.isFlushing = false
  }

  private nowMs(): number {
    return this.cluster.options.clock.monotonicMs()
  }

  private isQuiet(): boolean {
    for (const queue of this.queues.values()) if (!queue.isEmpty) return false
    return true
  }

  private choosePartition(topic: string, record: ProducerRecord): number {
    if (record.partition !== undefined) return record.partition
    const count = this.cluster.known(topic)?.partitions.length ?? 1
    // Keyless records fill one batch before the next partition has its turn (KIP-480).
    return record.key ? partitionOf(record.key, count) : (this.turns.get(topic) ?? 0) % count
  }

  private queueOf(topic: string, partition: number): PartitionQueue {
    const key = `${topic}-${partition}`
    let queue = this.queues.get(key)
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition, this.options, this.identity)
      this.queues.set(key, queue)
    }
    return queue
  }

  private release(bytes: number): void {
    this.bufferedBytes -= bytes
    if (this.bufferedBytes >= this.options.bufferBytes) return
    for (const resolve of this.waitingForRoom.splice(0)) resolve()
  }

  private wakeIn(ms: number): void {
    const dueMs = this.nowMs() + ms
    if (dueMs >= this.timerDueMs) return
    this.timer?.cancel()
    this.timerDueMs = dueMs
    this.timer = this.cluster.options.clock.schedule(ms, () => {
      this.timerDueMs = Number.POSITIVE_INFINITY
      this.pump()
    })
  }

  /** Sends everything that may leave now, and sees to being called again for the rest. */
  private pump(): void {
    const nowMs = this.nowMs()
    const byLeader = new Map<number, PartitionQueue[]>()
    for (const queue of this.queues.values()) {
      if (!queue.maySend(nowMs, this.isDue(queue, nowMs))) {
        // What waits for an answer is looked at again when the answer comes.
        const dueMs = (queue.fillingSinceMs ?? nowMs) + this.options.lingerMs
        if (dueMs > nowMs && queue.fillingSinceMs !== undefined) this.wakeIn(dueMs - nowMs)
        if (queue.notBeforeMs > nowMs) this.wakeIn(queue.notBeforeMs - nowMs)
        continue
      }
      const leader = this.leaderOf(queue)
      if (leader !== undefined) byLeader.set(leader, [...(byLeader.get(leader) ?? []), queue])
    }
    for (const [leader, queues] of byLeader) this.ship(leader, queues)
    if (this.waitingForQuiet.length > 0 && this.isQuiet()) {
      for (const resolve of this.waitingForQuiet.splice(0)) resolve()
    }
  }

  private pumpAfterTurn(): void {
    if (this.isPumpDue) return
    this.isPumpDue = true
    this.cluster.options.clock.endOfTurn(() => {
      this.isPumpDue = false
      this.pump()
    })
  }

  /** Whether the batch that a partition is filling has waited long enough. */
  private isDue(queue: PartitionQueue, nowMs: number): boolean {
    const sinceMs = queue.fillingSinceMs
    return sinceMs !== undefined && (this.isFlushing || nowMs - sinceMs >= this.options.lingerMs)
  }

  /** The leader if it is known; otherwise asks for it, and comes back when it is. */
  private leaderOf(queue: PartitionQueue): number | undefined {
    const topic = this.cluster.known(queue.topic)
    const partition = topic?.partitions.find((row) => row.partitionIndex === queue.index)
    if (partition !== undefined && partition.leaderId >= 0) return partition.leaderId
    if (topic !== undefined && partition === undefined) {
      const last = topic.partitions.length - 1
      const message = `${queue.topic}-${queue.index} does not exist: the topic has partitions 0 to ${last}`
      this.giveUp(queue, new KafkaError(errors.INVALID_PARTITIONS, message))
      return undefined
    }
    if (topic !== undefined) this.cluster.forget(queue.topic)
    if (!this.asking.has(queue.topic)) void this.askForLeaders(queue.topic)
    return undefined
  }

  private async askForLeaders(topic: string): Promise<void> {
    this.asking.add(topic)
    try {
      await this.cluster.topic(topic, true)
      // A partition without a leader makes `leaderOf` forget the topic: not at once again.
      await this.cluster.pause(RETRY_BACKOFF_MS)
      this.expire(topic)
    } catch (error) {
      for (const queue of this.queues.values()) if (queue.topic === topic) this.giveUp(queue, error as Error)
    } finally {
      this.asking.delete(topic)
      this.pump()
    }
  }

  private expire(topic: string): void {
    for (const queue of this.queues.values()) {
      if (queue.topic !== topic) continue
      queue.closeFilling()
      const oldest = queue.ready[0]
      if (oldest !== undefined && this.isTooLate(oldest)) {
        const silence = new TimeoutError(`${topic}-${queue.index} had no leader in time`)
        this.giveUp(queue, oldest.lastFailure ?? silence)
      }
    }
  }

  private isTooLate(batch: PendingBatch): boolean {
    return this.nowMs() - batch.createdMs > this.options.deliveryTimeoutMs
  }

  /** Fails everything a partition holds that is not under way. */
  private giveUp(queue: PartitionQueue, error: Error): void {
    if (this.identity !== undefined) this.failure ??= error
    for (const batch of queue.drain()) batch.settle(error, -1)
  }

  private ship(leader: number, queues: readonly PartitionQueue[]): void {
    const { maxInFlight, requestBytes } = this.options
    let waiting = [...queues]
    while (waiting.length > 0 && (this.underWay.get(leader) ?? 0) < maxInFlight) {
      const shipments: Shipment[] = []
      let bytes = 0
      for (const queue of waiting) {
        if (shipments.length > 0 && bytes + queue.nextBytes > requestBytes) break
        const batch = queue.take()
        bytes += batch.bytes().length
        shipments.push({ queue, batch })
      }
      void this.transmit(leader, shipments)
      const nowMs = this.nowMs()
      waiting = waiting.filter((queue) => queue.maySend(nowMs, this.isDue(queue, nowMs)))
    }
  }

  private async transmit(leader: number, shipments: readonly Shipment[]): Promise<void> {
    this.underWay.set(leader, (this.underWay.get(leader) ?? 0) + 1)
    try {
      const connection = await this.cluster.node(leader)
      const { request, maxVersion } = this.requestFor(shipments)
      if (this.options.acks === 0) {
        await connection.tell(produce, request, { maxVersion })
        for (const { queue, batch } of shipments) this.succeed(queue, batch, -1)
      } else {
        this.settle(shipments, await connection.request(produce, request, { maxVersion }))
      }
    } catch (error) {
      for (const { queue, batch } of shipments) this.fail(queue, batch, error as Error)
    } finally {
      this.underWay.set(leader, this.underWay.get(leader)! - 1)
      this.pump()
    }
  }

  private requestFor(shipments: readonly Shipment[]) {
    const byTopic = new Map<string, Shipment[]>()
    for (const shipment of shipments) {
      const { topic } = shipment.queue
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), shipment])
    }
    let maxVersion = produce.advertised[1]
    const topicData = [...byTopic].map(([name, rows]) => {
      const topicId = this.cluster.known(name)?.topicId ?? ZERO_UUID
      if (topicId === ZERO_UUID) maxVersion = TOPIC_IDS_SINCE - 1
      const partitionData = rows.map(({ queue, batch }) => ({ index: queue.index, records: batch.bytes() }))
      return { name, topicId, partitionData }
    })
    const { acks } = this.options
    const timeoutMs = this.cluster.options.requestTimeoutMs
    return { request: { transactionalId: null, acks, timeoutMs, topicData }, maxVersion }
  }

  private settle(shipments: readonly Shipment[], answer: ProduceResponse): void {
    const rows = new Map<string, ProduceResponse['responses'][number]['partitionResponses'][number]>()
    for (const { name, topicId, partitionResponses } of answer.responses) {
      const topic = name === '' ? this.cluster.nameOf(topicId) : name
      for (const row of partitionResponses) rows.set(`${topic}-${row.index}`, row)
    }
    for (const { queue, batch } of shipments) {
      const row = rows.get(`${queue.topic}-${queue.index}`)
      const code = row?.errorCode ?? errors.UNKNOWN_SERVER_ERROR.code
      const detail = row?.errorMessage ?? row?.recordErrors[0]?.batchIndexErrorMessage
      const failure = failureOf(code, detail, `${queue.topic}-${queue.index}`)
      // Seen before: the answer to an earlier try was lost, the records were not.
      const isThere = code === errors.DUPLICATE_SEQUENCE_NUMBER.code && this.identity !== undefined
      if (failure === undefined || isThere) this.succeed(queue, batch, row?.baseOffset ?? -1)
      else this.fail(queue, batch, failure)
    }
  }

  private succeed(queue: PartitionQueue, batch: PendingBatch, baseOffset: number): void {
    queue.finish(batch)
    batch.settle(undefined, baseOffset)
  }

  private fail(queue: PartitionQueue, batch: PendingBatch, error: Error): void {
    const isGap = error instanceof KafkaError && error.error === errors.OUT_OF_ORDER_SEQUENCE_NUMBER
    const mayPass = isRetriable(error) || (isGap && queue.hasEarlier(batch))
    if (mayPass && this.failure === undefined && !this.isTooLate(batch) && this.options.acks !== 0) {
      this.cluster.forget(queue.topic)
      batch.lastFailure = error
      queue.retry(batch, this.nowMs() + RETRY_BACKOFF_MS)
      return
    }
    queue.finish(batch)
    batch.settle(error, -1)
    if (this.identity !== undefined) this.giveUp(queue, error)
  }
}
