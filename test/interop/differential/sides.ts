// Two brokers, Apache Kafka and ours, that are asked the same things one after the other.
// Promises one outcome per step and side, with everything replaced that may differ from broker to broker (ids, ports,
// clocks, wording). Leaves what to ask to the tables of steps, and judging differences to the test.
import { isDeepStrictEqual } from 'node:util'
import type { Api } from '../../../src/wire/api.ts'
import { createTopics } from '../../../src/wire/apis/create-topics.ts'
import { metadata } from '../../../src/wire/apis/metadata.ts'
import type { Input } from '../../../src/wire/schema.ts'
import { ConnectionClosed, RawClient } from '../../support/raw-client.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { normalised } from './normalise.ts'

const ANSWER_TIMEOUT_MS = 15_000
const REPEATS = 5
const REPEAT_PAUSE_MS = 100

/** An id that no broker ever gave to a topic. */
export const UNKNOWN_ID = 'QQQQQQQQQQQQQQQQQQQQQQ'

export interface Producer {
  producerId: number
  producerEpoch: number
}

/** One broker, and what it has told us of itself. */
export interface Side {
  readonly name: 'apache' | 'ours'
  readonly port: number
  /** When the comparison began: times of the broker's clock are later. */
  readonly startMs: number
  client: RawClient
  readonly topicIds: Map<string, string>
  readonly producers: Producer[]
  /** Fetch sessions by the name that the steps give them. */
  readonly sessions: Map<string, number>
}

export interface Step {
  readonly name: string
  readonly api: Api
  readonly version: number
  readonly request: (side: Side) => unknown
  /** Sent instead of `request`: a whole frame. */
  readonly bytes?: (side: Side) => Buffer
  readonly clientId?: string
  /** Produce with acks = 0: what is compared is whether the connection lives. */
  readonly isUnanswered?: boolean
  /** The answer may become equal a little later, when what was changed before has spread. */
  readonly isSettling?: boolean
  /** How long to wait for an answer; 15 seconds when absent. */
  readonly patienceMs?: number
  readonly after?: (side: Side, answer: Record<string, unknown>) => void
}

export interface Difference {
  readonly step: string
  readonly path: string
  readonly apache: unknown
  readonly ours: unknown
}

/** Apache Kafka and our broker, with the same settings, and their ports. */
export async function startBoth(
  properties: Readonly<Record<string, string>>,
): Promise<{ brokers: readonly BrokerUnderTest[]; ports: readonly [apache: number, ours: number] }> {
  const brokers = await Promise.all(
    (['apache', 'odradek'] as const).map((target) =>
      startBrokerUnderTest({ target, properties, ...(target === 'apache' && { heapMb: 384 }) }),
    ),
  )
  const [apache, ours] = brokers.map(({ bootstrapServers }) => Number(bootstrapServers.split(':')[1]))
  return { brokers, ports: [apache!, ours!] }
}

/** Makes a topic with that many partitions at each of them. */
export async function makeTopicsAt(
  ports: readonly number[],
  partitions: Readonly<Record<string, number>>,
): Promise<void> {
  for (const port of ports) {
    const client = await RawClient.connect(port)
    const topics = Object.entries(partitions).map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
    }))
    await client.ask(createTopics, 7, { topics, timeoutMs: 30_000 })
    client.close()
  }
}

export async function openSide(name: Side['name'], port: number, startMs: number): Promise<Side> {
  const client = await RawClient.connect(port)
  return { name, port, startMs, client, topicIds: new Map(), producers: [], sessions: new Map() }
}

export function idOf(side: Side, topic: string): string {
  return side.topicIds.get(topic) ?? UNKNOWN_ID
}

/** A step whose request is checked against its schema by the compiler. */
export function step<A extends Api>(
  name: string,
  api: A,
  version: number,
  request: Input<A['request']> | ((side: Side) => Input<A['request']>),
  rest: Partial<Step> = {},
): Step {
  const make = (typeof request === 'function' ? request : () => request) as (side: Side) => unknown
  return { ...rest, name: `${api.name} v${version}: ${name}`, api, version, request: make }
}

const late = (promise: Promise<unknown>, patienceMs = ANSWER_TIMEOUT_MS): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise((resolve) => {
    timer = setTimeout(() => resolve('no answer'), patienceMs)
  })
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer))
}

async function reconnect(side: Side): Promise<void> {
  side.client.close()
  side.client = await RawClient.connect(side.port)
}

async function answerOf(side: Side, { api, version, request, bytes, isUnanswered }: Step): Promise<unknown> {
  const { client } = side
  if (bytes !== undefined) {
    client.send(bytes(side))
    return { answered: (await client.frame()).length > 0 }
  }
  if (isUnanswered === true) {
    client.tell(api, version, request(side) as never)
    await client.ask(metadata, 9, { topics: [] })
    return 'no answer, as asked'
  }
  return client.ask(api, version, request(side) as never)
}

/** What one side does with one step, made comparable. */
export async function outcomeOf(side: Side, asked: Step): Promise<unknown> {
  side.client.clientId = asked.clientId ?? 'test'
  try {
    const answer = await late(answerOf(side, asked), asked.patienceMs)
    if (answer === 'no answer') await reconnect(side)
    if (typeof answer !== 'object' || answer === null) return answer
    asked.after?.(side, answer as Record<string, unknown>)
    return normalised(answer as Record<string, unknown>, asked.api, side)
  } catch (error) {
    if (!(error instanceof ConnectionClosed)) throw error
    await reconnect(side)
    return 'connection closed'
  }
}

/** Asks both; steps that settle are asked again while they differ. */
export async function compare(apache: Side, ours: Side, asked: Step): Promise<Difference[]> {
  for (let attempt = 1; ; attempt++) {
    const [theirs, mine] = await Promise.all([outcomeOf(apache, asked), outcomeOf(ours, asked)])
    const isOver = asked.isSettling !== true || attempt === REPEATS
    if (isDeepStrictEqual(theirs, mine)) return []
    if (isOver) return differencesIn(asked.name, '', theirs, mine)
    await new Promise((resolve) => setTimeout(resolve, REPEAT_PAUSE_MS))
  }
}

const isTree = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The leaves in which two outcomes differ. */
export function differencesIn(name: string, path: string, apache: unknown, ours: unknown): Difference[] {
  if (isDeepStrictEqual(apache, ours)) return []
  if (!isTree(apache) || !isTree(ours)) return [{ step: name, path, apache, ours }]
  const keys = new Set([...Object.keys(apache), ...Object.keys(ours)])
  const a = apache as Record<string, unknown>
  const b = ours as Record<string, unknown>
  return [...keys].flatMap((key) => differencesIn(name, path === '' ? key : `${path}.${key}`, a[key], b[key]))
}
