// Uniform assignment for members that have all subscribed to the same topics: a matter of counting.
// Promises that no two members differ by more than one partition, and that no assignment with this balance moves fewer.
// Apache Kafka 4.3 lets the first members have the one more where the division leaves a remainder; here those have it
// that would otherwise have to give a partition away.
import type { Assignment, AssignmentSpec } from './assignor.ts'
import { NOBODY, Ownership } from './ownership.ts'

/** Costs about a step for each member, topic and partition. */
export function assignAlike(spec: AssignmentSpec): ReadonlyMap<string, Assignment> {
  const ownership = new Ownership(spec)
  if (ownership.members.length === 0) return new Map()
  const quotas = quotasOf(ownership)
  releaseSurplus(ownership, quotas)
  giveFreeSlots(ownership, quotas)
  return ownership.targets()
}

/** How many partitions each member is to have. */
function quotasOf({ loads, slots }: Ownership): Int32Array {
  const least = Math.floor(slots / loads.length)
  const quotas = new Int32Array(loads.length).fill(least)
  let left = slots % loads.length
  for (let member = 0; member < loads.length && left > 0; member++) {
    if (loads[member]! <= least) continue
    quotas[member]!++
    left--
  }
  for (let member = 0; member < loads.length && left > 0; member++) {
    if (quotas[member]! > least) continue
    quotas[member]!++
    left--
  }
  return quotas
}

function releaseSurplus(ownership: Ownership, quotas: Int32Array): void {
  const { owners, loads } = ownership
  for (let slot = owners.length - 1; slot >= 0; slot--) {
    const owner = owners[slot]!
    if (owner !== NOBODY && loads[owner]! > quotas[owner]!) ownership.release(slot)
  }
}

function giveFreeSlots(ownership: Ownership, quotas: Int32Array): void {
  const { owners, loads } = ownership
  let member = 0
  for (let slot = 0; slot < owners.length; slot++) {
    if (owners[slot] !== NOBODY) continue
    while (loads[member]! >= quotas[member]!) member++
    ownership.give(slot, member)
  }
}
