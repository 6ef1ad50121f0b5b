// One member of a classic group: who it is, what it supports, what it was assigned, and what it waits for.
// Promises that nothing here is a view of a request's memory. Leaves rules to the group and its commands.
import type { joinGroup } from '../../../wire/apis/join-group.ts'
import type { syncGroup } from '../../../wire/apis/sync-group.ts'
import { EMPTY_BYTES, type Input } from '../../../wire/schema.ts'
import type { Waiter } from '../../step.ts'

export type JoinGroupAnswer = Input<typeof joinGroup.response>
export type SyncGroupAnswer = Input<typeof syncGroup.response>

/** A way to share out partitions that a member knows, and what it says about itself to whoever does it. Opaque to us. */
export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface MemberDetails {
  readonly memberId: string
  /** Null: a dynamic member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As Kafka shows addresses: `/10.0.0.3`. */
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** The one it likes best comes first. Each name once. */
  readonly protocols: readonly Protocol[]
  readonly assignment?: Buffer
}

export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly Protocol[]
  assignment: Buffer
  /** Its JoinGroup, while that has no answer. */
  joining: Waiter<JoinGroupAnswer> | undefined
  /** Its SyncGroup, while that has no answer. */
  syncing: Waiter<SyncGroupAnswer> | undefined
  /** Has not been told yet that it is a member: it cannot send heartbeats. */
  isNew = false

  constructor(details: MemberDetails) {
    this.memberId = details.memberId
    this.groupInstanceId = details.groupInstanceId
    this.clientId = details.clientId
    this.clientHost = details.clientHost
    this.rebalanceTimeoutMs = details.rebalanceTimeoutMs
    this.sessionTimeoutMs = details.sessionTimeoutMs
    this.protocols = details.protocols
    this.assignment = details.assignment ?? EMPTY_BYTES
  }

  /** Stays a member without joining again until its session ends (KIP-345). */
  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** Waits for us, so that we do not wait for its heartbeats. New members may have gone long ago. */
  get isExcusedFromHeartbeats(): boolean {
    return !this.isNew && (this.joining !== undefined || this.syncing !== undefined)
  }

  /** What it says about itself under a protocol; nothing where it does not know the protocol. */
  metadata(protocolName: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? EMPTY_BYTES
  }

  /** Whether these are its protocols, in the same order, with the same metadata. */
  matches(protocols: readonly Protocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      this.protocols.every(({ name, metadata }, i) => {
        const other = protocols[i]!
        return name === other.name && metadata.equals(other.metadata)
      })
    )
  }
}
