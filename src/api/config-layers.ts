// The layers that decide this broker's settings, as DescribeConfigs and CreateTopics tell them.
import type { BrokerConfigLayers } from '../config/dynamic-broker-config.ts'
import type { BrokerContext } from './context.ts'

export function configLayers({ cluster, nodeId, staticEntries }: BrokerContext): BrokerConfigLayers {
  const { brokerConfigs } = cluster.image()
  return {
    static: staticEntries,
    defaults: brokerConfigs.default,
    perBroker: brokerConfigs.byId.get(nodeId) ?? new Map(),
  }
}
