// CreateTopics: makes topics, and tells how they came out.
// Promises that a topic which is answered without an error takes records. Leaves deciding to cluster/.
//
//  5 number of partitions, replication factor and all effective settings are told (KIP-525)   7 topic id is told
import type { CreateTopicOutcome } from '../cluster/controller.ts'
import { describeTopicConfig } from '../config/describe.ts'
import type { BrokerConfigLayers } from '../config/dynamic-broker-config.ts'
import type { CreateTopicsRequest, createTopics } from '../wire/apis/create-topics.ts'
import { errors } from '../wire/errors.ts'
import { type Input, ZERO_UUID } from '../wire/schema.ts'
import { configLayers } from './config-layers.ts'
import type { RequestContext } from './context.ts'

type Answer = Input<typeof createTopics.response>
type TopicAnswer = NonNullable<Answer['topics']>[number]

const DETAILS_VERSION = 5

export async function handleCreateTopics(
  request: CreateTopicsRequest,
  context: RequestContext,
): Promise<Answer> {
  const { validateOnly } = request
  const outcomes = await context.broker.controller.createTopics(request.topics, { validateOnly })
  const layers = configLayers(context.broker)
  return { topics: outcomes.map((outcome) => answerOne(outcome, validateOnly, layers, context)) }
}

function answerOne(
  outcome: CreateTopicOutcome,
  validateOnly: boolean,
  layers: BrokerConfigLayers,
  context: RequestContext,
): TopicAnswer {
  const { name, topic, error, message } = outcome
  const result = { name, errorCode: error.code, errorMessage: message }
  if (error !== errors.NONE || topic === null || context.apiVersion < DETAILS_VERSION) {
    return { ...result, topicId: topic?.id ?? ZERO_UUID, configs: [] }
  }
  return {
    ...result,
    topicId: validateOnly ? ZERO_UUID : topic.id,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]!.replicas.length,
    configs: describeTopicConfig(layers, topic.configs).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: config.readOnly,
      configSource: config.configSource,
      isSensitive: config.isSensitive,
    })),
  }
}
