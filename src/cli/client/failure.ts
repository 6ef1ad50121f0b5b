// What can go wrong between a client and a cluster, besides what a broker answers (KafkaError).
// Promises for each the address it concerns and whether trying again can help. Leaves the words for people to cli/failure.ts.
import type { ErrorCode } from '../../wire/errors.ts'
import { errorByCode, errors, KafkaError } from '../../wire/errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** No connection could be made. `code` is the system's, such as ECONNREFUSED, or ETIMEDOUT. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  readonly addresses: readonly Address[]
  readonly code: string

  constructor(addresses: readonly Address[], code: string, message: string) {
    super(message)
    this.addresses = addresses
    this.code = code
  }
}

/** The connection ended before the answer came. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError'
}

/** The other side took the connection and ended it before it said anything: a broker that died, or no broker at all. */
export class HungUpError extends DisconnectedError {}

/** No answer in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
}

/** The other side does not speak Kafka's protocol, or not the part that is needed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** A topic that is not there, and that nobody was asked to make. */
export class NoSuchTopicError extends Error {
  override readonly name = 'NoSuchTopicError'
  readonly topic: string

  constructor(topic: string) {
    super(`topic ${topic} does not exist`)
    this.topic = topic
  }
}

/** A group that is not there. `others` are those that are, as far as they are known. */
export class NoSuchGroupError extends Error {
  override readonly name = 'NoSuchGroupError'
  readonly groupId: string
  readonly others: readonly string[]

  constructor(groupId: string, others: readonly string[] = []) {
    super(`group ${groupId} does not exist`)
    this.groupId = groupId
    this.others = others
  }
}

/** Whether the same call may succeed a little later, perhaps with other metadata. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof KafkaError) return error.error.retriable
  return (
    error instanceof DisconnectedError || error instanceof TimeoutError || error instanceof UnreachableError
  )
}

/** Undefined for 0; an error to throw for every other code, with the broker's words when it had any. */
export function failureOf(code: number, message?: string | null, about?: string): KafkaError | undefined {
  if (code === errors.NONE.code) return undefined
  const error: ErrorCode = errorByCode(code)
  const words = message ? message : error.message
  return new KafkaError(error, about === undefined ? words : `${about}: ${words}`)
}

/** Throws unless `code` is 0. */
export function check(code: number, message?: string | null, about?: string): void {
  const failure = failureOf(code, message, about)
  if (failure !== undefined) throw failure
}
