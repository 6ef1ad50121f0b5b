// The store of offsets against a simple model: any history of commits, tombstones and transactions, read at any point by
// another store that loads the log, whole or compacted. And bytes that make no sense.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OffsetStore } from '../../../src/coordinator/group/offsets/offset-store.ts'
import {
  decodeRecord,
  encodeRecord,
  type OffsetCommitRecord,
} from '../../../src/coordinator/group/records.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { topicIds } from './offsets-shard.ts'

type Target = readonly [group: string, topic: string, partition: number]

type Event =
  | {
      readonly kind: 'commit'
      readonly target: Target
      readonly value: number
      readonly producerId: number | undefined
    }
  | { readonly kind: 'tombstone'; readonly target: Target }
  | { readonly kind: 'end'; readonly producerId: number; readonly isCommit: boolean }

/** The rules in their plainest form: what is committed, and what each producer's transaction holds, by target. */
class Model {
  readonly committed = new Map<string, { value: number; at: number }>()
  readonly pending = new Map<number, Map<string, { value: number; at: number }>>()

  take(event: Event, at: number): void {
    if (event.kind === 'end') {
      const held = this.pending.get(event.producerId) ?? new Map()
      this.pending.delete(event.producerId)
      if (!event.isCommit) return
      for (const [target, offset] of held) {
        const known = this.committed.get(target)
        if (known === undefined || known.at < offset.at) this.committed.set(target, offset)
      }
      return
    }
    const target = event.target.join('/')
    if (event.kind === 'tombstone') {
      this.committed.delete(target)
      for (const held of this.pending.values()) held.delete(target)
    } else if (event.producerId === undefined) {
      this.committed.set(target, { value: event.value, at })
    } else {
      const held = this.pending.get(event.producerId) ?? new Map()
      this.pending.set(event.producerId, held)
      held.set(target, { value: event.value, at })
    }
  }

  holds(target: string): boolean {
    return [...this.pending.values()].some((held) => held.has(target))
  }
}

/** Values are told apart by one number, from which all fields follow. */
function recordOf(event: Exclude<Event, { kind: 'end' }>): OffsetCommitRecord {
  const [group, topic, partition] = event.target
  const key = { group, topic, partition }
  if (event.kind === 'tombstone') return { type: 'OffsetCommit', key, value: null }
  const { value } = event
  // The layout with an expiry has neither epoch nor id.
  const hasExpiry = value % 5 === 0
  return {
    type: 'OffsetCommit',
    key,
    value: {
      offset: value * 1_000_000_007,
      leaderEpoch: hasExpiry ? -1 : (value % 7) - 1,
      metadata: value % 3 === 0 ? '' : `m${value}`,
      commitTimestamp: 1_700_000_000_000 + value,
      expireTimestamp: hasExpiry ? 1_700_000_000_000 + 2 * value : -1,
      topicId: hasExpiry || value % 2 === 0 ? ZERO_UUID : topicIds.t!,
    },
  }
}

function replay(store: OffsetStore, event: Event, at: number): void {
  if (event.kind === 'end') {
    store.endTransaction(event.producerId, event.isCommit)
    return
  }
  const { key, value } = encodeRecord(recordOf(event))
  const record = decodeRecord(key, value)
  assert(record?.type === 'OffsetCommit')
  const producerId = event.kind === 'commit' ? event.producerId : undefined
  const transaction = producerId === undefined ? undefined : { producerId, producerEpoch: 0 }
  store.replay(record, { offset: at, timestampMs: 0, transaction })
}

const groups = ['g', '']
const topics = ['t', 'u']
const target = fc.tuple(
  fc.constantFrom(...groups),
  fc.constantFrom(...topics),
  fc.constantFrom(0, 1, 2 ** 31 - 1),
)
const producerId = fc.integer({ min: 0, max: 2 })
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      target,
      value: fc.integer({ min: 1, max: 1000 }),
      producerId: fc.option(producerId, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tombstone' as const), target }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('end' as const), producerId, isCommit: fc.boolean() }),
  },
)

function assertIs(store: OffsetStore, model: Model): void {
  const found = new Map<string, number>()
  for (const groupId of store.groupIds()) {
    for (const topic of store.topicsOf(groupId)) {
      let last = -1
      for (const [partition, offset] of store.offsetsOf(groupId, topic)) {
        assert.ok(partition > last, 'in the order of the partitions')
        last = partition
        assert.deepEqual(store.get(groupId, topic, partition), offset)
        const at = `${groupId}/${topic}/${partition}`
        const expected = model.committed.get(at)
        assert.ok(expected, `${at} was not committed`)
        const value = recordOf({
          kind: 'commit',
          target: [groupId, topic, partition],
          value: expected.value,
          producerId: undefined,
        }).value!
        assert.deepEqual(offset, {
          offset: value.offset,
          leaderEpoch: value.leaderEpoch,
          metadata: value.metadata,
          commitTimestampMs: value.commitTimestamp,
          expireTimestampMs: value.expireTimestamp,
          topicId: value.topicId,
          recordOffset: expected.at,
        })
        found.set(at, offset.offset)
      }
    }
  }
  assert.equal(found.size, model.committed.size)
  assert.equal(store.size, model.committed.size)
  for (const group of groups) {
    assert.equal(
      store.hasGroup(group),
      [...model.committed.keys()].some((at) => at.startsWith(`${group}/`)),
    )
    const held = [...model.pending.values()].flatMap((offsets) => [...offsets.keys()])
    assert.equal(
      store.hasOpenTransactions(group),
      held.some((at) => at.startsWith(`${group}/`)),
    )
    for (const topic of topics) {
      for (const partition of [0, 1, 2, 2 ** 31 - 1]) {
        const at = `${group}/${topic}/${partition}`
        assert.equal(store.has(group, topic, partition), model.committed.has(at), at)
        assert.equal(store.hasPending(group, topic, partition), model.holds(at), at)
      }
    }
  }
}

describe('the store', () => {
  test('is what the model is after any history', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (history) => {
        const store = new OffsetStore()
        const model = new Model()
        history.forEach((event, at) => {
          replay(store, event, at)
          model.take(event, at)
        })
        assertIs(store, model)
      }),
      { numRuns: 300 },
    )
  })

  test('is the same when it is loaded from the compacted log', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (history) => {
        const store = new OffsetStore()
        const model = new Model()
        for (const [at, event] of compacted(history)) replay(store, event, at)
        history.forEach((event, at) => void model.take(event, at))
        assertIs(store, model)
      }),
      { numRuns: 300 },
    )
  })
})

/**
 * What compaction leaves: up to the first record of a transaction that is still open, of each target the last record that
 * counts; offsets in the log stay. Records of aborted transactions go.
 */
function compacted(history: readonly Event[]): [at: number, Event][] {
  const endOf = (from: number, producerId: number) =>
    history.find((event, at) => at > from && event.kind === 'end' && event.producerId === producerId)
  const isOpen = (event: Event, at: number) =>
    event.kind === 'commit' && event.producerId !== undefined && endOf(at, event.producerId) === undefined
  const isAborted = (event: Event, at: number) => {
    if (event.kind !== 'commit' || event.producerId === undefined) return false
    const end = endOf(at, event.producerId)
    return end?.kind === 'end' && !end.isCommit
  }
  const firstOpen = history.findIndex(isOpen)
  const cleanEnd = firstOpen === -1 ? history.length : firstOpen
  const newest = new Map<string, number>()
  history.slice(0, cleanEnd).forEach((event, at) => {
    if (event.kind !== 'end' && !isAborted(event, at)) newest.set(event.target.join('/'), at)
  })
  return history.flatMap((event, at): [number, Event][] => {
    const isKept = at >= cleanEnd || event.kind === 'end' || newest.get(event.target.join('/')) === at
    return isKept ? [[at, event]] : []
  })
}

describe('bytes that make no sense', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))
  const keys = fc.oneof(
    bytes,
    // Of a known type, whatever follows.
    fc.tuple(fc.integer({ min: 0, max: 24 }), bytes).map(([type, rest]) => {
      const prefix = Buffer.alloc(2)
      prefix.writeInt16BE(type)
      return Buffer.concat([prefix, rest])
    }),
    // A sound key, of any partition.
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((partition) => {
      const key = { group: 'g', topic: 't', partition }
      return encodeRecord({ type: 'OffsetCommit', key, value: null }).key
    }),
  )
  const values = fc.oneof(
    fc.constant(null),
    bytes,
    fc.tuple(fc.integer({ min: 0, max: 5 }), bytes).map(([version, rest]) => {
      const prefix = Buffer.alloc(2)
      prefix.writeInt16BE(version)
      return Buffer.concat([prefix, rest])
    }),
  )

  test('never keep the rest from being loaded', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, values), { maxLength: 40 }), (log) => {
        const store = new OffsetStore()
        let at = 0
        for (const [key, value] of log) {
          const record = decodeRecord(key, value)
          if (record?.type === 'OffsetCommit') {
            store.replay(record, { offset: at, timestampMs: 0, transaction: undefined })
          }
          at++
        }
        replay(store, { kind: 'commit', target: ['sound', 't', 0], value: 7, producerId: undefined }, at)
        assert.equal(store.get('sound', 't', 0)?.recordOffset, at)
        for (const groupId of store.groupIds()) {
          for (const topic of store.topicsOf(groupId)) {
            for (const [partition, offset] of store.offsetsOf(groupId, topic)) {
              assert.deepEqual(store.get(groupId, topic, partition), offset)
            }
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
