// Memory of requests and tails is used again as soon as nobody holds it. Here much of it changes hands: large requests,
// small tails, readers that dawdle or leave in the middle; and no reader ever sees a byte that is not the record's own.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/lib/random.ts'
import * as batch from '../../src/wire/records/batch.ts'
import { append, fetchFrom, makeTopic, recordsIn } from '../support/calls.ts'
import { startLocalBroker } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const PARTITIONS = 4
const BATCHES = 90
const KIBIBYTE = 1024

/** A value whose every part tells where it belongs: only its own record has these bytes. */
function valueFor(partition: number, index: number, byteLength: number): Buffer {
  const unit = Buffer.from(`<${partition}:${index}:${byteLength}>`)
  return Buffer.alloc(byteLength, unit)
}

function assertOwnBytes(value: Buffer, partition: number): number {
  const [, of, index, byteLength] = /^<(\d+):(\d+):(\d+)>/.exec(value.toString('latin1', 0, 40)) ?? []
  assert.equal(Number(of), partition, 'a record of this partition')
  assert.equal(value.byteLength, Number(byteLength))
  assert.ok(
    value.equals(valueFor(partition, Number(index), value.byteLength)),
    `record ${index} is as it was sent`,
  )
  return Number(index)
}

const sizes = [100, 3000, 5000, 60_000, 300 * KIBIBYTE, 700 * KIBIBYTE]

describe('memory that is used again', () => {
  test('never shows in what is read', async (context) => {
    const local = await startLocalBroker(context, {
      'odradek.log.tail.memory.bytes': 3 * 1024 * KIBIBYTE,
    })
    const admin = await local.connect()
    await makeTopic(admin, 'topic', { partitions: PARTITIONS })
    let appendedBytes = 0
    let isProducing = true
    const produceAll = async (partition: number) => {
      const random = new SeededRandom(partition)
      const producer = await local.connect()
      for (let i = 0; i < BATCHES; i++) {
        const byteLength = sizes[random.below(sizes.length)]!
        await append(producer, 'topic', [valueFor(partition, i, byteLength)], {
          partition,
          acks: i % 3 === 0 ? 1 : -1,
        })
        appendedBytes += byteLength
      }
    }
    const check = (records: Uint8Array | null, partition: number) => {
      const found = recordsIn(records)
      for (const { value, offset } of found) assert.equal(assertOwnBytes(value!, partition), offset)
      return found.at(-1)?.offset
    }
    // Asks for the tail again and again before taking the first answer: more than the kernel has room for.
    const dawdle = async (partition: number, next: number) => {
      const reader = await local.connect()
      reader.socket.pause()
      const options = { partition, maxBytes: 2048 * KIBIBYTE }
      const answers = Array.from({ length: 8 }, () =>
        fetchFrom(reader, 'topic', Math.max(0, next - 6), options),
      )
      const until = appendedBytes + 8 * 1024 * KIBIBYTE
      while (isProducing && appendedBytes < until) await sleep(5)
      reader.socket.resume()
      for (const { records } of await Promise.all(answers)) check(records, partition)
      reader.close()
    }
    const follow = async (partition: number, random: SeededRandom) => {
      let reader: RawClient = await local.connect()
      let next = 0
      while (next < BATCHES) {
        const options = { partition, maxWaitMs: 50, partitionMaxBytes: 2 ** (10 + random.below(13)) }
        if (random.below(6) === 0) {
          // Somebody asks and leaves before the answer has gone.
          const deserter = await local.connect()
          deserter.socket.pause()
          fetchFrom(deserter, 'topic', random.below(next + 1), {
            ...options,
            partitionMaxBytes: 5e6,
          }).catch(() => {})
          setTimeout(() => deserter.close(), random.below(20))
        }
        if (random.below(10) === 0) {
          reader.close()
          reader = await local.connect()
        }
        const answer = await fetchFrom(reader, 'topic', next, options)
        assert.equal(answer.errorCode, 0)
        next = (check(answer.records, partition) ?? next - 1) + 1
        if (random.below(4) === 0) await dawdle(partition, next)
        if (random.below(4) === 0) {
          const from = random.below(next + 1)
          check((await fetchFrom(reader, 'topic', from, { ...options, maxWaitMs: 0 })).records, partition)
        }
      }
    }
    const readers = Array.from({ length: 2 * PARTITIONS }, (_, i) =>
      follow(i % PARTITIONS, new SeededRandom(100 + i)),
    )
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => produceAll(partition)))
    isProducing = false
    await Promise.all(readers)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let offset = 0; offset < BATCHES; offset++) {
        const { records } = await fetchFrom(admin, 'topic', offset, { partition, partitionMaxBytes: 1 })
        assert.ok(batch.hasValidCrc(Buffer.from(records!), 0))
        assert.equal(check(records, partition), offset)
      }
    }
  })
})
