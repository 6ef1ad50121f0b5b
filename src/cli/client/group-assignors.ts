// How the leader of a classic group shares the partitions out: `range`, and `cooperative-sticky` (KIP-429).
// Promises each partition to one member that is subscribed to its topic; with `cooperative-sticky` none that another member
// still holds. Leaves the bytes to wire/consumer-protocol.ts. Pure functions.
import { byPartition, partitionName, type TopicPartition } from './group-admin.ts'

export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  /** What it has at this moment, as it says; empty under an assignor that has everything given up first. */
  readonly owned: readonly TopicPartition[]
  /** The generation in which it was given that; -1 when it does not say. */
  readonly generation: number
}

/** Member ids and what each shall have. */
export type Shares = ReadonlyMap<string, readonly TopicPartition[]>

/** @param partitionCounts of each topic that somebody subscribes to; topics that are not there are left out */
export type Assignor = (
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
) => Shares

export interface ClassicAssignor {
  readonly assign: Assignor
  /** Members keep what they have while they join again (KIP-429); else they give up everything first. */
  readonly isCooperative: boolean
}

export const classicAssignors: ReadonlyMap<string, ClassicAssignor> = new Map([
  ['range', { assign: assignRanges, isCooperative: false }],
  ['cooperative-sticky', { assign: assignSticky, isCooperative: true }],
])

/** Of each topic every member gets a run of neighbours, the first members one more. Static members come first (KIP-345). */
export function assignRanges(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Shares {
  const ordered = [...subscribers].sort(staticFirst)
  const shares = new Map(ordered.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  for (const [topic, count] of partitionCounts) {
    const members = ordered.filter(({ topics }) => topics.includes(topic))
    if (members.length === 0) continue
    const each = Math.floor(count / members.length)
    const larger = count % members.length
    let next = 0
    for (const [at, { memberId }] of members.entries()) {
      const end = next + each + (at < larger ? 1 : 0)
      for (; next < end; next++) shares.get(memberId)!.push({ topic, partition: next })
    }
  }
  return shares
}

function staticFirst(one: Subscriber, other: Subscriber): number {
  const [a, b] = [one.groupInstanceId, other.groupInstanceId]
  if (a !== null && b !== null) return a < b ? -1 : 1
  if (a !== null || b !== null) return a !== null ? -1 : 1
  return one.memberId < other.memberId ? -1 : 1
}

/** Everybody keeps what it has as far as the shares stay even; what moves is first given up, and given out in the next round. */
export function assignSticky(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Shares {
  const owners = ownersOf(subscribers, partitionCounts)
  const shares = new Map(subscribers.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  for (const { memberId, partition } of owners.values()) shares.get(memberId)!.push(partition)
  const ordered = [...subscribers].sort(staticFirst)
  for (const [topic, count] of partitionCounts) {
    const members = ordered.filter(({ topics }) => topics.includes(topic))
    if (members.length === 0) continue
    for (let partition = 0; partition < count; partition++) {
      if (owners.has(partitionName({ topic, partition }))) continue
      leastLoaded(members, shares).push({ topic, partition })
    }
  }
  level(ordered, shares)
  const settled = [...shares].map(([memberId, partitions]) => {
    const free = partitions.filter((partition) => {
      const owner = owners.get(partitionName(partition))
      return owner === undefined || owner.memberId === memberId
    })
    return [memberId, free.sort(byPartition)] as const
  })
  return new Map(settled)
}

interface Owner {
  readonly memberId: string
  readonly generation: number
  readonly partition: TopicPartition
}

/** Who has what. Of two that say they have a partition the one of the later generation does; of the same one, neither. */
function ownersOf(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, Owner> {
  const owners = new Map<string, Owner>()
  const disputed = new Map<string, number>()
  for (const { memberId, topics, owned, generation } of subscribers) {
    for (const partition of owned) {
      const isThere = partition.partition < (partitionCounts.get(partition.topic) ?? 0)
      if (!isThere || !topics.includes(partition.topic)) continue
      const name = partitionName(partition)
      const other = owners.get(name)
      const against = Math.max(
        other?.generation ?? Number.NEGATIVE_INFINITY,
        disputed.get(name) ?? Number.NEGATIVE_INFINITY,
      )
      if (generation > against) owners.set(name, { memberId, generation, partition })
      else if (other !== undefined && generation === other.generation) {
        owners.delete(name)
        disputed.set(name, generation)
      }
    }
  }
  return owners
}

function leastLoaded(
  members: readonly Subscriber[],
  shares: Map<string, TopicPartition[]>,
): TopicPartition[] {
  return members
    .map(({ memberId }) => shares.get(memberId)!)
    .reduce((least, share) => (share.length < least.length ? share : least))
}

/** Moves single partitions from those with more to those with less that may have them, until no move makes it more even. */
function level(members: readonly Subscriber[], shares: Map<string, TopicPartition[]>): void {
  for (let isMoved = true; isMoved; ) {
    isMoved = false
    const byLoad = [...members].sort(
      (one, other) => shares.get(other.memberId)!.length - shares.get(one.memberId)!.length,
    )
    for (const giver of byLoad) {
      const given = shares.get(giver.memberId)!
      for (const taker of byLoad.toReversed()) {
        const taken = shares.get(taker.memberId)!
        if (given.length <= taken.length + 1) break
        const at = given.findLastIndex(({ topic }) => taker.topics.includes(topic))
        if (at < 0) continue
        taken.push(...given.splice(at, 1))
        isMoved = true
      }
    }
  }
}
