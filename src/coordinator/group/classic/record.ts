// The one record of a classic group, GroupMetadata: its generation, its members and what each was assigned.
// Promises to write what Kafka writes. Leaves reading it to replay.ts.
import type { GroupMetadataRecord } from '../records.ts'
import type { ClassicGroup } from './classic-group.ts'

/** The group as it is now. Of each member's metadata only that of the chosen protocol is kept. */
export function groupMetadataRecord(group: ClassicGroup): GroupMetadataRecord {
  return {
    type: 'GroupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType,
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateSinceMs,
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadata(group.protocolName),
        assignment: member.assignment,
      })),
    },
  }
}

export function groupMetadataTombstone(groupId: string): GroupMetadataRecord {
  return { type: 'GroupMetadata', key: { group: groupId }, value: null }
}
