// Which brokers hold which partition: pure.
// Promises that leaders differ by at most one per broker, that the replicas of a partition are on different brokers, and on
// different racks as long as there are unused ones. Leaves who is alive, and assignments made by hand, to its callers.
import type { Random } from '../lib/random.ts'

export interface PlacementBroker {
  readonly id: number
  readonly rack: string | null
}

/**
 * Replicas for `partitions` new partitions, the preferred leader first; the random start keeps topics of one partition
 * from piling up on one broker. `replicationFactor` is at most the number of brokers. `firstIndex` continues an existing
 * topic's round.
 */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  partitions: number,
  replicationFactor: number,
  random: Random,
  firstIndex = 0,
): number[][] {
  const ring = interleaveRacks(brokers)
  const start = random.below(ring.length)
  const shift = random.below(Math.max(1, ring.length - 1))
  return Array.from({ length: partitions }, (_, offset) => {
    const index = firstIndex + offset
    const leader = (start + index) % ring.length
    // Each full round begins its followers one further on, so that a dead broker's load spreads over all others.
    const distance = 1 + ((shift + Math.floor(index / ring.length)) % Math.max(1, ring.length - 1))
    return chooseReplicas(ring, leader, distance, replicationFactor)
  })
}

function chooseReplicas(
  ring: readonly PlacementBroker[],
  leader: number,
  distance: number,
  replicationFactor: number,
): number[] {
  const chosen = [ring[leader]!]
  const candidates = Array.from(
    { length: ring.length - 1 },
    (_, step) => ring[(leader + 1 + ((distance - 1 + step) % (ring.length - 1))) % ring.length]!,
  )
  const racks = new Set([chosen[0]!.rack])
  while (chosen.length < replicationFactor) {
    // A broker without a rack is a rack of its own.
    const unused = candidates.findIndex((broker) => broker.rack === null || !racks.has(broker.rack))
    if (unused < 0) racks.clear()
    const [next] = candidates.splice(Math.max(0, unused), 1)
    racks.add(next!.rack)
    chosen.push(next!)
  }
  return chosen.map(({ id }) => id)
}

/** Brokers in an order in which neighbours are on different racks as far as possible. */
function interleaveRacks(brokers: readonly PlacementBroker[]): PlacementBroker[] {
  const racks = new Map<string, PlacementBroker[]>()
  for (const broker of [...brokers].sort((one, other) => one.id - other.id)) {
    const rack = broker.rack ?? ''
    const members = racks.get(rack)
    if (members === undefined) racks.set(rack, [broker])
    else members.push(broker)
  }
  const columns = [...racks].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, members]) => members)
  const ring: PlacementBroker[] = []
  for (let round = 0; ring.length < brokers.length; round++) {
    for (const members of columns) if (round < members.length) ring.push(members[round]!)
  }
  return ring
}
