// Failures in words for the person at the terminal: what happened, with which value, and what to do about it.
// Promises one line (no stack) and an exit code: 1 when it failed, 2 when it was called wrongly.

import { nearestName } from '../lib/nearest-name.ts'
import { KafkaError } from '../wire/errors.ts'
import {
  addressText,
  NoSuchGroupError,
  NoSuchTopicError,
  TimeoutError,
  UnreachableError,
} from './client/failure.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command could not do what it was asked to; the message says all. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  ETIMEDOUT: 'no answer to the attempt to connect',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EACCES: 'not permitted',
  EADDRNOTAVAIL: 'not an address to connect to',
}

/** What is wrong with a place on the disk. */
const places: Readonly<Record<string, string>> = {
  EACCES: ' may not be read or written by this user',
  EPERM: ' may not be read or written by this user',
  EISDIR: ' is a directory',
  EEXIST: ' is there already, and is not a directory',
  ENOTDIR: ': a part of this path is a file, not a directory',
  EROFS: ': this disk can only be read',
  ENOSPC: ': no space is left on this disk',
}

/** Names of errors that nobody wrote a message for people for. */
const unforeseen = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'AssertionError',
])

/** One line, or several for several settings. */
export function explain(error: unknown): string {
  if (error instanceof UnreachableError) return explainUnreachable(error)
  if (error instanceof NoSuchTopicError) {
    const { topic } = error
    return `topic ${topic} does not exist; \`odradek topics list\` shows those that do, \`odradek topics create ${topic}\` makes it`
  }
  if (error instanceof NoSuchGroupError) return explainMissing(error)
  if (error instanceof KafkaError) return `${error.message} (${error.error.name})`
  if (error instanceof TimeoutError) return `${error.message}; --timeout gives it longer`
  if (error instanceof Error) {
    const { code, path, syscall } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && syscall === 'mkdir') return `${path}: no directory can be made there`
    if (code === 'ENOENT' && path !== undefined) return `${path} does not exist`
    const place = path === undefined ? undefined : places[code ?? '']
    if (place !== undefined) return `${path}${place}`
    return unforeseen.has(error.name) ? `${error.message} (DEBUG=odradek shows where)` : error.message
  }
  return String(error)
}

/** Names that are listed beside the one that is not there. */
const NAMES_SHOWN = 5

function explainMissing({ message, groupId, others }: NoSuchGroupError): string {
  if (others.length === 0) return `${message}; there are no groups`
  const nearest = nearestName(groupId, others)
  if (nearest !== undefined) return `${message}; did you mean ${nearest}?`
  const rest = others.length > NAMES_SHOWN ? `, … (\`odradek groups list\` shows all ${others.length})` : ''
  return `${message}; those that do: ${others.slice(0, NAMES_SHOWN).join(', ')}${rest}`
}

function explainUnreachable(error: UnreachableError): string {
  const where = error.addresses.map(addressText).join(', ')
  // A broker that names an address nobody can reach has its own story to tell.
  if (error.message.startsWith('broker ')) {
    return `${error.message.replace(/connect (E[A-Z]+) .*$/, (_, code) => reasons[code] ?? code)}; check advertised.listeners there`
  }
  const reason = reasons[error.code] ?? error.message
  const start = error.code === 'ECONNREFUSED' ? '; start one with `odradek start`' : ''
  return `no broker at ${where}: ${reason}${start}`
}

export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}
