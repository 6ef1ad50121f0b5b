// How the controller's decisions reach the store: in transactions that a newer controller's epoch would refuse.
// Promises that a group of writes is one transaction when it fits into one, and otherwise that its last write comes last
// (so whatever makes the others visible belongs there), and one outcome for each group.
// Leaves what is written to controller.ts.
import { errors, KafkaError } from '../wire/errors.ts'
import {
  type MetadataStore,
  OutcomeUnknown,
  SessionLost,
  StoreFullError,
  type StoreOperation,
  type Version,
} from './store.ts'

export interface Write {
  readonly path: string
  /** Null deletes. */
  readonly value: Uint8Array | null
}

/** Writes that belong together. */
export type WriteGroup = readonly Write[]

interface Fence {
  readonly path: string
  readonly version: Version
}

/** A transaction's worth of writes, and which group each belongs to. */
interface Batch {
  readonly writes: Write[]
  readonly groups: Set<number>
  bytes: number
}

export class DecisionLog {
  private readonly store: MetadataStore
  private readonly fence: Fence

  constructor(store: MetadataStore, fence: Fence) {
    this.store = store
    this.fence = fence
  }

  /** Null for each group that is durable, in order; otherwise what kept (the rest of) it from being written. */
  async write(groups: readonly WriteGroup[]): Promise<(KafkaError | null)[]> {
    const outcomes = groups.map((group) => this.oversize(group))
    const writable = groups.map((group, position) => (outcomes[position] === null ? group : []))
    for (const batch of this.batches(writable)) {
      const spoiled = [...batch.groups].find((group) => outcomes[group] !== null)
      const problem = spoiled === undefined ? await this.commit(batch.writes) : outcomes[spoiled]!
      if (problem !== null) for (const group of batch.groups) outcomes[group] = problem
    }
    return outcomes
  }

  private oversize(group: WriteGroup): KafkaError | null {
    const { maxValueBytes } = this.store.limits
    const excess = group.find(({ value }) => (value?.byteLength ?? 0) > maxValueBytes)
    if (excess === undefined) return null
    return new KafkaError(
      errors.POLICY_VIOLATION,
      `The settings are too large: ${excess.value!.byteLength} bytes, at most ${maxValueBytes} can be stored.`,
    )
  }

  private *batches(groups: readonly WriteGroup[]): Generator<Batch> {
    const { maxOperations, maxTransactionBytes } = this.store.limits
    // One operation is the fence.
    const fits = (batch: Batch, operations: number, bytes: number) =>
      batch.writes.length + operations < maxOperations && batch.bytes + bytes <= maxTransactionBytes
    let batch: Batch = { writes: [], groups: new Set(), bytes: 0 }
    for (const [position, group] of groups.entries()) {
      const groupBytes = group.reduce((sum, write) => sum + writeBytes(write), 0)
      if (!fits(batch, group.length, groupBytes) && batch.writes.length > 0) {
        yield batch
        batch = { writes: [], groups: new Set(), bytes: 0 }
      }
      for (const write of group) {
        if (!fits(batch, 1, writeBytes(write))) {
          yield batch
          batch = { writes: [], groups: new Set(), bytes: 0 }
        }
        batch.writes.push(write)
        batch.groups.add(position)
        batch.bytes += writeBytes(write)
      }
    }
    if (batch.writes.length > 0) yield batch
  }

  private async commit(writes: readonly Write[]): Promise<KafkaError | null> {
    try {
      const operations: StoreOperation[] = [
        { kind: 'check', path: this.fence.path, expected: this.fence.version },
      ]
      for (const write of writes) {
        const operation = await this.operationFor(write)
        if (operation !== null) operations.push(operation)
      }
      if (operations.length === 1) return null
      const result = await this.store.transaction(operations)
      if (result.ok) return null
      if (result.failedAt === 0) {
        return new KafkaError(errors.NOT_CONTROLLER, 'Another broker has become the controller.')
      }
      // Only the controller writes here, one decision at a time: nothing can have come between reading and writing.
      const { path } = operations[result.failedAt]!
      return new KafkaError(
        errors.UNKNOWN_SERVER_ERROR,
        `Metadata entry ${path} changed under the controller.`,
      )
    } catch (error) {
      return refusalFor(error)
    }
  }

  private async operationFor({ path, value }: Write): Promise<StoreOperation | null> {
    const current = await this.store.get(path)
    if (value === null) return current && { kind: 'delete', path, expected: current.version }
    if (current === null) return { kind: 'create', path, value }
    return { kind: 'put', path, value, expected: current.version }
  }
}

function writeBytes({ path, value }: Write): number {
  return path.length + (value?.byteLength ?? 0) + 16
}

/** What a client is told when the store did not take a decision. */
export function refusalFor(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  if (error instanceof StoreFullError || error instanceof SessionLost) {
    return new KafkaError(errors.KAFKA_STORAGE_ERROR, error.message)
  }
  if (error instanceof OutcomeUnknown) {
    return new KafkaError(
      errors.REQUEST_TIMED_OUT,
      'The metadata store did not answer: the change may or may not be made.',
    )
  }
  throw error
}
