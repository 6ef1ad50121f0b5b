// DescribeConfigs: settings of topics, brokers and groups, with where each value comes from and what it would be otherwise.
// Promises one result per resource, in the order of the request. Client metrics have no settings here: they are told as
// empty. Leaves the settings to src/config.
//
//  1 source of a value, synonyms   3 type and documentation
import {
  brokerNamed,
  groupNamed,
  resourceType,
  topicNamed,
  unsupportedResource,
} from '../cluster/config-decisions.ts'
import { NO_CONFIGS } from '../cluster/image.ts'
import { DEFAULT_BROKER } from '../cluster/layout.ts'
import {
  type ConfigDescription,
  type DescribeOptions,
  describeBrokerConfig,
  describeDefaultBrokerConfig,
  describeGroupConfig,
  describeTopicConfig,
} from '../config/describe.ts'
import type { BrokerConfigLayers } from '../config/dynamic-broker-config.ts'
import type { DescribeConfigsRequest, describeConfigs } from '../wire/apis/describe-configs.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import { FRAME_BYTES, MOST_ANSWER_BYTES } from './answer-size.ts'
import { configLayers } from './config-layers.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof describeConfigs.response>
type Resource = DescribeConfigsRequest['resources'][number]

const TOO_MUCH = `The answer would have more than ${MOST_ANSWER_BYTES} bytes: ask for fewer resources at a time.`

/** What all resources of a request have in common. */
interface Descriptions {
  readonly layers: BrokerConfigLayers
  /** Those of whole resources: what has no settings of its own is as the others of its type. */
  readonly known: Map<string, ConfigDescription[]>
}

export function handleDescribeConfigs(request: DescribeConfigsRequest, context: RequestContext): Answer {
  const { includeSynonyms, includeDocumentation } = request
  const descriptions = { layers: configLayers(context.broker), known: new Map() }
  const sizes = new Map<ConfigDescription[], number>()
  let room = MOST_ANSWER_BYTES
  const results = request.resources.map((resource) => {
    const { resourceType, resourceName, configurationKeys } = resource
    // No keys at all are all keys, as in Apache Kafka.
    const keys = configurationKeys?.length === 0 ? null : configurationKeys
    const about = { resourceType, resourceName }
    try {
      if (room < 0) throw new KafkaError(errors.INVALID_REQUEST, TOO_MUCH)
      const options = { keys, includeSynonyms, includeDocumentation }
      const configs = describe(resource, options, descriptions, context)
      const size = sizes.get(configs) ?? roughBytes(configs)
      sizes.set(configs, size)
      room -= size
      return { ...about, errorCode: errors.NONE.code, errorMessage: null, configs }
    } catch (error) {
      const { code, message } = asKafkaError(error, context.broker)
      return { ...about, errorCode: code, errorMessage: message, configs: [] }
    }
  })
  return { results }
}

function describe(
  resource: Resource,
  options: DescribeOptions,
  { layers, known }: Descriptions,
  { broker }: RequestContext,
): ConfigDescription[] {
  const { resourceType: type, resourceName: name } = resource
  const once = (own: ReadonlyMap<string, string> | null, make: () => ConfigDescription[]) => {
    if (options.keys !== null) return make()
    const key = own?.size === 0 ? `${type}` : `${type} ${name}`
    const description = known.get(key) ?? make()
    known.set(key, description)
    return description
  }
  switch (type) {
    case resourceType.topic: {
      const topic = topicNamed(name, broker.cluster.image())
      return once(topic.configs, () => describeTopicConfig(layers, topic.configs, options))
    }
    case resourceType.broker: {
      const id = brokerNamed(name, broker.cluster.image())
      if (id === DEFAULT_BROKER) return once(null, () => describeDefaultBrokerConfig(layers, options))
      if (id === broker.nodeId) return once(null, () => describeBrokerConfig(layers, options))
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Broker ${id} must be asked itself: this is broker ${broker.nodeId}, which also answers for an empty name.`,
      )
    }
    case resourceType.group: {
      const own = broker.cluster.image().groupConfigs.get(groupNamed(name)) ?? NO_CONFIGS
      return once(own, () => describeGroupConfig(layers, own, options))
    }
    case resourceType.clientMetrics:
      if (name === '') throw new KafkaError(errors.INVALID_REQUEST, 'The name of the resource is missing.')
      return []
    default:
      throw unsupportedResource({ type, name })
  }
}

function roughBytes(configs: readonly ConfigDescription[]): number {
  let bytes = FRAME_BYTES
  for (const { name, value, documentation, synonyms } of configs) {
    bytes += FRAME_BYTES + name.length + (value?.length ?? 0) + (documentation?.length ?? 0)
    for (const synonym of synonyms) bytes += FRAME_BYTES + synonym.name.length + (synonym.value?.length ?? 0)
  }
  return bytes
}
