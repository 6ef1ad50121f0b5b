// Subscriptions by pattern (KIP-848): which topics a pattern stands for, and when to look again. Promises that a member's
// new pattern counts in the very heartbeat that brings it, or with the first one after its topics are known if it takes long to
// find them, and that topics made later are found within a second of the next heartbeat. Leaves finding them to
// topic-patterns.ts, and the syntax of patterns to regex.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Draft } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { listNames } from './words.ts'

/** Topics that change at every moment must not keep all groups matching names. Kafka waits 10 s. */
const LEAST_REFRESH_INTERVAL_MS = 1000

export interface PatternNews {
  /** The member has another pattern, or topics came or went for one of the group's. */
  readonly hasChanged: boolean
  /** What the group subscribes to is not what it was: a pattern whose topics are not known yet changes nothing. */
  readonly needsEpoch: boolean
}

/** Takes up the pattern of a member, and looks again at those of the whole group when it is time. */
export function followPatterns(
  draft: Draft,
  before: ConsumerMember,
  member: ConsumerMember,
  nowMs: number,
): PatternNews {
  const pattern = member.subscribedTopicRegex
  const hasOther = pattern !== before.subscribedTopicRegex
  // Read before anything of it is kept: a pattern that cannot be read is an error of this request.
  const isKnown = !hasOther || pattern === '' || takeUp(draft, pattern, nowMs)
  if (hasOther && before.subscribedTopicRegex !== '') {
    if (!draft.subscriptions.isPatternSubscribed(before.subscribedTopicRegex)) {
      draft.deleteResolved(before.subscribedTopicRegex)
    }
  }
  const hasRefreshed = refreshPatterns(draft, nowMs, isKnown)
  return { hasChanged: hasOther || hasRefreshed, needsEpoch: (hasOther && isKnown) || hasRefreshed }
}

/** False: its topics are not known yet. @throws KafkaError INVALID_REGULAR_EXPRESSION */
function takeUp(draft: Draft, pattern: string, nowMs: number): boolean {
  if (draft.subscriptions.resolved().has(pattern)) return true
  const { surroundings } = draft.group
  const image = surroundings.image()
  const topics = surroundings.patterns.resolve(pattern, image.topics)
  if (topics !== undefined) {
    draft.setResolved(pattern, { topics, version: image.version, timestampMs: nowMs })
    return true
  }
  draft.note({
    kind: 'metadata-changed',
    generation: draft.groupEpoch,
    reason: `it takes a while to find the topics of the pattern ${listNames([pattern])}: it stands for none until then`,
  })
  return false
}

/**
 * Resolves all patterns of the group again if topics have changed, it was long ago, or it was not known for all of them last
 * time. True if topics came or went.
 */
function refreshPatterns(draft: Draft, nowMs: number, isKnown: boolean): boolean {
  if (!draft.subscriptions.hasPatterns()) return false
  const { group } = draft
  const image = group.surroundings.image()
  const last = group.resolvedImage
  if (last?.isComplete) {
    const ageMs = nowMs - last.atMs
    const isDue =
      !isKnown ||
      (last.image.topics !== image.topics && ageMs >= LEAST_REFRESH_INTERVAL_MS) ||
      ageMs >= group.surroundings.config().groupConsumerRegexRefreshIntervalMs
    if (!isDue) return false
  }
  let isComplete = true
  let hasChanged = false
  for (const pattern of draft.subscriptions.subscribedPatterns()) {
    const known = draft.subscriptions.resolved().get(pattern)
    const topics = resolveAgain(draft, pattern, image)
    if (topics === 'not yet') isComplete = false
    if (typeof topics !== 'object' || (known !== undefined && sameSet(known.topics, topics))) continue
    draft.setResolved(pattern, { topics, version: image.version, timestampMs: nowMs })
    draft.note({
      kind: 'metadata-changed',
      generation: draft.groupEpoch,
      reason: `the pattern ${listNames([pattern])} now stands for ${listNames([...topics])}`,
    })
    hasChanged = true
  }
  draft.after(() => {
    group.resolvedImage = { image, atMs: nowMs, isComplete }
  })
  draft.onFailed(() => {
    group.resolvedImage = last
  })
  return hasChanged
}

/**
 * Unreadable: another broker wrote it, with a syntax or a length that is none here. It stands for what it stood for there, and
 * those who use the group with it must not suffer from it.
 */
function resolveAgain(
  { group: { surroundings } }: Draft,
  pattern: string,
  image: ClusterImage,
): ReadonlySet<string> | 'not yet' | 'unreadable' {
  try {
    return surroundings.patterns.resolve(pattern, image.topics) ?? 'not yet'
  } catch (error) {
    if (error instanceof KafkaError && error.error === errors.INVALID_REGULAR_EXPRESSION) return 'unreadable'
    throw error
  }
}

function sameSet(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const item of left) if (!right.has(item)) return false
  return true
}
