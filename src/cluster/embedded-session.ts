// One broker's door to an embedded store: its session, its watches, its ephemeral entries.
// Promises that several of them in one process behave as if they were processes of their own.
// Leaves the entries and the file to the store that hosts it.
import { assert } from '../lib/assert.ts'
import {
  type Entry,
  type MetadataStore,
  type SessionEvent,
  SessionLost,
  type StoreLimits,
  type StoreOperation,
  type TransactionResult,
  type WatchEvent,
} from './store.ts'

const limits: StoreLimits = {
  maxOperations: 100,
  maxTransactionBytes: 1024 * 1024,
  maxValueBytes: 512 * 1024,
}

/** What a session needs of the store it belongs to. */
export interface SessionHost {
  get(path: string): Entry | null
  list(directory: string): Entry[]
  /** In order of the calls. */
  submit(session: EmbeddedSession, operations: readonly StoreOperation[]): Promise<TransactionResult>
  ownedBy(session: EmbeddedSession): Entry[]
  forget(session: EmbeddedSession): void
}

export class EmbeddedSession implements MetadataStore {
  readonly session = {
    id: '',
    validUntilMs: (): number => (this.isOver ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY),
    on: (listener: (event: SessionEvent) => void) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  }
  readonly limits = limits
  private readonly store: SessionHost
  private readonly listeners = new Set<(event: SessionEvent) => void>()
  private readonly watches = new Set<{ prefix: string; listener: (event: WatchEvent) => void }>()
  private isOver = false
  /** Settles with the newest transaction; those before it settle earlier. */
  private newest: Promise<unknown> = Promise.resolve()

  constructor(store: SessionHost, id: string) {
    this.store = store
    this.session.id = id
  }

  get id(): string {
    return this.session.id
  }

  async get(path: string): Promise<Entry | null> {
    this.checkAlive()
    return this.store.get(path)
  }

  async list(directory: string): Promise<Entry[]> {
    this.checkAlive()
    return this.store.list(directory)
  }

  async transaction(operations: readonly StoreOperation[]): Promise<TransactionResult> {
    this.checkAlive()
    checkLimits(operations)
    const outcome = this.store.submit(this, operations)
    this.newest = outcome.catch(() => {})
    return outcome
  }

  async watch(directory: string, listener: (event: WatchEvent) => void): Promise<() => void> {
    this.checkAlive()
    const watch = { prefix: directory === '/' ? '/' : `${directory}/`, listener }
    this.watches.add(watch)
    listener({ kind: 'resync' })
    return () => this.watches.delete(watch)
  }

  async close(): Promise<void> {
    if (this.isOver) return
    this.isOver = true
    this.watches.clear()
    await this.newest
    for (;;) {
      const owned = this.store.ownedBy(this).slice(0, limits.maxOperations)
      if (owned.length === 0) break
      const operations = owned.map(
        ({ path, version }) => ({ kind: 'delete', path, expected: version }) as const,
      )
      // Fails only when the store does; then the entries end with the process.
      const done = await this.store.submit(this, operations).catch(() => null)
      if (done === null) break
    }
    this.store.forget(this)
  }

  notify(paths: Iterable<string>): void {
    if (this.watches.size === 0) return
    for (const path of paths) {
      for (const watch of this.watches)
        if (path.startsWith(watch.prefix)) watch.listener({ kind: 'changed', path })
    }
  }

  lose(): void {
    if (this.isOver) return
    this.isOver = true
    this.watches.clear()
    this.store.forget(this)
    for (const listener of [...this.listeners]) listener('lost')
  }

  private checkAlive(): void {
    if (this.isOver) throw new SessionLost('the session with the metadata store is over')
  }
}

function checkLimits(operations: readonly StoreOperation[]): void {
  assert(
    operations.length > 0 && operations.length <= limits.maxOperations,
    '1 to 100 operations in a transaction',
  )
  for (const operation of operations) {
    assert(
      operation.path.startsWith('/') && !operation.path.endsWith('/'),
      `${operation.path} is an absolute path`,
    )
    if (operation.kind !== 'create' && operation.kind !== 'put') continue
    const { byteLength } = operation.value
    assert(
      byteLength > 0 && byteLength <= limits.maxValueBytes,
      `1 to ${limits.maxValueBytes} bytes in a value`,
    )
  }
}
