// What it costs to assign partitions to the members of a large group: the first time, again, and after one has left.
// Run: node build/bench/micro/assignors.js
import {
  type Assignment,
  type AssignmentMember,
  type AssignmentSpec,
  assignors,
  NO_ASSIGNMENT,
  type ServerAssignor,
} from '../../src/coordinator/group/assignors/assignor.ts'
import { systemClock } from '../../src/lib/clock.ts'

const ROUNDS = 15

interface Shape {
  readonly members: number
  readonly topics: number
  readonly partitions: number
  /** Into how many parts the topics are divided; members subscribe to one or to two neighbouring ones. 1: all alike. */
  readonly parts: number
}

function specOf({ members, topics, partitions, parts }: Shape): AssignmentSpec {
  const ids = Array.from({ length: topics }, (_, i) => `topic-${i}`)
  const subscriptionOf = (member: number): ReadonlySet<string> => {
    if (parts === 1) return everything
    const part = member % parts
    return new Set(
      ids.filter((_, i) => i % parts === part || (member % 2 === 0 && i % parts === (part + 1) % parts)),
    )
  }
  const everything = new Set(ids)
  const entries = Array.from({ length: members }, (_, i): [string, AssignmentMember] => [
    `member-${i}`,
    { rackId: null, instanceId: null, subscribedTopicIds: subscriptionOf(i), assigned: NO_ASSIGNMENT },
  ])
  return {
    members: new Map(entries),
    topics: new Map(ids.map((id) => [id, { name: id, partitions: partitions / topics }])),
    subscriptionType: parts === 1 ? 'homogeneous' : 'heterogeneous',
  }
}

function withTargets(
  spec: AssignmentSpec,
  targets: ReadonlyMap<string, Assignment>,
  leaving = '',
): AssignmentSpec {
  const members = new Map<string, AssignmentMember>()
  for (const [id, member] of spec.members) {
    if (id !== leaving) members.set(id, { ...member, assigned: targets.get(id)! })
  }
  return { ...spec, members }
}

function medianMs(assignor: ServerAssignor, spec: AssignmentSpec): number {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = systemClock.monotonicMs()
    assignor.assign(spec)
    times.push(systemClock.monotonicMs() - startMs)
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!
}

export default function run(): void {
  const shapes: readonly Shape[] = [
    { members: 100, topics: 10, partitions: 1000, parts: 1 },
    { members: 1000, topics: 10, partitions: 10_000, parts: 1 },
    { members: 1000, topics: 1000, partitions: 10_000, parts: 1 },
    { members: 1000, topics: 1000, partitions: 100_000, parts: 1 },
    { members: 1000, topics: 100, partitions: 10_000, parts: 10 },
    { members: 1000, topics: 1000, partitions: 10_000, parts: 2 },
    { members: 1000, topics: 1000, partitions: 10_000, parts: 50 },
  ]
  console.log('ms: median of 15        members topics partitions parts     first  settled  one left')
  for (const assignor of assignors.values()) {
    for (const shape of shapes) {
      const spec = specOf(shape)
      const targets = assignor.assign(spec)
      const times = [spec, withTargets(spec, targets), withTargets(spec, targets, 'member-7')].map((each) =>
        medianMs(assignor, each).toFixed(1).padStart(9),
      )
      const { members, topics, partitions, parts } = shape
      const words = [members, topics, partitions, parts].map((count) => String(count).padStart(7)).join('')
      console.log(assignor.name.padEnd(24) + words + times.join(''))
    }
  }
}
