// What happened to a group, and why, in the order of time: for people who ask why a rebalance took place.
// Promises a bounded number of events for each group and for all groups together. Leaves telling them to explain.
import type { Clock } from '../../lib/clock.ts'

/** Who or what made it happen, in words; and the numbers that go with it. */
export interface TimelineEvent {
  readonly kind:
    | 'created'
    | 'loaded'
    | 'member-joined'
    | 'member-left'
    | 'member-timed-out'
    | 'member-fenced'
    | 'member-replaced'
    | 'subscription-changed'
    | 'metadata-changed'
    | 'rebalance-started'
    | 'rebalance-completed'
    | 'assignment'
    | 'reconciled'
    | 'group-emptied'
    | 'protocol-changed'
    | 'offsets-expired'
    | 'deleted'
  /** The generation or group epoch after it, where there is one. */
  readonly generation?: number
  readonly memberId?: string
  readonly clientId?: string
  readonly clientHost?: string
  readonly groupInstanceId?: string | null
  /** Why, in one sentence: "the session of 45000 ms ran out". */
  readonly reason: string
}

export interface TimedEvent extends TimelineEvent {
  readonly atMs: number
}

/** A part of a text keeps the whole of it in memory: 30 KB that a client gave as its reason, of which 255 are shown. */
function withOwnTexts(event: TimelineEvent): TimelineEvent {
  const copied = Object.entries(event).map(([name, value]) => [
    name,
    typeof value === 'string' ? Buffer.from(value).toString() : value,
  ])
  return Object.fromEntries(copied) as TimelineEvent
}

/** The last events of each group are kept. */
const EVENTS_PER_GROUP = 200
/** Of all groups together: some hundred megabytes at most. */
const MAX_EVENTS = 200_000
/** Groups beyond this lose their timeline, the ones first to which nothing has happened for the longest. */
const MAX_GROUPS = 10_000

export class Timelines {
  private readonly clock: Clock
  private events = 0
  private readonly byGroup = new Map<string, TimedEvent[]>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  note(groupId: string, event: TimelineEvent): void {
    const events = this.byGroup.get(groupId) ?? []
    this.byGroup.delete(groupId)
    this.byGroup.set(groupId, events)
    events.push({ ...withOwnTexts(event), atMs: this.clock.wallMs() })
    if (events.length > EVENTS_PER_GROUP) events.shift()
    else this.events++
    for (const [quiet, lost] of this.byGroup) {
      if (this.byGroup.size <= MAX_GROUPS && this.events <= MAX_EVENTS) break
      this.byGroup.delete(quiet)
      this.events -= lost.length
    }
  }

  /** Oldest first. */
  of(groupId: string): readonly TimedEvent[] {
    return this.byGroup.get(groupId) ?? []
  }
}
