// Where to turn instead: the current leader and its address, told with NOT_LEADER_OR_FOLLOWER (KIP-951).
// Promises what the image of this moment says; leaves deciding to the controller.
import type { BrokerContext, RequestContext } from './context.ts'
import { endpointFor } from './endpoint.ts'

/** Leader and epoch of a partition named by topic name or id; -1 and -1 when there is none. */
export function currentLeaderOf(
  broker: BrokerContext,
  topic: { readonly name: string; readonly topicId: string },
  index: number,
): { leaderId: number; leaderEpoch: number } {
  const image = broker.cluster.image()
  const known = image.topicsById.get(topic.topicId) ?? image.topics.get(topic.name)
  const partition = known?.partitions[index]
  return { leaderId: partition?.leader ?? -1, leaderEpoch: partition?.leaderEpoch ?? -1 }
}

/** Addresses of the brokers named, on the listener that the client came in by. */
export function leaderEndpoints(
  context: RequestContext,
  brokerIds: Iterable<number>,
): { nodeId: number; host: string; port: number; rack: string | null }[] {
  const { brokers } = context.broker.cluster.image()
  const endpoints = []
  for (const nodeId of brokerIds) {
    const registration = brokers.get(nodeId)
    const endpoint = registration === undefined ? undefined : endpointFor(registration, context)
    if (registration === undefined || endpoint === undefined) continue
    endpoints.push({ nodeId, host: endpoint.host, port: endpoint.port, rack: registration.rack })
  }
  return endpoints
}
