// Old offsets that nobody uses go, and with the last of them groups without members (KIP-211).
// Promises that no offset goes that a member reads from or an open transaction holds, and that the check comes around again
// whatever becomes of one. Leaves to the group what its members read and since when it is empty.
import type { Group, GroupStep, GroupSurroundings, OffsetExpiry } from '../group.ts'
import type { CommittedOffset } from './offset-columns.ts'
import type { OffsetsState } from './state.ts'
import { Tombstones } from './tombstones.ts'

const TIMER = 'expire-offsets'
const MINUTE_MS = 60_000

/** Looks for old offsets each `offsets.retention.check.interval.ms` from now on; once for each loading. */
export function startOffsetExpiry(
  state: OffsetsState,
  step: GroupStep,
  surroundings: GroupSurroundings,
): void {
  const { offsetsRetentionCheckIntervalMs } = surroundings.config()
  step.schedule(TIMER, offsetsRetentionCheckIntervalMs, (next) => check(state, next, surroundings))
}

function check(state: OffsetsState, step: GroupStep, surroundings: GroupSurroundings): void {
  step.onAppendFailed((repair) => startOffsetExpiry(state, repair, surroundings))
  if (expireOffsets(state, step, surroundings)) startOffsetExpiry(state, step, surroundings)
  else step.schedule(TIMER, 0, (next) => check(state, next, surroundings))
}

/** Appends tombstones of what is too old; false when there is more of it than one batch takes. */
export function expireOffsets(
  state: OffsetsState,
  step: GroupStep,
  surroundings: GroupSurroundings,
): boolean {
  const tombstones = new Tombstones(step, surroundings.config())
  const groupIds = state.offsets.groupIds()
  for (const { groupId } of state.groups.all()) groupIds.add(groupId)
  for (const groupId of groupIds) {
    if (tombstones.isFull || !expireGroup(state, groupId, tombstones, step.nowMs, surroundings)) return false
  }
  return true
}

/** False when there was not room for all tombstones. */
function expireGroup(
  state: OffsetsState,
  groupId: string,
  tombstones: Tombstones,
  nowMs: number,
  surroundings: GroupSurroundings,
): boolean {
  const { offsets } = state
  const group = state.groups.get(groupId)
  const { offsetsRetentionMinutes } = surroundings.config()
  const before = tombstones.count
  let isAllExpired = !offsets.hasOpenTransactions(groupId)
  let hasRoom = true
  for (const topic of offsets.topicsOf(groupId)) {
    const expiry = expiryOf(group, topic)
    if (expiry.kind === 'never') {
      isAllExpired = false
      continue
    }
    for (const [partition, offset] of offsets.offsetsOf(groupId, topic)) {
      const dueMs = expiresAt(offset, expiry, offsetsRetentionMinutes * MINUTE_MS)
      const isExpired = nowMs >= dueMs && !offsets.hasPending(groupId, topic, partition)
      hasRoom &&= !isExpired || tombstones.add(groupId, topic, partition)
      isAllExpired &&= isExpired && hasRoom
    }
  }
  const expired = tombstones.count - before
  if (expired > 0) {
    const reason = `${expired} offsets were not used for offsets.retention.minutes (${offsetsRetentionMinutes})`
    surroundings.note(groupId, { kind: 'offsets-expired', reason })
  }
  if (isAllExpired && group?.isEmpty === true) {
    if (!tombstones.addGroup(group)) return false
    surroundings.note(groupId, { kind: 'deleted', reason: 'it has no members and no offsets any more' })
  }
  return hasRoom
}

/** Offsets without a group, of a log that lost its record, go like those of simple consumers. */
function expiryOf(group: Group | undefined, topic: string): OffsetExpiry {
  if (group === undefined) return { kind: 'since-commit' }
  return group.isSubscribedTo(topic) ? { kind: 'never' } : group.offsetExpiry(topic)
}

function expiresAt(
  { commitTimestampMs, expireTimestampMs }: CommittedOffset,
  expiry: Exclude<OffsetExpiry, { kind: 'never' }>,
  retentionMs: number,
): number {
  if (expireTimestampMs !== -1) return expireTimestampMs
  const sinceMs =
    expiry.kind === 'since-empty' ? Math.max(expiry.emptySinceMs, commitTimestampMs) : commitTimestampMs
  return sinceMs + retentionMs
}
