// An idempotent producer that goes on through crashes of its broker: our own client, with numbered records.
// Promises to know of every record whether and at which offset it was acknowledged. Leaves the crashes to the test.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../../src/cli/client/cluster.ts'
import { Producer } from '../../src/cli/client/producer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { codecs } from '../../src/wire/records/compression/index.ts'
import type { Record } from '../../src/wire/records/record.ts'

export class IdempotentLoad {
  acknowledged = 0
  private readonly topic: string
  private readonly partitions: number
  private readonly valueBytes: number
  private readonly cluster: Cluster
  private readonly producer: Producer
  /** Records sent to each partition so far, and the offset at which each was acknowledged. */
  private readonly sent: number[]
  private readonly offsets: Map<number, number>[]
  private readonly failures: Error[] = []
  private isRunning = true
  private work: Promise<void> = Promise.resolve()

  /** Values are filled up to `valueBytes`. */
  constructor(port: number, topic: string, partitions: number, valueBytes = 0) {
    this.topic = topic
    this.partitions = partitions
    this.valueBytes = valueBytes
    this.sent = Array.from({ length: partitions }, () => 0)
    this.offsets = Array.from({ length: partitions }, () => new Map())
    this.cluster = new Cluster({
      bootstrap: [{ host: '127.0.0.1', port }],
      clientId: 'load',
      connectTimeoutMs: 2000,
      requestTimeoutMs: 5000,
      callTimeoutMs: 30_000,
      clock: systemClock,
    })
    this.producer = new Producer(this.cluster, {
      acks: -1,
      idempotent: true,
      lingerMs: 1,
      maxInFlight: 5,
      bufferBytes: 500_000,
      requestBytes: 60_000,
      deliveryTimeoutMs: 60_000,
      batchBytes: 16_000,
      compression: codecs.none,
    })
  }

  async start(): Promise<void> {
    await this.cluster.topic(this.topic, false)
    await this.producer.start()
    this.work = this.run()
  }

  /** Resolves when that many more records have been acknowledged. */
  async progress(records: number): Promise<void> {
    const target = this.acknowledged + records
    const deadlineMs = performance.now() + 60_000
    while (this.acknowledged < target) {
      if (this.failures.length > 0) throw this.failures[0]
      if (performance.now() > deadlineMs) throw new Error(`the load is stuck at ${this.acknowledged} records`)
      await sleep(2)
    }
  }

  /** Sends no more and waits until everything sent is acknowledged. */
  async finish(): Promise<void> {
    this.isRunning = false
    await this.work
    await this.producer.flush()
    if (this.failures.length > 0) throw this.failures[0]
  }

  close(): void {
    this.isRunning = false
    this.cluster.close()
  }

  /** Fails unless `found`, all of a partition, is exactly what was sent to it, once and in order. */
  assertReceived(partition: number, found: readonly Record[]): void {
    const numbers = found.map(({ value }) => Number.parseInt(value?.toString() ?? '', 10))
    assert.deepEqual(
      numbers,
      Array.from({ length: this.sent[partition]! }, (_, i) => i),
      `partition ${partition}`,
    )
    for (const [number, offset] of this.offsets[partition]!) {
      assert.equal(found[number]!.offset, offset, `record ${number} is where it was acknowledged`)
    }
  }

  private valueFor(number: number): Buffer {
    return Buffer.from(`${number} `.padEnd(this.valueBytes, '.'))
  }

  private async run(): Promise<void> {
    for (let i = 0; this.isRunning && this.failures.length === 0; i++) {
      const partition = i % this.partitions
      const number = this.sent[partition]!++
      const record = { timestamp: Date.now(), partition, key: null, value: this.valueFor(number) }
      this.producer.append(this.topic, record, (error, offset) => {
        if (error !== undefined) this.failures.push(error)
        else {
          this.offsets[partition]!.set(number, offset)
          this.acknowledged++
        }
      })
      await this.producer.room()
      if (i % 50 === 49) await sleep(1)
    }
  }
}
