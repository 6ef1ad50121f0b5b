// The uniform assignor: what must hold after every change of a group, and its choices in small cases.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Assignment, AssignmentSpec } from '../../../src/coordinator/group/assignors/assignor.ts'
import { uniformAssignor } from '../../../src/coordinator/group/assignors/uniform.ts'
import { alikeHistories, play, unlikeHistories } from './histories.ts'
import { assertComplete } from './rules.ts'
import { member, moves, ownersOf, showAll, sizeOf, specOf, topicsOf } from './specs.ts'

type Targets = ReadonlyMap<string, Assignment>

const assign = (spec: AssignmentSpec) => showAll(uniformAssignor.assign(spec))

const loadsOf = (targets: Targets) => new Map([...targets].map(([id, a]) => [id, sizeOf(a)]))

/** Nothing to do: everybody keeps the very maps they have. */
function assertSettled(spec: AssignmentSpec, targets: Targets): void {
  const members = new Map([...spec.members].map(([id, m]) => [id, { ...m, assigned: targets.get(id)! }]))
  const again = uniformAssignor.assign({ ...spec, members })
  for (const [id, assignment] of again) assert.equal(assignment, targets.get(id), `${id} moves without need`)
}

function assertOrderDoesNotMatter(spec: AssignmentSpec, targets: Targets): void {
  const reversed = new Map([...spec.members].reverse())
  const topics = new Map([...spec.topics].reverse())
  assert.deepEqual(showAll(uniformAssignor.assign({ ...spec, members: reversed, topics })), showAll(targets))
}

/** How many of its partitions a member could keep: they exist, and it reads their topic. */
function keepable(spec: AssignmentSpec, memberId: string): number {
  const { assigned, subscribedTopicIds } = spec.members.get(memberId)!
  return [...assigned].reduce((sum, [topicId, list]) => {
    const partitions = subscribedTopicIds.has(topicId) ? (spec.topics.get(topicId)?.partitions ?? 0) : 0
    return sum + list.filter((partition) => partition < partitions).length
  }, 0)
}

/** The most partitions that may stay where they are, if nobody is to have two more than another. */
function mostKept(spec: AssignmentSpec): number {
  const kept = [...spec.members.keys()].map((id) => keepable(spec, id))
  const subscribed = new Set([...spec.members.values()].flatMap((m) => [...m.subscribedTopicIds]))
  let total = 0
  for (const [id, topic] of spec.topics) if (subscribed.has(id)) total += topic.partitions
  const least = Math.floor(total / kept.length)
  const withMore = Math.min(total % kept.length, kept.filter((count) => count > least).length)
  return kept.reduce((sum, count) => sum + Math.min(count, least), withMore)
}

/** Who could pass a partition on to whom, over any number of members. */
function reach(spec: AssignmentSpec, targets: Targets): Map<string, Set<string>> {
  const next = new Map([...targets.keys()].map((id) => [id, new Set<string>()]))
  for (const [id, assignment] of targets) {
    for (const topic of assignment.keys()) {
      for (const [other, m] of spec.members) if (m.subscribedTopicIds.has(topic)) next.get(id)!.add(other)
    }
  }
  for (const via of next.keys()) {
    for (const [, others] of next) if (others.has(via)) for (const far of next.get(via)!) others.add(far)
  }
  return next
}

describe('uniform, with equal subscriptions', () => {
  test('every partition has one owner, numbers differ by one at most, and as many stay as can', () => {
    fc.assert(
      fc.property(alikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets) => {
          assertComplete(spec, targets)
          const loads = [...loadsOf(targets).values()]
          assert.ok(loads.length === 0 || Math.max(...loads) - Math.min(...loads) <= 1, `loads ${loads}`)
          const had = ownersOf(new Map([...spec.members].map(([id, m]) => [id, m.assigned])))
          const stayed = [...ownersOf(targets)].filter(([key, [owner]]) => had.get(key)?.[0] === owner).length
          if (spec.members.size > 0) assert.equal(stayed, mostKept(spec))
        })
      }),
      { numRuns: 300 },
    )
  })

  test('the result is settled, and does not depend on the order of members and topics', () => {
    fc.assert(
      fc.property(alikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets) => {
          assertSettled(spec, targets)
          assertOrderDoesNotMatter(spec, targets)
        })
      }),
    )
  })

  test('a member that leaves moves nothing of the others, one that joins no more than its share', () => {
    fc.assert(
      fc.property(alikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets, change) => {
          if (change.kind === 'leave') assert.equal(moves(spec, targets), 0)
          if (change.kind === 'join') assert.ok(moves(spec, targets) <= sizeOf(targets.get(change.member)!))
        })
      }),
    )
  })

  test('the member that has one more keeps it', () => {
    const topics = topicsOf({ a: 3 })
    const spec = specOf({ m1: member('A', 'A:0'), m2: member('A', 'A:1,2') }, topics)
    assert.deepEqual(assign(spec), { m1: 'A:0', m2: 'A:1,2' })
    assert.equal(uniformAssignor.assign(spec).get('m2'), spec.members.get('m2')!.assigned)
  })

  test('first assignment: consecutive partitions, the first members have the one more', () => {
    const topics = topicsOf({ a: 3, b: 4 })
    const spec = specOf({ m1: member('A B'), m2: member('A B'), m3: member('A B') }, topics)
    assert.deepEqual(assign(spec), { m1: 'A:0,1,2', m2: 'B:0,1', m3: 'B:2,3' })
  })

  test('more members than partitions: some have none', () => {
    const spec = specOf({ m1: member('A'), m2: member('A'), m3: member('A', 'A:0') }, topicsOf({ a: 2 }))
    assert.deepEqual(assign(spec), { m1: 'A:1', m2: '', m3: 'A:0' })
  })

  test('deleted topics, partitions that do not exist and double owners are put right', () => {
    const spec = specOf({ m1: member('A', 'A:0,1,9 Z:0'), m2: member('A', 'A:1,2') }, topicsOf({ a: 4 }))
    assert.deepEqual(assign(spec), { m1: 'A:0,1', m2: 'A:2,3' })
  })

  test('no members, no subscriptions, no such topic', () => {
    assert.deepEqual(assign(specOf({}, topicsOf({ a: 1 }))), {})
    assert.deepEqual(assign(specOf({ m1: member('') }, topicsOf({ a: 1 }))), { m1: '' })
    assert.deepEqual(assign(specOf({ m1: member('A') }, topicsOf({}))), { m1: '' })
  })
})

describe('uniform, with different subscriptions', () => {
  test('every partition has one owner, and no chain of moves makes the numbers more even', () => {
    fc.assert(
      fc.property(unlikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets) => {
          assertComplete(spec, targets)
          const loads = loadsOf(targets)
          for (const [id, others] of reach(spec, targets)) {
            for (const other of others) {
              assert.ok(loads.get(id)! - loads.get(other)! <= 1, `${id} has more than ${other}`)
            }
          }
        })
      }),
      { numRuns: 300 },
    )
  })

  test('the result is settled, and does not depend on the order of members and topics', () => {
    fc.assert(
      fc.property(unlikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets) => {
          assertSettled(spec, targets)
          assertOrderDoesNotMatter(spec, targets)
        })
      }),
    )
  })

  test('partitions move only as far as somebody has more afterwards', () => {
    fc.assert(
      fc.property(unlikeHistories, (history) => {
        play(uniformAssignor, history, (spec, targets) => {
          const gained = [...targets].reduce(
            (sum, [id, target]) => sum + Math.max(0, sizeOf(target) - keepable(spec, id)),
            0,
          )
          // Who has one more may have it through a chain of all the others.
          assert.ok(moves(spec, targets) <= gained * (spec.members.size - 1), `gained ${gained}`)
        })
      }),
    )
  })

  test('who reads only one topic gets its partitions when the others have enough', () => {
    const topics = topicsOf({ a: 4, b: 2 })
    const spec = specOf({ m1: member('A B'), m2: member('A') }, topics)
    assert.deepEqual(assign(spec), { m1: 'A:2 B:0,1', m2: 'A:0,1,3' })
  })

  test('a chain over two topics is levelled', () => {
    const topics = topicsOf({ a: 18, b: 12 })
    const list = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i).join()
    const members = {
      m1: member('A', `A:${list(0, 9)}`),
      m2: member('A B', `A:${list(9, 18)} B:0`),
      m3: member('B', `B:${list(1, 12)}`),
    }
    const targets = uniformAssignor.assign(specOf(members, topics))
    assert.deepEqual([...loadsOf(targets).values()], [10, 10, 10])
    assert.equal(moves(specOf(members, topics), targets), 2)
  })

  test('what is no longer subscribed to goes to those who are', () => {
    const topics = topicsOf({ a: 2, b: 1 })
    const spec = specOf({ m1: member('B', 'A:0 B:0'), m2: member('A', 'A:1') }, topics)
    assert.deepEqual(assign(spec), { m1: 'B:0', m2: 'A:0,1' })
  })
})
