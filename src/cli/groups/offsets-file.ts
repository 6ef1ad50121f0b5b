// Offsets of groups in a file, in the form that Kafka's tool exports and takes: comma-separated values, no heading.
// Promises errors with the line's number. Leaves reading and writing the file to reset-offsets.
//
//   topic,partition,offset              of the one group that is named on the command line
//   group,topic,partition,offset        of several
//   "with, commas ""and quotes""",0,17
import type { PartitionOffset } from '../client/group-admin.ts'
import { CommandError } from '../failure.ts'

export interface FileRow extends PartitionOffset {
  /** Undefined in the form without groups. */
  readonly groupId: string | undefined
}

/** @throws CommandError for the first line that is not of this form, or that repeats a partition */
export function parseOffsets(text: string, file: string): FileRow[] {
  const rows: FileRow[] = []
  const seen = new Set<string>()
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const where = `${file} line ${at + 1}`
    const row = parseRow(line.trim(), where)
    const key = JSON.stringify([row.groupId, row.topic, row.partition])
    if (seen.has(key)) throw new CommandError(`${where}: ${row.topic}-${row.partition} has a line already`)
    seen.add(key)
    rows.push(row)
  }
  if (rows.length === 0) throw new CommandError(`${file} has no lines; each is topic,partition,offset`)
  return rows
}

function parseRow(line: string, where: string): FileRow {
  const fields = split(line)
  const [groupId, topic, partition, offset] = fields?.length === 3 ? [undefined, ...fields] : (fields ?? [])
  const isWhole = (field: string | undefined) => field !== undefined && /^\d{1,15}$/.test(field)
  if ((fields?.length !== 3 && fields?.length !== 4) || !isWhole(partition) || !isWhole(offset)) {
    throw new CommandError(
      `${where}: expected topic,partition,offset or group,topic,partition,offset: ${line.slice(0, 80)}`,
    )
  }
  return { groupId, topic: topic!, partition: Number(partition), offset: Number(offset) }
}

/** Undefined when quotes do not match. */
function split(line: string): string[] | undefined {
  const fields: string[] = []
  const field = /(?: *"((?:[^"]|"")*)" *|([^",]*))(,|$)/y
  for (;;) {
    const found = field.exec(line)
    if (found === null) return undefined
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2]!.trim())
    if (found[3] === '') return fields
  }
}

/** Lines of `topic,partition,offset`, with the group in front when there is more than one. */
export function offsetsText(groups: ReadonlyMap<string, readonly PartitionOffset[]>): string {
  const withGroup = groups.size > 1
  return [...groups]
    .flatMap(([groupId, rows]) =>
      rows.map(({ topic, partition, offset }) =>
        [...(withGroup ? [quoted(groupId)] : []), quoted(topic), partition, offset].join(','),
      ),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function quoted(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
