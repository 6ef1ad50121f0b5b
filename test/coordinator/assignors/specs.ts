// Assignment specs for tests: made from a seed, written as text, and looked at afterwards.
// Promises specs that a group can come to (targets of earlier members, topics that have grown or gone). Leaves judging
// to the tests.
import type {
  Assignment,
  AssignmentMember,
  AssignmentSpec,
} from '../../../src/coordinator/group/assignors/assignor.ts'
import { NO_ASSIGNMENT } from '../../../src/coordinator/group/assignors/assignor.ts'

/** `{ a: 3 }`: topics by name with their partitions; the id of a topic is its name in capitals. */
export function topicsOf(partitions: Readonly<Record<string, number>>): AssignmentSpec['topics'] {
  return new Map(
    Object.entries(partitions).map(([name, count]) => [name.toUpperCase(), { name, partitions: count }]),
  )
}

/** `member('A B', 'A:0,1 B:2')`: what it subscribes to, and what it was assigned before. */
export function member(
  subscribed: string,
  assigned = '',
  instanceId: string | null = null,
): AssignmentMember {
  return {
    rackId: null,
    instanceId,
    subscribedTopicIds: new Set(subscribed.split(' ').filter((id) => id !== '')),
    assigned: parse(assigned),
  }
}

export function specOf(
  members: Readonly<Record<string, AssignmentMember>>,
  topics: AssignmentSpec['topics'],
): AssignmentSpec {
  return withType(new Map(Object.entries(members)), topics)
}

/** The spec, with the type of its subscriptions found out. */
export function withType(
  members: AssignmentSpec['members'],
  topics: AssignmentSpec['topics'],
): AssignmentSpec {
  const subscriptions = new Set([...members.values()].map((m) => [...m.subscribedTopicIds].sort().join()))
  return { members, topics, subscriptionType: subscriptions.size > 1 ? 'heterogeneous' : 'homogeneous' }
}

/** The spec after its assignment: everybody has what `targets` says. */
export function afterwards(
  spec: AssignmentSpec,
  targets: ReadonlyMap<string, Assignment>,
): AssignmentSpec['members'] {
  return new Map(
    [...spec.members].map(([id, m]) => [id, { ...m, assigned: targets.get(id) ?? NO_ASSIGNMENT }]),
  )
}

function parse(text: string): Assignment {
  return new Map(
    text
      .split(' ')
      .filter((part) => part !== '')
      .map((part) => [part.split(':')[0]!, part.split(':')[1]!.split(',').map(Number)]),
  )
}

/** `A:0,1 B:2`, topics in order. */
export function show(assignment: Assignment): string {
  return [...assignment]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, partitions]) => `${topic}:${partitions.join(',')}`)
    .join(' ')
}

/** Everybody's, by member id, in order. */
export function showAll(targets: ReadonlyMap<string, Assignment>): Record<string, string> {
  return Object.fromEntries([...targets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, a]) => [id, show(a)]))
}

/** The owners of `topic-partition`. */
export function ownersOf(targets: ReadonlyMap<string, Assignment>): Map<string, string[]> {
  const owners = new Map<string, string[]>()
  for (const [memberId, assignment] of targets) {
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) {
        const key = `${topic}-${partition}`
        owners.set(key, [...(owners.get(key) ?? []), memberId])
      }
    }
  }
  return owners
}

export const sizeOf = (assignment: Assignment): number =>
  [...assignment.values()].reduce((sum, partitions) => sum + partitions.length, 0)

/** How many partitions have another owner than before, though the one before reads their topic as ever. */
export function moves(spec: AssignmentSpec, targets: ReadonlyMap<string, Assignment>): number {
  const after = ownersOf(targets)
  let count = 0
  for (const [memberId, { assigned, subscribedTopicIds }] of spec.members) {
    for (const [key, [owner]] of ownersOf(new Map([[memberId, assigned]]))) {
      const isRead = subscribedTopicIds.has(key.slice(0, key.lastIndexOf('-')))
      if (isRead && after.has(key) && after.get(key)![0] !== owner) count++
    }
  }
  return count
}
