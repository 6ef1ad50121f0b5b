// Cutting a log back: a follower that must forget what its new leader does not have, or start anew elsewhere.
// Promises that indexes, epochs, producers and memory are as if what is cut had never been. Leaves choosing the offset
// to the follower (KIP-101, KIP-279).

import { restoreProducers } from './log-loader.ts'
import type { LogReader } from './log-reader.ts'
import type { LogState } from './log-state.ts'

/** Drops everything at and beyond `offset`, which lies within the log. Nothing may be queued. */
export async function truncateTo(state: LogState, reader: LogReader, offset: number): Promise<void> {
  const { segments, tail } = state
  const index = segments.indexFor(offset)
  const segment = segments.at(index)!
  const position = reader.positionOf(segment, offset)
  const removed = segments.takeFrom(index + 1)
  if (removed.length > 0) state.hasNewNames = true
  tail.truncate(segment.baseOffset, position)
  segment.truncateTo(position, offset, state.config.indexIntervalBytes)
  setEnd(state, offset)
  reader.forgetHints()
  state.epochs.truncateFromEnd(offset)
  state.snapshots.remove((other) => other > offset)
  restoreProducers(state, segments.all(), offset)
  state.writeEpochs()
  await Promise.all(removed.map((other) => other.remove()))
}

/** Drops everything and starts anew at `offset`. Nothing may be queued. */
export async function truncateFullyAndStartAt(
  state: LogState,
  reader: LogReader,
  offset: number,
): Promise<void> {
  const { segments, tail } = state
  // The new segment may have the name of an old one, which therefore goes first.
  const removals = segments.takeFirst(segments.count).map((segment) => segment.remove())
  tail.clear()
  reader.forgetHints()
  segments.add(state.newSegment(offset))
  state.startOffset = offset
  setEnd(state, offset)
  state.syncedEndOffset = offset
  state.snapshots.remove(() => true)
  state.producers.clear()
  state.epochs.clear()
  state.writeEpochs()
  await Promise.all(removals)
}

function setEnd(state: LogState, offset: number): void {
  state.isComplete = false
  state.endOffset = offset
  state.writtenEndOffset = offset
  state.syncedEndOffset = Math.min(state.syncedEndOffset, offset)
  const { active } = state.segments
  state.tail.written(active.baseOffset, active.writtenSize)
}
