// The last step of uniform assignment for different subscriptions: moves that help only together. When A and B read one
// topic, and B and C another, then A with 9, B with 10 and C with 11 partitions are even topic by topic, and yet a move
// from C to B and one from B to A make it 10, 10, 10.
// Promises that afterwards no chain of moves helps (so no assignment is more even), unless the bound on the work was
// reached; and the shortest chains. Leaves everything that single moves can do to uniform-heterogeneous.ts.
import type { Ownership } from './ownership.ts'

/** Members looked at, all searches together: some tens of milliseconds at most. */
const MAX_VISITS = 4_000_000

export class ChainSearch {
  private readonly ownership: Ownership
  private readonly subscribers: readonly (readonly number[])[]
  /** What each member owns, by topic. */
  private readonly slots: readonly Map<number, number[]>[]
  private readonly seenMembers: Uint8Array
  private readonly seenTopics: Uint8Array
  /** From whom each member would get a partition, and of which topic. */
  private readonly from: Int32Array
  private readonly topic: Int32Array
  private visitsLeft = MAX_VISITS

  constructor(ownership: Ownership, subscribers: readonly (readonly number[])[]) {
    const { members, topicIds, firstSlot, owners } = ownership
    this.ownership = ownership
    this.subscribers = subscribers
    this.seenMembers = new Uint8Array(members.length)
    this.seenTopics = new Uint8Array(topicIds.length)
    this.from = new Int32Array(members.length)
    this.topic = new Int32Array(members.length)
    this.slots = members.map(() => new Map())
    for (let topic = 0; topic < topicIds.length; topic++) {
      for (let slot = firstSlot[topic]!; slot < firstSlot[topic + 1]!; slot++)
        this.add(owners[slot]!, topic, slot)
    }
  }

  run(): void {
    while (this.improve()) {}
  }

  /** Finds one chain and moves along it. False: there is none, or it would take too long to know. */
  private improve(): boolean {
    const { loads } = this.ownership
    this.seenMembers.fill(0)
    this.seenTopics.fill(0)
    const sources = Array.from(loads, (_, member) => member).sort((a, b) => loads[b]! - loads[a]! || a - b)
    for (const source of sources) {
      // What was seen from a source with as many partitions or more leads to nobody with two fewer.
      if (this.seenMembers[source] === 1) continue
      const end = this.search(source)
      if (end !== undefined) {
        this.moveAlong(source, end)
        return true
      }
      if (this.visitsLeft <= 0) return false
    }
    return false
  }

  /** The nearest member that should get one partition more, so that `source` has one fewer. */
  private search(source: number): number | undefined {
    const { loads } = this.ownership
    const queue = [source]
    this.seenMembers[source] = 1
    for (let at = 0; at < queue.length && this.visitsLeft > 0; at++) {
      const member = queue[at]!
      for (const [topic, slots] of this.slots[member]!) {
        if (this.seenTopics[topic] === 1 || slots.length === 0) continue
        this.seenTopics[topic] = 1
        for (const next of this.subscribers[topic]!) {
          this.visitsLeft--
          if (this.seenMembers[next] === 1) continue
          this.seenMembers[next] = 1
          this.from[next] = member
          this.topic[next] = topic
          if (loads[source]! - loads[next]! >= 2) return next
          queue.push(next)
        }
      }
    }
    return undefined
  }

  private moveAlong(source: number, end: number): void {
    for (let taker = end; taker !== source; taker = this.from[taker]!) {
      const topic = this.topic[taker]!
      const slot = this.slots[this.from[taker]!]!.get(topic)!.pop()!
      this.add(taker, topic, slot)
      this.ownership.give(slot, taker)
    }
  }

  private add(member: number, topic: number, slot: number): void {
    const known = this.slots[member]!.get(topic)
    if (known === undefined) this.slots[member]!.set(topic, [slot])
    else known.push(slot)
  }
}
