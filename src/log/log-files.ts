// The files in a partition's directory: which segments and snapshots there are, and tidying up after a sudden stop.
// Promises to finish or undo what Apache Kafka's cleaner left half done, and to drop files that belong to nothing.
// Leaves what is in the files to the loader.
//
//   00000000000000000000.log .index .timeindex .txnindex   a segment, by its base offset
//   00000000000000000123.snapshot                           producers before offset 123
//   *.deleted  on its way out      *.cleaned  unfinished output of the cleaner      *.swap  finished, not in place yet
import { join } from 'node:path'
import * as batch from '../wire/records/batch.ts'
import { BatchScan } from './batch-scan.ts'
import type { LogEnvironment } from './environment.ts'
import { LogFile } from './log-file.ts'
import { segmentName } from './segment.ts'
import { fileSource } from './segment-source.ts'

const SEGMENT_FILE = /^(\d{20})\.(log|index|timeindex|txnindex)$/
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/
const SWAP_FILE = /^(\d{20})\.(log|index|timeindex|txnindex)\.swap$/
const CLEANED_FILE = /^(\d{20})\..*\.cleaned$/

export interface LogListing {
  /** Base offsets of the segments, ascending. */
  readonly segmentBases: number[]
  readonly transactionIndexes: ReadonlySet<number>
  readonly snapshotOffsets: number[]
  readonly names: ReadonlySet<string>
}

/** Tidies the directory and lists what is left. */
export function listLog(environment: LogEnvironment, directory: string): LogListing {
  const names = new Set<string>()
  for (const entry of environment.files.listSync(directory)) if (!entry.isDirectory) names.add(entry.name)
  if (hasSuffix(names, '.swap') || hasSuffix(names, '.cleaned')) finishCleaning(environment, directory, names)
  const bases = new Set<number>()
  const transactionIndexes = new Set<number>()
  const snapshotOffsets: number[] = []
  for (const name of names) {
    const [, base, kind] = SEGMENT_FILE.exec(name) ?? []
    if (kind === 'log') bases.add(Number(base))
    if (kind === 'txnindex') transactionIndexes.add(Number(base))
    const snapshot = SNAPSHOT_FILE.exec(name)
    if (snapshot !== null) snapshotOffsets.push(Number(snapshot[1]))
  }
  for (const name of names) {
    const base = SEGMENT_FILE.exec(name)?.[1]
    const isOrphan = base !== undefined && !bases.has(Number(base))
    if (isOrphan || name.endsWith('.deleted')) remove(environment, directory, names, name)
  }
  const segmentBases = [...bases].sort((a, b) => a - b)
  return { segmentBases, transactionIndexes, snapshotOffsets, names }
}

function hasSuffix(names: ReadonlySet<string>, suffix: string): boolean {
  for (const name of names) if (name.endsWith(suffix)) return true
  return false
}

function remove(environment: LogEnvironment, directory: string, names: Set<string>, name: string): void {
  environment.files.unlinkSync(join(directory, name))
  names.delete(name)
}

/**
 * Unfinished output of the cleaner goes, and with it finished output at or above it, which the same run had made.
 * Other finished output replaces the segments it was made from.
 */
function finishCleaning(environment: LogEnvironment, directory: string, names: Set<string>): void {
  let firstCleaned = Number.POSITIVE_INFINITY
  for (const name of names) {
    const base = CLEANED_FILE.exec(name)?.[1]
    if (base !== undefined) firstCleaned = Math.min(firstCleaned, Number(base))
  }
  for (const name of [...names]) {
    const [, base, kind] = SWAP_FILE.exec(name) ?? []
    if (base !== undefined && Number(base) < firstCleaned && kind === 'log') {
      swapIn(environment, directory, names, name, Number(base))
    }
  }
  for (const name of [...names]) {
    if (name.endsWith('.swap') || name.endsWith('.cleaned')) remove(environment, directory, names, name)
  }
}

/** Puts `<base>.log.swap` in the place of the segments whose offsets it covers. Its indexes are made anew. */
function swapIn(
  environment: LogEnvironment,
  directory: string,
  names: Set<string>,
  swapName: string,
  base: number,
): void {
  const path = join(directory, swapName)
  const file = new LogFile(environment.openFiles, path)
  const size = environment.files.sizeSync(path) ?? 0
  const scan = new BatchScan(fileSource(file, size), 0, size)
  let lastOffset = base
  while (scan.next()) lastOffset = batch.lastOffset(scan.bytes, scan.at)
  file.close()
  for (const name of [...names]) {
    const covered = SEGMENT_FILE.exec(name)?.[1]
    if (covered !== undefined && Number(covered) >= base && Number(covered) <= lastOffset) {
      remove(environment, directory, names, name)
    }
  }
  const name = `${segmentName(base)}.log`
  environment.files.renameSync(path, join(directory, name))
  names.delete(swapName)
  names.add(name)
}
