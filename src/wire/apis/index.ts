// Every API that has a schema, by key. What a broker serves of them is the table in src/api/handlers.ts.
import type { Api } from '../api.ts'
import { apiVersions } from './api-versions.ts'
import { createTopics } from './create-topics.ts'
import { describeConfigs } from './describe-configs.ts'
import { fetch } from './fetch.ts'
import { initProducerId } from './init-producer-id.ts'
import { listOffsets } from './list-offsets.ts'
import { metadata } from './metadata.ts'
import { produce } from './produce.ts'

export * from './api-versions.ts'
export * from './create-topics.ts'
export * from './describe-configs.ts'
export * from './fetch.ts'
export * from './init-producer-id.ts'
export * from './list-offsets.ts'
export * from './metadata.ts'
export * from './produce.ts'

const all: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  apiVersions,
  createTopics,
  initProducerId,
  describeConfigs,
]

/** The APIs by their key, in the order of the keys. */
export const apis: ReadonlyMap<number, Api> = new Map(all.map((api) => [api.key, api]))
