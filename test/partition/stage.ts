// What tests of the partition layer work with: one partition, or all of a broker's, on a simulated disk and clock.
// Promises that nothing happens unless the test says so: turns end, time passes and syncs finish on demand.
import type { ClusterImage, PartitionImage, TopicImage } from '../../src/cluster/image.ts'
import { advance, difference, emptyImage } from '../../src/cluster/image.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { resolveTopicConfig, type TopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { type Deferred, deferred } from '../../src/lib/deferred.ts'
import type { FileHandle, OpenMode } from '../../src/lib/files/files.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { type LogEnvironment, logEnvironment } from '../../src/log/environment.ts'
import { Log } from '../../src/log/log.ts'
import { AppendQueue } from '../../src/partition/append-queue.ts'
import {
  Partition,
  type PartitionAppend,
  type PartitionAppendOptions,
  type PartitionRead,
  type PartitionReadOptions,
} from '../../src/partition/partition.ts'
import type { Replicas } from '../../src/partition/replicas.ts'
import type { KafkaError } from '../../src/wire/errors.ts'
import { records } from '../../src/wire/records/record.ts'
import { noteLines } from '../support/local-broker.ts'

export const NODE_ID = 1
export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** A disk whose syncs end when the test says so. */
export class PatientFiles extends SimulatedFiles {
  private gate: Deferred | undefined

  /** Syncs from now on wait for `letSync`. */
  holdSyncs(): void {
    this.gate = deferred()
  }

  letSync(): void {
    this.gate?.resolve()
    this.gate = undefined
  }

  override openSync(path: string, mode: OpenMode): FileHandle {
    const handle = super.openSync(path, mode)
    const datasync = async () => {
      await this.gate?.promise
      await handle.datasync()
    }
    return { ...handle, datasync }
  }
}

export function topicConfig(overrides: Readonly<{ [key: string]: string }> = {}): TopicConfig {
  return resolveTopicConfig(parseBrokerConfig({}), new Map(Object.entries(overrides)))
}

export function partitionImage(overrides: Partial<PartitionImage> = {}): PartitionImage {
  return {
    index: 0,
    replicas: [NODE_ID],
    isr: [NODE_ID],
    leader: NODE_ID,
    leaderEpoch: 0,
    partitionEpoch: 0,
    addingReplicas: [],
    removingReplicas: [],
    ...overrides,
  }
}

export function topicImage(
  name: string,
  { partitions = 1, id = TOPIC_ID, configs = {} }: TopicOptions = {},
): TopicImage {
  return {
    name,
    id,
    internal: name.startsWith('__'),
    partitions: Array.from({ length: partitions }, (_, index) => partitionImage({ index })),
    configs: new Map(Object.entries(configs)),
  }
}

export interface TopicOptions {
  readonly partitions?: number
  readonly id?: string
  readonly configs?: Readonly<{ [key: string]: string }>
}

/** Everything that was started has come as far as it can without time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

export interface PartitionStageOptions {
  readonly image?: Partial<PartitionImage>
  readonly config?: Readonly<{ [key: string]: string }>
  readonly highWatermark?: number
}

/** One partition on a disk of its own. */
export class PartitionStage {
  readonly clock = new SimulatedClock()
  readonly files: PatientFiles
  readonly environment: LogEnvironment
  readonly notes = noteLines()
  partition!: Partition

  constructor(options: PartitionStageOptions = {}, files = new PatientFiles()) {
    this.files = files
    const { clock } = this
    this.environment = logEnvironment({ files, clock, random: new SeededRandom(1) })
    files.makeDirectorySync('data/topic-0')
    this.open(options)
  }

  /** Opens the log, as at the first start or at one after a crash. */
  open({ image, config, highWatermark = 0 }: PartitionStageOptions = {}): void {
    const settings = topicConfig(config)
    const log = Log.open(this.environment, {
      directory: 'data/topic-0',
      config: settings,
      isClean: false,
      recoveryPoint: 0,
      startOffset: 0,
    })
    const identity = { topic: 'topic', topicId: TOPIC_ID, index: 0, isInternal: false }
    const environment = {
      nodeId: NODE_ID,
      clock: this.clock,
      logger: this.notes.logger,
      appendQueue: new AppendQueue(this.clock),
    }
    this.partition = new Partition(identity, log, partitionImage(image), settings, highWatermark, environment)
  }

  append(batch: Buffer, options: Partial<PartitionAppendOptions> = {}): PartitionAppend {
    return this.partition.append(batch, { origin: 'client', acks: -1, retain: false, ...options })
  }

  /** The end of this turn of the event loop: what is queued is written. */
  async endTurn(): Promise<void> {
    this.clock.advance(0)
    await settle()
  }

  read(fetchOffset: number, options: Partial<PartitionReadOptions> = {}): PartitionRead {
    return this.partition.read(fetchOffset, {
      isolation: 'read_uncommitted',
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      maxBytes: 1_000_000,
      minOneBatch: true,
      ...options,
    })
  }

  /** The values that a consumer sees from `fetchOffset` on. */
  values(fetchOffset: number): string[] {
    return valuesIn(this.read(fetchOffset))
  }
}

export function valuesIn(read: PartitionRead): string[] {
  const bytes = Buffer.concat(
    read.parts.map((part) => {
      if (part instanceof Uint8Array) return part
      const copy = Buffer.alloc(part.byteLength)
      part.readSync(copy, 0)
      part.release()
      return copy
    }),
  )
  const found: string[] = []
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    for (const record of records(bytes.subarray(at))) found.push(record.value?.toString() ?? '')
  }
  return found
}

/** Feeds images to `replicas`, step by step. */
export class ImageFeed {
  image: ClusterImage = emptyImage('cluster')
  private readonly replicas: Replicas

  constructor(replicas: Replicas) {
    this.replicas = replicas
  }

  put(...topics: readonly TopicImage[]): void {
    this.step({ topics })
  }

  delete(...ids: readonly string[]): void {
    this.step({ deletedTopicIds: ids })
  }

  step(changes: Parameters<typeof advance>[1]): void {
    const before = this.image
    this.image = advance(before, changes)
    this.replicas.apply(this.image, difference(before, this.image))
  }
}

/** How promises have ended by now, in words. */
export async function endingsOf(promises: readonly Promise<unknown>[]): Promise<string[]> {
  await settle()
  return Promise.all(
    promises.map((promise) =>
      Promise.race([
        promise.then(
          () => 'done',
          (error: KafkaError) => error.error.name,
        ),
        Promise.resolve().then(() => Promise.resolve('pending')),
      ]),
    ),
  )
}
