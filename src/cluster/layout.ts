// Where cluster metadata lies in the store, and what an entry's bytes mean.
//
//   /meta                     {"version":1,"clusterId":"..."}                       written once; a new store lacks it
//   /controller               {"brokerId":1,"epoch":7}                              ephemeral: the broker that decides
//   /controller-epoch         {"epoch":7}                                           the fence of every decision
//   /brokers/<id>             {"rack":null,"endpoints":[["PLAINTEXT","host",9092,"PLAINTEXT"]]}   ephemeral
//   /topics/<topicId>/info    {"name":"...","partitions":3,"configs":{}}            a topic exists if and only if this does
//   /topics/<topicId>/parts-<k>  {"partitions":[[replicas,isr,leader,leaderEpoch,partitionEpoch,adding,removing],...]}
//   /configs/brokers/<id>     {"configs":{}}                                        <id> is "default" for all brokers
//   /producer-ids             {"next":1000}
//   /log-directories/<id>     {"directories":{"<directory.id>":"<path>"}}          known-directories.ts
//
// Promises that what it writes it reads, and a clear error for anything else. Partitions are grouped by 100, so that a
// fail-over reads a thousand entries and not a hundred thousand. A chunk may hold more partitions than `info` counts
// (a crash between two transactions): `info` is right. Leaves transactions to controller.ts.
import type { BrokerRegistration, ConfigMap, Endpoint, PartitionImage, SecurityProtocol } from './image.ts'
import { NO_CONFIGS } from './image.ts'
import type { Entry } from './store.ts'

export const LAYOUT_VERSION = 1
export const PARTITIONS_PER_CHUNK = 100
export const DEFAULT_BROKER = 'default'

export const paths = {
  meta: '/meta',
  controller: '/controller',
  controllerEpoch: '/controller-epoch',
  producerIds: '/producer-ids',
  broker: (id: number) => `/brokers/${id}`,
  logDirectories: (id: number) => `/log-directories/${id}`,
  topicInfo: (topicId: string) => `/topics/${topicId}/info`,
  topicChunk: (topicId: string, chunk: number) => `/topics/${topicId}/parts-${chunk}`,
  brokerConfigs: (id: number | typeof DEFAULT_BROKER) => `/configs/brokers/${id}`,
  groupConfigs: (groupId: string) => `/configs/groups/${groupNode(groupId)}`,
} as const

/** What an entry is about. */
export type Subject =
  | { readonly kind: 'meta' | 'controller' | 'controller-epoch' | 'producer-ids' | 'unknown' }
  | { readonly kind: 'broker'; readonly brokerId: number }
  | { readonly kind: 'topic'; readonly topicId: string; readonly chunk: number | null }
  | { readonly kind: 'broker-configs'; readonly brokerId: number | typeof DEFAULT_BROKER }
  | { readonly kind: 'group-configs'; readonly groupId: string }

export interface TopicInfo {
  readonly name: string
  readonly partitions: number
  readonly configs: ConfigMap
}

/** The store holds something this version cannot read. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError'
}

export function chunkCount(partitions: number): number {
  return Math.ceil(partitions / PARTITIONS_PER_CHUNK)
}

/** Entries that a later version may add are 'unknown' and left alone. */
export function subjectOf(path: string): Subject {
  const [, first, second, third] = path.split('/')
  if (first === 'topics' && second !== undefined && third !== undefined) {
    if (third === 'info') return { kind: 'topic', topicId: second, chunk: null }
    const chunk = /^parts-(\d+)$/.exec(third)?.[1]
    if (chunk !== undefined) return { kind: 'topic', topicId: second, chunk: Number(chunk) }
  }
  if (first === 'brokers' && second !== undefined) return { kind: 'broker', brokerId: Number(second) }
  if (first === 'configs' && second === 'brokers' && third !== undefined) {
    return { kind: 'broker-configs', brokerId: third === DEFAULT_BROKER ? DEFAULT_BROKER : Number(third) }
  }
  if (first === 'configs' && second === 'groups' && third !== undefined) {
    const groupId = groupOfNode(third)
    if (groupId !== null) return { kind: 'group-configs', groupId }
  }
  if (path === paths.meta || path === paths.controller) return { kind: first as 'meta' | 'controller' }
  if (path === paths.controllerEpoch) return { kind: 'controller-epoch' }
  if (path === paths.producerIds) return { kind: 'producer-ids' }
  return { kind: 'unknown' }
}

/** Group ids may hold anything, also what means something in a path: each is one percent-encoded name. */
function groupNode(groupId: string): string {
  return encodeURIComponent(groupId).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length))
}

function groupOfNode(node: string): string | null {
  try {
    return decodeURIComponent(node)
  } catch {
    return null
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const write = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

/** The JSON of an entry. Throws LayoutError naming the path and what is missing. */
function read<T>(entry: Entry, fields: { readonly [Field in keyof T]: (value: unknown) => boolean }): T {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(entry.value))
  } catch {
    throw new LayoutError(`metadata entry ${entry.path} is not JSON`)
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new LayoutError(`metadata entry ${entry.path} is not a JSON object`)
  }
  for (const field in fields) {
    if (!fields[field]((parsed as Record<string, unknown>)[field])) {
      throw new LayoutError(`metadata entry ${entry.path} has no valid field "${field}"`)
    }
  }
  return parsed as T
}

const isText = (value: unknown) => typeof value === 'string'
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isTextOrNull = (value: unknown) => value === null || typeof value === 'string'
const isTexts = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((text) => typeof text === 'string')

export function encodeMeta(clusterId: string): Uint8Array {
  return write({ version: LAYOUT_VERSION, clusterId })
}

/** Throws LayoutError when a newer version wrote the store. */
export function decodeMeta(entry: Entry): { readonly clusterId: string } {
  const meta = read<{ version: number; clusterId: string }>(entry, { version: isCount, clusterId: isText })
  if (meta.version > LAYOUT_VERSION) {
    throw new LayoutError(
      `metadata has layout version ${meta.version}, this broker reads up to ${LAYOUT_VERSION}: use a newer version`,
    )
  }
  return { clusterId: meta.clusterId }
}

export interface ControllerEntry {
  readonly brokerId: number
  readonly epoch: number
}

export const encodeController = (entry: ControllerEntry): Uint8Array => write(entry)

export function decodeController(entry: Entry): ControllerEntry {
  return read<ControllerEntry>(entry, { brokerId: isCount, epoch: isCount })
}

export const encodeControllerEpoch = (epoch: number): Uint8Array => write({ epoch })

export function decodeControllerEpoch(entry: Entry): number {
  return read<{ epoch: number }>(entry, { epoch: isCount }).epoch
}

export const encodeNextProducerId = (next: number): Uint8Array => write({ next })

export function decodeNextProducerId(entry: Entry): number {
  return read<{ next: number }>(entry, { next: isCount }).next
}

type EndpointTuple = readonly [string, string, number, SecurityProtocol]

export function encodeBroker(broker: Pick<BrokerRegistration, 'rack' | 'endpoints'>): Uint8Array {
  const endpoints = broker.endpoints.map(
    (e): EndpointTuple => [e.listenerName, e.host, e.port, e.securityProtocol],
  )
  return write({ rack: broker.rack, endpoints })
}

/** A broker's epoch is the creation stamp of its entry, so that it needs no field. */
export function decodeBroker(entry: Entry, id: number): BrokerRegistration {
  const broker = read<{ rack: string | null; endpoints: EndpointTuple[] }>(entry, {
    rack: isTextOrNull,
    endpoints: Array.isArray,
  })
  const endpoints = broker.endpoints.map(
    ([listenerName, host, port, securityProtocol]): Endpoint => ({
      listenerName,
      host,
      port,
      securityProtocol,
    }),
  )
  return { id, epoch: Number(entry.born), rack: broker.rack, endpoints }
}

export function encodeTopicInfo(info: TopicInfo): Uint8Array {
  return write({ name: info.name, partitions: info.partitions, configs: Object.fromEntries(info.configs) })
}

export function decodeTopicInfo(entry: Entry): TopicInfo {
  const info = read<{ name: string; partitions: number; configs: Record<string, string> }>(entry, {
    name: isText,
    partitions: isCount,
    configs: isTexts,
  })
  return { name: info.name, partitions: info.partitions, configs: configMap(info.configs) }
}

export const encodeDirectories = (directories: ReadonlyMap<string, string>): Uint8Array =>
  write({ directories: Object.fromEntries(directories) })

export function decodeDirectories(entry: Entry): ReadonlyMap<string, string> {
  const { directories } = read<{ directories: Record<string, string> }>(entry, { directories: isTexts })
  return new Map(Object.entries(directories))
}

export const encodeConfigs = (configs: ConfigMap): Uint8Array =>
  write({ configs: Object.fromEntries(configs) })

export function decodeConfigs(entry: Entry): ConfigMap {
  return configMap(read<{ configs: Record<string, string> }>(entry, { configs: isTexts }).configs)
}

function configMap(configs: Record<string, string>): ConfigMap {
  const entries = Object.entries(configs)
  return entries.length === 0 ? NO_CONFIGS : new Map(entries)
}

type PartitionTuple = readonly [number[], number[], number, number, number, number[], number[]]

export function encodeChunk(partitions: readonly PartitionImage[]): Uint8Array {
  const tuples = partitions.map((p) => [
    p.replicas,
    p.isr,
    p.leader,
    p.leaderEpoch,
    p.partitionEpoch,
    p.addingReplicas,
    p.removingReplicas,
  ])
  return write({ partitions: tuples })
}

export function decodeChunk(entry: Entry, chunk: number): PartitionImage[] {
  const { partitions } = read<{ partitions: PartitionTuple[] }>(entry, { partitions: Array.isArray })
  return partitions.map((tuple, position): PartitionImage => {
    const [replicas, isr, leader, leaderEpoch, partitionEpoch, addingReplicas, removingReplicas] = tuple
    if (!Array.isArray(replicas) || !Array.isArray(isr) || !Number.isInteger(partitionEpoch)) {
      throw new LayoutError(`metadata entry ${entry.path} has no valid partition at position ${position}`)
    }
    const index = chunk * PARTITIONS_PER_CHUNK + position
    return { index, replicas, isr, leader, leaderEpoch, partitionEpoch, addingReplicas, removingReplicas }
  })
}
