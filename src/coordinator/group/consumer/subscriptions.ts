// What a consumer group subscribes to: by name and by pattern, counted over its members. Promises to follow members as
// they come, change and go, and a copy for looking at a change before it is made. Leaves resolving patterns to
// patterns.ts, and what changes when topics do to topic-hash.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import type { ConsumerMember } from './member.ts'

/** The topics that a pattern stood for when it was last looked at. */
export interface ResolvedPattern {
  readonly topics: ReadonlySet<string>
  /** Of the image it was resolved against. */
  readonly version: number
  readonly timestampMs: number
}

/** What counts of a member here. */
export type Subscriber = Pick<ConsumerMember, 'subscribedTopicNames' | 'subscribedTopicRegex'>

const NO_TOPICS: ReadonlySet<string> = new Set()

export class Subscriptions {
  /** How many members subscribe to a topic by its name. */
  private readonly names: Map<string, number>
  /** How many members subscribe to a pattern. */
  private readonly patterns: Map<string, number>
  private readonly resolvedPatterns: Map<string, ResolvedPattern>

  constructor(from?: Subscriptions) {
    this.names = new Map(from?.names)
    this.patterns = new Map(from?.patterns)
    this.resolvedPatterns = new Map(from?.resolvedPatterns)
  }

  /** Counts `after` in place of `before`; undefined is nobody. */
  replace(before: Subscriber | undefined, after: Subscriber | undefined): void {
    for (const name of before?.subscribedTopicNames ?? []) count(this.names, name, -1)
    for (const name of after?.subscribedTopicNames ?? []) count(this.names, name, 1)
    if (before !== undefined && before.subscribedTopicRegex !== '') {
      count(this.patterns, before.subscribedTopicRegex, -1)
    }
    if (after !== undefined && after.subscribedTopicRegex !== '') {
      count(this.patterns, after.subscribedTopicRegex, 1)
    }
  }

  /** Patterns that have subscribers. */
  subscribedPatterns(): IterableIterator<string> {
    return this.patterns.keys()
  }

  hasPatterns(): boolean {
    return this.patterns.size > 0
  }

  isPatternSubscribed(pattern: string): boolean {
    return this.patterns.has(pattern)
  }

  /** Every pattern that was resolved, whether or not somebody still subscribes to it. */
  resolved(): ReadonlyMap<string, ResolvedPattern> {
    return this.resolvedPatterns
  }

  setResolved(pattern: string, resolved: ResolvedPattern): void {
    this.resolvedPatterns.set(pattern, resolved)
  }

  deleteResolved(pattern: string): void {
    this.resolvedPatterns.delete(pattern)
  }

  /** Names of all topics that anybody subscribes to, whether they exist or not. */
  topics(): Set<string> {
    const topics = new Set(this.names.keys())
    for (const pattern of this.resolvedPatterns.values())
      for (const topic of pattern.topics) topics.add(topic)
    return topics
  }

  includes(topic: string): boolean {
    if (this.names.has(topic)) return true
    for (const pattern of this.resolvedPatterns.values()) if (pattern.topics.has(topic)) return true
    return false
  }

  /** Whether all of `memberCount` members subscribe to the same topics. */
  isHomogeneous(memberCount: number): boolean {
    for (const subscribers of this.names.values()) if (subscribers !== memberCount) return false
    for (const subscribers of this.patterns.values()) if (subscribers !== memberCount) return false
    return true
  }

  /** The topics of the member's pattern; none before it is resolved. */
  private patternTopics(member: Subscriber): ReadonlySet<string> {
    return this.resolvedPatterns.get(member.subscribedTopicRegex)?.topics ?? NO_TOPICS
  }

  /** Ids of the existing topics that the member subscribes to. */
  topicIdsOf(member: Subscriber, image: ClusterImage): Set<string> {
    const ids = new Set<string>()
    for (const topics of [member.subscribedTopicNames, this.patternTopics(member)]) {
      for (const topic of topics) {
        const id = image.topics.get(topic)?.id
        if (id !== undefined) ids.add(id)
      }
    }
    return ids
  }
}

function count(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const changed = (counts.get(name) ?? 0) + change
  if (changed > 0) counts.set(name, changed)
  else counts.delete(name)
}
