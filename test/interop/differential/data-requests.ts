// One-line makers of the steps of the data plane, for the tables and for the random sequences.
// Promises requests that are the same for both brokers but for the ids that each gave out. Leaves what is interesting to
// the tables.
import { fetch } from '../../../src/wire/apis/fetch.ts'
import { listOffsets } from '../../../src/wire/apis/list-offsets.ts'
import { produce } from '../../../src/wire/apis/produce.ts'
import { idOf, type Side, type Step, step } from './sides.ts'

export interface ProduceOptions {
  readonly partition?: number
  readonly version?: number
  readonly acks?: number
  readonly transactionalId?: string | null
  readonly clientId?: string
}

export type BatchMaker = Buffer | null | ((side: Side) => Buffer | null)

/** A Produce request of one batch. */
export function produceStep(
  name: string,
  topic: string,
  batch: BatchMaker,
  options: ProduceOptions = {},
): Step {
  const { partition = 0, version = 9, acks = -1, transactionalId = null, clientId } = options
  return step(
    name,
    produce,
    version,
    (side) => ({
      transactionalId,
      acks,
      timeoutMs: 10_000,
      topicData: [
        {
          name: topic,
          topicId: idOf(side, topic),
          // The broker may write into the bytes that it gets: each gets its own.
          partitionData: [
            { index: partition, records: copyOf(typeof batch === 'function' ? batch(side) : batch) },
          ],
        },
      ],
    }),
    { isUnanswered: acks === 0, ...(clientId !== undefined && { clientId }) },
  )
}

const copyOf = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))

export interface FetchPlace {
  readonly topic: string
  readonly partition?: number
  readonly offset?: number
  readonly maxBytes?: number
  readonly leaderEpoch?: number
  readonly fetchedEpoch?: number
  readonly logStartOffset?: number
}

export interface FetchOptions {
  readonly version?: number
  readonly maxBytes?: number
  readonly minBytes?: number
  readonly maxWaitMs?: number
  readonly isolationLevel?: number
  /** Name of a session and the epoch to send; `open` keeps the id of the answer under that name. */
  readonly session?: { readonly name: string; readonly epoch: number; readonly opens?: boolean }
  readonly forgotten?: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  readonly replicaId?: number
  readonly rackId?: string
}

/** A Fetch request; places of the same topic that follow each other share an entry. */
export function fetchStep(name: string, places: readonly FetchPlace[], options: FetchOptions = {}): Step {
  const { version = 12, maxBytes = 50_000_000, minBytes = 1, maxWaitMs = 0, session } = options
  const request = (side: Side) => ({
    replicaId: options.replicaId ?? -1,
    replicaState: { replicaId: options.replicaId ?? -1, replicaEpoch: -1 },
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: options.isolationLevel ?? 0,
    sessionId:
      session === undefined ? 0 : (side.sessions.get(session.name) ?? (session.name === '' ? 0 : 12_345)),
    sessionEpoch: session?.epoch ?? -1,
    topics: grouped(places).map(([topic, list]) => ({
      topic,
      topicId: idOf(side, topic),
      partitions: list.map((place) => ({
        partition: place.partition ?? 0,
        currentLeaderEpoch: place.leaderEpoch ?? -1,
        fetchOffset: place.offset ?? 0,
        lastFetchedEpoch: place.fetchedEpoch ?? -1,
        logStartOffset: place.logStartOffset ?? -1,
        partitionMaxBytes: place.maxBytes ?? 50_000_000,
      })),
    })),
    forgottenTopicsData: (options.forgotten ?? []).map(({ topic, partitions }) => ({
      topic,
      topicId: idOf(side, topic),
      partitions: [...partitions],
    })),
    rackId: options.rackId ?? '',
  })
  const keep = (side: Side, answer: { readonly sessionId?: unknown }) => {
    if (session?.opens === true) side.sessions.set(session.name, Number(answer.sessionId))
  }
  return step(name, fetch, version, request, { after: keep })
}

function grouped(places: readonly FetchPlace[]): [string, FetchPlace[]][] {
  const groups: [string, FetchPlace[]][] = []
  for (const place of places) {
    const last = groups.at(-1)
    if (last?.[0] === place.topic) last[1].push(place)
    else groups.push([place.topic, [place]])
  }
  return groups
}

export interface OffsetQuestion {
  readonly topic: string
  readonly partition?: number
  readonly timestamp: number
  readonly leaderEpoch?: number
}

export function listOffsetsStep(
  name: string,
  questions: readonly OffsetQuestion[],
  { version = 11, isolationLevel = 0, replicaId = -1 } = {},
): Step {
  const topics = [...new Set(questions.map(({ topic }) => topic))].map((topic) => ({
    name: topic,
    partitions: questions
      .filter((question) => question.topic === topic)
      .map(({ partition = 0, timestamp, leaderEpoch = -1 }) => ({
        partitionIndex: partition,
        timestamp,
        currentLeaderEpoch: leaderEpoch,
      })),
  }))
  return step(name, listOffsets, version, { replicaId, isolationLevel, topics, timeoutMs: 1000 })
}
