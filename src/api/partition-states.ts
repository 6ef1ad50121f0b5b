// A partition as Metadata and DescribeTopicPartitions tell it.
// Promises the error a client acts on: no leader, or a leader that has no address on the client's listener.
import type { PartitionImage } from '../cluster/image.ts'
import { errors } from '../wire/errors.ts'
import type { RequestContext } from './context.ts'
import { endpointFor } from './endpoint.ts'

export interface PartitionState {
  readonly errorCode: number
  readonly partitionIndex: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: number[]
  readonly isrNodes: number[]
  readonly offlineReplicas: number[]
}

/** `knowsListenerErrors` is false for clients that never heard of LISTENER_NOT_FOUND (Metadata before version 6). */
export function partitionState(
  partition: PartitionImage,
  context: RequestContext,
  knowsListenerErrors = true,
): PartitionState {
  const { brokers } = context.broker.cluster.image()
  const leader = brokers.get(partition.leader)
  const isReachable = leader !== undefined && endpointFor(leader, context) !== undefined
  const unreachable =
    leader !== undefined && knowsListenerErrors ? errors.LISTENER_NOT_FOUND : errors.LEADER_NOT_AVAILABLE
  return {
    errorCode: isReachable ? errors.NONE.code : unreachable.code,
    partitionIndex: partition.index,
    leaderId: isReachable ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [...partition.replicas],
    isrNodes: [...partition.isr],
    offlineReplicas: partition.replicas.filter((id) => !brokers.has(id)),
  }
}

export interface ReachableBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The brokers with the address that this client reaches each by. */
export function reachableBrokers(context: RequestContext): ReachableBroker[] {
  const reachable: ReachableBroker[] = []
  for (const registration of context.broker.cluster.image().brokers.values()) {
    const endpoint = endpointFor(registration, context)
    if (endpoint !== undefined) reachable.push({ id: registration.id, rack: registration.rack, ...endpoint })
  }
  return reachable
}
