// One topic on a scripted broker: it keeps batches, checks sequences as a broker does, and fails when the test says so.
import { Cluster } from '../../../src/cli/client/cluster.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import * as all from '../../../src/wire/apis/index.ts'
import { errors } from '../../../src/wire/errors.ts'
import * as batch from '../../../src/wire/records/batch.ts'
import { records } from '../../../src/wire/records/record.ts'
import { disconnect, ScriptedBroker } from './scripted-broker.ts'

/** What befalls a request with a batch: nothing, an error code, or the end of the connection before or after the append. */
export type Mishap = 'none' | 'not-leader' | 'lost-before' | 'lost-after' | 'too-large'

export class ScriptedTopic {
  readonly broker: ScriptedBroker
  readonly name = 'orders'
  readonly topicId = 'EREREREREREREREREREREQ'
  readonly log: Buffer[] = []
  readonly mishaps: Mishap[] = []
  endOffset = 0
  /** Before the topic exists, Metadata says so. */
  exists = true
  private nextSequence = 0

  private constructor(broker: ScriptedBroker) {
    this.broker = broker
  }

  static async start(): Promise<ScriptedTopic> {
    const topic = new ScriptedTopic(await ScriptedBroker.start())
    const { broker } = topic
    broker.on(all.metadata, (request) => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port }],
      controllerId: 1,
      topics: (request.topics ?? []).map(({ name }) => ({ ...topic.metadata(), name })),
    }))
    broker.on(all.initProducerId, () => ({ producerId: 7, producerEpoch: 0 }))
    broker.on(all.produce, (request) => topic.produce(request))
    broker.on(all.fetch, (request) => topic.fetch(request))
    return topic
  }

  cluster(callTimeoutMs = 5000): Cluster {
    return new Cluster({
      bootstrap: [{ host: '127.0.0.1', port: this.broker.port }],
      clientId: 'test',
      connectTimeoutMs: 2000,
      requestTimeoutMs: 2000,
      callTimeoutMs,
      clock: systemClock,
    })
  }

  /** The values of everything appended, in order. */
  values(): string[] {
    return this.log.flatMap((bytes) => [...records(bytes)].map((record) => record.value!.toString()))
  }

  append(bytes: Buffer): number {
    const baseOffset = this.endOffset
    const copy = Buffer.from(bytes)
    batch.setBaseOffset(copy, 0, baseOffset)
    this.log.push(copy)
    this.endOffset = batch.lastOffset(copy, 0) + 1
    return baseOffset
  }

  private metadata() {
    if (!this.exists) return { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION.code, partitions: [] }
    const partitions = [{ partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] }]
    return { errorCode: 0, topicId: this.topicId, partitions }
  }

  private produce(request: all.ProduceRequest) {
    const { records: given, index } = request.topicData[0]!.partitionData[0]!
    const mishap = this.mishaps.shift() ?? 'none'
    if (mishap === 'lost-before') return disconnect
    const { code, baseOffset } = this.appendChecked(given as Buffer, mishap)
    if (mishap === 'lost-after') return disconnect
    const partitionResponses = [{ index, errorCode: code, baseOffset }]
    return { responses: [{ name: this.name, topicId: this.topicId, partitionResponses }] }
  }

  private appendChecked(bytes: Buffer, mishap: Mishap): { code: number; baseOffset: number } {
    if (mishap === 'not-leader') return { code: errors.NOT_LEADER_OR_FOLLOWER.code, baseOffset: -1 }
    if (mishap === 'too-large') return { code: errors.MESSAGE_TOO_LARGE.code, baseOffset: -1 }
    const sequence = batch.baseSequence(bytes, 0)
    if (sequence >= 0) {
      if (sequence < this.nextSequence) return { code: errors.DUPLICATE_SEQUENCE_NUMBER.code, baseOffset: -1 }
      if (sequence > this.nextSequence)
        return { code: errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code, baseOffset: -1 }
      this.nextSequence += batch.recordsCount(bytes, 0)
    }
    return { code: 0, baseOffset: this.append(bytes) }
  }

  /** As brokers do: from the batch that holds the offset on, cut off at the byte limit. */
  fetch(request: all.FetchRequest) {
    const { fetchOffset, partitionMaxBytes } = request.topics[0]!.partitions[0]!
    const from = this.log.findIndex((bytes) => batch.lastOffset(bytes, 0) >= fetchOffset)
    const rest = from < 0 ? [] : this.log.slice(from)
    const whole = Buffer.concat(rest)
    const bytes = whole.subarray(0, Math.max(rest[0]?.length ?? 0, partitionMaxBytes))
    const partitions = [
      { partitionIndex: 0, highWatermark: this.endOffset, records: bytes, abortedTransactions: null },
    ]
    return { responses: [{ topic: this.name, topicId: this.topicId, partitions }] }
  }
}
