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
import type { DescribeConfigsRequest, describeConfigs } from '../wire/apis/describe-configs.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import { configLayers } from './config-layers.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof describeConfigs.response>
type Resource = DescribeConfigsRequest['resources'][number]

export function handleDescribeConfigs(request: DescribeConfigsRequest, context: RequestContext): Answer {
  const { includeSynonyms, includeDocumentation } = request
  const results = request.resources.map((resource) => {
    const { resourceType, resourceName, configurationKeys } = resource
    // No keys at all are all keys, as in Apache Kafka.
    const keys = configurationKeys?.length === 0 ? null : configurationKeys
    const about = { resourceType, resourceName }
    try {
      const configs = describe(resource, { keys, includeSynonyms, includeDocumentation }, context)
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
  { broker }: RequestContext,
): ConfigDescription[] {
  const { resourceType: type, resourceName: name } = resource
  switch (type) {
    case resourceType.topic: {
      const topic = topicNamed(name, broker.cluster.image())
      return describeTopicConfig(configLayers(broker), topic.configs, options)
    }
    case resourceType.broker: {
      const id = brokerNamed(name, broker.cluster.image())
      if (id === DEFAULT_BROKER) return describeDefaultBrokerConfig(configLayers(broker), options)
      if (id === broker.nodeId) return describeBrokerConfig(configLayers(broker), options)
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `Broker ${id} must be asked itself: this is broker ${broker.nodeId}, which also answers for an empty name.`,
      )
    }
    case resourceType.group: {
      const own = broker.cluster.image().groupConfigs.get(groupNamed(name)) ?? NO_CONFIGS
      return describeGroupConfig(configLayers(broker), own, options)
    }
    case resourceType.clientMetrics:
      if (name === '') throw new KafkaError(errors.INVALID_REQUEST, 'The name of the resource is missing.')
      return []
    default:
      throw unsupportedResource({ type, name })
  }
}
