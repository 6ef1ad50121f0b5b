// One broker in virtual time under a random history: idempotent producers that repeat what they are not sure of, readers,
// deletions, altered settings, a disk that fills up, crashes of the process and of the machine.
// A seed that fails is printed; SIMULATION_SEED=7 runs it alone, SIMULATION_SEED=100-500 looks for more.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { errors } from '../../src/wire/errors.ts'
import { batchOf, fetchFrom, makeTopic, newProducer, produceTo, recordsIn } from '../support/calls.ts'
import type { MemoryClient } from '../support/memory-network.ts'
import { ConnectionClosed } from '../support/raw-client.ts'
import { SimulatedBroker } from '../support/simulated-broker.ts'
import { fillUp } from '../support/simulated-disk.ts'
import { PartitionHistory, type SentBatch } from './history.ts'

const TOPIC = 'topic'
const PARTITIONS = 2
const STEPS = 60
const RETRIABLE = new Set([errors.KAFKA_STORAGE_ERROR.code, errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code])

type Crash = 'process' | 'power'

/** A producer of one partition: batches in order, one outstanding at a time or several in a burst. */
interface Pen {
  readonly history: PartitionHistory
  readonly partition: number
  readonly producerId: number
  nextSequence: number
  /** Sent, or about to be, and not acknowledged. */
  unsure: SentBatch[]
}

class Scenario {
  private readonly random: SeededRandom
  private readonly files = new SimulatedFiles({ crashes: true, wallMs: () => this.machine?.wallMs ?? 0 })
  private readonly machine: SimulatedBroker
  private readonly crash: Crash
  private readonly histories: PartitionHistory[]
  private readonly pens: Pen[] = []
  private client!: MemoryClient
  private count = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.crash = seed % 2 === 0 ? 'power' : 'process'
    this.machine = new SimulatedBroker(this.files, this.random, {
      'log.flush.offset.checkpoint.interval.ms': '500',
      'replica.high.watermark.checkpoint.interval.ms': '300',
      'log.retention.check.interval.ms': '700',
      'odradek.log.tail.memory.bytes': '200000',
      // Only what is on the device survives a power cut.
      ...(this.crash === 'power' && { 'log.flush.interval.messages': '1' }),
    })
    this.histories = Array.from({ length: PARTITIONS }, (_, i) => new PartitionHistory(`${TOPIC}-${i}`))
  }

  async play(): Promise<void> {
    await this.start()
    await this.machine.until(
      makeTopic(this.client, TOPIC, { partitions: PARTITIONS, configs: { 'segment.bytes': '1048576' } }),
    )
    for (let i = 0; i < 2 * PARTITIONS; i++) {
      const partition = i % PARTITIONS
      const { producerId } = await this.machine.until(newProducer(this.client))
      this.pens.push({
        history: this.histories[partition]!,
        partition,
        producerId,
        nextSequence: 0,
        unsure: [],
      })
    }
    for (let step = 0; step < STEPS; step++) await this.step()
    this.files.capacityBytes = Number.POSITIVE_INFINITY
    for (const pen of this.pens) while (pen.unsure.length > 0) await this.write(pen, 0)
    for (const [partition, history] of this.histories.entries()) {
      const { logStartOffset, found } = await this.readFrom(partition, undefined)
      history.assertComplete(logStartOffset, found)
    }
    await this.machine.stop()
  }

  private async step(): Promise<void> {
    const { random } = this
    const pen = this.pens[random.below(this.pens.length)]!
    const chance = random.below(100)
    if (chance < 50) await this.write(pen, 1 + random.below(4))
    else if (chance < 65) await this.readSomething(random.below(PARTITIONS))
    else if (chance < 70) await this.machine.pass(random.below(1500))
    else if (chance < 75) await this.deleteSome(random.below(PARTITIONS))
    else if (chance < 80) await this.alter()
    else if (chance < 86) await this.changeRoom()
    else if (chance < 92) await this.crashWhileWriting(pen)
    else if (chance < 97) await this.restart()
    else await this.stopAndStart()
  }

  /** Sends what is unsure and some more, in one burst, and takes note of the answers. */
  private async write(pen: Pen, more: number): Promise<void> {
    await this.machine.until(Promise.all(this.send(pen, more)))
  }

  private send(pen: Pen, more: number): Promise<void>[] {
    for (let i = 0; i < more && pen.unsure.length < 5; i++) {
      const padding = this.random.below(10) === 0 ? this.random.below(100_000) : this.random.below(50)
      const values = Array.from({ length: 1 + this.random.below(3) }, () =>
        `${this.count++} `.padEnd(padding, '.'),
      )
      const { producerId, nextSequence: baseSequence } = pen
      const batch = { producerId, baseSequence, values, baseOffset: undefined }
      pen.nextSequence += values.length
      pen.unsure.push(batch)
      pen.history.batches.push(batch)
    }
    const client = this.client
    return pen.unsure.map(async (batch) => {
      const bytes = batchOf(batch.values, {
        producerId: batch.producerId,
        producerEpoch: 0,
        baseSequence: batch.baseSequence,
        timestamp: 1_700_000_000_000,
      })
      const answer = await produceTo(client, TOPIC, bytes, { partition: pen.partition }).catch(ifCut)
      if (answer === undefined) return
      if (answer.errorCode === 0) {
        pen.history.acknowledged(batch, answer.baseOffset)
        settle(pen, batch)
      } else {
        assert.ok(RETRIABLE.has(answer.errorCode), `error ${answer.errorCode}: ${answer.errorMessage}`)
      }
    })
  }

  private async readSomething(partition: number): Promise<void> {
    const { highWatermark } = await this.readFrom(partition, undefined, 1)
    await this.readFrom(partition, this.random.below(highWatermark + 1), 1 + this.random.below(3))
  }

  /** Reads from `offset`, the log's start when undefined, to the end or for some fetches. */
  private async readFrom(partition: number, offset: number | undefined, fetches = Number.POSITIVE_INFINITY) {
    const history = this.histories[partition]!
    const found = []
    let next = offset ?? 0
    let highWatermark = 0
    let logStartOffset = 0
    for (let i = 0; i < fetches; i++) {
      const partitionMaxBytes = this.random.below(3) === 0 ? 1 : this.random.below(300_000)
      const answer = await this.machine.until(
        fetchFrom(this.client, TOPIC, next, { partition, partitionMaxBytes }),
      )
      if (answer.errorCode === errors.OFFSET_OUT_OF_RANGE.code) {
        assert.ok(next < history.deletedTo, `offset ${next} is out of range, but nothing there was deleted`)
        next++
        fetches++
        continue
      }
      assert.equal(answer.errorCode, 0)
      ;({ highWatermark, logStartOffset } = answer)
      history.toldHighWatermark(highWatermark)
      const fetched = recordsIn(answer.records)
      history.read(next, fetched)
      found.push(...fetched.filter((record) => record.offset >= next))
      if (fetched.length === 0) {
        assert.equal(next, highWatermark, 'a fetch below the high watermark brings records')
        break
      }
      next = fetched.at(-1)!.offset + 1
    }
    return { highWatermark, logStartOffset, found }
  }

  private async deleteSome(partition: number): Promise<void> {
    const history = this.histories[partition]!
    const { highWatermark } = await this.readFrom(partition, undefined, 1)
    const offset = this.random.below(highWatermark + 1)
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: partition, offset }] }]
    // It may have worked even if no answer comes.
    history.deletedTo = Math.max(history.deletedTo, offset)
    const answer = await this.machine.until(this.client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 }))
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    assert.equal(errorCode, 0)
    assert.ok(lowWatermark >= offset)
    const gone =
      offset === 0
        ? undefined
        : await this.machine.until(fetchFrom(this.client, TOPIC, offset - 1, { partition }))
    if (gone !== undefined) assert.equal(gone.errorCode, errors.OFFSET_OUT_OF_RANGE.code)
  }

  private async alter(): Promise<void> {
    const choices = [
      ['index.interval.bytes', String(this.random.below(10_000))],
      ['segment.ms', String(200 + this.random.below(2000))],
      ['segment.bytes', String(1_048_576 + this.random.below(100_000))],
      ['flush.ms', String(1 + this.random.below(1000))],
    ] as const
    const [name, value] = choices[this.random.below(choices.length)]!
    const configs = [{ name, configOperation: 0, value }]
    const resources = [{ resourceType: 2, resourceName: TOPIC, configs }]
    const answer = await this.machine.until(this.client.ask(incrementalAlterConfigs, 1, { resources }))
    const { errorCode } = answer.responses[0]!
    assert.ok(errorCode === 0 || this.files.capacityBytes < Number.MAX_SAFE_INTEGER, `error ${errorCode}`)
  }

  private async changeRoom(): Promise<void> {
    if (this.files.capacityBytes < Number.MAX_SAFE_INTEGER)
      this.files.capacityBytes = Number.POSITIVE_INFINITY
    else await fillUp(this.files, this.random.below(20_000))
  }

  private async crashWhileWriting(pen: Pen): Promise<void> {
    const answers = this.send(pen, 4)
    for (let turns = this.random.below(4); turns > 0; turns--) await this.machine.pass(1)
    this.machine.crash(this.crash)
    await Promise.all(answers)
    await this.start()
  }

  private async restart(): Promise<void> {
    this.machine.crash(this.crash)
    await this.start()
  }

  private async stopAndStart(): Promise<void> {
    await this.machine.stop()
    await this.start()
  }

  private async start(): Promise<void> {
    // What a start on a full disk has to do is for test/broker/full-disk.test.ts.
    this.files.capacityBytes = Number.POSITIVE_INFINITY
    await this.machine.start()
    this.client = this.machine.connect()
    for (const history of this.histories) history.restarted()
  }
}

/** The batch is acknowledged, and so are those before it that were refused although they are there. */
function settle(pen: Pen, batch: SentBatch): void {
  const at = pen.unsure.indexOf(batch)
  if (at < 0) return
  for (const earlier of pen.unsure.slice(0, at)) earlier.isImplied = true
  pen.unsure = pen.unsure.slice(at + 1)
}

function ifCut(error: unknown): undefined {
  if (!(error instanceof ConnectionClosed)) throw error
}

/** The seeds to play: eighty of them, or what SIMULATION_SEED says. */
function chosenSeeds(): number[] {
  const [first = 1, last = first] = process.env.SIMULATION_SEED?.split('-').map(Number) ?? [1, 80]
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

describe('one broker over a random history', () => {
  const seeds = chosenSeeds()
  for (const [name, isOfThese] of [
    ['kills of the process', (seed: number) => seed % 2 === 1],
    ['power cuts, with flush.messages=1', (seed: number) => seed % 2 === 0],
  ] as const) {
    test(`${name}: nothing acknowledged is lost or doubled, nothing seen changes`, async () => {
      for (const seed of seeds.filter(isOfThese)) {
        try {
          await new Scenario(seed).play()
        } catch (error) {
          throw new Error(`SIMULATION_SEED=${seed} fails: ${(error as Error).message}`, { cause: error })
        }
      }
    })
  }
})
