// The one door to cluster metadata: a small tree of entries with compare-and-set and ephemeral entries.
// Promises what every backend (embedded file, ZooKeeper) must keep; test/cluster/store-contract.ts checks it.
// Leaves the meaning of entries to layout.ts.
//
// Rules that the types cannot say:
// - Paths are absolute and '/'-separated; parents are implicit. A path is never re-used for another thing (put the
//   topic's id in it, not its name), because some backends count versions from 0 again for a re-created entry.
// - There are no blind writes: `create` fails when the entry exists, everything else names the version it expects.
// - Portable transactions have at most 100 operations. Values have 1 byte to 512 kB: an empty one is an implicit parent.
// - A watch's first event is always 'resync', and another follows whenever events may have been missed. An event is a
//   hint and carries no data: read again.
// - After 'lost' a session is dead for good: open another store and register anew.

/** Opaque: only equality means something. */
export type Version = string

export interface Entry {
  readonly path: string
  readonly value: Uint8Array
  readonly version: Version
  /** When the entry was created, as a stamp that grows cluster-wide. A broker's is its epoch. */
  readonly born: bigint
  /** The session that an ephemeral entry dies with; null for a lasting one. */
  readonly owner: string | null
}

export type StoreOperation =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly value: Uint8Array
      readonly ephemeral?: boolean
    }
  | { readonly kind: 'put'; readonly path: string; readonly value: Uint8Array; readonly expected: Version }
  | { readonly kind: 'delete'; readonly path: string; readonly expected: Version }
  /** Changes nothing and fails the whole transaction unless the version stands: a fence. */
  | { readonly kind: 'check'; readonly path: string; readonly expected: Version }

export type TransactionResult =
  /** One entry per operation: as it stands now, or null after a delete. */
  | { readonly ok: true; readonly entries: readonly (Entry | null)[] }
  /** Nothing was changed. */
  | { readonly ok: false; readonly failedAt: number; readonly why: 'exists' | 'missing' | 'version' }

/** The connection was lost with the write in flight: read again, then decide. Never retry blindly. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}

/** No room on the device for something new. What exists can still be changed and deleted. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError'
}

/** The session is over, and all its ephemeral entries with it. */
export class SessionLost extends Error {
  override readonly name = 'SessionLost'
}

export type SessionEvent = 'connected' | 'suspended' | 'resumed' | 'lost'

export interface StoreSession {
  readonly id: string
  /**
   * The instant (`clock.monotonicMs`) after which the store may already have given our ephemeral entries away. Every
   * "am I still leader, controller, alive?" asks `clock.monotonicMs() < validUntilMs()`, never the last event.
   */
  validUntilMs(): number
  /** Returns what ends the subscription. */
  on(listener: (event: SessionEvent) => void): () => void
}

export type WatchEvent = { readonly kind: 'changed'; readonly path: string } | { readonly kind: 'resync' }

export interface StoreLimits {
  readonly maxOperations: number
  readonly maxTransactionBytes: number
  readonly maxValueBytes: number
}

export interface MetadataStore {
  readonly session: StoreSession
  readonly limits: StoreLimits
  /** Linearizable: sees every transaction that had resolved before the call. */
  get(path: string): Promise<Entry | null>
  /** Every entry below `directory`, however deep, in order of path. */
  list(directory: string): Promise<Entry[]>
  /** All or nothing, and durable before it resolves. */
  transaction(operations: readonly StoreOperation[]): Promise<TransactionResult>
  /** Follows the whole subtree below `directory`. Returns what ends the watch. */
  watch(directory: string, listener: (event: WatchEvent) => void): Promise<() => void>
  /** Ends the session: its ephemeral entries vanish at once. */
  close(): Promise<void>
}
