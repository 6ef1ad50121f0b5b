// What kadm and kmsg answer through the franz-go program, and short ways to ask.
// Names are those of the Go structures, so that a test reads like the client's documentation.
import { Client } from '../programs/scenarios.ts'
import { startBrokerUnderTest } from '../support/broker-under-test.ts'
import { startFranzGo } from './franz-go.ts'

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

/** The franz-go program, and a broker of its own. */
export class FranzGoAdmin extends Client {
  static async start(): Promise<FranzGoAdmin> {
    const program = await startFranzGo()
    const properties = { 'log.retention.ms': '-1', 'num.partitions': '2' }
    return new FranzGoAdmin(program, await startBrokerUnderTest({ properties }), { nullHeaders: true })
  }

  async stop(): Promise<void> {
    await this.program.close()
    await this.broker.stop()
  }

  /** A call of kadm.Client, by the name of the method with a small first letter. */
  admin<Result>(call: string, args: object = {}): Promise<Result> {
    return this.call<Result>('admin', { call, ...args })
  }

  /** One request of the protocol, at the newest version both ends know or the one given. */
  async request<Body>(key: number, body: object, version?: number): Promise<Body> {
    return (await this.call<{ body: Body }>('request', { key, body, version })).body
  }

  async nodeId(): Promise<number> {
    return (await this.admin<{ Controller: number }>('brokerMetadata')).Controller
  }
}
