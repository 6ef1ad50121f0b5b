// A context for the administrative handlers: a real controller on a simulated disk, and nothing else of a broker.
// `ask` sends a request through both codecs, as a client's bytes would travel.
import assert from 'node:assert/strict'
import type { BrokerContext, RequestContext } from '../../src/api/context.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../src/config/broker-config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import type { Api } from '../../src/wire/api.ts'
import type { Input, Value } from '../../src/wire/schema.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'
import { type Fixture, type FixtureOptions, openFixture, topicNamed } from '../cluster/fixture.ts'

export interface AdminFixture extends Fixture {
  readonly context: RequestContext
  /** Creates topics with that many partitions. */
  createTopics(partitions: Readonly<Record<string, number>>): Promise<void>
}

export type Overrides = Partial<Omit<RequestContext, 'broker'>> & { broker?: Partial<BrokerContext> }

export async function openAdmin(
  options: FixtureOptions & { overrides?: Overrides } = {},
): Promise<AdminFixture> {
  const fixture = await openFixture(options)
  const config: BrokerConfig = parseBrokerConfig(options.settings ?? {})
  const { broker, ...request } = options.overrides ?? {}
  const context = {
    apiVersion: 0,
    correlationId: 1,
    clientId: 'test',
    listenerName: 'PLAINTEXT',
    localAddress: '127.0.0.1',
    localPort: 9092,
    remoteAddress: '127.0.0.1',
    whenClosed: () => () => {},
    bytesAreOwned: true,
    ...request,
    broker: {
      nodeId: 1,
      config: () => config,
      staticEntries: new Map(Object.entries(options.settings ?? {})),
      cluster: fixture.view,
      controller: fixture.controller,
      clock: systemClock,
      logger: silentLogger,
      ...broker,
    } as BrokerContext,
  }
  const createTopics = async (partitions: Readonly<Record<string, number>>) => {
    const topics = Object.entries(partitions).map(([name, numPartitions]) =>
      topicNamed(name, { numPartitions }),
    )
    for (const { message } of await fixture.controller.createTopics(topics, { validateOnly: false })) {
      assert.equal(message, null)
    }
  }
  return { ...fixture, context, createTopics }
}

export async function withAdmin(
  check: (fixture: AdminFixture) => Promise<void>,
  options?: Parameters<typeof openAdmin>[0],
): Promise<void> {
  const fixture = await openAdmin(options)
  try {
    await check(fixture)
  } finally {
    await fixture.close()
  }
}

type Handle<A extends Api> = (
  request: Value<A['request']>,
  context: RequestContext,
) => Input<A['response']> | Promise<Input<A['response']>>

/** What a client of `version` gets for a request of its own. */
export async function ask<A extends Api>(
  api: A,
  handle: Handle<A>,
  version: number,
  request: Input<A['request']>,
  { context }: Pick<AdminFixture, 'context'>,
): Promise<Value<A['response']>> {
  const sent = encode(api.request, request, version)
  const received = api.request.decode(sent, 0, sent.length, version) as Value<A['request']>
  const answer = await handle(received, { ...context, apiVersion: version })
  const bytes = encode(api.response, answer, version)
  return api.response.decode(bytes, 0, bytes.length, version) as Value<A['response']>
}

function encode(message: Api['request'], value: unknown, version: number): Buffer {
  const writer = new Writer()
  message.encode(writer, value as never, version)
  return flatten(writer.finish())
}

/** Every version of an API. */
export function versionsOf({ versions: [first, last] }: Api): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
