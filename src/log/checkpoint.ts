// The small text files of a log directory: offsets per partition, starts of leader epochs, a partition's topic id.
// Promises Apache Kafka's forms, and an error that names file and line for anything else. Leaves when to write them,
// and durability, to their owners.
//
//   0                 version              partition.metadata:
//   2                 number of entries      version: 0
//   topic-a 0 1700    one entry per line     topic_id: 22 characters, base64url
//   topic-a 1 23

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** A text file in a log directory does not have the form it must have. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
}

function linesOf(text: string, path: string, entryPattern: RegExp): string[][] {
  if (text === '') return [] // as Apache Kafka leaves it before it has written one
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new CheckpointError(`${path}, line ${lines.length + 1}: it is cut off`)
  const [version, count, ...entries] = lines
  if (version !== '0')
    throw new CheckpointError(`${path}, line 1: version ${version ?? '(none)'}, but only 0 is known`)
  if (count !== String(entries.length)) {
    throw new CheckpointError(
      `${path}, line 2: ${count ?? '(no)'} entries announced, ${entries.length} found`,
    )
  }
  return entries.map((line, i) => {
    if (!entryPattern.test(line))
      throw new CheckpointError(`${path}, line ${i + 3}: cannot be read: "${line}"`)
    return line.split(' ')
  })
}

function checkpoint(lines: readonly string[]): Buffer {
  return Buffer.from(`0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`)
}

/** Reads `topic partition offset` lines. Throws CheckpointError. */
export function parseOffsetCheckpoint(text: string, path: string): PartitionOffset[] {
  return linesOf(text, path, /^\S+ \d+ -?\d+$/).map(([topic, partition, offset]) => ({
    topic: topic!,
    partition: Number(partition),
    offset: Number(offset),
  }))
}

export function formatOffsetCheckpoint(entries: readonly PartitionOffset[]): Buffer {
  return checkpoint(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`))
}

/** Reads `epoch startOffset` lines. Throws CheckpointError. */
export function parseEpochCheckpoint(text: string, path: string): EpochStart[] {
  return linesOf(text, path, /^\d+ \d+$/).map(([epoch, startOffset]) => ({
    epoch: Number(epoch),
    startOffset: Number(startOffset),
  }))
}

export function formatEpochCheckpoint(starts: readonly EpochStart[]): Buffer {
  return checkpoint(starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
}

/** Reads a partition.metadata file; returns the topic id. Throws CheckpointError. */
export function parsePartitionMetadata(text: string, path: string): string {
  const match = /^version: *0 *\r?\ntopic_id: *([A-Za-z0-9_-]{22}) *\s*$/.exec(text)
  if (match === null)
    throw new CheckpointError(`${path}: expected "version: 0" and "topic_id: ...", found "${text}"`)
  if (/^A{22}$/.test(match[1]!)) throw new CheckpointError(`${path}: the topic id is all zero`)
  return match[1]!
}

export function formatPartitionMetadata(topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`)
}
