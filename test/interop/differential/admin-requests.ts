// One-line makers of the requests of administrators, for the table and for the random sequences.
// Promises requests that are the same for both brokers but for topic ids. Leaves what is interesting to the tables.
import { alterConfigs } from '../../../src/wire/apis/alter-configs.ts'
import { createPartitions } from '../../../src/wire/apis/create-partitions.ts'
import { createTopics } from '../../../src/wire/apis/create-topics.ts'
import { deleteTopics } from '../../../src/wire/apis/delete-topics.ts'
import { describeConfigs } from '../../../src/wire/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../../../src/wire/apis/incremental-alter-configs.ts'
import { metadata } from '../../../src/wire/apis/metadata.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { idOf, type Side, type Step, step } from './sides.ts'

export const settling = { isSettling: true }
const TOPIC = 2
export const BROKER = 4

export type Configs = Readonly<Record<string, string | null>>

export interface TopicRequest {
  readonly name: string
  readonly partitions?: number
  readonly replicas?: number
  readonly assignments?: readonly (readonly number[])[]
  readonly configs?: Configs
}

const listOf = (configs: Configs) => Object.entries(configs).map(([name, value]) => ({ name, value }))

export function createStep(
  name: string,
  topics: readonly TopicRequest[],
  { version = 7, validateOnly = false } = {},
): Step {
  const request = {
    topics: topics.map(({ name, partitions = 1, replicas = 1, assignments = [], configs = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: replicas,
      assignments: assignments.map((brokerIds, partitionIndex) => ({
        partitionIndex,
        brokerIds: [...brokerIds],
      })),
      configs: listOf(configs),
    })),
    timeoutMs: 10_000,
    validateOnly,
  }
  const keep = (side: Side, answer: { readonly topics?: unknown }) => {
    for (const { name, topicId = ZERO_UUID } of answer.topics as { name: string; topicId?: string }[]) {
      if (topicId !== ZERO_UUID && !validateOnly) side.topicIds.set(name, topicId)
    }
  }
  return step(name, createTopics, version, request, { after: keep })
}

export function deleteStep(name: string, topics: readonly string[], version = 5): Step {
  return step(name, deleteTopics, version, {
    topicNames: [...topics],
    topics: topics.map((topic) => ({ name: topic, topicId: ZERO_UUID })),
    timeoutMs: 10_000,
  })
}

export function growStep(
  name: string,
  topic: string,
  count: number,
  { version = 3, validateOnly = false, assignments = null as readonly (readonly number[])[] | null } = {},
): Step {
  const given = assignments?.map((brokerIds) => ({ brokerIds: [...brokerIds] })) ?? null
  const topics = [{ name: topic, count, assignments: given }]
  return step(name, createPartitions, version, { topics, timeoutMs: 10_000, validateOnly })
}

export function metadataStep(
  name: string,
  topics: readonly string[] | null,
  { version = 12, byId = false, create = false } = {},
): Step {
  const list = (side: Side) =>
    topics?.map((topic) => (byId ? { name: null, topicId: idOf(side, topic) } : { name: topic })) ?? null
  const request = (side: Side) => ({
    topics: list(side),
    allowAutoTopicCreation: create,
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
  })
  return step(name, metadata, version, request, settling)
}

interface Resource {
  readonly type?: number
  readonly name: string
}

const resourceOf = ({ type = TOPIC, name }: Resource) => ({ resourceType: type, resourceName: name })

export function describeStep(
  name: string,
  resources: readonly (Resource & { readonly keys?: readonly string[] | null })[],
  { version = 4, synonyms = true } = {},
): Step {
  const request = {
    resources: resources.map((resource) => ({
      ...resourceOf(resource),
      configurationKeys: resource.keys === undefined || resource.keys === null ? null : [...resource.keys],
    })),
    includeSynonyms: synonyms,
    includeDocumentation: false,
  }
  return step(name, describeConfigs, version, request, settling)
}

export function alterStep(
  name: string,
  resources: readonly (Resource & { readonly configs: Configs })[],
  { version = 2, validateOnly = false } = {},
): Step {
  return step(name, alterConfigs, version, {
    resources: resources.map((resource) => ({ ...resourceOf(resource), configs: listOf(resource.configs) })),
    validateOnly,
  })
}

export type Operation = readonly [key: string, operation: number, value: string | null]

export function changeStep(
  name: string,
  resources: readonly (Resource & { readonly operations: readonly Operation[] })[],
  { version = 1, validateOnly = false } = {},
): Step {
  return step(name, incrementalAlterConfigs, version, {
    resources: resources.map((resource) => ({
      ...resourceOf(resource),
      configs: resource.operations.map(([key, configOperation, value]) => ({
        name: key,
        configOperation,
        value,
      })),
    })),
    validateOnly,
  })
}
