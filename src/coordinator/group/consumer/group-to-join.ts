// Which group a member of the consumer protocol joins: one that is there, a new one, or one of the classic protocol that is
// converted for it. Promises a draft, so that a member that is refused converts nothing.
// Leaves conversions of groups with members to upgrade.ts.
import { ClassicGroup } from '../classic/classic-group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { Draft, type Scene } from './draft.ts'
import { retire, upgrade } from './upgrade.ts'

/** @throws KafkaError GROUP_ID_NOT_FOUND when the group is of the classic protocol and has to stay so */
export function groupToJoin(scene: Scene, groupId: string): Draft {
  const { groups, surroundings } = scene
  const known = groups.get(groupId)
  if (known instanceof ConsumerGroup) return new Draft(known)
  const draft = new Draft(new ConsumerGroup(groupId, surroundings))
  if (known instanceof ClassicGroup) {
    if (!known.isEmpty) return upgrade(scene, known)
    draft.before((step) => known.appendTombstones(step))
    retire(draft, known)
    draft.note({
      kind: 'protocol-changed',
      reason: 'the classic group had no members: it is a consumer group now',
    })
  } else {
    draft.note({ kind: 'created', reason: 'the first member joined' })
  }
  return draft
}
