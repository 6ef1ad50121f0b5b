// What kadm and kmsg answer through the franz-go program, and short ways to ask.
// Names are those of the Go structures, so that a test reads like the client's documentation.
import { base64, type ProgramRecord } from '../programs/numbered-records.ts'
import type { Client } from '../programs/scenarios.ts'

/** An error as kadm shows it. */
export type Failed = { readonly Message: string; readonly Code: number } | null

export interface Config {
  readonly Key: string
  readonly Value: string | null
  readonly Source: string
}

export interface CreatedTopic {
  readonly ID: string
  readonly Err: Failed
  readonly NumPartitions: number
  readonly ReplicationFactor: number
  readonly Configs: Readonly<Record<string, Config>>
}

export interface Resource {
  readonly Name: string
  readonly Err: Failed
  readonly Configs: readonly Config[]
}

export type Named<Value> = Readonly<Record<string, Value>>
export type PerPartition<Value> = Named<Named<Value>>

export interface Listed {
  readonly Offset: number
  readonly Timestamp: number
  readonly LeaderEpoch: number
  readonly Err: Failed
}

export const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA=='
export const codeOf = (of: { readonly Err: Failed } | undefined): string =>
  of?.Err ? of.Err.Message : 'NONE'
export const configOf = (configs: readonly Config[], key: string): Config | undefined =>
  configs.find(({ Key }) => Key === key)

/** The time that record times of these tests count from, in ms since 1970. */
export const startMs = 1_700_000_000_000

/** Records without keys, `startMs` plus these times. */
export const recordsAt = (...times: number[]): ProgramRecord[] =>
  times.map((time) => ({ key: null, value: base64(`at ${time}`), headers: [], timestamp: startMs + time }))

/** A call of kadm.Client, by the name of the method with a small first letter. */
export const admin = <Result>(client: Client, call: string, args: object = {}): Promise<Result> =>
  client.call<Result>('admin', { call, ...args })

/** One request of the protocol, at the newest version both ends know or the one given. */
export const request = async <Body>(
  client: Client,
  key: number,
  body: object,
  version?: number,
): Promise<Body> => (await client.call<{ body: Body }>('request', { key, body, version })).body
