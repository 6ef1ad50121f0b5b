// Makes the answers of two brokers comparable: what each chooses for itself becomes a word.
// Promises that error codes, offsets, epochs, timestamps of records and the batches themselves stay as they are.
// Leaves differences that need a reason to known-differences.ts.
import { createHash } from 'node:crypto'
import { handlers } from '../../../src/api/handlers.ts'
import type { Api } from '../../../src/wire/api.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { describeBatches } from './batches.ts'
import type { Side } from './sides.ts'

const CLOCK_SLACK_MS = 5_000

/** Wording, addresses and sizes of disks: of no meaning to a client's decisions. */
const dropped: ReadonlySet<string> = new Set([
  'errorMessage',
  'batchIndexErrorMessage',
  'documentation',
  'host',
  'port',
  'clusterId',
  'logDir',
  'totalBytes',
  'usableBytes',
  'throttleTimeMs',
  'finalizedFeaturesEpoch',
  'finalizedFeatures',
  'supportedFeatures',
])

/** Lists whose order Kafka takes from a hash table. */
const sorted: ReadonlySet<string> = new Set([
  'topics',
  'responses',
  'results',
  'partitionResponses',
  'partitions',
  'activeProducers',
  'configs',
  'apiKeys',
  'nodeEndpoints',
  'groups',
  'configResources',
])

const times: ReadonlySet<string> = new Set(['logAppendTimeMs', 'timestamp', 'lastTimestamp'])

/** Codes that Kafka finds before it asks the log; it puts such partitions behind the others. */
const codesOfNames: ReadonlySet<unknown> = new Set([3, 17, 100])

/** The partitions of a Fetch answer in its order, as one list, those of unknown topics last. */
function flattened(responses: readonly Record<string, unknown>[]): unknown[] {
  const all = responses.flatMap(({ partitions, ...topic }) =>
    (partitions as Record<string, unknown>[]).map((partition) => ({ ...topic, ...partition })),
  ) as Record<string, unknown>[]
  const isOfName = ({ errorCode }: Record<string, unknown>) => codesOfNames.has(errorCode)
  const unknown = all.filter(isOfName).sort((a, b) => Number(a.errorCode) - Number(b.errorCode))
  return [...all.filter((one) => !isOfName(one)), ...unknown]
}

const offered: ReadonlySet<number> = new Set(handlers.map(({ api }) => api.key))

/** docs/api-support.md tells which APIs we leave out. */
const isOffered = ({ apiKey }: { readonly apiKey: number }): boolean => offered.has(apiKey)

export function normalised(answer: Record<string, unknown>, api: Api, side: Side): unknown {
  const keepsOrder = api.name === 'Fetch'
  const walk = (value: unknown, key: string): unknown => {
    if (value instanceof Uint8Array) return key === 'records' ? describeBatches(value, side) : digest(value)
    if (Array.isArray(value)) {
      const elements =
        keepsOrder && key === 'responses'
          ? flattened(value)
          : key === 'apiKeys'
            ? value.filter(isOffered)
            : value
      const list = elements.map((element) => walk(element, ''))
      if (keepsOrder || !sorted.has(key)) return list
      return list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    }
    if (typeof value !== 'object' || value === null) return scalar(value, key, side)
    if ((value as { name?: unknown }).name === 'min.insync.replicas') return 'of the cluster (KIP-966)'
    const kept = Object.entries(value).filter(([name]) => !dropped.has(name))
    return Object.fromEntries(kept.map(([name, inner]) => [name, walk(inner, name)]))
  }
  return walk(answer, '')
}

function scalar(value: unknown, key: string, side: Side): unknown {
  if (key === 'topicId') return topicOf(String(value), side)
  if (key === 'sessionId') return value === 0 ? 0 : 'a session'
  if (key === 'producerId') return producerOf(Number(value), side)
  if (times.has(key)) return timeOf(Number(value), side)
  return value
}

function topicOf(id: string, side: Side): string {
  if (id === ZERO_UUID) return 'no id'
  for (const [name, known] of side.topicIds) if (known === id) return `id of ${name}`
  return 'an id'
}

/** Producer ids by the order in which they were given out. */
export function producerOf(producerId: number, side: Side): string | number {
  const index = side.producers.findIndex((producer) => producer.producerId === producerId)
  if (index >= 0) return `producer ${index}`
  return producerId
}

/** The broker's own clock becomes a word; times of records, which lie well before, stay. */
export function timeOf(timeMs: number, side: Side): number | string {
  const isRecent = timeMs >= side.startMs - CLOCK_SLACK_MS && timeMs <= Date.now() + CLOCK_SLACK_MS
  return isRecent ? 'now' : timeMs
}

export function digest(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  return `${bytes.length}:${createHash('sha1').update(bytes).digest('base64').slice(0, 8)}`
}
