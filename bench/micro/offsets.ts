// What committed offsets cost: memory for each, taking them up from records, and making records of them.
// Run: node --expose-gc build/bench/micro/offsets.js
import { OffsetStore } from '../../src/coordinator/group/offsets/offset-store.ts'
import { decodeRecord, encodeRecord, type OffsetCommitRecord } from '../../src/coordinator/group/records.ts'
import { systemClock } from '../../src/lib/clock.ts'

const OFFSETS = 100_000

interface Shape {
  readonly partitionsPerTopic: number
  readonly topicsPerGroup: number
}

function recordsOf({ partitionsPerTopic, topicsPerGroup }: Shape): OffsetCommitRecord[] {
  return Array.from({ length: OFFSETS }, (_, i) => {
    const topic = Math.floor(i / partitionsPerTopic)
    const group = Math.floor(topic / topicsPerGroup)
    return {
      type: 'OffsetCommit',
      key: { group: `service-${group}`, topic: `orders-${topic % 50}`, partition: i % partitionsPerTopic },
      value: {
        offset: 5_000_000_000 + i,
        leaderEpoch: 3,
        metadata: '',
        commitTimestamp: 1_700_000_000_000 + i,
        expireTimestamp: -1,
        topicId: 'tttttttttttttttttttttA',
      },
    }
  })
}

function bytesInUse(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function perSecond(work: () => void): string {
  const startMs = systemClock.monotonicMs()
  work()
  return Math.round((OFFSETS / (systemClock.monotonicMs() - startMs)) * 1000).toString()
}

function take(store: OffsetStore, log: readonly { key: Buffer; value: Buffer | null }[]): void {
  for (const [offset, { key, value }] of log.entries()) {
    const record = decodeRecord(key, value) as OffsetCommitRecord
    store.replay(record, { offset, timestampMs: 0, transaction: undefined })
  }
}

/** In a frame of its own, so that nothing of it is still held when memory is counted. */
function warmUp(log: Parameters<typeof take>[1]): void {
  take(new OffsetStore(), log)
}

export default function run(): void {
  console.log(
    `${OFFSETS} offsets: partitions, topics per group    bytes each    encoded/s   loaded/s    again/s`,
  )
  const shapes = [
    { partitionsPerTopic: 1, topicsPerGroup: 1 },
    { partitionsPerTopic: 10, topicsPerGroup: 1 },
    { partitionsPerTopic: 10, topicsPerGroup: 10 },
    { partitionsPerTopic: 1000, topicsPerGroup: 1 },
  ]
  for (const shape of shapes) {
    const records = recordsOf(shape)
    let log: { key: Buffer; value: Buffer | null }[] = []
    const encoded = perSecond(() => {
      log = records.map(encodeRecord)
    })
    warmUp(log)
    const before = bytesInUse()
    const store = new OffsetStore()
    const loaded = perSecond(() => take(store, log))
    const bytes = Math.round((bytesInUse() - before) / store.size)
    const again = perSecond(() => take(store, log))
    const numbers = [shape.partitionsPerTopic, shape.topicsPerGroup, bytes, encoded, loaded, again]
    console.log(numbers.map((number) => String(number).padStart(12)).join(''))
  }
}
