// The range assignor: each topic is cut into as many runs of consecutive partitions as it has subscribers.
// Promises what Apache Kafka 4.3's promises: topics with the same subscribers and as many partitions are cut alike, so
// that a member owns the same numbers of each (joins need that). Looks at no earlier assignment; static members come
// first and in the order of their instance ids, so that a restart under a new member id changes nothing.
import type { Assignment, AssignmentMember, AssignmentSpec, ServerAssignor } from './assignor.ts'

type Target = Map<string, readonly number[]>

export const rangeAssignor: ServerAssignor = {
  name: 'range',

  assign(spec: AssignmentSpec): ReadonlyMap<string, Assignment> {
    const members = [...spec.members].sort(staticMembersFirst)
    const targets = members.map((): Target => new Map())
    const runs = new Runs()
    for (const [topicId, subscribers] of subscribersByTopic(spec, members)) {
      const topic = spec.topics.get(topicId)
      if (topic === undefined) continue
      // There are as many runs as subscribers, or as partitions if those are fewer: the last members get nothing.
      const runsOfTopic = runs.of(topic.partitions, subscribers.length)
      for (let i = 0; i < runsOfTopic.length; i++) targets[subscribers[i]!]!.set(topicId, runsOfTopic[i]!)
    }
    return new Map(members.map(([memberId], i) => [memberId, targets[i]!]))
  },
}

type Entry = readonly [memberId: string, member: AssignmentMember]

function staticMembersFirst(
  [memberA, { instanceId: a }]: Entry,
  [memberB, { instanceId: b }]: Entry,
): number {
  if (a !== null && b !== null && a !== b) return a < b ? -1 : 1
  if ((a === null) !== (b === null)) return a === null ? 1 : -1
  return memberA < memberB ? -1 : 1
}

/** The positions of each topic's subscribers within `members`, ascending. */
function subscribersByTopic(
  spec: AssignmentSpec,
  members: readonly Entry[],
): Iterable<[string, readonly number[]]> {
  const first = members[0]
  if (first === undefined) return []
  if (spec.subscriptionType === 'homogeneous') {
    const everybody = members.map((_, i) => i)
    return Array.from(first[1].subscribedTopicIds, (topicId) => [topicId, everybody])
  }
  const subscribers = new Map<string, number[]>()
  for (const [i, [, member]] of members.entries()) {
    for (const topicId of member.subscribedTopicIds) {
      const known = subscribers.get(topicId)
      if (known === undefined) subscribers.set(topicId, [i])
      else known.push(i)
    }
  }
  return subscribers
}

/** Cuts of so many partitions for so many members: most topics of a group are alike, and share theirs. */
class Runs {
  private readonly known = new Map<string, readonly (readonly number[])[]>()

  of(partitions: number, members: number): readonly (readonly number[])[] {
    const key = `${partitions}/${members}`
    let runs = this.known.get(key)
    if (runs === undefined) {
      runs = cut(partitions, members)
      this.known.set(key, runs)
    }
    return runs
  }
}

function cut(partitions: number, members: number): readonly (readonly number[])[] {
  const runs: number[][] = []
  const longer = partitions % members
  for (let start = 0; start < partitions; ) {
    const length = Math.floor(partitions / members) + (runs.length < longer ? 1 : 0)
    runs.push(Array.from({ length }, (_, i) => start + i))
    start += length
  }
  return runs
}
