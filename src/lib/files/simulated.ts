// A disk in memory: the product's `storage: 'memory'`, and the disk of simulations, which crashes and fails on demand.
// Promises the same behaviour as the real one, and after `crash` what a disk promises: what was synced, and an
// unpredictable part of the rest. Leaves the bytes of each file to simulated-file.ts.
import { deferred } from '../deferred.ts'
import type { Random } from '../random.ts'
import {
  type DirectoryEntry,
  type DirectoryLock,
  DirectoryLockedError,
  type FileHandle,
  type Files,
  type OpenMode,
  parentOf,
  type Space,
} from './files.ts'
import { SimulatedFile } from './simulated-file.ts'

export type FaultyOperation = 'write' | 'read' | 'sync' | 'rename' | 'unlink' | 'open'

export interface SimulatedFilesOptions {
  /** Keep what a crash would need to know. Off for `storage: 'memory'`, where there is nothing to survive. */
  readonly crashes?: boolean
  /** Bytes that fit; more is ENOSPC. */
  readonly capacityBytes?: number
  /** What file times are taken from. */
  readonly wallMs?: () => number
}

class SystemError extends Error {
  readonly code: string

  constructor(code: string, operation: string, path: string) {
    super(`${code}: ${operation} '${path}'`)
    this.code = code
  }
}

interface Fault {
  readonly pattern: RegExp
  readonly operation: FaultyOperation
  readonly code: string
}

type Entry = SimulatedFile | 'directory'

/** A change of names that is not durable yet and happens as one. A path without a file goes away. */
type NameChange = (readonly [path: string, file: Entry | undefined])[]

export class SimulatedFiles implements Files {
  /** May be changed at any time: a full disk that gets room again. */
  capacityBytes: number
  private readonly tracksCrashes: boolean
  private readonly wallMs: () => number
  private names = new Map<string, Entry>()
  /** Names in each directory, so that listing one does not look at all. */
  private children = new Map<string, Set<string>>()
  private durableNames = new Map<string, Entry>()
  private nameChanges: NameChange[] = []
  private locks = new Set<string>()
  private faults: Fault[] = []
  /** Handles opened before a crash belong to a process that is gone. */
  private generation = 0
  private usedBytes = 0

  constructor(options: SimulatedFilesOptions = {}) {
    this.tracksCrashes = options.crashes ?? false
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.wallMs = options.wallMs ?? (() => 0)
  }

  /** Lets every `operation` on a path that matches fail with `code` (EIO, ...) until the returned function is called. */
  fail(operation: FaultyOperation, pattern: RegExp, code: string): () => void {
    const fault = { operation, pattern, code }
    this.faults.push(fault)
    return () => {
      this.faults = this.faults.filter((other) => other !== fault)
    }
  }

  /** The machine loses power: locks and handles are gone, files are what had reached the disk, which is chance. */
  crash(random: Random): void {
    if (!this.tracksCrashes) throw new Error('SimulatedFiles was made without `crashes`')
    for (const change of this.nameChanges.splice(0, random.below(this.nameChanges.length + 1))) {
      this.makeDurable(change)
    }
    this.nameChanges = []
    this.names = new Map(this.durableNames)
    this.children = new Map()
    this.usedBytes = 0
    for (const [path, file] of this.names) {
      this.childrenOf(parentOf(path)).add(path)
      if (file === 'directory') continue
      file.crash(random)
      this.usedBytes += file.byteLength
    }
    this.processDied()
  }

  /** The process is killed but the machine runs on: everything written stays. */
  processDied(): void {
    this.generation++
    this.locks = new Set()
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    this.check('open', path)
    const key = normal(path)
    let file = this.names.get(key)
    if (file === 'directory') throw new SystemError('EISDIR', 'open', path)
    if (file === undefined) {
      const directory = parentOf(key)
      const isThere = directory === '.' || directory === '/' || this.names.get(directory) === 'directory'
      const mayCreate = mode === 'create' || mode === 'replace'
      if (!mayCreate || !isThere) throw new SystemError('ENOENT', 'open', path)
      file = new SimulatedFile(this.tracksCrashes)
      file.modifiedMs = this.wallMs()
      this.setName(key, file)
    }
    const handle = this.handle(file, path)
    if (mode === 'replace' && file.byteLength > 0) handle.truncateSync(0)
    return handle
  }

  existsSync(path: string): boolean {
    return this.names.has(normal(path))
  }

  sizeSync(path: string): number | undefined {
    const file = this.names.get(normal(path))
    return file === 'directory' ? 0 : file?.byteLength
  }

  modifiedMsSync(path: string): number | undefined {
    const file = this.names.get(normal(path))
    return file === 'directory' ? 0 : file?.modifiedMs
  }

  readFileSync(path: string): Buffer {
    const handle = this.openSync(path, 'read')
    const bytes = Buffer.alloc(handle.size())
    handle.readSync(bytes, 0)
    return bytes
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    this.openSync(path, 'replace').writeSync(bytes, 0)
  }

  listSync(directory: string): DirectoryEntry[] {
    const paths = [...(this.children.get(normal(directory)) ?? [])]
    return paths.map((path) => ({
      name: path.slice(path.lastIndexOf('/') + 1),
      isDirectory: this.names.get(path) === 'directory',
    }))
  }

  makeDirectorySync(path: string): void {
    const key = normal(path)
    const present = this.names.get(key)
    if (present === 'directory') return
    if (present !== undefined) throw new SystemError('EEXIST', 'mkdir', path)
    const parent = parentOf(key)
    if (parent !== key && parent !== '.') this.makeDirectorySync(parent)
    this.setName(key, 'directory')
  }

  renameSync(from: string, to: string): void {
    this.check('rename', from)
    const [source, target] = [normal(from), normal(to)]
    if (!this.names.has(source)) throw new SystemError('ENOENT', 'rename', from)
    const change: NameChange = []
    this.move(source, target, change)
    if (this.tracksCrashes) this.nameChanges.push(change)
  }

  private move(source: string, target: string, change: NameChange): void {
    this.forget(target, change)
    const children = [...(this.children.get(source) ?? [])]
    const moved = this.names.get(source)
    this.setName(source, undefined, change)
    this.setName(target, moved, change)
    for (const path of children) this.move(path, `${target}${path.slice(source.length)}`, change)
  }

  unlinkSync(path: string): void {
    this.check('unlink', path)
    this.forget(normal(path))
  }

  async remove(path: string): Promise<void> {
    const key = normal(path)
    for (const child of [...(this.children.get(key) ?? [])]) await this.remove(child)
    this.unlinkSync(key)
  }

  syncDirectorySync(directory: string): void {
    this.check('sync', directory)
    const key = normal(directory)
    // A journal keeps the order: what came before the directory's last change is durable with it.
    const last = this.nameChanges.findLastIndex((change) => change.some(([path]) => parentOf(path) === key))
    for (const change of this.nameChanges.splice(0, last + 1)) this.makeDurable(change)
  }

  async syncDirectory(directory: string): Promise<void> {
    this.syncDirectorySync(directory)
  }

  async space(): Promise<Space> {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return { totalBytes: -1, freeBytes: -1 }
    return { totalBytes: this.capacityBytes, freeBytes: Math.max(0, this.capacityBytes - this.usedBytes) }
  }

  lockDirectorySync(directory: string): DirectoryLock {
    const key = normal(directory)
    if (this.locks.has(key)) throw new DirectoryLockedError(directory, process.pid)
    const locks = this.locks.add(key)
    return { release: () => locks.delete(key) }
  }

  private handle(file: SimulatedFile, path: string): FileHandle {
    const { generation } = this
    const use = (operation: FaultyOperation): void => {
      if (generation !== this.generation) throw new SystemError('EBADF', operation, path)
      this.check(operation, path)
    }
    const writeSync = (bytes: Uint8Array, position: number): void => {
      use('write')
      this.write(file, bytes, position, path)
    }
    const readSync = (target: Uint8Array, position: number): number => {
      use('read')
      return file.read(target, position)
    }
    return {
      writeSync,
      writevSync: (parts, position) => {
        let at = position
        for (const part of parts) {
          writeSync(part, at)
          at += part.byteLength
        }
      },
      readSync,
      read: async (target, position) => readSync(target, position),
      datasync: () => this.datasync(file, use),
      syncSync: () => {
        use('sync')
        file.sync()
      },
      truncateSync: (byteLength) => {
        use('write')
        this.usedBytes += byteLength - file.byteLength
        file.truncate(byteLength)
      },
      size: () => file.byteLength,
      closeSync: () => {},
    }
  }

  /** Writes what fits; then fails as a full disk does. */
  private write(file: SimulatedFile, bytes: Uint8Array, position: number, path: string): void {
    const growth = Math.max(0, position + bytes.byteLength - file.byteLength)
    const excess = growth - (this.capacityBytes - this.usedBytes)
    const fitting = growth > 0 && excess > 0 ? Math.max(0, bytes.byteLength - excess) : bytes.byteLength
    const before = file.byteLength
    file.modifiedMs = this.wallMs()
    if (fitting > 0) file.write(fitting === bytes.byteLength ? bytes : bytes.subarray(0, fitting), position)
    this.usedBytes += file.byteLength - before
    if (fitting < bytes.byteLength) throw new SystemError('ENOSPC', 'write', path)
  }

  private datasync(file: SimulatedFile, use: (operation: FaultyOperation) => void): Promise<void> {
    const done = deferred()
    const covered = file.changes
    // What is written while the sync is under way is not part of it.
    queueMicrotask(() => {
      try {
        use('sync')
        file.sync(covered)
        done.resolve()
      } catch (error) {
        done.reject(error)
      }
    })
    return done.promise
  }

  private check(operation: FaultyOperation, path: string): void {
    for (const fault of this.faults) {
      if (fault.operation === operation && fault.pattern.test(path)) {
        throw new SystemError(fault.code, operation, path)
      }
    }
  }

  /** Changes the name at once, and for a crash together with the rest of `change`. */
  private setName(path: string, file: Entry | undefined, change: NameChange = this.newChange()): void {
    const directory = parentOf(path)
    if (file === undefined) {
      this.names.delete(path)
      this.children.get(directory)?.delete(path)
      this.children.delete(path)
    } else {
      this.names.set(path, file)
      this.childrenOf(directory).add(path)
    }
    change.push([path, file])
  }

  private newChange(): NameChange {
    const change: NameChange = []
    if (this.tracksCrashes) this.nameChanges.push(change)
    return change
  }

  private forget(path: string, change?: NameChange): void {
    const file = this.names.get(path)
    if (file === undefined) return
    if (file !== 'directory') this.usedBytes -= file.byteLength
    this.setName(path, undefined, change)
  }

  private makeDurable(change: NameChange): void {
    for (const [path, file] of change) {
      if (file === undefined) this.durableNames.delete(path)
      else this.durableNames.set(path, file)
    }
  }

  private childrenOf(directory: string): Set<string> {
    let children = this.children.get(directory)
    if (children === undefined) this.children.set(directory, (children = new Set()))
    return children
  }
}

/** One spelling for each path, whatever the system's separator. */
function normal(path: string): string {
  const slashed = path.replaceAll('\\', '/')
  return slashed.length > 1 && slashed.endsWith('/') ? slashed.slice(0, -1) : slashed
}
