// Keeping other processes out of a data directory, by its `.lock` file (the name Apache Kafka uses).
// Promises that a lock ends with its process, kill -9 included, and that a refusal names the other process.
//
// Node has no call for file locks, so each system gets the best it offers:
//   Linux    flock(2) on our own open file, taken by the flock program, which inherits the file and exits
//   macOS    open(2) with O_EXLOCK
//   Windows  opening without sharing
//   others, and Linux without that program: the process id in the file, with the time that process started
// The first three are kept by the kernel and hold across containers; the last one is only as good as process ids.
// Running the flock program costs 2 to 4 ms of a start. A socket in Linux's abstract name space would cost less and be no
// lock: two containers that share a volume have one each.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { type DirectoryLock, DirectoryLockedError, errorCode } from './files.ts'

/** open(2) on macOS: take an exclusive flock with the file. */
const O_EXLOCK = 0x20
/** libuv on Windows: open for this process alone. */
const UV_FS_O_EXLOCK = 0x10000000
/** What `flock -E` exits with when another process has the lock; other codes mean that it could not try. */
const TAKEN = 75

const held = new Set<string>()

/** Takes `directory` for this process. Throws DirectoryLockedError when it is taken. */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(fs.realpathSync(directory), '.lock')
  if (held.has(path)) throw new DirectoryLockedError(directory, process.pid)
  const descriptor = openLocked(directory, path)
  held.add(path)
  fs.ftruncateSync(descriptor, 0)
  fs.writeSync(descriptor, identityOf(process.pid) ?? `${process.pid}\n`, 0)
  return {
    release() {
      if (!held.delete(path)) return
      // Emptied, not removed: another process may have the file open already and be waiting to lock it.
      fs.ftruncateSync(descriptor, 0)
      fs.closeSync(descriptor)
    },
  }
}

function openLocked(directory: string, path: string): number {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = fs.constants
  if (process.platform === 'win32') return openExclusively(directory, path, O_RDWR | O_CREAT | UV_FS_O_EXLOCK)
  if (process.platform === 'darwin') {
    return openExclusively(directory, path, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK)
  }
  const descriptor = fs.openSync(path, O_RDWR | O_CREAT, 0o644)
  const owner = lockedByPosix(descriptor) ?? ownerAfterFlock(descriptor, path)
  if (owner === 'free') return descriptor
  fs.closeSync(descriptor)
  throw new DirectoryLockedError(directory, owner === 'unknown' ? undefined : owner)
}

type Owner = 'free' | 'unknown' | number

function openExclusively(directory: string, path: string, flags: number): number {
  try {
    return fs.openSync(path, flags, 0o644)
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'EAGAIN' && code !== 'EBUSY' && code !== 'EWOULDBLOCK') throw error
    throw new DirectoryLockedError(directory, recordedOwner(path)?.pid)
  }
}

/** Tries the flock program; without it, judges by the recorded process. */
function ownerAfterFlock(descriptor: number, path: string): Owner {
  const tried = spawnSync('flock', ['-n', '-x', '-E', String(TAKEN), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  })
  const recorded = recordedOwner(path)
  if (tried.status === 0) return 'free'
  if (tried.status === TAKEN) return recorded?.pid ?? 'unknown'
  if (recorded === undefined || recorded.pid === process.pid) return 'free'
  return identityOf(recorded.pid) === recorded.identity ? recorded.pid : 'free'
}

/**
 * Apache Kafka locks the same file by fcntl, which flock does not see. Linux lists such locks:
 * `1: POSIX  ADVISORY  WRITE 1234 08:02:5678 0 EOF` (process, device:inode).
 */
function lockedByPosix(descriptor: number): Owner | undefined {
  let table: string
  try {
    table = fs.readFileSync('/proc/locks', 'utf8')
  } catch {
    return undefined
  }
  const { dev, ino } = fs.fstatSync(descriptor)
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  const wanted = `${hex((dev >> 8) & 0xfff)}:${hex((dev & 0xff) | ((dev >> 12) & 0xfff00))}:${ino}`
  for (const line of table.split('\n')) {
    const [, kind, , mode, pid, file] = line.split(/\s+/)
    if (kind === 'POSIX' && mode === 'WRITE' && file === wanted) {
      return Number(pid) > 0 ? Number(pid) : 'unknown'
    }
  }
  return undefined
}

/** `pid start-time boot`, which no later process shares; without /proc just the pid. */
function identityOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${pid} ${startTicks} ${boot}\n`
  } catch {
    return isAlive(pid) ? `${pid}\n` : undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

function recordedOwner(path: string): { pid: number; identity: string } | undefined {
  try {
    const identity = fs.readFileSync(path, 'utf8')
    const pid = Number.parseInt(identity, 10)
    return pid > 0 ? { pid, identity } : undefined
  } catch {
    return undefined
  }
}
