// A broker that answers from a script: real sockets and real frames, and the test decides what is said and when.
// Leaves being right to the script.
import { type Stream, systemNetwork } from '../../../src/lib/network.ts'
import { FrameReader } from '../../../src/net/frames.ts'
import type { Api } from '../../../src/wire/api.ts'
import * as all from '../../../src/wire/apis/index.ts'
import { decodeRequestHeader, encodeResponse } from '../../../src/wire/frame.ts'
import type { Input, Value } from '../../../src/wire/schema.ts'

/** Instead of an answer: nothing at all, or the end of the connection. */
export const silence = Symbol('silence')
export const disconnect = Symbol('disconnect')
const UNSUPPORTED_VERSION = 35
type Answer<A extends Api> = Input<A['response']> | typeof silence | typeof disconnect

interface Line {
  readonly api: Api
  readonly versions: readonly [number, number]
  readonly answer: (request: never, version: number) => unknown
  readonly isAdvertised: boolean
}

export interface Asked {
  readonly name: string
  readonly version: number
  readonly connection: number
}

export class ScriptedBroker {
  port = 0
  /** Every request in the order of arrival. */
  readonly asked: Asked[] = []
  private readonly lines = new Map<number, Line>()
  private readonly streams = new Set<Stream>()
  private connections = 0
  private stopListening: () => Promise<void> = async () => {}

  static async start(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker()
    const listening = await systemNetwork.listen('127.0.0.1', 0, 16, (stream) => broker.accept(stream))
    broker.port = listening.port
    broker.stopListening = () => listening.close()
    broker.on(all.apiVersions, () => ({
      apiKeys: [...broker.lines.values()]
        .filter(({ isAdvertised }) => isAdvertised)
        .map(({ api, versions }) => ({
          apiKey: api.key,
          minVersion: versions[0],
          maxVersion: versions[1],
        })),
    }))
    return broker
  }

  /** Says how requests of an API are answered, and in which versions it is spoken. */
  on<A extends Api>(
    api: A,
    answer: (request: Value<A['request']>, version: number) => Answer<A> | Promise<Answer<A>>,
    versions: readonly [number, number] = api.advertised,
  ): void {
    this.lines.set(api.key, { api, versions, answer, isAdvertised: true })
  }

  /** The same for an API that nobody is told of. */
  onUnadvertised<A extends Api>(api: A, answer: (request: Value<A['request']>) => Answer<A>): void {
    this.lines.set(api.key, { api, versions: api.advertised, answer, isAdvertised: false })
  }

  async stop(): Promise<void> {
    for (const stream of this.streams) stream.destroy()
    await this.stopListening()
  }

  private accept(stream: Stream): void {
    this.streams.add(stream)
    const connection = this.connections++
    let turn = Promise.resolve()
    const frames = new FrameReader(Buffer.alloc(65_536), 10_000_000, ({ bytes, start, end }) => {
      const copy = Buffer.from(bytes.subarray(start, end))
      turn = turn.then(() => this.reply(stream, copy, connection))
    })
    stream.start({
      buffer: () => frames.buffer(),
      arrived: (length, buffer) => frames.arrived(length, buffer),
      closed: () => this.streams.delete(stream),
      drained() {},
    })
  }

  private async reply(stream: Stream, bytes: Buffer, connection: number): Promise<void> {
    const { key, version, correlationId, bodyOffset } = decodeRequestHeader(
      bytes,
      0,
      bytes.length,
      (key) => this.lines.get(key)?.api ?? all.apis.get(key),
    )
    const line = this.lines.get(key)
    if (line === undefined) {
      stream.destroy()
      return
    }
    this.asked.push({ name: line.api.name, version, connection })
    const request = line.api.request.decode(bytes, bodyOffset, bytes.length, version)
    const answer = await line.answer(request as never, version)
    if (answer === silence) return
    if (answer === disconnect) {
      stream.destroy()
      return
    }
    // A version it does not know is refused in the layout of version 0 (KIP-511).
    const isRefusal = (answer as { errorCode?: number }).errorCode === UNSUPPORTED_VERSION
    const layout = isRefusal ? 0 : version
    for (const chunk of encodeResponse(line.api, layout, correlationId, answer as never).chunks) {
      stream.write(chunk as Uint8Array)
    }
  }
}
