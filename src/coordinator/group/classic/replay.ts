// A classic group out of the log, as it was when its record was written. Promises to take every record that the codec could
// read, also of other brokers. Leaves the bytes to records.ts.
import type { GroupStep, GroupSurroundings, Groups } from '../group.ts'
import type { GroupMetadataRecord } from '../records.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicMember } from './member.ts'
import { prepareRebalance } from './rebalance.ts'
import { keepAlive } from './session.ts'

type GroupMetadata = NonNullable<GroupMetadataRecord['value']>

/** Takes up a GroupMetadata record: the group is as it says, or gone. */
export function replayGroupMetadata(
  groups: Groups,
  { key, value }: GroupMetadataRecord,
  surroundings: GroupSurroundings,
): void {
  const known = groups.get(key.group)
  if (known instanceof ClassicGroup) known.state = 'Dead'
  if (value !== null) {
    groups.set(groupOf(key.group, value, surroundings))
  } else if (known instanceof ClassicGroup) {
    // A consumer group may have come in its place already, of which this record knows nothing.
    groups.delete(key.group)
  }
}

function groupOf(groupId: string, value: GroupMetadata, surroundings: GroupSurroundings): ClassicGroup {
  const group = new ClassicGroup(
    {
      groupId,
      stateSinceMs: value.currentStateTimestamp,
      generationId: value.generation,
      protocolType: value.protocolType,
      protocolName: value.protocol,
      leaderId: value.leader,
    },
    surroundings,
  )
  for (const member of value.members) {
    group.add(memberFrom(member, value.protocol), value.protocolType)
  }
  // A group that has just come from the consumer protocol has no leader yet, and a rebalance to do.
  if (group.members.size > 0) group.state = value.leader === null ? 'PreparingRebalance' : 'Stable'
  group.refreshTopics()
  return group
}

function memberFrom(member: GroupMetadata['members'][number], protocol: string | null): ClassicMember {
  const { sessionTimeout, rebalanceTimeout } = member
  return new ClassicMember({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: sessionTimeout,
    // Before version 1 of the record members had none (KIP-62).
    rebalanceTimeoutMs: rebalanceTimeout < 0 ? sessionTimeout : rebalanceTimeout,
    protocols: [{ name: protocol ?? '', metadata: member.subscription }],
    assignment: member.assignment,
  })
}

/** The log has been read: every member has its whole session, from now on, to be heard of. */
export function groupLoaded(group: ClassicGroup, step: GroupStep): void {
  const { groupId, members, generationId } = group
  if (members.size === 0) return
  group.surroundings.note(groupId, {
    kind: 'loaded',
    generation: generationId,
    reason: `this broker took over the group, with ${members.size} member${members.size === 1 ? '' : 's'}`,
  })
  for (const member of members.values()) keepAlive(group, member, step)
  if (group.state === 'PreparingRebalance') {
    prepareRebalance(group, 'the members have no leader: their rebalance had not ended', step)
    return
  }
  const { groupMaxSize } = group.surroundings.config()
  if (members.size > groupMaxSize) {
    const reason = `the group has ${members.size} members and may have ${groupMaxSize} (group.max.size)`
    prepareRebalance(group, reason, step)
  }
}
