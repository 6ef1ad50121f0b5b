// Which old segments a log may let go of: by age, by size, and because its start has moved beyond them.
// Promises Apache Kafka 4.3's rules: whole segments, oldest first, nothing at or above the high watermark. Leaves
// removing them to the log.
import type { LogState } from './log-state.ts'
import type { Segment } from './segment.ts'

/** How many of the oldest segments may go. When it is all of them, a new one has to be begun first. */
export function countDeletable(state: LogState, highWatermark: number): number {
  const { config, startOffset } = state
  const isDeleting = config.cleanupPolicy.includes('delete')
  const rules = [(_: Segment, endOffset: number) => endOffset <= startOffset]
  if (isDeleting && config.retentionMs >= 0) rules.push((segment) => isOlder(state, segment))
  if (isDeleting && config.retentionBytes >= 0)
    rules.push(bySize(state.segments.byteLength - config.retentionBytes))
  return Math.max(...rules.map((rule) => countWhile(state, highWatermark, rule)))
}

function countWhile(
  state: LogState,
  highWatermark: number,
  isDeletable: (segment: Segment, endOffset: number) => boolean,
): number {
  const segments = state.segments.all()
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1
    const endOffset = isLast ? state.endOffset : segments[i + 1]!.baseOffset
    const isKept =
      endOffset > highWatermark || (isLast && segment.size === 0) || !isDeletable(segment, endOffset)
    if (isKept) return i
  }
  return segments.length
}

function isOlder(state: LogState, segment: Segment): boolean {
  const { files, clock } = state.environment
  const newest = segment.maxTimestamp >= 0 ? segment.maxTimestamp : files.modifiedMsSync(segment.file.path)
  return newest !== undefined && clock.wallMs() - newest > state.config.retentionMs
}

/** A rule that lets go as long as what is left is still at least the limit. */
function bySize(excessBytes: number): (segment: Segment) => boolean {
  let left = excessBytes
  return (segment) => {
    left -= segment.size
    return left >= 0
  }
}
