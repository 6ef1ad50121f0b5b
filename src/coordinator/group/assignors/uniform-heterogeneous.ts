// Uniform assignment for members with different subscriptions: each partition may go to the subscribers of its topic.
// Promises, within bounds on the work, that no partition could move to a member with two or more fewer, nor a chain of
// partitions from member to member; and that partitions move only where that makes the numbers more even.
// Three steps: give what is free to the least loaded, level each topic among its subscribers, then look for chains.
// Apache Kafka 4.3 does the first two, so that topics which overlap may leave their subscribers less even.
import type { Assignment, AssignmentSpec } from './assignor.ts'
import { ChainSearch } from './chain-search.ts'
import { LoadHeap } from './load-heap.ts'
import { NOBODY, Ownership } from './ownership.ts'

/** More than enough: each round about halves what the topics' overlaps leave uneven. */
const MAX_ROUNDS = 64

export function assignUnlike(spec: AssignmentSpec): ReadonlyMap<string, Assignment> {
  const ownership = new Ownership(spec)
  if (ownership.members.length === 0) return new Map()
  const subscribers = subscribersByTopic(ownership)
  const topics = inOrderOfNeed(ownership, subscribers)
  for (const topic of topics) giveFreeSlots(ownership, topic, subscribers[topic]!)
  const shared = topics.filter((topic) => subscribers[topic]!.length > 1)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let moves = 0
    for (const topic of shared) moves += levelTopic(ownership, topic, subscribers[topic]!)
    if (moves === 0) break
  }
  if (spread(ownership) >= 2) new ChainSearch(ownership, subscribers).run()
  return ownership.targets()
}

function spread({ loads }: Ownership): number {
  let [least, most] = [loads[0]!, loads[0]!]
  for (const load of loads) {
    if (load < least) least = load
    if (load > most) most = load
  }
  return most - least
}

/** The positions of each topic's subscribers, ascending. */
function subscribersByTopic({ topicIds, members }: Ownership): readonly (readonly number[])[] {
  const positions = new Map(topicIds.map((topicId, topic) => [topicId, topic]))
  const subscribers = topicIds.map((): number[] => [])
  for (const [member, { subscribedTopicIds }] of members.entries()) {
    for (const topicId of subscribedTopicIds) {
      const topic = positions.get(topicId)
      if (topic !== undefined) subscribers[topic]!.push(member)
    }
  }
  return subscribers
}

/** Topics with many partitions for each subscriber first, then those with few subscribers: they leave the least choice. */
function inOrderOfNeed(
  { firstSlot, topicIds }: Ownership,
  subscribers: readonly (readonly number[])[],
): readonly number[] {
  const need = (topic: number) => (firstSlot[topic + 1]! - firstSlot[topic]!) / subscribers[topic]!.length
  return topicIds
    .map((_, topic) => topic)
    .sort((a, b) => need(b) - need(a) || subscribers[a]!.length - subscribers[b]!.length || a - b)
}

function giveFreeSlots(ownership: Ownership, topic: number, subscribers: readonly number[]): void {
  const end = ownership.firstSlot[topic + 1]!
  let slot = nextFreeSlot(ownership, ownership.firstSlot[topic]!, end)
  if (slot === end) return
  const takers = new LoadHeap('least', [...subscribers], ownership.loads)
  for (; slot < end; slot = nextFreeSlot(ownership, slot + 1, end)) {
    ownership.give(slot, takers.top!)
    takers.topChanged()
  }
}

function nextFreeSlot({ owners }: Ownership, from: number, end: number): number {
  let slot = from
  while (slot < end && owners[slot] !== NOBODY) slot++
  return slot
}

/** Moves partitions of the topic from its most to its least loaded subscribers while that helps; how many it moved. */
function levelTopic(ownership: Ownership, topic: number, subscribers: readonly number[]): number {
  if (!isUneven(ownership, topic, subscribers)) return 0
  const { loads } = ownership
  const slots = slotsByOwner(ownership, topic)
  // A member stands in both heaps, and its load changes in the one where it is not the top. That is harmless: those who
  // gave are never again few enough to take, nor are those who took ever again many enough to give.
  const givers = new LoadHeap('most', [...slots.keys()], loads)
  const takers = new LoadHeap('least', [...subscribers], loads)
  for (let moves = 0; ; moves++) {
    while (givers.top !== undefined && slots.get(givers.top)!.length === 0) givers.pop()
    const giver = givers.top
    const taker = takers.top!
    if (giver === undefined || loads[giver]! - loads[taker]! < 2) return moves
    ownership.give(slots.get(giver)!.pop()!, taker)
    givers.topChanged()
    takers.topChanged()
  }
}

/** Whether an owner has two or more partitions (of all topics) more than a subscriber. */
function isUneven(
  { loads, owners, firstSlot }: Ownership,
  topic: number,
  subscribers: readonly number[],
): boolean {
  let least = Number.MAX_SAFE_INTEGER
  for (const member of subscribers) if (loads[member]! < least) least = loads[member]!
  for (let slot = firstSlot[topic]!; slot < firstSlot[topic + 1]!; slot++) {
    if (loads[owners[slot]!]! - least >= 2) return true
  }
  return false
}

/** What each member owns of the topic; what it did not have before comes last, to be the first to move on. */
function slotsByOwner(ownership: Ownership, topic: number): Map<number, number[]> {
  const { owners, firstSlot } = ownership
  const slots = new Map<number, number[]>()
  for (const isKept of [true, false]) {
    for (let slot = firstSlot[topic]!; slot < firstSlot[topic + 1]!; slot++) {
      if (ownership.isKept(slot) !== isKept) continue
      const known = slots.get(owners[slot]!)
      if (known === undefined) slots.set(owners[slot]!, [slot])
      else known.push(slot)
    }
  }
  return slots
}
