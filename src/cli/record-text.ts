// Records as lines: how `produce` reads them and how `consume` writes them.
// Promises that a line of `consume --json` fed to `produce --json` gives the same record, bytes that are not UTF-8 included.
// Leaves reading and writing the streams to the commands.
//
//   text:  [name=value,name=value <header separator>] [key <key separator>] value
//   JSON:  {"key": text, "value": text, "headers": [[name, text]], "partition": n, "timestamp": ms}
//          text: a string, null, or {"base64": "..."} for bytes that are not UTF-8
import { isUtf8 } from 'node:buffer'
import type { HeaderToWrite } from '../wire/records/build.ts'
import type { Record } from '../wire/records/record.ts'
import type { ProducerRecord } from './client/producer.ts'
import { CommandError } from './failure.ts'

export interface LineFormat {
  readonly json: boolean
  /** Splits key and value; the whole line is the value when absent. */
  readonly keySeparator?: string | undefined
  /** Ends the headers at the beginning of a line; there are none when absent. */
  readonly headerSeparator?: string | undefined
  /** A key or value with this text is null. */
  readonly nullMarker?: string | undefined
}

/** @throws CommandError saying what the line lacks */
export function parseLine(line: string, format: LineFormat, nowMs: number): ProducerRecord {
  if (format.json) return parseJson(line, nowMs)
  let rest = line
  let headers: HeaderToWrite[] | undefined
  if (format.headerSeparator !== undefined) {
    const at = cut(rest, format.headerSeparator, 'header separator')
    headers = parseHeaders(rest.slice(0, at))
    rest = rest.slice(at + format.headerSeparator.length)
  }
  let key: Buffer | null = null
  if (format.keySeparator !== undefined) {
    const at = cut(rest, format.keySeparator, 'key separator')
    key = bytesOf(rest.slice(0, at), format)
    rest = rest.slice(at + format.keySeparator.length)
  }
  return {
    timestamp: nowMs,
    key,
    value: bytesOf(rest, format),
    ...(headers === undefined ? {} : { headers }),
  }
}

function cut(text: string, separator: string, what: string): number {
  const at = text.indexOf(separator)
  if (at < 0)
    throw new CommandError(`no ${what} ${JSON.stringify(separator)} in ${JSON.stringify(shortened(text))}`)
  return at
}

function bytesOf(text: string, format: LineFormat): Buffer | null {
  return text === format.nullMarker ? null : Buffer.from(text)
}

/** `name=value,name=value`; a name without `=` has a null value. Nothing at all gives no header. */
export function parseHeaders(text: string): HeaderToWrite[] {
  if (text === '') return []
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=')
    return at < 0
      ? { key: pair, value: null }
      : { key: pair.slice(0, at), value: Buffer.from(pair.slice(at + 1)) }
  })
}

function parseJson(line: string, nowMs: number): ProducerRecord {
  const given = parsed(line)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new CommandError(`expected a JSON object with key, value, headers: ${shortened(line)}`)
  }
  const { key, value, headers, partition, timestamp } = given as { [name: string]: unknown }
  if (partition !== undefined && !isCount(partition))
    throw new CommandError(`partition: ${JSON.stringify(partition)} is no partition`)
  if (timestamp !== undefined && !isCount(timestamp))
    throw new CommandError(`timestamp: ${JSON.stringify(timestamp)} is no time in ms`)
  return {
    timestamp: timestamp ?? nowMs,
    key: jsonBytes(key, 'key'),
    value: jsonBytes(value, 'value'),
    headers: jsonHeaders(headers),
    ...(partition === undefined ? {} : { partition }),
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new CommandError(`not JSON (${(error as Error).message}): ${shortened(line)}`)
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function jsonBytes(value: unknown, where: string): Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  const base64 = (value as { base64?: unknown }).base64
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  // Anything else is taken for a document: its text is the value.
  if (where === 'value') return Buffer.from(JSON.stringify(value))
  throw new CommandError(
    `${where}: expected a string, null or {"base64": "..."}, not ${JSON.stringify(value)}`,
  )
}

function jsonHeaders(value: unknown): HeaderToWrite[] {
  if (value === undefined || value === null) return []
  const pairs: unknown[] = Array.isArray(value) ? value : Object.entries(value)
  return pairs.map((pair) => {
    const [key, bytes] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof key !== 'string')
      throw new CommandError(`headers: expected [name, value] pairs, not ${JSON.stringify(pair)}`)
    return { key, value: jsonBytes(bytes, `header ${key}`) }
  })
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`
}

/** What `consume` may show beside the value, in the order of the line. */
export const shownParts = ['timestamp', 'topic', 'partition', 'offset', 'headers', 'key', 'value'] as const
export type ShownPart = (typeof shownParts)[number]

export interface PrintFormat {
  readonly json: boolean
  readonly show: ReadonlySet<ShownPart>
  readonly separator: string
  readonly nullMarker: string
}

export function recordLine(record: Record, topic: string, partition: number, format: PrintFormat): string {
  if (format.json) {
    return JSON.stringify({
      topic,
      partition,
      offset: record.offset,
      timestamp: record.timestamp,
      key: textOrBase64(record.key),
      value: textOrBase64(record.value),
      headers: record.headers.map(({ key, value }) => [key, textOrBase64(value)]),
    })
  }
  const parts: string[] = []
  for (const part of shownParts) {
    if (format.show.has(part)) parts.push(partText(record, topic, partition, part, format.nullMarker))
  }
  return parts.join(format.separator)
}

function partText(
  record: Record,
  topic: string,
  partition: number,
  part: ShownPart,
  nullMarker: string,
): string {
  switch (part) {
    case 'timestamp':
      return timeText(record.timestamp)
    case 'topic':
      return topic
    case 'partition':
      return String(partition)
    case 'offset':
      return String(record.offset)
    case 'headers':
      return record.headers
        .map(({ key, value }) => (value === null ? key : `${key}=${value.toString()}`))
        .join(',')
    default:
      return record[part]?.toString() ?? nullMarker
  }
}

/** ISO 8601, or `-` for a record without a time. Times beyond what a calendar holds stay numbers. */
export function timeText(timestampMs: number): string {
  if (timestampMs === -1) return '-'
  return Math.abs(timestampMs) > 8.64e15 ? String(timestampMs) : new Date(timestampMs).toISOString()
}

export function textOrBase64(bytes: Buffer | null): string | null | { base64: string } {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}
