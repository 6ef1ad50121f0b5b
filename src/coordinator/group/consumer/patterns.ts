// Subscriptions by pattern (KIP-848): which topics a pattern stands for, and when to look again. Promises that a member's
// new pattern counts in the very heartbeat that brings it, or with the first one after its topics are known if it takes long to
// find them, and that topics made later are found within a second of the next heartbeat. Leaves finding them to
// topic-patterns.ts, and the syntax of patterns to regex.ts.
import type { ClusterImage } from '../../../cluster/image.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { Draft } from './draft.ts'
import type { ConsumerMember } from './member.ts'
import { listNames } from './words.ts'

/** Topics that change at every moment must not keep all groups matching names. Kafka waits 10 s. */
const LEAST_REFRESH_INTERVAL_MS = 1000

/** What a heartbeat takes up beside a pattern of its own: the records have to fit into a batch. */
const MOST_CHARACTERS = 256 * 1024

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
  const hasRefreshed = refreshPatterns(draft, nowMs, isKnown ? undefined : pattern)
  return { hasChanged: hasOther || hasRefreshed, needsEpoch: (hasOther && isKnown) || hasRefreshed }
}

/** False: its topics are not known yet. @throws KafkaError INVALID_REGULAR_EXPRESSION */
function takeUp(draft: Draft, pattern: string, nowMs: number): boolean {
  if (draft.subscriptions.resolved().has(pattern)) return true
  const { surroundings } = draft.group
  const image = surroundings.image()
  const topics = surroundings.patterns.resolveNew(pattern, image.topics)
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
 * Resolves all patterns of the group again if topics have changed or it was long ago, otherwise those that were not known last
 * time; `unknown` is one more of these. True if topics came or went.
 */
function refreshPatterns(draft: Draft, nowMs: number, unknown: string | undefined): boolean {
  const { group, subscriptions } = draft
  if (!subscriptions.hasPatterns()) return false
  const last = group.resolvedImage
  const isDue = isRefreshDue(group, nowMs)
  const asked = new Set(
    [...(last?.pending ?? [])].filter((pattern) => subscriptions.isPatternSubscribed(pattern)),
  )
  // Those that had to wait come first.
  if (isDue) for (const pattern of subscriptions.subscribedPatterns()) asked.add(pattern)
  if (asked.size === 0 && unknown === undefined) return false
  const { pending, hasChanged } = resolveAll(draft, asked, nowMs)
  if (unknown !== undefined) pending.add(unknown)
  draft.after(() => {
    const { image, atMs } =
      isDue || last === undefined ? { image: group.surroundings.image(), atMs: nowMs } : last
    group.resolvedImage = { image, atMs, pending }
  })
  draft.onFailed(() => {
    group.resolvedImage = last
  })
  return hasChanged
}

function isRefreshDue({ resolvedImage, surroundings }: ConsumerGroup, nowMs: number): boolean {
  if (resolvedImage === undefined) return true
  const { image, atMs } = resolvedImage
  const ageMs = nowMs - atMs
  if (image.topics !== surroundings.image().topics && ageMs >= LEAST_REFRESH_INTERVAL_MS) return true
  return ageMs >= surroundings.config().groupConsumerRegexRefreshIntervalMs
}

/** Takes up what is known of the patterns; the others stand for what they did, and are pending. */
function resolveAll(draft: Draft, patterns: Iterable<string>, nowMs: number) {
  const image = draft.group.surroundings.image()
  const pending = new Set<string>()
  let hasChanged = false
  let characters = 0
  for (const pattern of patterns) {
    const topics = characters < MOST_CHARACTERS ? resolveAgain(draft, pattern, image) : 'not yet'
    if (topics === 'not yet') pending.add(pattern)
    if (typeof topics !== 'object') continue
    const known = draft.subscriptions.resolved().get(pattern)
    characters += topics.size
    if (known !== undefined && sameSet(known.topics, topics)) continue
    for (const topic of topics) characters += topic.length
    draft.setResolved(pattern, { topics, version: image.version, timestampMs: nowMs })
    draft.note({
      kind: 'metadata-changed',
      generation: draft.groupEpoch,
      reason: `the pattern ${listNames([pattern])} now stands for ${listNames([...topics])}`,
    })
    hasChanged = true
  }
  return { pending, hasChanged }
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
