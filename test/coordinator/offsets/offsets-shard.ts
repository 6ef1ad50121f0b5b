// A shard for tests that has offsets and groups, and scripts that are short: `offsetCommit('g', 't-0@5 t-1@7')`.
// Promises the real store, commands and record bytes; groups are simple ones unless a test brings its own.
import assert from 'node:assert/strict'
import { emptyImage } from '../../../src/cluster/image.ts'
import { parseBrokerConfig } from '../../../src/config/broker-config.ts'
import { resolveGroupConfig } from '../../../src/config/group-config.ts'
import { emptyClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { replayGroupMetadata } from '../../../src/coordinator/group/classic/replay.ts'
import type {
  Group,
  GroupSurroundings,
  Groups,
  OffsetExpiry,
  OffsetsClient,
  TopicPartition,
} from '../../../src/coordinator/group/group.ts'
import { commitOffsets, type OffsetsToCommit } from '../../../src/coordinator/group/offsets/commit.ts'
import { deleteGroup, deleteOffsets } from '../../../src/coordinator/group/offsets/delete.ts'
import { startOffsetExpiry } from '../../../src/coordinator/group/offsets/expire.ts'
import { type FetchedTopic, fetchOffsets } from '../../../src/coordinator/group/offsets/fetch.ts'
import { OffsetStore } from '../../../src/coordinator/group/offsets/offset-store.ts'
import { replayOffsetCommit } from '../../../src/coordinator/group/offsets/state.ts'
import { decodeRecord, encodeRecord, type GroupRecord } from '../../../src/coordinator/group/records.ts'
import type { TimelineEvent } from '../../../src/coordinator/group/timeline.ts'
import type { ReplayOrigin, Step } from '../../../src/coordinator/step.ts'
import { SeededRandom } from '../../../src/lib/random.ts'
import { errorByCode } from '../../../src/wire/errors.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { noPatterns } from '../pieces.ts'
import { type Call, TraceShard } from '../trace.ts'

/** Ids of the topics that tests speak of. */
export const topicIds: Readonly<Record<string, string>> = {
  t: 'tttttttttttttttttttttA',
  u: 'uuuuuuuuuuuuuuuuuuuuuA',
}

export const MINUTE_MS = 60_000

/** A group that says what the test wants it to say. */
export class ScriptedGroup implements Group {
  readonly groupId: string
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  stateName = 'Stable'
  isEmpty = false
  refuse: Partial<Record<'commit' | 'fetch' | 'offsetDelete' | 'delete', Error>> = {}
  subscribed: readonly string[] = []
  expiry: OffsetExpiry = { kind: 'since-commit' }
  readonly commits: { client: OffsetsClient; partitions: readonly TopicPartition[] }[] = []

  constructor(groupId: string) {
    this.groupId = groupId
  }

  checkOffsetCommit(client: OffsetsClient, partitions: readonly TopicPartition[]): void {
    this.throwIf('commit')
    this.commits.push({ client, partitions })
  }

  checkTransactionalOffsetCommit(): void {}

  checkOffsetFetch(): void {
    this.throwIf('fetch')
  }

  checkOffsetDelete(): void {
    this.throwIf('offsetDelete')
  }

  checkDelete(): void {
    this.throwIf('delete')
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribed.includes(topic)
  }

  offsetExpiry(): OffsetExpiry {
    return this.expiry
  }

  appendTombstones(step: Step<GroupRecord>): void {
    step.append({ type: 'ConsumerGroupMetadata', key: { groupId: this.groupId }, value: null })
  }

  private throwIf(what: keyof ScriptedGroup['refuse']): void {
    const error = this.refuse[what]
    if (error !== undefined) throw error
  }
}

/** Groups in a map, replayed from their records; those that a test brings are simply there. */
export class OffsetsMachine {
  readonly offsets = new OffsetStore()
  readonly byId = new Map<string, Group>()
  readonly surroundings: GroupSurroundings
  readonly groups: Groups = {
    get: (groupId) => this.byId.get(groupId),
    set: (group) => void this.byId.set(group.groupId, group),
    delete: (groupId) => void this.byId.delete(groupId),
    all: () => this.byId.values(),
  }

  constructor(surroundings: GroupSurroundings) {
    this.surroundings = surroundings
  }

  replay(record: GroupRecord, origin: ReplayOrigin): void {
    if (record.type === 'OffsetCommit') {
      const newGroup = (groupId: string, nowMs: number) =>
        emptyClassicGroup(groupId, nowMs, this.surroundings)
      replayOffsetCommit(this, record, origin, newGroup)
    } else if (record.type === 'GroupMetadata') {
      replayGroupMetadata(this.groups, record, this.surroundings)
    } else if (record.type === 'ConsumerGroupMetadata' && record.value === null) {
      this.byId.delete(record.key.groupId)
    }
  }

  endTransaction(producerId: number, isCommit: boolean): void {
    this.offsets.endTransaction(producerId, isCommit)
  }

  encode(record: GroupRecord) {
    return encodeRecord(record)
  }

  decode(key: Buffer, value: Buffer | null) {
    return decodeRecord(key, value)
  }

  loaded(step: Step<GroupRecord>): void {
    startOffsetExpiry(this, step, this.surroundings)
  }

  /** Everything it knows, to compare two of them. */
  contents(): unknown {
    return Object.fromEntries(
      [...this.offsets.groupIds()].sort().map((groupId) => [
        groupId,
        {
          offsets: [...this.offsets.topicsOf(groupId)].sort().flatMap((topic) =>
            Array.from(this.offsets.offsetsOf(groupId, topic), ([partition, offset]) => ({
              topic,
              partition,
              ...offset,
            })),
          ),
          pending: [...this.offsets.pendingOf(groupId)].map((pending) => JSON.stringify(pending)).sort(),
        },
      ]),
    )
  }
}

export class OffsetsShard extends TraceShard<GroupRecord, OffsetsMachine> {
  readonly notes: (TimelineEvent & { groupId: string })[]

  constructor(settings: Readonly<Record<string, string>> = {}) {
    const config = parseBrokerConfig(settings)
    const notes: (TimelineEvent & { groupId: string })[] = []
    const surroundings: GroupSurroundings = {
      config: () => config,
      groupConfig: () => resolveGroupConfig(config, new Map()),
      image: () => emptyImage('cluster'),
      random: new SeededRandom(1),
      patterns: noPatterns,
      note: (groupId, event) => void notes.push({ groupId, ...event }),
    }
    super(() => new OffsetsMachine(surroundings))
    this.notes = notes
  }

  /** Brings a group of its own into the test. */
  group(groupId: string): ScriptedGroup {
    const group = new ScriptedGroup(groupId)
    this.machine.groups.set(group)
    return group
  }

  /** `t-0@5 t-1@7/3:text`: topic, partition, offset, leader epoch, metadata. Answers `t-0 t-1=ERROR`, or the error. */
  offsetCommit(groupId: string, offsets: string, more: Partial<OffsetsToCommit> = {}): string {
    const call = this.run((machine, step) =>
      commitOffsets(machine, { ...requestOf(groupId, offsets), ...more }, step, machine.surroundings),
    )
    return told(call, ({ topics }) =>
      (topics ?? []).flatMap(({ name, partitions }) =>
        (partitions ?? []).map(({ partitionIndex, errorCode }) =>
          withError(`${name}-${partitionIndex}`, errorCode ?? 0),
        ),
      ),
    )
  }

  /** As TxnOffsetCommit will do: the offsets count when `endTransaction` says so. */
  commitInTransaction(producerId: number, groupId: string, offsets: string): void {
    const records = requestOf(groupId, offsets).topics.flatMap(({ name, topicId, partitions }) =>
      partitions.map(
        (partition): GroupRecord => ({
          type: 'OffsetCommit',
          key: { group: groupId, topic: name, partition: partition.partitionIndex },
          value: {
            offset: partition.committedOffset,
            leaderEpoch: partition.committedLeaderEpoch,
            metadata: partition.committedMetadata ?? '',
            commitTimestamp: this.nowMs,
            expireTimestamp: -1,
            topicId,
          },
        }),
      ),
    )
    this.appendInTransaction(records, { producerId, producerEpoch: 0 })
  }

  /** `t-0 t-1`, or nothing for all. Answers `t-0@5 t-1@7/3:text t-2@-1`. */
  offsetFetch(
    groupId: string,
    partitions?: string,
    more: { requireStable?: boolean; memberId?: string } = {},
  ): string {
    const topics = partitions === undefined ? null : topicsOf(partitions)
    const request = { groupId, memberId: null, memberEpoch: -1, requireStable: false, topics, ...more }
    return told(
      this.run((machine) => fetchOffsets(machine, request)),
      (topics) => topics.flatMap(fetchedText),
    )
  }

  offsetDelete(groupId: string, partitions: string): string {
    const topics = topicsOf(partitions).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex })),
    }))
    const call = this.run((machine, step) => deleteOffsets(machine, { groupId, topics }, step))
    return told(call, ({ topics }) =>
      (topics ?? []).flatMap(({ name, partitions }) =>
        (partitions ?? []).map(({ partitionIndex, errorCode }) =>
          withError(`${name}-${partitionIndex}`, errorCode ?? 0),
        ),
      ),
    )
  }

  deleteGroup(groupId: string): Call<{ readonly errorCode: number }> {
    return this.run((machine, step) => deleteGroup(machine, groupId, step, machine.surroundings))
  }

  /** A shard that has read the log knows what this one knows. */
  assertSameAfterReload(): void {
    assert.deepEqual(this.reload().contents(), this.machine.contents())
  }
}

export function requestOf(groupId: string, offsets: string): OffsetsToCommit {
  const topics = new Map<string, OffsetsToCommit['topics'][number]>()
  for (const word of offsets.split(' ')) {
    const [, name, partition, offset, epoch, metadata] = /^(.+?)-(\d+)@(-?\d+)(?:\/(\d+))?(?::(.*))?$/.exec(
      word,
    )!
    const topic = topics.get(name!) ?? { name: name!, topicId: topicIds[name!] ?? ZERO_UUID, partitions: [] }
    topics.set(name!, topic)
    topic.partitions.push({
      partitionIndex: Number(partition),
      committedOffset: Number(offset),
      committedLeaderEpoch: epoch === undefined ? -1 : Number(epoch),
      committedMetadata: metadata ?? null,
    })
  }
  return {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    topics: [...topics.values()],
    apiVersion: 10,
  }
}

function topicsOf(partitions: string) {
  const topics = new Map<string, number[]>()
  for (const word of partitions.split(' ')) {
    const [, name, partition] = /^(.+)-(\d+)$/.exec(word)!
    topics.set(name!, [...(topics.get(name!) ?? []), Number(partition)])
  }
  return Array.from(topics, ([name, partitionIndexes]) => ({
    name,
    topicId: topicIds[name] ?? ZERO_UUID,
    partitionIndexes,
  }))
}

export function fetchedText({ name, partitions }: FetchedTopic): string[] {
  return partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode }) => {
    const epoch = committedLeaderEpoch === -1 ? '' : `/${committedLeaderEpoch}`
    const text = metadata === '' ? '' : `:${metadata}`
    return withError(`${name}-${partitionIndex}@${committedOffset}${epoch}${text}`, errorCode)
  })
}

function withError(text: string, errorCode: number): string {
  return errorCode === 0 ? text : `${text}=${errorByCode(errorCode).name}`
}

function told<Answer>(call: Call<Answer>, text: (answer: Answer) => readonly string[]): string {
  return call.error.code === 0 ? text(call.answer).join(' ') : call.error.name
}
