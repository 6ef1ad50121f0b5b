// What every assignor owes every group.
import assert from 'node:assert/strict'
import type { Assignment, AssignmentSpec } from '../../../src/coordinator/group/assignors/assignor.ts'
import { ownersOf } from './specs.ts'

/** Every member has a target; every partition that somebody has subscribed to has one owner, a subscriber. */
export function assertComplete(spec: AssignmentSpec, targets: ReadonlyMap<string, Assignment>): void {
  assert.deepEqual([...targets.keys()].sort(), [...spec.members.keys()].sort())
  for (const [memberId, assignment] of targets) {
    for (const [topic, partitions] of assignment) {
      assert.ok(
        spec.members.get(memberId)!.subscribedTopicIds.has(topic),
        `${memberId} does not read ${topic}`,
      )
      assert.ok(partitions.length > 0, `${memberId} has an empty list`)
      for (let i = 1; i < partitions.length; i++)
        assert.ok(partitions[i - 1]! < partitions[i]!, 'not in order')
    }
  }
  const owners = ownersOf(targets)
  let expected = 0
  for (const [topicId, topic] of spec.topics) {
    if (![...spec.members.values()].some((member) => member.subscribedTopicIds.has(topicId))) continue
    expected += topic.partitions
    for (let partition = 0; partition < topic.partitions; partition++) {
      assert.equal(owners.get(`${topicId}-${partition}`)?.length, 1, `owners of ${topicId}-${partition}`)
    }
  }
  assert.equal(owners.size, expected)
}
