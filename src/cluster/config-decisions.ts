// What IncrementalAlterConfigs and AlterConfigs come to, given an image: pure.
// Promises that only what the tables of settings accept is ever stored, and one outcome per resource.
// Leaves the settings themselves to src/config, and writing what was decided to controller.ts.
import { applyAlteration, type ConfigScope } from '../config/alteration.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { validateDynamicBrokerConfig } from '../config/dynamic-broker-config.ts'
import { validateGroupConfig } from '../config/group-config.ts'
import { validateTopicConfig } from '../config/topic-config.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import type { ConfigResource, FullConfigChange, IncrementalConfigChange } from './controller.ts'
import { type ClusterImage, type ConfigMap, NO_CONFIGS, type TopicImage } from './image.ts'
import { DEFAULT_BROKER } from './layout.ts'
import { checkSizes, type Decision, decideEach, unknownTopic } from './topic-decisions.ts'
import { topicNameProblem } from './topic-names.ts'

/** Kafka's codes of what settings belong to (ConfigResource.Type). */
export const resourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

export interface ConfigGround {
  readonly image: ClusterImage
  /** The settings in force on this broker: what a topic's settings are checked against. */
  readonly config: BrokerConfig
  /** What this broker was started with: what altered broker settings are checked together with. */
  readonly staticEntries: ReadonlyMap<string, string>
}

/** Whose settings are to be replaced, and by what. */
export type DecidedConfigs =
  | { readonly topic: TopicImage; readonly configs: ConfigMap }
  | { readonly broker: number | typeof DEFAULT_BROKER; readonly configs: ConfigMap }
  | { readonly group: string; readonly configs: ConfigMap }

/** The resource that is meant, and the settings it has of its own now. */
type Target = DecidedConfigs

function scopeOf(target: Target): ConfigScope {
  if ('topic' in target) return 'topic'
  return 'broker' in target ? 'broker' : 'group'
}

export function decideIncrementalChanges(
  changes: readonly IncrementalConfigChange[],
  ground: ConfigGround,
): Decision<IncrementalConfigChange, DecidedConfigs>[] {
  return decideResources(changes, ground, ({ operations }, target) => {
    const named = new Set<string>()
    const configs = new Map(target.configs)
    for (const { name, operation, value } of operations) {
      if (named.has(name)) {
        throw new KafkaError(errors.INVALID_REQUEST, `${name}: is altered more than once in the request`)
      }
      named.add(name)
      applyAlteration(configs, operation, name, value, scopeOf(target))
    }
    return configs
  })
}

export function decideFullChanges(
  changes: readonly FullConfigChange[],
  ground: ConfigGround,
): Decision<FullConfigChange, DecidedConfigs>[] {
  return decideResources(changes, ground, ({ configs }) => {
    const named = new Set<string>()
    for (const { name, value } of configs) {
      if (named.has(name)) {
        throw new KafkaError(errors.INVALID_REQUEST, `${name}: is named more than once in the request`)
      }
      named.add(name)
      if (value === null) throw new KafkaError(errors.INVALID_REQUEST, `${name}: null is no value`)
    }
    return new Map(configs.map(({ name, value }) => [name, value!]))
  })
}

function decideResources<Item extends ConfigResource>(
  items: readonly Item[],
  ground: ConfigGround,
  altered: (item: Item, target: Target) => Map<string, string>,
): Decision<Item, DecidedConfigs>[] {
  const key = ({ type, name }: ConfigResource) => `${type}/${name}`
  const count = new Map<string, number>()
  for (const item of items) count.set(key(item), (count.get(key(item)) ?? 0) + 1)
  const distinct = new Map(items.map((item) => [key(item), item])).values()
  return decideEach(distinct, (item): DecidedConfigs => {
    if (count.get(key(item))! > 1) {
      throw new KafkaError(
        errors.INVALID_REQUEST,
        `${describeResource(item)} is named more than once in the request.`,
      )
    }
    const target = find(item, ground.image)
    const decided = { ...target, configs: altered(item, target) }
    validate(decided, ground)
    return decided
  })
}

/** Throws KafkaError(INVALID_CONFIG). */
function validate(decided: DecidedConfigs, ground: ConfigGround): void {
  const { configs } = decided
  checkSizes(configs)
  if ('topic' in decided) validateTopicConfig(configs, ground.config)
  else if ('group' in decided) validateGroupConfig(configs, ground.config)
  else {
    const scope = decided.broker === DEFAULT_BROKER ? 'cluster' : 'broker'
    validateDynamicBrokerConfig(configs, scope, ground.staticEntries)
  }
}

/** Throws KafkaError when there is no such resource, or its type has no settings here. */
function find(resource: ConfigResource, image: ClusterImage): Target {
  if (resource.type === resourceType.topic) {
    if (resource.name === '') {
      throw new KafkaError(errors.INVALID_REQUEST, 'There are no settings for all topics: a name is missing.')
    }
    const topic = topicNamed(resource.name, image)
    return { topic, configs: topic.configs }
  }
  if (resource.type === resourceType.broker) {
    const broker = brokerNamed(resource.name, image)
    const { brokerConfigs } = image
    const configs = broker === DEFAULT_BROKER ? brokerConfigs.default : brokerConfigs.byId.get(broker)
    return { broker, configs: configs ?? NO_CONFIGS }
  }
  if (resource.type === resourceType.group) {
    const group = groupNamed(resource.name)
    return { group, configs: image.groupConfigs.get(group) ?? NO_CONFIGS }
  }
  throw unsupportedResource(resource)
}

/** A group need not be there to have settings. Throws KafkaError(INVALID_REQUEST) for a missing name. */
export function groupNamed(name: string): string {
  if (name !== '') return name
  throw new KafkaError(errors.INVALID_REQUEST, 'There are no settings for all groups: a name is missing.')
}

/** Throws KafkaError: INVALID_TOPIC_EXCEPTION for an impossible name, UNKNOWN_TOPIC_OR_PARTITION for an unknown one. */
export function topicNamed(name: string, image: ClusterImage): TopicImage {
  const topic = image.topics.get(name)
  if (topic !== undefined) return topic
  const problem = topicNameProblem(name)
  throw problem === null ? unknownTopic(name) : new KafkaError(errors.INVALID_TOPIC_EXCEPTION, problem)
}

/** A broker resource is named by the broker's id, or '' for all brokers. Throws KafkaError(INVALID_REQUEST) otherwise. */
export function brokerNamed(name: string, image: ClusterImage): number | typeof DEFAULT_BROKER {
  if (name === '') return DEFAULT_BROKER
  const id = /^\d{1,10}$/.test(name) ? Number(name) : -1
  if (image.brokers.has(id)) return id
  const known = [...image.brokers.keys()].join(', ')
  throw new KafkaError(
    errors.INVALID_REQUEST,
    `There is no broker '${name}'; known: ${known}, or an empty name for all brokers.`,
  )
}

export function unsupportedResource(resource: ConfigResource): KafkaError {
  return new KafkaError(
    errors.INVALID_REQUEST,
    `${describeResource(resource)} has no settings on this broker; topics (2), brokers (4) and groups (32) have.`,
  )
}

function describeResource({ type, name }: ConfigResource): string {
  const kinds: Readonly<Record<number, string>> = {
    [resourceType.topic]: 'Topic',
    [resourceType.broker]: 'Broker',
    [resourceType.brokerLogger]: 'Broker logger',
    [resourceType.clientMetrics]: 'Client metrics subscription',
    [resourceType.group]: 'Group',
  }
  return `${kinds[type] ?? `Resource of type ${type}`} '${name}'`
}
