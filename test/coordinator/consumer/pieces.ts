// The groups of both protocols as a state machine for tests, and everything it knows, to compare two of them.
// Promises what the broker's own machine does with these records, less the offsets. Leaves stories to script.ts.
import assert from 'node:assert/strict'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { groupLoaded, replayGroupMetadata } from '../../../src/coordinator/group/classic/replay.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import { replayConsumerGroup } from '../../../src/coordinator/group/consumer/replay.ts'
import { consumerGroupLoaded } from '../../../src/coordinator/group/consumer/timers.ts'
import type { GroupStep } from '../../../src/coordinator/group/group.ts'
import type { GroupRecord } from '../../../src/coordinator/group/records.ts'
import { GroupPieces } from '../pieces.ts'
import type { Pieces, TraceShard } from '../trace.ts'

/** The groups of a shard, of both protocols. */
export class ConsumerPieces extends GroupPieces implements Pieces<GroupRecord> {
  replay(record: GroupRecord): void {
    assert(record.type !== 'OffsetCommit')
    if (record.type === 'GroupMetadata') replayGroupMetadata(this.groups, record, this.surroundings)
    else replayConsumerGroup(this.groups, record, this.surroundings)
  }

  loaded(step: GroupStep): void {
    for (const group of this.groups.all()) {
      if (group instanceof ClassicGroup) groupLoaded(group, step)
      else if (group instanceof ConsumerGroup) consumerGroupLoaded(this.groups, group, step)
    }
  }

  /** Takes up the last record of each key, without those that delete: what compaction leaves. */
  readCompacted(log: TraceShard<GroupRecord, ConsumerPieces>['log']): this {
    const last = new Map(log.map((entry) => [entry.bytes!.key.toString('latin1'), entry]))
    const entries = [...last.values()].sort((left, right) => left.origin.offset - right.origin.offset)
    for (const { bytes } of entries) {
      if (bytes!.value !== null) this.replay(this.decode(bytes!.key, bytes!.value)!)
    }
    return this
  }

  /** Everything that the log says, to compare two of them. */
  contents(): unknown {
    return Object.fromEntries(
      Array.from(this.groups.all(), (group) => [
        group.groupId,
        // A classic group writes down the outcome of a rebalance, not what happens on the way.
        group instanceof ConsumerGroup ? plain(group) : group.type,
      ]),
    )
  }
}

/** What only the running coordinator knows. */
const SOFT = new Set(['surroundings', 'comparedImage', 'resolvedImage', 'acknowledgedEpochs', 'awaitedJoins'])

function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (value instanceof Set) return [...value].sort()
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => !SOFT.has(name))
  return Object.fromEntries(
    entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([k, v]) => [k, plain(v)]),
  )
}
