// The embedded store's entries in memory, and what a transaction does to them.
// Promises that checking a transaction changes nothing: its effects are collected in a draft, and reach the tree when
// the store says they are durable. Leaves files, sessions and watches to embedded-store.ts.
import { type Change, changeKind, type LoggedTransaction, type SnapshotEntry } from './embedded-log.ts'
import type { Entry, StoreOperation, TransactionResult } from './store.ts'

/** The transactions of one batch, not yet durable, laid over the tree. */
export interface Draft {
  readonly changed: Map<string, Entry | null>
  stamp: number
}

const NO_BYTES = new Uint8Array(0)

/** An ephemeral entry that was read back from disk belongs to a session that is over. */
const GONE = 'gone'

export class EmbeddedTree {
  private readonly entries = new Map<string, Entry>()
  /** The newest transaction whose effects are in the tree. */
  stamp = 0

  get(path: string): Entry | null {
    return this.entries.get(path) ?? null
  }

  get size(): number {
    return this.entries.size
  }

  list(directory: string): Entry[] {
    const prefix = directory === '/' ? '/' : `${directory}/`
    const found: Entry[] = []
    for (const entry of this.entries.values()) if (entry.path.startsWith(prefix)) found.push(entry)
    return found.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  ownedBy(owner: string): Entry[] {
    const owned: Entry[] = []
    for (const entry of this.entries.values()) if (entry.owner === owner) owned.push(entry)
    return owned
  }

  draft(): Draft {
    return { changed: new Map(), stamp: this.stamp }
  }

  /**
   * Lays `operations` over the draft if they all hold; `changes` is what has to be logged for that, empty when they
   * failed or changed nothing.
   */
  attempt(
    draft: Draft,
    operations: readonly StoreOperation[],
    owner: string,
  ): { result: TransactionResult; changes: Change[] } {
    const stamp = draft.stamp + 1
    const own = new Map<string, Entry | null>()
    const changes: Change[] = []
    const entries: (Entry | null)[] = []
    for (const [position, operation] of operations.entries()) {
      const { path } = operation
      const current = own.get(path) ?? (own.has(path) ? null : this.current(draft, path))
      const why = refusal(operation, current)
      if (why !== null) return { result: { ok: false, failedAt: position, why }, changes: [] }
      const next = applied(operation, current, stamp, owner)
      entries.push(next)
      if (operation.kind === 'check') continue
      own.set(path, next)
      changes.push(changeOf(operation))
    }
    if (changes.length > 0) {
      draft.stamp = stamp
      for (const [path, entry] of own) draft.changed.set(path, entry)
    }
    return { result: { ok: true, entries }, changes }
  }

  /** Makes a draft the truth. */
  adopt(draft: Draft): void {
    for (const [path, entry] of draft.changed) {
      if (entry === null) this.entries.delete(path)
      else this.entries.set(path, entry)
    }
    this.stamp = draft.stamp
  }

  /** Repeats a transaction that was read from the log: it held when it was written, so nothing is checked. */
  replay(transaction: LoggedTransaction): void {
    const { stamp } = transaction
    for (const { kind, path, value } of transaction.changes) {
      const known = this.entries.get(path)
      if (kind === changeKind.delete) this.entries.delete(path)
      else {
        const owner = kind === changeKind.setEphemeral ? GONE : null
        // An entry that a dead session left is replaced, not changed.
        const born = known === undefined || known.owner !== null ? BigInt(stamp) : known.born
        this.entries.set(path, { path, value, version: String(stamp), born, owner })
      }
    }
    this.stamp = stamp
  }

  load(stamp: number, entries: readonly SnapshotEntry[]): void {
    for (const { path, value, born, changed } of entries) {
      this.entries.set(path, { path, value, version: String(changed), born: BigInt(born), owner: null })
    }
    this.stamp = stamp
  }

  /** All sessions of the process that wrote what was replayed are over. */
  dropEphemerals(): void {
    for (const entry of this.entries.values()) if (entry.owner !== null) this.entries.delete(entry.path)
  }

  lasting(): SnapshotEntry[] {
    const lasting: SnapshotEntry[] = []
    for (const { path, value, born, version, owner } of this.entries.values()) {
      if (owner === null) lasting.push({ path, value, born: Number(born), changed: Number(version) })
    }
    return lasting
  }

  private current(draft: Draft, path: string): Entry | null {
    const drafted = draft.changed.get(path)
    return drafted === undefined ? this.get(path) : drafted
  }
}

function refusal(operation: StoreOperation, current: Entry | null): 'exists' | 'missing' | 'version' | null {
  if (operation.kind === 'create') return current === null ? null : 'exists'
  if (current === null) return 'missing'
  return current.version === operation.expected ? null : 'version'
}

function applied(
  operation: StoreOperation,
  current: Entry | null,
  stamp: number,
  owner: string,
): Entry | null {
  const { path } = operation
  switch (operation.kind) {
    case 'create':
      return {
        path,
        value: operation.value,
        version: String(stamp),
        born: BigInt(stamp),
        owner: operation.ephemeral === true ? owner : null,
      }
    case 'put':
      return {
        path,
        value: operation.value,
        version: String(stamp),
        born: current?.born ?? BigInt(stamp),
        owner: current?.owner ?? null,
      }
    case 'delete':
      return null
    case 'check':
      return current
  }
}

function changeOf(operation: Exclude<StoreOperation, { kind: 'check' }>): Change {
  const { path } = operation
  if (operation.kind === 'delete') return { kind: changeKind.delete, path, value: NO_BYTES }
  const isEphemeral = operation.kind === 'create' && operation.ephemeral === true
  return { kind: isEphemeral ? changeKind.setEphemeral : changeKind.set, path, value: operation.value }
}
