// Who owns which partition while an assignment is worked out: one number for each partition of all topics together.
// Promises that what the members had and may keep is there from the start, and that targets come out sorted, without
// copies for members whose target did not change. Leaves whom to give and to take to the strategies of uniform.ts.
//
//   owners   | topic 0: p0 p1 p2 | topic 1: p0 | topic 2: p0 p1 ...     positions of members, NOBODY: free
//              ^ firstSlot[0]      ^ firstSlot[1]
import type { Assignment, AssignmentMember, AssignmentSpec } from './assignor.ts'

/** No member owns the slot. */
export const NOBODY = -1

type Target = Map<string, number[]>

export class Ownership {
  /** Members by position; sorted by id, so that nothing depends on the order in which they joined. */
  readonly memberIds: readonly string[]
  readonly members: readonly AssignmentMember[]
  /** Topics that exist and have a subscriber, by position; sorted by id. */
  readonly topicIds: readonly string[]
  /** Where the slots of each topic begin; one more entry says where the last ones end. */
  readonly firstSlot: Int32Array
  /** The owner of each slot. */
  readonly owners: Int32Array
  /** How many slots each member owns. */
  readonly loads: Int32Array
  /** The owners at the start. */
  private readonly kept: Int32Array
  /** Whether a member had something that it may not keep. */
  private readonly hasLost: Uint8Array

  constructor(spec: AssignmentSpec) {
    this.memberIds = [...spec.members.keys()].sort()
    this.members = this.memberIds.map((memberId) => spec.members.get(memberId)!)
    this.topicIds = subscribedTopics(spec, this.members)
    this.firstSlot = new Int32Array(this.topicIds.length + 1)
    for (const [i, topicId] of this.topicIds.entries()) {
      this.firstSlot[i + 1] = this.firstSlot[i]! + spec.topics.get(topicId)!.partitions
    }
    this.owners = new Int32Array(this.slots).fill(NOBODY)
    this.loads = new Int32Array(this.members.length)
    this.hasLost = new Uint8Array(this.members.length)
    this.keepAssigned()
    this.kept = this.owners.slice()
  }

  /** Number of partitions of all topics. */
  get slots(): number {
    return this.firstSlot[this.topicIds.length]!
  }

  /** Makes `member` the owner of a slot, whoever was before. */
  give(slot: number, member: number): void {
    this.release(slot)
    this.owners[slot] = member
    this.loads[member]!++
  }

  release(slot: number): void {
    const owner = this.owners[slot]!
    if (owner === NOBODY) return
    this.owners[slot] = NOBODY
    this.loads[owner]!--
  }

  /** Whether the owner of the slot had it before. */
  isKept(slot: number): boolean {
    return this.owners[slot] === this.kept[slot]
  }

  /** What every member owns now. */
  targets(): ReadonlyMap<string, Assignment> {
    const hasChanged = this.changedMembers()
    const targets = this.members.map((): Target => new Map())
    // The list that each member's partitions of the topic at hand go into.
    const lists = new Array<number[] | undefined>(this.members.length)
    for (const [topic, topicId] of this.topicIds.entries()) {
      lists.fill(undefined)
      const first = this.firstSlot[topic]!
      const end = this.firstSlot[topic + 1]!
      for (let slot = first; slot < end; slot++) {
        const owner = this.owners[slot]!
        if (owner === NOBODY || hasChanged[owner] === 0) continue
        const list = lists[owner]
        if (list !== undefined) list.push(slot - first)
        else targets[owner]!.set(topicId, (lists[owner] = [slot - first]))
      }
    }
    return new Map(
      this.memberIds.map((memberId, i) => [
        memberId,
        hasChanged[i] === 0 ? this.members[i]!.assigned : targets[i]!,
      ]),
    )
  }

  private changedMembers(): Uint8Array {
    const changed = this.hasLost.slice()
    for (let slot = 0; slot < this.owners.length; slot++) {
      const before = this.kept[slot]!
      const now = this.owners[slot]!
      if (before === now) continue
      if (before !== NOBODY) changed[before] = 1
      if (now !== NOBODY) changed[now] = 1
    }
    return changed
  }

  /** Partitions that are assigned twice stay with the first of the members. */
  private keepAssigned(): void {
    const topics = new Map(this.topicIds.map((topicId, i) => [topicId, i]))
    for (const [position, member] of this.members.entries()) {
      for (const [topicId, partitions] of member.assigned) {
        const topic = member.subscribedTopicIds.has(topicId) ? topics.get(topicId) : undefined
        if (topic === undefined || partitions.length === 0) {
          this.hasLost[position] = 1
          continue
        }
        const first = this.firstSlot[topic]!
        const end = this.firstSlot[topic + 1]!
        for (const partition of partitions) {
          const slot = first + partition
          if (slot < end && this.owners[slot] === NOBODY) {
            this.owners[slot] = position
            this.loads[position]!++
          } else this.hasLost[position] = 1
        }
      }
    }
  }
}

function subscribedTopics(spec: AssignmentSpec, members: readonly AssignmentMember[]): readonly string[] {
  const isHomogeneous = spec.subscriptionType === 'homogeneous'
  const topicIds = new Set<string>()
  for (const member of isHomogeneous ? members.slice(0, 1) : members) {
    for (const topicId of member.subscribedTopicIds) if (spec.topics.has(topicId)) topicIds.add(topicId)
  }
  return [...topicIds].sort()
}
