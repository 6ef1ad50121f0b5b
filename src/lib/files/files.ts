// Files as a thing that is handed in: the disk, or memory that can crash and fail on demand.
// Promises whole writes (no short ones), and that a call which changes names says when the change is durable.
// Leaves what is in the files, and how many of them are open at once, to the log.

/** Bytes on the device that holds a directory. */
export interface Space {
  readonly totalBytes: number
  readonly freeBytes: number
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

/** An open file. Positions and lengths are bytes. Errors are the system's own: `code` is ENOSPC, EIO, ... */
export interface FileHandle {
  /** Writes all of `bytes` at `position`. After an error an unknown part of them may be in the file. */
  writeSync(bytes: Uint8Array, position: number): void
  /** Writes all `parts`, one after the other, from `position` on, in as few system calls as possible. */
  writevSync(parts: readonly Uint8Array[], position: number): void
  /** Fills `target` from `position` on; returns the bytes read, fewer only at the end of the file. */
  readSync(target: Uint8Array, position: number): number
  /** As `readSync`, off the event loop. */
  read(target: Uint8Array, position: number): Promise<number>
  /** Resolves when everything written before the call is on the device (fdatasync, off the event loop). */
  datasync(): Promise<void>
  /** Returns when everything written is on the device (fsync). For start-up and clean stops only: it blocks. */
  syncSync(): void
  truncateSync(byteLength: number): void
  size(): number
  /** Harmless when already closed. */
  closeSync(): void
}

/** Keeps other processes out of a directory until it is released or this process ends, however it ends. */
export interface DirectoryLock {
  release(): void
}

/** The directory is in use by another broker, in another process or in this one. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError'
  readonly directory: string
  /** The process that holds the lock, when it can be told. */
  readonly ownerPid: number | undefined

  constructor(directory: string, ownerPid: number | undefined) {
    const owner = ownerPid === undefined ? 'another process' : `process ${ownerPid}`
    super(`${directory} is in use by ${owner}; two brokers cannot share a data directory`)
    this.directory = directory
    this.ownerPid = ownerPid
  }
}

/**
 * `read`: an existing file, for reading. `write`: an existing file, for reading and writing.
 * `create`: for reading and writing, made when absent, contents kept when present.
 * `replace`: for reading and writing, made when absent, emptied when present.
 */
export type OpenMode = 'read' | 'write' | 'create' | 'replace'

export interface Files {
  openSync(path: string, mode: OpenMode): FileHandle
  existsSync(path: string): boolean
  /** Byte length of the file at `path`; undefined when there is none. */
  sizeSync(path: string): number | undefined
  /** Milliseconds since the epoch of the last change of the file's contents; undefined when there is none. */
  modifiedMsSync(path: string): number | undefined
  readFileSync(path: string): Buffer
  /** Replaces or creates the file without any promise of durability. */
  writeFileSync(path: string, bytes: Uint8Array): void
  /** Everything in a directory, in no order; empty when there is no such directory. */
  listSync(directory: string): DirectoryEntry[]
  /** Makes the directory and its parents; harmless when present. */
  makeDirectorySync(path: string): void
  renameSync(from: string, to: string): void
  /** Removes a file; harmless when absent. */
  unlinkSync(path: string): void
  /** Removes a file or a directory with everything in it, off the event loop; harmless when absent. */
  remove(path: string): Promise<void>
  /** Makes names in `directory` (created, renamed, removed) durable. Does nothing where the system has no such call. */
  syncDirectorySync(directory: string): void
  /** As `syncDirectorySync`, off the event loop. */
  syncDirectory(directory: string): Promise<void>
  space(directory: string): Promise<Space>
  /** Takes the directory for this broker. Throws `DirectoryLockedError` when another has it. */
  lockDirectorySync(directory: string): DirectoryLock
}

/** The `code` of a system error (`ENOSPC`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Writes a file that can be made again: when that fails, no part of it stays behind. */
export function writeWhole(files: Files, path: string, bytes: Uint8Array): void {
  try {
    files.writeFileSync(path, bytes)
  } catch (error) {
    files.unlinkSync(path)
    throw error
  }
}

/**
 * Replaces the file at `path` so that a crash leaves either the old contents or the new: written beside it,
 * synced, renamed over it. `durable` false leaves out the syncs, for files that can be made again.
 */
export function writeAtomically(files: Files, path: string, bytes: Uint8Array, durable = true): void {
  const temporary = `${path}.tmp`
  const handle = files.openSync(temporary, 'replace')
  try {
    handle.writeSync(bytes, 0)
    if (durable) handle.syncSync()
  } finally {
    handle.closeSync()
  }
  files.renameSync(temporary, path)
  if (durable) files.syncDirectorySync(parentOf(path))
}

/** As `writeAtomically` with its syncs, but off the event loop. Calls for one path must not overlap. */
export async function writeAtomicallyLater(files: Files, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`
  const handle = files.openSync(temporary, 'replace')
  try {
    handle.writeSync(bytes, 0)
    await handle.datasync()
  } finally {
    handle.closeSync()
  }
  files.renameSync(temporary, path)
  await files.syncDirectory(parentOf(path))
}

/** Forces the file at `path` to the device, off the event loop; harmless when there is none. */
export async function syncFile(files: Files, path: string): Promise<void> {
  if (!files.existsSync(path)) return
  const handle = files.openSync(path, 'write')
  try {
    await handle.datasync()
  } finally {
    handle.closeSync()
  }
}

/** The directory a path lies in: everything before its last separator. */
export function parentOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  if (end < 0) return '.'
  return end === 0 ? path.slice(0, 1) : path.slice(0, end)
}
