// Groups that change step by step, for properties: members come, go and subscribe otherwise, topics come, grow and go.
// Promises every assignment that an assignor makes on the way. Leaves judging to the tests.
import fc from 'fast-check'
import type {
  Assignment,
  AssignmentMember,
  AssignmentSpec,
  ServerAssignor,
} from '../../../src/coordinator/group/assignors/assignor.ts'
import { NO_ASSIGNMENT } from '../../../src/coordinator/group/assignors/assignor.ts'
import { afterwards, withType } from './specs.ts'

const TOPICS = ['A', 'B', 'C', 'D', 'E']
const MEMBERS = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6']

type Change =
  | {
      readonly kind: 'join'
      readonly member: string
      readonly topics: readonly string[]
      readonly isStatic: boolean
    }
  | { readonly kind: 'leave'; readonly member: string }
  | { readonly kind: 'topic'; readonly topic: string; readonly partitions: number }
  | { readonly kind: 'delete'; readonly topic: string }

const topicName = fc.constantFrom(...TOPICS)
const memberName = fc.constantFrom(...MEMBERS)

function changes(subscriptions: fc.Arbitrary<readonly string[]>): fc.Arbitrary<readonly Change[]> {
  const change: fc.Arbitrary<Change> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('join' as const),
        member: memberName,
        topics: subscriptions,
        isStatic: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), member: memberName }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('topic' as const),
        topic: topicName,
        partitions: fc.integer({ min: 1, max: 20 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), topic: topicName }) },
  )
  return fc.array(change, { minLength: 1, maxLength: 25 })
}

/** Histories in which everybody subscribes to all topics. */
export const alikeHistories = changes(fc.constant(TOPICS))
/** Histories in which everybody subscribes to some topics. */
export const unlikeHistories = changes(fc.subarray(TOPICS))

/** Calls `check` with every step's spec and targets; `before` has the members as they were without the change. */
export function play(
  assignor: ServerAssignor,
  history: readonly Change[],
  check: (spec: AssignmentSpec, targets: ReadonlyMap<string, Assignment>, change: Change) => void,
): void {
  let members: ReadonlyMap<string, AssignmentMember> = new Map()
  const topics = new Map([['A', { name: 'a', partitions: 4 }]])
  for (const change of history) {
    const next = new Map(members)
    if (change.kind === 'leave') next.delete(change.member)
    if (change.kind === 'join') {
      next.set(change.member, {
        rackId: null,
        instanceId: change.isStatic ? `i-${change.member}` : null,
        subscribedTopicIds: new Set(change.topics),
        assigned: members.get(change.member)?.assigned ?? NO_ASSIGNMENT,
      })
    }
    if (change.kind === 'delete') topics.delete(change.topic)
    if (change.kind === 'topic') {
      const partitions = Math.max(change.partitions, topics.get(change.topic)?.partitions ?? 0)
      topics.set(change.topic, { name: change.topic.toLowerCase(), partitions })
    }
    const spec = withType(next, new Map(topics))
    const targets = assignor.assign(spec)
    check(spec, targets, change)
    members = afterwards(spec, targets)
  }
}
