// The names of the timers of classic groups, among those of a whole shard.
// Promises that no two groups or members share one, whatever characters their ids have: the length comes first.

/** A member's session, or the time within which somebody has to come back with a member id. */
export function sessionKey(groupId: string, memberId: string): string {
  return `classic-session:${groupId.length}:${groupId}:${memberId}`
}

/** The time within which members have to join. */
export function joinKey(groupId: string): string {
  return `classic-join:${groupId}`
}

/** The time within which members have to send SyncGroup. */
export function syncKey(groupId: string): string {
  return `classic-sync:${groupId}`
}
