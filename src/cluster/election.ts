// Who leads a partition: pure.
// Promises a leader only from the in-sync replicas, so that nothing acknowledged is lost, and new epochs with every change.
// Leaves knowing who is alive to the controller. Unclean elections and the ISR's changes come with replication.
import { NO_LEADER, type PartitionImage } from './image.ts'

/**
 * The partition with the first replica in order of preference that is in sync and alive as its leader, or without one;
 * null when that is how it stands already. `renew` gives a leader that stays a new epoch: its log may have lost a tail
 * that was never synced, and consumers learn that by the epoch (KIP-320).
 */
export function elect(
  partition: PartitionImage,
  isAlive: (brokerId: number) => boolean,
  renew: boolean,
): PartitionImage | null {
  const { isr, replicas } = partition
  const stays = isAlive(partition.leader) && isr.includes(partition.leader)
  const leader = stays
    ? partition.leader
    : (replicas.find((id) => isr.includes(id) && isAlive(id)) ?? NO_LEADER)
  if (leader === partition.leader && (!renew || leader === NO_LEADER)) return null
  return {
    ...partition,
    leader,
    leaderEpoch: partition.leaderEpoch + 1,
    partitionEpoch: partition.partitionEpoch + 1,
  }
}

/** A partition that begins: led by its first replica, all replicas in sync. */
export function newPartition(index: number, replicas: readonly number[], leaderEpoch = 0): PartitionImage {
  return {
    index,
    replicas,
    isr: replicas,
    leader: replicas[0] ?? NO_LEADER,
    leaderEpoch,
    partitionEpoch: 0,
    addingReplicas: [],
    removingReplicas: [],
  }
}
