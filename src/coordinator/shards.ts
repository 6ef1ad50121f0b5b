// The partitions of an internal topic that this broker leads, each as a shard; and which of them a key belongs to.
// Promises that the shards follow the cluster image: loaded when this broker comes to lead a partition, closed when it no
// longer does, loaded again after a failure, less and less often. Leaves what happens in a shard to shard.ts.
import type { ClusterImage, TopicImage } from '../cluster/image.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Partition } from '../partition/partition.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import { type Command, Shard } from './shard.ts'
import type { StateMachine } from './step.ts'

export interface ShardsOptions<Machine> {
  readonly topic: string
  readonly replicas: { find(topic: string, index: number): Partition | undefined }
  readonly makeMachine: () => Machine
  readonly clock: Clock
  readonly logger: Logger
  readonly loadBufferBytes: () => number
  readonly commitTimeoutMs: () => number
}

interface Place<Rec, Machine extends StateMachine<Rec>> {
  readonly partition: Partition
  readonly leaderEpoch: number
  shard: Shard<Rec, Machine>
  /** How often the state was lost lately, and when last. */
  failures: number
  failedMs: number
  retry: Timer | undefined
}

const SHORTEST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

/** Which of `count` partitions of an internal topic a key belongs to: abs(String.hashCode) of Java, as in Kafka. */
export function shardIndex(key: string, count: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  // Utils.abs of Kafka: the smallest number has no counterpart above 0.
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % count
}

export class Shards<Rec, Machine extends StateMachine<Rec>> {
  private readonly options: ShardsOptions<Machine>
  private readonly places = new Map<number, Place<Rec, Machine>>()
  private count = 0
  private isClosed = false

  constructor(options: ShardsOptions<Machine>) {
    this.options = options
  }

  /** Takes up who leads what. */
  apply(image: ClusterImage): void {
    const topic = image.topics.get(this.options.topic)
    if (topic === undefined || this.isClosed) {
      this.count = 0
      for (const index of [...this.places.keys()]) this.leave(index)
      return
    }
    this.count = topic.partitions.length
    for (const { index } of topic.partitions) this.follow(topic, index)
  }

  /** The partition of `key`; undefined while the topic does not exist. */
  indexOf(key: string): number | undefined {
    return this.count === 0 ? undefined : shardIndex(key, this.count)
  }

  /**
   * Runs a command where `key` belongs.
   * @throws KafkaError (rejected) NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, and what the command throws
   */
  async run<Answer>(key: string, command: Command<Machine, Rec, Answer>): Promise<Answer> {
    const index = this.indexOf(key)
    // Whoever asks without having looked for the coordinator first is to do so now: that makes the topic.
    if (index === undefined)
      throw new KafkaError(errors.NOT_COORDINATOR, `${this.options.topic} does not exist yet`)
    const place = this.places.get(index)
    if (place === undefined) throw new KafkaError(errors.NOT_COORDINATOR)
    return place.shard.run(command)
  }

  /** Runs a command in every shard there is: those that are being loaded do it when they have been. */
  runEverywhere(command: Command<Machine, Rec, void>): void {
    for (const { shard } of this.places.values()) shard.runWhenLoaded(command)
  }

  /** The shards of this broker, loaded or not. */
  *all(): Generator<Shard<Rec, Machine>, void, undefined> {
    for (const { shard } of this.places.values()) yield shard
  }

  close(): void {
    this.isClosed = true
    for (const index of [...this.places.keys()]) this.leave(index)
  }

  private follow(topic: TopicImage, index: number): void {
    const partition = this.options.replicas.find(topic.name, index)
    const known = this.places.get(index)
    if (partition === undefined || !partition.isLeader) {
      if (known !== undefined) this.leave(index)
      return
    }
    const { leaderEpoch } = partition
    if (known?.partition === partition && known.leaderEpoch === leaderEpoch) return
    if (known !== undefined) this.leave(index)
    const place: Place<Rec, Machine> = {
      partition,
      leaderEpoch,
      shard: this.makeShard(index, partition),
      failures: 0,
      failedMs: 0,
      retry: undefined,
    }
    this.places.set(index, place)
    void place.shard.load()
  }

  private makeShard(index: number, partition: Partition): Shard<Rec, Machine> {
    const { clock, logger, loadBufferBytes, commitTimeoutMs } = this.options
    return new Shard<Rec, Machine>(partition, this.options.makeMachine(), {
      clock,
      logger,
      loadBufferBytes,
      commitTimeoutMs,
      failed: (error) => this.failed(index, error),
    })
  }

  private leave(index: number): void {
    const place = this.places.get(index)
    if (place === undefined) return
    this.places.delete(index)
    place.retry?.cancel()
    place.shard.close()
  }

  /** What is in the log is the truth: the state is made again from it. */
  private failed(index: number, error: Error): void {
    const place = this.places.get(index)
    if (place === undefined) return
    const nowMs = this.options.clock.monotonicMs()
    if (nowMs - place.failedMs > 2 * LONGEST_RETRY_MS) place.failures = 0
    place.failedMs = nowMs
    const retryMs = Math.min(SHORTEST_RETRY_MS * 2 ** place.failures, LONGEST_RETRY_MS)
    this.options.logger.error('a coordinator lost its state and will load it again', {
      topic: this.options.topic,
      partition: index,
      reason: error.message,
      retryMs,
    })
    place.failures++
    place.retry = this.options.clock.schedule(retryMs, () => {
      place.retry = undefined
      place.shard = this.makeShard(index, place.partition)
      void place.shard.load()
    })
  }
}
