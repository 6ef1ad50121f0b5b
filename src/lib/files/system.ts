// The real disk: the one file that touches node:fs.
// Promises what files.ts says on Linux, macOS and Windows, short writes included. Leaves locks to lock.ts.
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import {
  type DirectoryEntry,
  errorCode,
  type FileHandle,
  type Files,
  type OpenMode,
  type Space,
} from './files.ts'
import { lockDirectory } from './lock.ts'

const flags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  replace: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
}

/** The system takes at most this many parts in one gathered write (IOV_MAX). */
const MAX_PARTS = 1024

class SystemFile implements FileHandle {
  private descriptor: number
  /** Reads and syncs in the thread pool, which must not find the descriptor given to another file. */
  private pending = 0
  private closing = false

  constructor(descriptor: number) {
    this.descriptor = descriptor
  }

  writeSync(bytes: Uint8Array, position: number): void {
    let written = 0
    while (written < bytes.byteLength) {
      written += fs.writeSync(this.descriptor, bytes, written, bytes.byteLength - written, position + written)
    }
  }

  writevSync(parts: readonly Uint8Array[], position: number): void {
    if (parts.length === 1) {
      this.writeSync(parts[0]!, position)
      return
    }
    let next = 0
    let at = position
    while (next < parts.length) {
      const group = next === 0 && parts.length <= MAX_PARTS ? parts : parts.slice(next, next + MAX_PARTS)
      let written = fs.writevSync(this.descriptor, group, at)
      at += written
      while (next < parts.length && written >= parts[next]!.byteLength) written -= parts[next++]!.byteLength
      if (written > 0) {
        const rest = parts[next++]!.subarray(written)
        this.writeSync(rest, at)
        at += rest.byteLength
      }
    }
  }

  readSync(target: Uint8Array, position: number): number {
    let filled = 0
    while (filled < target.byteLength) {
      const count = fs.readSync(
        this.descriptor,
        target,
        filled,
        target.byteLength - filled,
        position + filled,
      )
      if (count === 0) break
      filled += count
    }
    return filled
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let filled = 0
      const more = (): void => {
        this.pending++
        fs.read(
          this.descriptor,
          target,
          filled,
          target.byteLength - filled,
          position + filled,
          (error, count) => {
            this.settled()
            if (error) return reject(error)
            filled += count
            if (count === 0 || filled === target.byteLength) resolve(filled)
            else more()
          },
        )
      }
      more()
    })
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending++
      fs.fdatasync(this.descriptor, (error) => {
        this.settled()
        if (error) reject(error)
        else resolve()
      })
    })
  }

  syncSync(): void {
    fs.fsyncSync(this.descriptor)
  }

  truncateSync(byteLength: number): void {
    fs.ftruncateSync(this.descriptor, byteLength)
  }

  size(): number {
    return fs.fstatSync(this.descriptor).size
  }

  closeSync(): void {
    this.closing = true
    if (this.pending === 0) this.closeNow()
  }

  private settled(): void {
    this.pending--
    if (this.pending === 0 && this.closing) this.closeNow()
  }

  private closeNow(): void {
    if (this.descriptor < 0) return
    const descriptor = this.descriptor
    this.descriptor = -1
    fs.closeSync(descriptor)
  }
}

/** Runs `action`; undefined when the file it is about does not exist. */
function ifPresent<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Node's own `recursive` never comes back where the system makes no directories though the parent is there (/proc). */
function makeDirectory(path: string): void {
  if (isDirectory(path)) return
  const parent = dirname(path)
  if (parent !== path && !fs.existsSync(parent)) makeDirectory(parent)
  try {
    fs.mkdirSync(path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Windows has no way to sync a directory, and says so in several ways. */
const canSyncDirectories = process.platform !== 'win32'

export const systemFiles: Files = {
  openSync: (path, mode) => new SystemFile(fs.openSync(path, flags[mode], 0o644)),
  existsSync: (path) => fs.existsSync(path),
  sizeSync: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size,
  modifiedMsSync: (path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs,
  readFileSync: (path) => fs.readFileSync(path),
  writeFileSync: (path, bytes) => fs.writeFileSync(path, bytes),
  listSync(directory): DirectoryEntry[] {
    const entries = ifPresent(() => fs.readdirSync(directory, { withFileTypes: true })) ?? []
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
  },
  makeDirectorySync: makeDirectory,
  renameSync: (from, to) => fs.renameSync(from, to),
  unlinkSync(path) {
    ifPresent(() => fs.unlinkSync(path))
  },
  remove: (path) => fs.promises.rm(path, { recursive: true, force: true, maxRetries: 3 }),
  syncDirectorySync(directory) {
    if (!canSyncDirectories) return
    const descriptor = fs.openSync(directory, fs.constants.O_RDONLY)
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  },
  async syncDirectory(directory) {
    if (!canSyncDirectories) return
    const descriptor = fs.openSync(directory, fs.constants.O_RDONLY)
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fsync(descriptor, (error) => (error ? reject(error) : resolve()))
      })
    } finally {
      fs.closeSync(descriptor)
    }
  },
  async space(directory): Promise<Space> {
    const { blocks, bavail, bsize } = await fs.promises.statfs(directory)
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
  },
  lockDirectorySync: lockDirectory,
}
