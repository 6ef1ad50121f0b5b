// Incremental fetches (KIP-227): the broker remembers what a client reads, so that a request names only what changed
// and an answer carries only what is new. Promises bounded memory (max.incremental.fetch.session.cache.slots, and so many
// partitions in all, whether they exist or not) and
// Kafka's rules for epochs and for which partitions an answer may leave out. Leaves reading to read.ts.
//
//   session id, epoch in the request        meaning
//   0, 0                                    read all that is named; open a session if there is room
//   any, -1                                 read all that is named; close the session if one was named
//   id, 0                                   drop that session, open a new one
//   id, n                                   read the session's partitions as changed by this request
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { FetchRequest } from '../wire/apis/fetch.ts'
import { type ErrorCode, errors } from '../wire/errors.ts'

/** One partition that a client reads, and what it was told last. */
export interface FetchPosition {
  /** Empty when the client named the topic by id only. */
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  fetchOffset: number
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  toldHighWatermark: number
  toldLogStartOffset: number
}

/** What one answer says of a partition, as far as the decision to leave it out goes. */
export interface FetchOutcome {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly recordBytes: number
  readonly hasDivergingEpoch: boolean
}

/** What a request asks for once its session is taken into account. */
export interface FetchPlan {
  /** Set when the whole request is refused. */
  readonly error?: ErrorCode
  /** The session to name in the answer; 0 for none. */
  readonly sessionId: number
  readonly positions: readonly FetchPosition[]
  /** Whether the answer must mention the partition; called once for each position, in the order of the answer. */
  mustMention(position: FetchPosition, outcome: FetchOutcome): boolean
}

const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
/** A session that was used within this time is never evicted for another. */
const EVICTABLE_AFTER_MS = 120_000
/** Partitions of one session: each of its requests, however short, reads all of them. */
const MOST_POSITIONS = 50_000
/** Partitions of all sessions together. */
const MOST_POSITIONS_OF_ALL = 200_000
/** From this version on topics are named by id. */
const TOPIC_ID_VERSION = 13
const LARGEST_INT32 = 2 ** 31 - 1

interface FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly positions: Map<string, FetchPosition>
  /** The epoch the next request must carry. */
  nextEpoch: number
  lastUsedMs: number
}

export class FetchSessions {
  private readonly maxSessions: number
  private readonly clock: Clock
  private readonly random: Random
  /** In order of last use, the least recent first. */
  private readonly sessions = new Map<number, FetchSession>()
  /** Partitions in all of them. */
  private positionCount = 0

  constructor(maxSessions: number, clock: Clock, random: Random) {
    this.maxSessions = maxSessions
    this.clock = clock
    this.random = random
  }

  get count(): number {
    return this.sessions.size
  }

  /** Turns a request into the list of partitions to read. Never throws: refusals are in the plan's `error`. */
  plan(request: FetchRequest, apiVersion: number): FetchPlan {
    const { sessionId, sessionEpoch } = request
    const usesTopicIds = apiVersion >= TOPIC_ID_VERSION
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.drop(this.sessions.get(sessionId))
      const positions = namedPositions(request, usesTopicIds)
      if (sessionEpoch === FINAL_EPOCH) return fullPlan(0, positions)
      return fullPlan(this.open(positions, usesTopicIds), [...positions.values()])
    }
    const session = this.sessions.get(sessionId)
    if (session === undefined) return refusal(errors.FETCH_SESSION_ID_NOT_FOUND)
    if (session.nextEpoch !== sessionEpoch) return refusal(errors.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds) return refusal(errors.FETCH_SESSION_TOPIC_ID_ERROR)
    return this.continue(session, request)
  }

  private open(positions: Map<string, FetchPosition>, usesTopicIds: boolean): number {
    if (positions.size === 0 || !this.hasRoom(positions.size)) return 0
    let id = 0
    while (id === 0 || this.sessions.has(id)) id = 1 + this.random.below(LARGEST_INT32 - 1)
    this.keep({ id, usesTopicIds, positions, nextEpoch: 1, lastUsedMs: this.clock.monotonicMs() })
    return id
  }

  private keep(session: FetchSession): void {
    this.sessions.set(session.id, session)
    this.positionCount += session.positions.size
  }

  private drop(session: FetchSession | undefined): void {
    if (session === undefined || !this.sessions.delete(session.id)) return
    this.positionCount -= session.positions.size
  }

  private hasRoom(positions: number): boolean {
    if (positions > MOST_POSITIONS) return false
    while (this.sessions.size >= this.maxSessions || this.positionCount + positions > MOST_POSITIONS_OF_ALL) {
      const oldest = this.sessions.values().next().value
      if (oldest === undefined || this.clock.monotonicMs() - oldest.lastUsedMs < EVICTABLE_AFTER_MS)
        return false
      this.drop(oldest)
    }
    return true
  }

  private continue(session: FetchSession, request: FetchRequest): FetchPlan {
    session.nextEpoch = session.nextEpoch === LARGEST_INT32 ? 1 : session.nextEpoch + 1
    session.lastUsedMs = this.clock.monotonicMs()
    this.drop(session)
    for (const topic of request.forgottenTopicsData) {
      for (const partition of topic.partitions) {
        session.positions.delete(positionKey(session.usesTopicIds ? topic.topicId : topic.topic, partition))
      }
    }
    for (const [key, named] of namedPositions(request, session.usesTopicIds)) {
      const known = session.positions.get(key)
      if (known === undefined) session.positions.set(key, named)
      else move(known, named)
    }
    if (session.positions.size === 0) return fullPlan(0, [])
    // It has grown too large: the client begins anew, and will have no session then.
    if (!this.hasRoom(session.positions.size)) return refusal(errors.FETCH_SESSION_ID_NOT_FOUND)
    this.keep(session)
    return {
      sessionId: session.id,
      positions: [...session.positions.values()],
      mustMention: (position, outcome) => mentionInSession(session, position, outcome),
    }
  }
}

function positionKey(topic: string, partition: number): string {
  return `${partition}:${topic}`
}

function namedPositions(request: FetchRequest, usesTopicIds: boolean): Map<string, FetchPosition> {
  const positions = new Map<string, FetchPosition>()
  for (const topic of request.topics) {
    for (const named of topic.partitions) {
      positions.set(positionKey(usesTopicIds ? topic.topicId : topic.topic, named.partition), {
        topic: topic.topic,
        topicId: topic.topicId,
        partition: named.partition,
        fetchOffset: named.fetchOffset,
        maxBytes: named.partitionMaxBytes,
        currentLeaderEpoch: named.currentLeaderEpoch,
        lastFetchedEpoch: named.lastFetchedEpoch,
        toldHighWatermark: -1,
        toldLogStartOffset: -1,
      })
    }
  }
  return positions
}

function move(position: FetchPosition, to: FetchPosition): void {
  position.fetchOffset = to.fetchOffset
  position.maxBytes = to.maxBytes
  position.currentLeaderEpoch = to.currentLeaderEpoch
  position.lastFetchedEpoch = to.lastFetchedEpoch
}

function refusal(error: ErrorCode): FetchPlan {
  return { error, sessionId: 0, positions: [], mustMention: () => false }
}

function fullPlan(
  sessionId: number,
  positions: Iterable<FetchPosition> | Map<string, FetchPosition>,
): FetchPlan {
  return {
    sessionId,
    positions: positions instanceof Map ? [...positions.values()] : [...positions],
    mustMention(position, outcome) {
      remember(position, outcome)
      return true
    },
  }
}

function remember(position: FetchPosition, outcome: FetchOutcome): void {
  // After an error nothing is known to the client: the next answer must mention the partition whatever it holds.
  position.toldHighWatermark = outcome.errorCode === 0 ? outcome.highWatermark : -1
  position.toldLogStartOffset = outcome.errorCode === 0 ? outcome.logStartOffset : -1
}

function mentionInSession(session: FetchSession, position: FetchPosition, outcome: FetchOutcome): boolean {
  const isNews =
    outcome.recordBytes > 0 ||
    outcome.errorCode !== 0 ||
    outcome.hasDivergingEpoch ||
    outcome.highWatermark !== position.toldHighWatermark ||
    outcome.logStartOffset !== position.toldLogStartOffset
  remember(position, outcome)
  if (outcome.recordBytes > 0) {
    // Whoever got data goes to the end of the queue: a request's byte limit must not starve the partitions behind.
    const key = positionKey(session.usesTopicIds ? position.topicId : position.topic, position.partition)
    if (session.positions.delete(key)) session.positions.set(key, position)
  }
  return isNews
}
