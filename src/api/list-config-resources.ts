// ListConfigResources: the names of topics, brokers and groups that have settings of their own or could have (KIP-1142).
// Promises an answer for every type that Apache Kafka 4.3 has; there are no client metrics subscriptions and no loggers here.
// Groups are listed when they have settings of their own, as in Kafka.
import { resourceType } from '../cluster/config-decisions.ts'
import type { ClusterImage } from '../cluster/image.ts'
import type { ListConfigResourcesRequest, listConfigResources } from '../wire/apis/list-config-resources.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

type Answer = Input<typeof listConfigResources.response>

/** Version 0 knows nothing but client metrics. */
const FIRST_VERSION_WITH_TYPES = 1

const namesOf = new Map<number, (image: ClusterImage) => Iterable<string | number>>([
  [resourceType.group, ({ groupConfigs }) => groupConfigs.keys()],
  [resourceType.clientMetrics, () => []],
  [resourceType.brokerLogger, () => []],
  [resourceType.broker, ({ brokers }) => brokers.keys()],
  [resourceType.topic, ({ topics }) => topics.keys()],
])

export function handleListConfigResources(
  { resourceTypes }: ListConfigResourcesRequest,
  { apiVersion, broker }: RequestContext,
): Answer {
  if (apiVersion < FIRST_VERSION_WITH_TYPES) return { errorCode: errors.NONE.code, configResources: [] }
  if (resourceTypes.some((type) => !namesOf.has(type))) {
    return { errorCode: errors.UNSUPPORTED_VERSION.code, configResources: [] }
  }
  const image = broker.cluster.image()
  const isWanted = (type: number) => resourceTypes.length === 0 || resourceTypes.includes(type)
  return {
    errorCode: errors.NONE.code,
    configResources: [...namesOf].flatMap(([type, names]) =>
      isWanted(type)
        ? Array.from(names(image), (name) => ({ resourceName: `${name}`, resourceType: type }))
        : [],
    ),
  }
}
