// Subscriptions by pattern (KIP-848): which topics a pattern stands for, and when to look again. Promises that a member's
// new pattern counts in the very heartbeat that brings it, and that topics made later are found within a second of the next
// heartbeat. Leaves the syntax of patterns to regex.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import { compilePattern, matchingTopics, type TopicPattern } from '../regex.ts'
import type { Draft } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { listNames } from './words.ts'

/** Topics that change at every moment must not keep all groups matching names. Kafka waits 10 s. */
const LEAST_REFRESH_INTERVAL_MS = 1000

/** Takes up the pattern of a member, and looks again at those of the whole group when it is time. True if topics came or went. */
export function followPatterns(
  draft: Draft,
  before: ConsumerMember,
  member: ConsumerMember,
  nowMs: number,
): boolean {
  const pattern = member.subscribedTopicRegex
  const image = draft.group.surroundings.image()
  let hasChanged = false
  if (pattern !== before.subscribedTopicRegex && pattern !== '') {
    if (!draft.subscriptions.resolved().has(pattern)) {
      // Read before anything of it is kept: a pattern that cannot be read is an error of this request.
      const topics = resolve(pattern, image)
      draft.setResolved(pattern, { topics, version: image.version, timestampMs: nowMs })
    }
    hasChanged = true
  }
  if (pattern !== before.subscribedTopicRegex && before.subscribedTopicRegex !== '') {
    hasChanged = true
    if (!draft.subscriptions.isPatternSubscribed(before.subscribedTopicRegex)) {
      draft.deleteResolved(before.subscribedTopicRegex)
    }
  }
  return refreshPatterns(draft, nowMs) || hasChanged
}

/** Resolves all patterns of the group again if topics have changed or it was long ago. True if topics came or went. */
function refreshPatterns(draft: Draft, nowMs: number): boolean {
  if (!draft.subscriptions.hasPatterns()) return false
  const { group } = draft
  const image = group.surroundings.image()
  const last = group.resolvedImage
  if (last !== undefined) {
    const ageMs = nowMs - last.atMs
    const isDue =
      (last.image.topics !== image.topics && ageMs >= LEAST_REFRESH_INTERVAL_MS) ||
      ageMs >= group.surroundings.config().groupConsumerRegexRefreshIntervalMs
    if (!isDue) return false
  }
  draft.after(() => {
    group.resolvedImage = { image, atMs: nowMs }
  })
  draft.onFailed(() => {
    group.resolvedImage = last
  })
  let hasChanged = false
  for (const pattern of draft.subscriptions.subscribedPatterns()) {
    const known = draft.subscriptions.resolved().get(pattern)
    const topics = resolveAgain(pattern, image)
    if (topics === undefined || (known !== undefined && sameSet(known.topics, topics))) continue
    draft.setResolved(pattern, { topics, version: image.version, timestampMs: nowMs })
    draft.note({
      kind: 'metadata-changed',
      generation: draft.groupEpoch,
      reason: `the pattern ${listNames([pattern])} now stands for ${listNames([...topics])}`,
    })
    hasChanged = true
  }
  return hasChanged
}

/**
 * Undefined for a pattern that cannot be read: another broker wrote it, with a syntax or a length that is none here. It
 * stands for what it stood for there, and those who use the group with it must not suffer from it.
 */
function resolveAgain(pattern: string, image: ClusterImage): ReadonlySet<string> | undefined {
  try {
    return resolve(pattern, image)
  } catch (error) {
    if (error instanceof KafkaError && error.error === errors.INVALID_REGULAR_EXPRESSION) return undefined
    throw error
  }
}

interface Known {
  readonly pattern: TopicPattern
  resolved: { readonly in: ClusterImage['topics']; readonly topics: ReadonlySet<string> } | undefined
}

const MOST_KNOWN = 500
/** Patterns of all groups: many use the same, and reading one is not cheap. */
const knownPatterns = new Map<string, Known>()

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
function resolve(pattern: string, image: ClusterImage): ReadonlySet<string> {
  let known = knownPatterns.get(pattern)
  if (known === undefined) {
    if (knownPatterns.size >= MOST_KNOWN) knownPatterns.clear()
    known = { pattern: compilePattern(pattern), resolved: undefined }
    knownPatterns.set(pattern, known)
  }
  if (known.resolved?.in !== image.topics) {
    known.resolved = { in: image.topics, topics: matchingTopics(known.pattern, image) }
  }
  return known.resolved.topics
}

function sameSet(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const item of left) if (!right.has(item)) return false
  return true
}
