// Where a group shall go on reading: a new offset for each chosen partition, by one of the modes of `reset-offsets`.
// Promises offsets within what the partitions hold, with a remark where that moved them; nothing is written here.
// Leaves choosing partitions and committing to reset-offsets.ts.
import * as admin from '../client/admin.ts'
import type { Cluster } from '../client/cluster.ts'
import {
  groupedByTopic,
  type PartitionOffset,
  partitionName,
  type TopicPartition,
} from '../client/group-admin.ts'
import { CommandError } from '../failure.ts'
import { timeText } from '../record-text.ts'

export type Mode =
  | { readonly kind: 'earliest' | 'latest' | 'current' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  /** An offset of its own for each partition. */
  | { readonly kind: 'file'; readonly offsets: readonly PartitionOffset[] }

export interface PlannedOffset extends PartitionOffset {
  /** What is committed now; null when nothing is. */
  readonly before: number | null
  readonly startOffset: number
  readonly endOffset: number
}

export interface Plan {
  readonly rows: readonly PlannedOffset[]
  /** Where something else came out than was asked for, and why. */
  readonly remarks: readonly string[]
}

/** @throws CommandError for a shift of what was never committed */
export async function plan(
  cluster: Cluster,
  groupId: string,
  mode: Mode,
  partitions: readonly TopicPartition[],
  committed: readonly PartitionOffset[],
): Promise<Plan> {
  const now = new Map(committed.map((row) => [partitionName(row), row.offset]))
  const wanted = mode.kind === 'file' ? mode.offsets : partitions
  const given = new Map(
    mode.kind === 'file' ? mode.offsets.map((row) => [partitionName(row), row.offset]) : [],
  )
  const rows: PlannedOffset[] = []
  const remarks: string[] = []
  for (const [topic, own] of groupedByTopic(wanted)) {
    const indexes = own.map(({ partition }) => partition)
    const offsetsAt = (at: number) => admin.offsetsFor(cluster, topic, indexes, at)
    const [starts, ends, atTime] = await Promise.all([
      offsetsAt(admin.EARLIEST),
      offsetsAt(admin.LATEST),
      mode.kind === 'time' ? offsetsAt(mode.timestampMs) : undefined,
    ])
    for (const { partition } of own) {
      const name = partitionName({ topic, partition })
      const place = {
        name,
        groupId,
        before: now.get(name) ?? null,
        given: given.get(name),
        startOffset: starts.get(partition)!.offset,
        endOffset: ends.get(partition)!.offset,
        atTime: atTime?.get(partition)?.offset ?? -1,
      }
      const { offset, remark } = chosenOffset(mode, place)
      if (remark !== undefined) remarks.push(`${name}: ${remark}`)
      const { before, startOffset, endOffset } = place
      rows.push({ topic, partition, offset, before, startOffset, endOffset })
    }
  }
  return { rows, remarks }
}

interface Place {
  readonly name: string
  readonly groupId: string
  readonly before: number | null
  readonly given: number | undefined
  readonly startOffset: number
  readonly endOffset: number
  /** -1: no record is that young. */
  readonly atTime: number
}

interface Choice {
  readonly offset: number
  readonly remark?: string
}

function chosenOffset(mode: Mode, place: Place): Choice {
  const { before, startOffset, endOffset } = place
  switch (mode.kind) {
    case 'earliest':
      return { offset: startOffset }
    case 'latest':
      return { offset: endOffset }
    case 'current':
      return before === null
        ? { offset: endOffset, remark: `nothing is committed; set to the end, ${endOffset}` }
        : { offset: before }
    case 'offset':
      return within(mode.offset, place)
    case 'file':
      return within(place.given!, place)
    case 'time': {
      if (place.atTime >= 0) return { offset: place.atTime }
      const when = timeText(mode.timestampMs)
      return { offset: endOffset, remark: `no record is as young as ${when}; set to the end, ${endOffset}` }
    }
    case 'shift':
      if (before === null) {
        throw new CommandError(
          `group ${place.groupId} has committed nothing for ${place.name}: there is nothing to shift; --to-offset sets a first offset`,
        )
      }
      return within(before + mode.by, place)
  }
}

/** The offset, or the nearest one that the partition has. */
function within(offset: number, { startOffset, endOffset }: Place): Choice {
  if (offset > endOffset) {
    return { offset: endOffset, remark: `offset ${offset} is beyond the end; set to the end, ${endOffset}` }
  }
  if (offset < startOffset) {
    const why = offset < 0 ? 'is before the beginning' : 'is not there any more'
    return { offset: startOffset, remark: `offset ${offset} ${why}; set to the oldest, ${startOffset}` }
  }
  return { offset }
}
