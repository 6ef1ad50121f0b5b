// What all logs of a broker share: the world outside, bounds on memory and open files, and where bad news goes.
// Promises nothing by itself. Leaves the making of it to the broker (`logEnvironment` fills in the usual bounds).
import type { Clock } from '../lib/clock.ts'
import type { CopyCounter } from '../lib/copy-counter.ts'
import { type Files, parentOf } from '../lib/files/files.ts'
import type { Random } from '../lib/random.ts'
import { OpenFiles } from './log-file.ts'
import { MemoryBudget } from './memory-budget.ts'

/** Something on the disk was not as it should be, and what was done about it. */
export interface LogReport {
  readonly path: string
  readonly reason: string
  /** `cut`: bytes were taken off the end. `rebuilt`: made again from the log. `dropped`: a file could not be used. */
  readonly action: 'cut' | 'rebuilt' | 'dropped' | 'set aside'
  /** Bytes that are no longer part of the log. */
  readonly bytesCut: number
  /** Where those bytes were kept, when they may be more than an unfinished write. */
  readonly keptAs?: string
}

export interface LogEnvironment {
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly openFiles: OpenFiles
  /** Recently appended bytes of all logs. */
  readonly tailMemory: MemoryBudget
  /** Indexes of segments that are not appended to. */
  readonly indexMemory: MemoryBudget
  /** Copies into the tails. */
  readonly counter: CopyCounter
  readonly producerIdExpirationMs: number
  report(report: LogReport): void
  /** Makes the name of a log's directory durable. */
  syncParent(directory: string): Promise<void>
  /** The disk under `directory` cannot be trusted any more (failed fsync, failed truncation): it has to go offline. */
  directoryFailed(directory: string, error: unknown): void
}

export interface EnvironmentOptions {
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly tailMemoryBytes?: number
  readonly indexMemoryBytes?: number
  readonly maxOpenFiles?: number
  readonly producerIdExpirationMs?: number
  readonly report?: (report: LogReport) => void
  readonly directoryFailed?: (directory: string, error: unknown) => void
}

const MEBIBYTE = 1024 * 1024

/** An environment with the usual bounds: 32 MiB of tails, 16 MiB of indexes, 2000 open files. */
export function logEnvironment(options: EnvironmentOptions): LogEnvironment {
  return {
    files: options.files,
    clock: options.clock,
    random: options.random,
    openFiles: new OpenFiles(options.files, options.maxOpenFiles),
    tailMemory: new MemoryBudget(options.tailMemoryBytes ?? 32 * MEBIBYTE),
    indexMemory: new MemoryBudget(options.indexMemoryBytes ?? 16 * MEBIBYTE),
    counter: { bytesCopied: 0 },
    producerIdExpirationMs: options.producerIdExpirationMs ?? 86_400_000,
    report: options.report ?? (() => {}),
    syncParent: (directory) => options.files.syncDirectory(parentOf(directory)),
    directoryFailed: options.directoryFailed ?? (() => {}),
  }
}
