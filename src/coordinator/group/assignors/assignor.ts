// What a server-side assignor (KIP-848) is: members and topics in, a target assignment out. Pure functions.
// Promises results that depend on the contents of the spec alone, not on the order of its maps.
// Leaves resolving names and patterns to ids, epochs and records to consumer/.
import { rangeAssignor } from './range.ts'
import { uniformAssignor } from './uniform.ts'

/** Partitions by topic id, each list in ascending order and without duplicates. No list is empty. */
export type Assignment = ReadonlyMap<string, readonly number[]>

export const NO_ASSIGNMENT: Assignment = new Map()

export interface AssignmentMember {
  /** Not looked at: neither assignor of Apache Kafka 4.3 is aware of racks. */
  readonly rackId: string | null
  readonly instanceId: string | null
  /** Topics that `topics` of the spec does not have count for nothing. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** The target of the last assignment, as far as there is one; what it names beyond topics and subscriptions is dropped. */
  readonly assigned: Assignment
}

export interface AssignmentTopic {
  readonly name: string
  readonly partitions: number
}

export interface AssignmentSpec {
  readonly members: ReadonlyMap<string, AssignmentMember>
  /** Homogeneous: all members have subscribed to the same topics. */
  readonly subscriptionType: 'homogeneous' | 'heterogeneous'
  readonly topics: ReadonlyMap<string, AssignmentTopic>
}

export interface ServerAssignor {
  /** As in `group.consumer.assignors` and in the serverAssignor of a heartbeat. */
  readonly name: AssignorName
  /**
   * The new target of every member, by member id; lists may be shared between members and with the spec. A member whose
   * target stays as it is gets the very map it has as `assigned` (uniform only: range looks at no earlier target).
   */
  assign(spec: AssignmentSpec): ReadonlyMap<string, Assignment>
}

export type AssignorName = 'uniform' | 'range'

/** Every assignor of Apache Kafka 4.3; the first is the default. */
export const assignors: ReadonlyMap<AssignorName, ServerAssignor> = new Map([
  ['uniform', uniformAssignor],
  ['range', rangeAssignor],
])
