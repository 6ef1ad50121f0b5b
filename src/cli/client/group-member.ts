// A member of a group: what both protocols have in common. It joins, stays, takes up and gives up partitions, commits, leaves.
// Promises to tell the holder of the partitions first when one of them goes to somebody else, and to commit only as the member
// that it is. Leaves joining and heartbeats to group-member-classic.ts and group-member-consumer.ts, records to consumer.ts.
//
// Heartbeats go out on their own. Everything that changes what the holder has happens inside `attend`, which the loop that
// handles records calls whenever `needsAttention`: so partitions never change under a record in the hand.
import type { Timer } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { offsetCommit } from '../../wire/apis/offset-commit.ts'
import { type ErrorCode, errors, KafkaError } from '../../wire/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { check, isRetriable } from './failure.ts'
import {
  groupedByTopic,
  LAST_VERSION_WITH_NAMES,
  type PartitionOffset,
  type TopicPartition,
} from './group-admin.ts'

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** A name that stays with the member over restarts (KIP-345); null: it is a new member each time. */
  readonly instanceId: string | null
  /** Classic: in the order of preference. Consumer: at most one, which the broker has; none: the broker's choice. */
  readonly assignors: readonly string[]
  /** How long the group waits for a sign of life (classic; else the broker decides). */
  readonly sessionTimeoutMs: number
  /** How long the group waits in a rebalance for partitions to be given up. */
  readonly rebalanceTimeoutMs: number
  /** Time between signs of life (classic; else the broker decides). */
  readonly heartbeatIntervalMs: number
  /** How often the leader looks whether topics have more partitions (classic; else the broker does). */
  readonly metadataAgeMs: number
}

/** Who reads the partitions. */
export interface PartitionHolder {
  /** These are the member's from now on. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** These go to somebody else as soon as this resolves: no more records of them, and commit what was done. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** These may be somebody else's already: no more records of them, and commit nothing. */
  lost(partitions: readonly TopicPartition[]): void
  /** The member needs attention: end a wait for records. */
  wake(): void
}

const RETRY_BACKOFF_MS = 100
const LEAVE_TIMEOUT_MS = 5000
/** For what must not wait behind a join. */
const SECOND_LANE = 'group, while joining'
/** Commits that meet a change of epoch are sent again with the new one. */
const COMMIT_ATTEMPTS = 3

/** The member is not, or no longer, who it says: it has to join again, and its partitions are not its own. */
const expelled: ReadonlySet<ErrorCode> = new Set([
  errors.UNKNOWN_MEMBER_ID,
  errors.ILLEGAL_GENERATION,
  errors.FENCED_MEMBER_EPOCH,
])

const advice: ReadonlyMap<ErrorCode, string> = new Map([
  [errors.FENCED_INSTANCE_ID, 'another member uses this instance id now; each needs its own'],
  [errors.UNRELEASED_INSTANCE_ID, 'another member uses this instance id; each needs its own'],
  [
    errors.INCONSISTENT_GROUP_PROTOCOL,
    'its members speak another protocol, or offer none of these assignors (--protocol, --assignor)',
  ],
  [errors.GROUP_ID_NOT_FOUND, 'its members speak the classic protocol (--protocol classic)'],
])

export abstract class GroupMember {
  protected readonly cluster: Cluster
  protected readonly options: GroupMemberOptions
  protected readonly holder: PartitionHolder
  protected owned: readonly TopicPartition[] = []
  protected memberId = ''
  /** The generation or the member epoch; what is sent along with every commit. */
  protected epoch = -1
  /** The partitions are not the member's own any more: why. */
  protected lostBecause: string | undefined
  protected isStopped = false
  private readonly stopping = deferred()
  private failure: Error | undefined
  private failingSinceMs: number | undefined
  private timer: Timer | undefined

  protected constructor(cluster: Cluster, options: GroupMemberOptions, holder: PartitionHolder) {
    this.cluster = cluster
    this.options = options
    this.holder = holder
  }

  get id(): string {
    return this.memberId
  }

  /** What the member may read now. */
  get partitions(): readonly TopicPartition[] {
    return this.owned
  }

  /** True when `attend` has something to do. */
  get needsAttention(): boolean {
    if (this.isStopped) return false
    return this.failure !== undefined || this.lostBecause !== undefined || this.hasDuty
  }

  /** True once it is known what the member is given for now, be it nothing. */
  abstract get isSettled(): boolean

  protected abstract get hasDuty(): boolean

  /** Whether commits have to go along another connection than the one that the member has for its group. */
  protected get isAside(): boolean {
    return false
  }

  /** Joins or joins again, gives up and takes up partitions, until there is nothing left to do. @throws what ends the membership */
  async attend(): Promise<void> {
    while (this.needsAttention) {
      if (this.failure !== undefined) throw this.failure
      if (this.lostBecause !== undefined) {
        this.lostBecause = undefined
        const lost = this.owned
        this.owned = []
        if (lost.length > 0) this.holder.lost(lost)
      }
      if (!this.hasDuty) continue
      try {
        await this.fulfil()
        this.failingSinceMs = undefined
      } catch (error) {
        if (!this.isStopped) await this.pauseOrThrow(error as Error)
      }
    }
  }

  /** One step of joining or of changing partitions. */
  protected abstract fulfil(): Promise<void>

  /** Ends waits for the group; `leave` comes next. */
  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
    this.stopping.resolve()
  }

  /** Tells the group that the member goes, as far as that can be done in a few seconds. */
  async leave(): Promise<void> {
    this.stop()
    if (this.memberId === '') return
    try {
      const connection = await this.unlessLate(this.cluster.coordinator(this.options.groupId, SECOND_LANE))
      if (connection !== undefined) await this.sayGoodbye(connection, LEAVE_TIMEOUT_MS)
    } catch {
      // Then the group finds out by the silence.
    }
  }

  protected abstract sayGoodbye(connection: Connection, timeoutMs: number): Promise<void>

  /**
   * Commits; false when the group did not take it from this member, which then has to be attended to.
   * @throws KafkaError, and what a cluster that does not answer brings
   */
  async commit(offsets: readonly PartitionOffset[]): Promise<boolean> {
    if (offsets.length === 0) return true
    for (let attempt = 1; ; attempt++) {
      try {
        const lane = this.isStopped || this.isAside ? SECOND_LANE : undefined
        const send = (connection: Connection) => this.sendCommit(connection, offsets)
        await this.cluster.askCoordinator(this.options.groupId, send, lane)
        return true
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        // The answer that brought the new epoch came before the one to the commit.
        if (error.error === errors.STALE_MEMBER_EPOCH && attempt < COMMIT_ATTEMPTS) continue
        if (!this.takeRefusal(error)) throw error
        return false
      }
    }
  }

  /** What a refused commit or heartbeat means for the membership; false when it is not about that. */
  protected takeRefusal(error: KafkaError): boolean {
    if (!expelled.has(error.error)) return false
    this.expel(error.message)
    return true
  }

  /** The group does not know the member any more. */
  protected expel(reason: string): void {
    this.lostBecause ??= reason
    this.epoch = -1
    this.holder.wake()
  }

  /** Ends the membership: the next `attend` throws. */
  protected fail(error: Error): void {
    const told = error instanceof KafkaError ? advice.get(error.error) : undefined
    this.failure ??=
      told === undefined
        ? error
        : new KafkaError((error as KafkaError).error, `${error.message.replace(/\.$/, '')}; ${told}`)
    this.holder.wake()
  }

  /** Has `wake` called once, after `delayMs`, in place of an earlier call that has not come yet. */
  protected after(delayMs: number, wake: () => void): void {
    this.timer?.cancel()
    if (!this.isStopped) this.timer = this.cluster.options.clock.schedule(delayMs, wake)
  }

  /** The outcome, or undefined if the member was stopped first. */
  protected unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    work.catch(() => {})
    return Promise.race([work, this.stopping.promise.then(() => undefined)])
  }

  protected async backOff(): Promise<void> {
    await this.unlessStopped(this.cluster.pause(RETRY_BACKOFF_MS))
  }

  private unlessLate<T>(work: Promise<T>): Promise<T | undefined> {
    work.catch(() => {})
    return Promise.race([work, this.cluster.pause(LEAVE_TIMEOUT_MS).then(() => undefined)])
  }

  private async sendCommit(connection: Connection, offsets: readonly PartitionOffset[]): Promise<void> {
    const { groupId, instanceId } = this.options
    const topics = [...groupedByTopic(offsets)].map(([name, rows]) => ({
      name,
      partitions: rows.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: '',
      })),
    }))
    const answer = await connection.request(
      offsetCommit,
      {
        groupId,
        memberId: this.memberId,
        groupInstanceId: instanceId,
        generationIdOrMemberEpoch: this.epoch,
        topics,
      },
      { maxVersion: LAST_VERSION_WITH_NAMES },
    )
    for (const { name, partitions } of answer.topics) {
      for (const row of partitions) check(row.errorCode, null, `commit of ${name}-${row.partitionIndex}`)
    }
  }

  private async pauseOrThrow(error: Error): Promise<void> {
    const { clock, callTimeoutMs } = this.cluster.options
    if (!isRetriable(error)) {
      this.fail(error)
      return
    }
    this.failingSinceMs ??= clock.monotonicMs()
    if (clock.monotonicMs() - this.failingSinceMs >= callTimeoutMs) throw error
    this.cluster.forgetCoordinator(this.options.groupId)
    await this.backOff()
  }
}
