// Fetch: whole batches from many partitions, at once or when enough has come.
// Promises that bytes go out as they lie in the log, and that one full answer holds at least one batch (KIP-74).
// Leaves sessions to partition/fetch-session.ts and what is visible to partition/.
//
//  4 oldest  6 KAFKA_STORAGE_ERROR (KIP-112)  7 sessions (KIP-227)  9 leader epoch of the reader (KIP-320)
// 10 readers that know zstd (KIP-110)  12 diverging epochs (KIP-595)  13 topic ids (KIP-516)  16 the leader to turn to (KIP-951)
import { release as releaseMemory } from '../lib/memory.ts'
import type { FileRange } from '../log/log.ts'
import type { FetchPlan, FetchPosition } from '../partition/fetch-session.ts'
import type { Partition, PartitionRead, PartitionReadOptions } from '../partition/partition.ts'
import { FetchWait } from '../partition/waits.ts'
import type { FetchRequest, fetch } from '../wire/apis/fetch.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import { EMPTY_BYTES, type Input, ZERO_UUID } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError, localPartition, topicNameOf } from './each.ts'
import { currentLeaderOf, leaderEndpoints } from './leader-hint.ts'

type FetchAnswer = Input<typeof fetch.response>
type TopicAnswer = NonNullable<FetchAnswer['responses']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

const TOPIC_ID_VERSION = 13
const LEADER_HINT_VERSION = 16
const STORAGE_ERROR_VERSION = 6
const READ_COMMITTED = 1
/**
 * How much of one answer may be views of memory. A client that does not take its answer holds them, and with them an old
 * tail of a log: what is more than this is read from the file when its turn comes.
 */
const MEMORY_BYTES = 2 * 1024 * 1024
/** Requests of consumers carry this (or, for tools that debug, lower) instead of a broker id. */
const NO_REPLICA = -1

interface PositionRead {
  readonly position: FetchPosition
  readonly partition: Partition | undefined
  readonly outcome: PartitionRead | KafkaError
}

interface Reads {
  readonly all: readonly PositionRead[]
  /**
   * What counts towards `minBytes`: also bytes that are there, but did not fit into this answer. To wait for more of them
   * would help nobody.
   */
  readonly countedBytes: number
  /** Something other than bytes has to be told at once, or a reader is behind: its next read finds more anyway. */
  readonly isUrgent: boolean
}

export function handleFetch(
  request: FetchRequest,
  context: RequestContext,
): FetchAnswer | Promise<FetchAnswer> {
  const plan = context.broker.fetchSessions.plan(request, context.apiVersion)
  if (plan.error !== undefined) return { errorCode: plan.error.code, sessionId: 0, responses: [] }
  const reads = readAll(plan, request, context)
  const isDue =
    request.maxWaitMs <= 0 ||
    plan.positions.length === 0 ||
    reads.isUrgent ||
    reads.countedBytes >= minBytesOf(request, context)
  return isDue ? answer(plan, reads, context) : wait(plan, reads, request, context)
}

/** Reads again whenever enough may have come, and answers with what there is at the deadline or when nobody waits any more. */
async function wait(
  plan: FetchPlan,
  firstReads: Reads,
  request: FetchRequest,
  context: RequestContext,
): Promise<FetchAnswer> {
  const { clock } = context.broker
  const deadlineMs = clock.monotonicMs() + request.maxWaitMs
  const minBytes = minBytesOf(request, context)
  let reads = firstReads
  let isGone = false
  let more: FetchWait | undefined
  const forget = context.whenClosed(() => {
    isGone = true
    more?.end()
  })
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicMs()
    if (isGone || leftMs <= 0 || reads.isUrgent || reads.countedBytes >= minBytes) break
    more = new FetchWait(clock, leftMs, minBytes - reads.countedBytes)
    for (const read of reads.all) {
      if (read.partition !== undefined) more.join(read.partition.fetchWaits, mayGrow(read))
    }
    release(reads)
    await more.promise
    reads = readAll(plan, request, context)
  }
  forget()
  return answer(plan, reads, context)
}

/** False when the partition gives as much as it may: more would wake the request for nothing, again and again. */
function mayGrow({ position, outcome }: PositionRead): boolean {
  return !(outcome instanceof KafkaError) && outcome.availableBytes < position.maxBytes
}

function maxBytesOf(request: FetchRequest, context: RequestContext): number {
  return Math.min(request.maxBytes, context.broker.config().fetchMaxBytes)
}

/** Nobody waits for more than one answer may hold. */
function minBytesOf(request: FetchRequest, context: RequestContext): number {
  return Math.min(request.minBytes, maxBytesOf(request, context))
}

function readAll(plan: FetchPlan, request: FetchRequest, context: RequestContext): Reads {
  const all: PositionRead[] = []
  let byteLength = 0
  let countedBytes = 0
  let isUrgent = false
  let memoryBytes = 0
  const maxBytes = maxBytesOf(request, context)
  for (const position of plan.positions) {
    const left = {
      maxBytes: maxBytes - byteLength,
      maxMemoryBytes: MEMORY_BYTES - memoryBytes,
      minOneBatch: byteLength === 0,
    }
    const read = readOne(position, request, context, left)
    all.push(read)
    if (read.outcome instanceof KafkaError) {
      isUrgent = true
    } else {
      const { availableBytes, isContinued } = read.outcome
      byteLength += read.outcome.byteLength
      countedBytes += Math.max(read.outcome.byteLength, Math.min(availableBytes, position.maxBytes))
      for (const part of read.outcome.parts) if (part instanceof Uint8Array) memoryBytes += part.byteLength
      if (isContinued || read.outcome.divergingEpoch !== undefined) isUrgent = true
    }
  }
  return { all, countedBytes, isUrgent }
}

function readOne(
  position: FetchPosition,
  request: FetchRequest,
  context: RequestContext,
  left: Pick<PartitionReadOptions, 'maxBytes' | 'maxMemoryBytes' | 'minOneBatch'>,
): PositionRead {
  const { broker, apiVersion } = context
  let partition: Partition | undefined
  try {
    const name = apiVersion >= TOPIC_ID_VERSION ? topicNameOf(broker, position.topicId) : position.topic
    partition = localPartition(broker, name, position.partition)
    if (replicaIdOf(request) > NO_REPLICA) {
      throw new KafkaError(
        errors.NOT_LEADER_OR_FOLLOWER,
        'the fetching broker is not a replica of the partition',
      )
    }
    const outcome = partition.read(position.fetchOffset, {
      isolation: request.isolationLevel === READ_COMMITTED ? 'read_committed' : 'read_uncommitted',
      currentLeaderEpoch: position.currentLeaderEpoch,
      lastFetchedEpoch: position.lastFetchedEpoch,
      ...left,
      maxBytes: Math.max(0, Math.min(position.maxBytes, left.maxBytes)),
    })
    return { position, partition, outcome }
  } catch (error) {
    return { position, partition, outcome: asKafkaError(error, broker) }
  }
}

function replicaIdOf(request: FetchRequest): number {
  return Math.max(request.replicaId, request.replicaState.replicaId)
}

function release(reads: Reads): void {
  for (const { outcome } of reads.all) if (!(outcome instanceof KafkaError)) releaseParts(outcome.parts)
}

function releaseParts(parts: readonly (Uint8Array | FileRange)[]): void {
  for (const part of parts) {
    if (part instanceof Uint8Array) releaseMemory(part)
    else part.release()
  }
}

function answer(plan: FetchPlan, reads: Reads, context: RequestContext): FetchAnswer {
  const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = []
  const movedTo = new Set<number>()
  for (const read of reads.all) {
    const { position, outcome } = read
    if (!plan.mustMention(position, summaryOf(outcome))) continue
    let topic = responses.at(-1)
    if (topic === undefined || topic.topic !== position.topic || topic.topicId !== position.topicId) {
      topic = { topic: position.topic, topicId: position.topicId, partitions: [] }
      responses.push(topic)
    }
    topic.partitions.push(
      outcome instanceof KafkaError
        ? failure(read, outcome, context, movedTo)
        : success(position.partition, outcome),
    )
  }
  const head = { errorCode: 0, sessionId: plan.sessionId, responses }
  return movedTo.size === 0 ? head : { ...head, nodeEndpoints: leaderEndpoints(context, movedTo) }
}

function summaryOf(outcome: PartitionRead | KafkaError) {
  if (outcome instanceof KafkaError) {
    return {
      errorCode: outcome.code,
      highWatermark: -1,
      logStartOffset: -1,
      recordBytes: 0,
      hasDivergingEpoch: false,
    }
  }
  return {
    errorCode: 0,
    highWatermark: outcome.highWatermark,
    logStartOffset: outcome.logStartOffset,
    recordBytes: outcome.byteLength,
    hasDivergingEpoch: outcome.divergingEpoch !== undefined,
  }
}

function success(partitionIndex: number, read: PartitionRead): PartitionAnswer {
  const found: PartitionAnswer = {
    partitionIndex,
    errorCode: 0,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: read.abortedTransactions,
    // Parsers of other people's clients trip over null.
    records: read.byteLength === 0 ? EMPTY_BYTES : read.parts,
  }
  if (read.divergingEpoch === undefined) return found
  const { leaderEpoch, endOffset } = read.divergingEpoch
  return { ...found, divergingEpoch: { epoch: leaderEpoch, endOffset } }
}

function failure(
  { position, partition }: PositionRead,
  error: KafkaError,
  context: RequestContext,
  movedTo: Set<number>,
): PartitionAnswer {
  const isStorageError = error.error === errors.KAFKA_STORAGE_ERROR
  // Null once the log was reached, as Apache Kafka 4.3 does it (measured).
  const isOfLog = partition !== undefined
  const failed: PartitionAnswer = {
    partitionIndex: position.partition,
    // Older clients do not know what it means, but that there is something to try again (KIP-112).
    errorCode:
      isStorageError && context.apiVersion < STORAGE_ERROR_VERSION
        ? errors.NOT_LEADER_OR_FOLLOWER.code
        : error.code,
    highWatermark: -1,
    abortedTransactions: isOfLog ? null : [],
    records: EMPTY_BYTES,
  }
  const isMoved = error.error === errors.NOT_LEADER_OR_FOLLOWER || error.error === errors.FENCED_LEADER_EPOCH
  if (!isMoved || context.apiVersion < LEADER_HINT_VERSION) return failed
  const named = { name: position.topic, topicId: position.topicId || ZERO_UUID }
  const currentLeader = currentLeaderOf(context.broker, named, position.partition)
  movedTo.add(currentLeader.leaderId)
  return { ...failed, currentLeader }
}
